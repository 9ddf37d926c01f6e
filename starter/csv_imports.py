"""Takes in a CSV file of SKUs, locations or bundles: good rows land, bad ones are told."""

import asyncio
from collections.abc import Mapping
from typing import Any

from pydantic import Field

from config.wiring import Wiring
from domain.locations import Location
from domain.problems import Problem
from domain.values import Value
from starter.catalogue_entries import location_problems, refuse
from starter.csv_judging import ImportReport, Judged, judge, said_in
from starter.csv_rows import read_csv
from storage.bundles import Bundle, BundleRefused, Component
from storage.catalogue import CatalogueSku, Put, SkuName

SKU_COLUMNS = tuple(CatalogueSku.model_fields)
ADDRESS_COLUMNS = (
    "contact", "company", "line1", "line2", "line3", "city", "region", "postal_code", "country",
    "phone",
)  # fmt: skip
"""`contact` is the name on the parcel; the column `name` is the location's own."""
LOCATION_COLUMNS = (
    *(name for name in Location.model_fields if name != "address"),
    *ADDRESS_COLUMNS,
)
BUNDLE_COLUMNS = ("bundle", "component", "quantity")


class BundleRow(Value):
    bundle: SkuName
    component: SkuName
    quantity: int = Field(ge=1, le=10_000)


async def import_skus(on: Wiring, body: bytes, *, strict: bool) -> ImportReport:
    """Add SKUs, or change what the file's columns say of them; other columns keep their values."""
    rows = await asyncio.to_thread(read_csv, body, ("sku",), SKU_COLUMNS)
    known = await on.catalogue.skus_named([row.cells["sku"] for row in rows])
    before = {sku: entry.model_dump() for sku, entry in known.items()}

    def read(cells: Mapping[str, str]) -> CatalogueSku:
        said = before.get(cells["sku"], {}) | said_in(CatalogueSku, cells)
        return CatalogueSku.model_validate(said)

    judged = await asyncio.to_thread(judge, rows, read, lambda entry: entry.sku, "sku")
    if judged.stops(strict=strict):
        return judged.report("skus", (), applied=False)
    became = await on.catalogue.put_skus(list(judged.good.values()))
    return judged.report("skus", became.values())


async def import_locations(on: Wiring, body: bytes, *, strict: bool) -> ImportReport:
    """The same for locations."""
    rows = await asyncio.to_thread(read_csv, body, ("location",), LOCATION_COLUMNS)
    before = {entry.location: entry.model_dump() for entry in await on.catalogue.locations()}

    def read(cells: Mapping[str, str]) -> Location:
        earlier = before.get(cells["location"], {"address": {}})
        address = earlier["address"] | _address(cells, earlier["address"])
        said = earlier | said_in(Location, cells) | {"address": address}
        made = Location.model_validate(said)
        refuse(location_problems(made))
        return made

    judged = await asyncio.to_thread(judge, rows, read, lambda entry: entry.location, "location")
    if judged.stops(strict=strict):
        return judged.report("locations", (), applied=False)
    became = await on.catalogue.put_locations(list(judged.good.values()))
    return judged.report("locations", became.values())


async def import_bundles(on: Wiring, body: bytes, *, strict: bool) -> ImportReport:
    """A row names one component; a bundle is made up of its rows alone, and put whole or not."""
    rows = await asyncio.to_thread(read_csv, body, BUNDLE_COLUMNS, BUNDLE_COLUMNS)

    def read(cells: Mapping[str, str]) -> BundleRow:
        return BundleRow.model_validate(said_in(BundleRow, cells))

    judged = await asyncio.to_thread(
        judge, rows, read, lambda entry: (entry.bundle, entry.component), "component"
    )
    _spoil(judged, {row.number: row.cells["bundle"] for row in rows})
    if judged.stops(strict=strict):
        return judged.report("bundles", (), applied=False)
    first, bundles = _gather(judged)
    became = await on.bundles.put_all(bundles, strict=strict)
    for sku, answer in became.items():
        if isinstance(answer, BundleRefused):
            judged.refuse(first[sku], answer.problems)
    done = [answer for answer in became.values() if isinstance(answer, Put)]
    stopped = judged.stops(strict=strict)
    return judged.report("bundles", () if stopped else done, applied=not stopped)


def _spoil(judged: Judged[BundleRow], bundles: Mapping[int, str]) -> None:
    """A bundle with a bad row is not put by halves."""
    bad = {bundles[problem.row]: problem.row for problem in judged.problems}
    for number, entry in list(judged.good.items()):
        if entry.bundle in bad:
            message = f"is not taken: row {bad[entry.bundle]} of it is wrong"
            judged.refuse(number, [Problem(field="bundle", reason="incomplete", message=message)])


def _gather(judged: Judged[BundleRow]) -> tuple[dict[str, int], list[Bundle]]:
    """The bundles, and the first row of each."""
    first: dict[str, int] = {}
    made_up: dict[str, list[Component]] = {}
    for number, entry in judged.good.items():
        first.setdefault(entry.bundle, number)
        component = Component(sku=entry.component, quantity=entry.quantity)
        made_up.setdefault(entry.bundle, []).append(component)
    return first, [Bundle(sku=sku, components=tuple(of)) for sku, of in made_up.items()]


def _address(cells: Mapping[str, str], earlier: Mapping[str, Any]) -> dict[str, Any]:
    said: dict[str, Any] = {
        ("name" if name == "contact" else name): cells[name]
        for name in ADDRESS_COLUMNS
        if name in cells and not name.startswith("line")
    }
    lines = [*earlier.get("lines", ()), "", "", ""]
    for n in range(3):
        lines[n] = cells.get(f"line{n + 1}", lines[n])
    return said | {"lines": lines[:3]}
