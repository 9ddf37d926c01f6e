"""Whatever is done to stock in whatever order, it does what a model of a page does."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from itertools import count
from typing import Any, ClassVar, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from domain.errors import Refused
from domain.ids import OrderId
from domain.orders import Destination, LineRef
from domain.stock import (
    ReservationRef,
    Reserved,
    ReserveRequest,
    RestockRequest,
    SkuQuantity,
    StockChange,
)
from storage.stock import PostgresInventory, StockChangeRefused

T = TypeVar("T")
Cell = tuple[str, str]

SKUS = st.sampled_from(["cup", "pot"])
PLACES = st.sampled_from(["berlin", "lyon"])
RANKED = st.sampled_from([("berlin", "lyon"), ("lyon", "berlin"), ("lyon",)])
LINES = st.dictionaries(SKUS, st.integers(1, 4), min_size=1)
ORDERS = st.integers(1, 6)
GENERATIONS = st.integers(1, 2)
DESTINATION = Destination(country="DE", postal_code="10115")
TABLES = (
    "stock",
    "stock_movements",
    "stock_changes",
    "reservations",
    "stock_waiting",
    "inbox",
    "locations",
    "skus",
)
numbers = count(1)


@dataclass
class Model:
    """Stock on one page: no locks, no keys but the reservations', one deed after another."""

    on_hand: dict[Cell, int] = field(default_factory=dict)
    states: dict[str, tuple[str, str, dict[str, int]]] = field(default_factory=dict)
    """By key: state, location, lines."""
    queue: dict[str, tuple[str, tuple[str, ...], dict[str, int]]] = field(default_factory=dict)
    """By order, the oldest first: key, ranked locations, lines."""
    told: set[str] = field(default_factory=set)

    def reserved(self, cell: Cell) -> int:
        return sum(
            lines.get(cell[0], 0)
            for state, place, lines in self.states.values()
            if state == "reserved" and place == cell[1]
        )

    def available(self, cell: Cell) -> int:
        return self.on_hand.get(cell, 0) - self.reserved(cell)

    def fits(self, place: str, lines: dict[str, int]) -> bool:
        return all(self.available((sku, place)) >= quantity for sku, quantity in lines.items())

    def reserve(self, order: str, key: str, ranked: tuple[str, ...], lines: dict[str, int]) -> str:
        """The location, `short`, or the code of the refusal."""
        if key in self.states:
            state, place, before = self.states[key]
            if state == "released":
                return "reservation_released"
            return place if before == lines else "key_reused"
        waits = self.queue.get(order)
        if waits and waits[0] == key and waits[2] != lines:
            return "key_reused"
        for place in ranked:
            if self.fits(place, lines):
                self.queue.pop(order, None)
                self.states[key] = ("reserved", place, lines)
                return place
        self.queue[order] = (key, ranked, lines)  # who is in it already keeps the place
        return "short"

    def release(self, order: str, key: str) -> str:
        state, place, lines = self.states.get(key, ("", "", {}))
        if state == "shipped":
            return "reservation_shipped"
        if self.queue.get(order, ("",))[0] == key:
            del self.queue[order]
        self.states[key] = ("released", place, lines)
        if state == "reserved":
            self.share_out(place)
        return "done"

    def ship(self, key: str) -> str:
        state, place, lines = self.states.get(key, ("unknown", "", {}))
        if state in ("unknown", "released"):
            return f"reservation_{state}"
        if state == "reserved":
            self.states[key] = ("shipped", place, lines)
            for sku, quantity in lines.items():
                self.on_hand[sku, place] -= quantity
        return "done"

    def change(self, place: str, lines: dict[str, int]) -> str:
        for sku, quantity in lines.items():
            if self.available((sku, place)) + quantity < 0:
                return "below_reserved"
        for sku, quantity in lines.items():
            self.on_hand[sku, place] = self.on_hand.get((sku, place), 0) + quantity
        self.share_out(place)
        return "done"

    def share_out(self, place: str) -> None:
        for order, (key, ranked, lines) in list(self.queue.items()):
            if place in ranked and self.fits(place, lines):
                del self.queue[order]
                self.states[key] = ("reserved", place, lines)
                self.told.add(f"{order}/{key}")


async def answer(doing: Coroutine[Any, Any, object]) -> str:
    """What was answered, in the model's words."""
    try:
        said = await doing
    except (Refused, StockChangeRefused) as refused:
        return refused.code
    if isinstance(said, Reserved):
        return said.location
    return getattr(said, "kind", "done")


class World(RuleBasedStateMachine):
    """Does each deed to the model and to PostgreSQL; `runner` holds one event loop for all."""

    engine: ClassVar[AsyncEngine]
    runner: ClassVar[asyncio.Runner]

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.stock = PostgresInventory(self.engine)
        self.run(self.clean())

    def run(self, doing: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(doing)

    async def clean(self) -> None:
        async with self.engine.begin() as connection:
            # past the guards, as nothing in the product can
            await connection.execute(text("SET LOCAL session_replication_role = replica"))
            for table in TABLES:
                await connection.execute(text(f"DELETE FROM {table}"))  # noqa: S608 - names above
            await connection.execute(
                text("""
                INSERT INTO locations (location, name, country, timezone, address)
                SELECT l, l, 'DE', 'Europe/Berlin', '{}' FROM unnest('{berlin,lyon}'::text[]) l
                """)
            )
            await connection.execute(
                text("INSERT INTO skus (sku, title) VALUES ('cup', ''), ('pot', '')")
            )

    async def read(self, sql: str) -> list[Any]:
        async with self.engine.begin() as connection:
            return [tuple(row) for row in await connection.execute(text(sql))]

    @rule(number=ORDERS, generation=GENERATIONS, ranked=RANKED, lines=LINES)
    def reserve(
        self, number: int, generation: int, ranked: tuple[str, ...], lines: dict[str, int]
    ) -> None:
        order, key = f"a-{number}", f"a-{number}/{generation}"
        said = self.model.reserve(order, key, ranked, lines)
        request = ReserveRequest(
            order_id=OrderId(order),
            key=key,
            # each unit on a line of its own: the same SKU many times
            lines=tuple(
                LineRef(line_id=f"{sku}-{unit}", sku=sku, quantity=1)
                for sku, quantity in lines.items()
                for unit in range(quantity)
            ),
            destination=DESTINATION,
        )
        assert self.run(answer(self.stock.reserve(request, ranked))) == said

    @rule(number=ORDERS, generation=GENERATIONS)
    def release(self, number: int, generation: int) -> None:
        order, key = f"a-{number}", f"a-{number}/{generation}"
        said = self.model.release(order, key)
        ref = ReservationRef(order_id=OrderId(order), key=key)
        assert self.run(answer(self.stock.release(ref))) == said

    @rule(number=ORDERS, generation=GENERATIONS)
    def ship(self, number: int, generation: int) -> None:
        order, key = f"a-{number}", f"a-{number}/{generation}"
        said = self.model.ship(key)
        ref = ReservationRef(order_id=OrderId(order), key=key)
        assert self.run(answer(self.stock.ship(ref))) == said

    @rule(sku=SKUS, place=PLACES, quantity=st.integers(1, 6), again=st.booleans())
    def receive(self, sku: str, place: str, quantity: int, again: bool) -> None:
        said = self.model.change(place, {sku: quantity})
        change = self._change(sku, place, quantity)
        assert self.run(answer(self.stock.receive(change))) == said
        if again:
            assert self.run(answer(self.stock.receive(change))) == said

    @rule(sku=SKUS, place=PLACES, quantity=st.integers(-4, 4).filter(bool))
    def adjust(self, sku: str, place: str, quantity: int) -> None:
        said = self.model.change(place, {sku: quantity})
        assert self.run(answer(self.stock.adjust(self._change(sku, place, quantity)))) == said

    @rule(place=PLACES, lines=LINES)
    def restock(self, place: str, lines: dict[str, int]) -> None:
        said = self.model.change(place, lines)
        request = RestockRequest(
            return_id="r",
            order_id=OrderId("a-1"),
            location=place,
            lines=tuple(SkuQuantity(sku=sku, quantity=many) for sku, many in lines.items()),
            key=f"back-{next(numbers)}",
        )
        assert self.run(answer(self.stock.restock(request))) == said

    def _change(self, sku: str, place: str, quantity: int) -> StockChange:
        return StockChange(
            key=f"change-{next(numbers)}",
            sku=sku,
            location=place,
            quantity=quantity,
            reason="counted",
            by="ann",
        )

    @invariant()
    def the_counters_are_the_models(self) -> None:
        levels = self.run(self.stock.levels())
        assert {(one.sku, one.location): (one.on_hand, one.reserved) for one in levels} == {
            cell: (many, self.model.reserved(cell)) for cell, many in self.model.on_hand.items()
        }

    @invariant()
    def the_counters_are_the_ledgers_fold_and_it_is_never_negative(self) -> None:
        prefixes = self.run(
            self.read("""
            SELECT sku, location,
                   sum(on_hand_delta) OVER prefix, sum(reserved_delta) OVER prefix
              FROM stock_movements
            WINDOW prefix AS (PARTITION BY sku, location ORDER BY id) ORDER BY id
            """)
        )
        assert all(0 <= reserved <= on_hand for _, _, on_hand, reserved in prefixes)
        folded = {(row[0], row[1]): (row[2], row[3]) for row in prefixes}
        counters = self.run(self.read("SELECT sku, location, on_hand, reserved FROM stock"))
        assert folded == {(row[0], row[1]): (row[2], row[3]) for row in counters}

    @invariant()
    def the_queue_and_the_wake_ups_are_the_models(self) -> None:
        queue = self.run(
            self.read("SELECT order_id, key, lines FROM stock_waiting ORDER BY position")
        )
        assert [
            (order, key, {line["sku"]: line["quantity"] for line in lines})
            for order, key, lines in queue
        ] == [(order, key, lines) for order, (key, _, lines) in self.model.queue.items()]
        told = self.run(self.read("SELECT event_key, body FROM inbox"))
        assert {event for event, _ in told} == self.model.told
        assert {json.loads(body)["location"] for _, body in told} <= {"berlin", "lyon"}


@pytest.mark.timeout(90)
def test_stock_does_what_the_model_does(new_database: Callable[[], str]) -> None:
    bounds = settings(
        max_examples=40,
        stateful_step_count=30,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    engine = create_async_engine(new_database(), pool_size=2)
    with asyncio.Runner() as runner:
        world = type("WorldHere", (World,), {"engine": engine, "runner": runner})
        run_state_machine_as_test(world, settings=bounds)
        runner.run(engine.dispose())
