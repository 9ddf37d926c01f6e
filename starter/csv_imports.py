"""Takes in a CSV file of SKUs, locations, bundles or stock: good rows land, bad ones are told."""

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, Field, ValidationError

from config.wiring import Wiring
from domain.problems import Problem
from domain.sourcing import Location
from domain.stock import StockChange
from domain.values import Value
from starter.catalogue_entries import location_problems, refuse
from starter.csv_rows import CsvRow, read_csv
from starter.problems import Refusal, problems_of
from storage.bundles import Bundle, BundleRefused, Component
from storage.catalogue import CatalogueSku, Put, SkuName
from storage.stock_calls import QUANTITY_LIMIT
from storage.stock_changes import StockChangeRefused

V = TypeVar("V", bound=Value)

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
LISTS = ("serves", "weekdays", "holidays")
"""Several in one cell, with spaces or semicolons between them."""
BUNDLE_COLUMNS = ("bundle", "component", "quantity")
STOCK_COLUMNS = ("sku", "location", "quantity", "reason")


class RowProblem(Problem):
    """`row` is the row's number in a spreadsheet: the header is row 1."""

    row: int


class ImportReport(BaseModel):
    """What became of a file; where `applied` is false, nothing of it was taken."""

    kind: str
    rows: int
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: int = 0
    problems: list[RowProblem] = []
    applied: bool = True


class BundleRow(Value):
    bundle: SkuName
    component: SkuName
    quantity: int = Field(ge=1, le=10_000)


class StockRow(Value):
    sku: SkuName
    location: str = Field(min_length=1)
    quantity: int = Field(ge=1, le=QUANTITY_LIMIT)
    reason: str = Field(default="opening stock", max_length=500)


@dataclass
class Judged(Generic[V]):
    """The rows that can be read, by number, and what is wrong with the others."""

    rows: int
    good: dict[int, V] = field(default_factory=dict)
    problems: list[RowProblem] = field(default_factory=list)

    def refuse(self, number: int, problems: Iterable[Problem]) -> None:
        self.good.pop(number, None)
        self.problems += [RowProblem(row=number, **one.model_dump()) for one in problems]

    def report(self, kind: str, became: Iterable[Put], *, applied: bool = True) -> ImportReport:
        counted = Counter(became)
        return ImportReport(
            kind=kind,
            rows=self.rows,
            added=counted[Put.ADDED],
            changed=counted[Put.CHANGED],
            unchanged=counted[Put.UNCHANGED],
            refused=len({one.row for one in self.problems}),
            problems=sorted(self.problems, key=lambda one: one.row),
            applied=applied,
        )

    def stops(self, *, strict: bool) -> bool:
        return strict and bool(self.problems)


async def import_skus(on: Wiring, body: bytes, *, strict: bool) -> ImportReport:
    """Add SKUs, or change what the file's columns say of them; other columns keep their values."""
    rows = await asyncio.to_thread(read_csv, body, ("sku",), SKU_COLUMNS)
    known = await on.catalogue.skus_named([row.cells["sku"] for row in rows])
    before = {sku: entry.model_dump() for sku, entry in known.items()}

    def read(cells: Mapping[str, str]) -> CatalogueSku:
        said = before.get(cells["sku"], {}) | _said(CatalogueSku, cells)
        return CatalogueSku.model_validate(said)

    judged = await asyncio.to_thread(_judge, rows, read, lambda entry: entry.sku, "sku")
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
        said = earlier | _said(Location, cells) | {"address": address}
        made = Location.model_validate(said)
        refuse(location_problems(made))
        return made

    judged = await asyncio.to_thread(_judge, rows, read, lambda entry: entry.location, "location")
    if judged.stops(strict=strict):
        return judged.report("locations", (), applied=False)
    became = await on.catalogue.put_locations(list(judged.good.values()))
    return judged.report("locations", became.values())


async def import_bundles(on: Wiring, body: bytes, *, strict: bool) -> ImportReport:
    """A row names one component; a bundle is made up of its rows alone, and put whole or not."""
    rows = await asyncio.to_thread(read_csv, body, BUNDLE_COLUMNS, BUNDLE_COLUMNS)

    def read(cells: Mapping[str, str]) -> BundleRow:
        return BundleRow.model_validate(_said(BundleRow, cells))

    judged = await asyncio.to_thread(
        _judge, rows, read, lambda entry: (entry.bundle, entry.component), "component"
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


async def import_stock(
    on: Wiring, body: bytes, name: str, by: str, *, strict: bool
) -> ImportReport:
    """Book each row as goods received, once for each SKU and location under this import's name.

    So the same file, or a corrected one, may be imported again: what is booked stays as it is.
    """
    rows = await asyncio.to_thread(read_csv, body, STOCK_COLUMNS[:3], STOCK_COLUMNS)

    def read(cells: Mapping[str, str]) -> StockRow:
        return StockRow.model_validate(_said(StockRow, cells))

    judged = await asyncio.to_thread(
        _judge, rows, read, lambda entry: (entry.sku, entry.location), "sku"
    )
    changes = {number: _change(entry, name, by) for number, entry in judged.good.items()}
    booked = await on.opening_stock.booked([change.key for change in changes.values()])
    skus = await on.catalogue.skus_named([change.sku for change in changes.values()])
    places = {entry.location for entry in await on.catalogue.locations()}
    became = dict.fromkeys(changes, Put.ADDED)
    for number, change in changes.items():
        judged.refuse(number, _unbookable(change, skus, places, booked, name))
        if change.key in booked:
            became[number] = Put.UNCHANGED
    if judged.stops(strict=strict):
        return judged.report("stock", (), applied=False)
    return await _book(on, judged, changes, became)


async def _book(
    on: Wiring,
    judged: Judged[StockRow],
    changes: Mapping[int, StockChange],
    became: dict[int, Put],
) -> ImportReport:
    for number in list(judged.good):
        if became[number] is Put.ADDED:
            try:
                await on.inventory.receive(changes[number])
            except StockChangeRefused as error:
                problem = Problem(field=error.field, reason=error.code, message=error.reason)
                judged.refuse(number, [problem])
    return judged.report("stock", [became[number] for number in judged.good])


def _change(entry: StockRow, name: str, by: str) -> StockChange:
    return StockChange(
        key=f"import/{name}/{entry.location}/{entry.sku}",
        sku=entry.sku,
        location=entry.location,
        quantity=entry.quantity,
        reason=entry.reason,
        by=by,
    )


def _unbookable(
    change: StockChange,
    skus: Mapping[str, CatalogueSku],
    places: set[str],
    booked: Mapping[str, int],
    name: str,
) -> Sequence[Problem]:
    if change.sku not in skus:
        return [Problem(field="sku", reason="unknown_sku", message="is not in the catalogue")]
    if change.location not in places:
        message = "is not one of ours"
        return [Problem(field="location", reason="unknown_location", message=message)]
    earlier = booked.get(change.key, change.quantity)
    if earlier != change.quantity:
        message = f"the import {name!r} booked {earlier} here before: count or adjust instead"
        return [Problem(field="quantity", reason="booked", message=message)]
    return []


def _judge(
    rows: Sequence[CsvRow],
    read: Callable[[Mapping[str, str]], V],
    identity: Callable[[V], Hashable],
    named_by: str,
) -> Judged[V]:
    judged: Judged[V] = Judged(len(rows))
    first: dict[Hashable, int] = {}
    for row in rows:
        problems = list(row.problems)
        try:
            made = read(row.cells)
        except ValidationError as error:
            problems += problems_of(error)
        except Refusal as error:
            problems += error.problems
        else:
            earlier = first.setdefault(identity(made), row.number)
            if earlier != row.number:
                message = f"is the same as in row {earlier}"
                problems.append(Problem(field=named_by, reason="repeated", message=message))
            judged.good[row.number] = made
        if problems:
            judged.refuse(row.number, map(_by_column, problems))
    return judged


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


def _said(kind: type[Value], cells: Mapping[str, str]) -> dict[str, Any]:
    """Cells as fields: an empty one is the field's default, or missing where there is none."""
    said: dict[str, Any] = {}
    for name, cell in cells.items():
        known = kind.model_fields.get(name)
        if known is None:
            continue
        if cell:
            said[name] = re.split(r"[;\s]+", cell.strip("; ")) if name in LISTS else cell
        elif not known.is_required():
            said[name] = known.get_default(call_default_factory=True)
    return said


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


def _by_column(problem: Problem) -> Problem:
    """A field of the address is a column of its own."""
    named = problem.field.removeprefix("address.")
    column = {"name": "contact"}.get(named, named) if named != problem.field else named
    return problem.model_copy(update={"field": column})
