"""Takes in a CSV file of stock: each row is goods received, once."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import Field

from config.wiring import Wiring
from domain.problems import Problem
from domain.stock import StockChange
from domain.values import Value
from starter.csv_judging import ImportReport, Judged, judge, said_in
from starter.csv_rows import read_csv
from storage.catalogue import Put, SkuName
from storage.stock_calls import QUANTITY_LIMIT
from storage.stock_changes import StockChangeRefused

COLUMNS = ("sku", "location", "quantity", "reason")


class StockRow(Value):
    sku: SkuName
    location: str = Field(min_length=1)
    quantity: int = Field(ge=1, le=QUANTITY_LIMIT)
    reason: str = Field(default="opening stock", max_length=500)


async def import_stock(
    on: Wiring, body: bytes, name: str, by: str, *, strict: bool
) -> ImportReport:
    """Book each row as goods received, once for each SKU and location under this import's name.

    So the same file, or a corrected one, may be imported again: what is booked stays as it is.
    """
    rows = await asyncio.to_thread(read_csv, body, COLUMNS[:3], COLUMNS)

    def read(cells: Mapping[str, str]) -> StockRow:
        return StockRow.model_validate(said_in(StockRow, cells))

    judged = await asyncio.to_thread(
        judge, rows, read, lambda entry: (entry.sku, entry.location), "sku"
    )
    changes = {number: _change(entry, name, by) for number, entry in judged.good.items()}
    known = await _look_up(on, list(changes.values()))
    for number, change in changes.items():
        judged.refuse(number, known.problems(change))
    if judged.stops(strict=strict):
        return judged.report("stock", (), applied=False)
    return await _book(on, judged, changes, known)


@dataclass(frozen=True)
class _Known:
    """What a row must agree with. `booked` is what this import has booked, by key."""

    skus: frozenset[str]
    bundles: frozenset[str]
    locations: frozenset[str]
    booked: Mapping[str, int]

    def problems(self, change: StockChange) -> Iterator[Problem]:
        if change.sku not in self.skus:
            yield _problem("sku", "unknown_sku", "is not in the catalogue")
        elif change.sku in self.bundles:
            yield _problem("sku", "bundle_has_stock", "is a bundle, which has no stock of its own")
        elif change.location not in self.locations:
            yield _problem("location", "unknown_location", "is not one of ours")
        elif (earlier := self.booked.get(change.key, change.quantity)) != change.quantity:
            message = f"is {earlier} in what was imported before: count or adjust instead"
            yield _problem("quantity", "booked", message)


async def _look_up(on: Wiring, changes: Sequence[StockChange]) -> _Known:
    skus = [change.sku for change in changes]
    return _Known(
        skus=frozenset(await on.catalogue.skus_named(skus)),
        bundles=await on.bundles.among(skus),
        locations=frozenset(entry.location for entry in await on.catalogue.locations()),
        booked=await on.opening_stock.booked([change.key for change in changes]),
    )


async def _book(
    on: Wiring, judged: Judged[StockRow], changes: Mapping[int, StockChange], known: _Known
) -> ImportReport:
    """One change, one transaction: many in one would lock stock in another order than others do."""
    became: list[Put] = []
    for number in list(judged.good):
        change = changes[number]
        if change.key in known.booked:
            became.append(Put.UNCHANGED)
            continue
        try:
            await on.inventory.receive(change)
            became.append(Put.ADDED)
        except StockChangeRefused as error:
            judged.refuse(number, [_problem(error.field, error.code, error.reason)])
    return judged.report("stock", became)


def _change(entry: StockRow, name: str, by: str) -> StockChange:
    return StockChange(
        key=f"import/{name}/{entry.location}/{entry.sku}",
        sku=entry.sku,
        location=entry.location,
        quantity=entry.quantity,
        reason=entry.reason,
        by=by,
    )


def _problem(field: str, reason: str, message: str) -> Problem:
    return Problem(field=field, reason=reason, message=message)
