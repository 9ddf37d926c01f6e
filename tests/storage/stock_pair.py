"""PostgreSQL beside the model: each deed is done to both, and both must answer the same."""

import asyncio
from collections.abc import Callable, Coroutine
from itertools import count
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncEngine

from domain.errors import Refused
from domain.orders import LineRef
from domain.stock import Reserved
from domain.supply import StockCount, Supply
from storage.stock import PostgresInventory
from storage.stock_changes import StockChangeRefused
from storage.supply import Supplies, SupplyRefused
from tests.storage.stock_model import Model, RefusedByModel, Shares, Units, items_of
from tests.storage.supply_model import Shown, SupplyModel

T = TypeVar("T")


def line_refs(lines: Units) -> tuple[LineRef, ...]:
    return tuple(
        LineRef(line_id=sku, sku=sku, quantity=quantity) for sku, quantity in lines.items()
    )


def shares_of(parts: list[Any]) -> Shares:
    return {
        one["location"]: {line["sku"]: line["quantity"] for line in one["lines"]} for one in parts
    }


def shown_of(supply: Supply) -> Shown:
    on_its_way: Units = {}
    for line in supply.lines:
        if line.awaited:
            on_its_way[line.sku] = on_its_way.get(line.sku, 0) + line.awaited
    wrong = [(one.kind, one.sku, one.location, one.quantity) for one in supply.discrepancies]
    return supply.state.value, on_its_way, list(wrong)


async def answer(doing: Coroutine[Any, Any, object]) -> object:
    """What was answered, in the model's words."""
    try:
        said = await doing
    except (Refused, StockChangeRefused, SupplyRefused) as refused:
        return refused.code
    match said:
        case Reserved():
            for part in said.parts:
                lines = {line.sku: line.quantity for line in part.lines}
                assert {one.sku: one.quantity for one in part.items} == items_of(lines)
            return shares_of(said.model_dump()["parts"])
        case Supply():
            return shown_of(said)
        case StockCount():
            return {line.sku: (line.recorded, line.counted) for line in said.lines}
    return type(said).__name__.lower() if type(said).__name__ in ("Short", "Changed") else None


def by_model(doing: Callable[[], T]) -> T | str:
    try:
        return doing()
    except RefusedByModel as refused:
        return str(refused)


class Pair:
    """`runner` holds one event loop for all; the model begins empty, as the tables must be."""

    def __init__(self, engine: AsyncEngine, runner: asyncio.Runner) -> None:
        self.runner = runner
        self.stock = PostgresInventory(engine)
        self.supplies = Supplies(engine)
        self.model = Model()
        self.supply = SupplyModel(self.model)
        self.numbers = count(1)

    def run(self, doing: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(doing)

    def same(self, doing: Coroutine[Any, Any, object], modelled: Callable[[], object]) -> object:
        answered = self.run(answer(doing))
        assert answered == by_model(modelled)
        return answered
