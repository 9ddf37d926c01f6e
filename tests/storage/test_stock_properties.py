"""Whatever is done to stock in whatever order, it does what a model of two pages does."""

import asyncio
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from domain.stock import StockLevel
from tests.storage.goods_deeds import GoodsDeeds
from tests.storage.order_deeds import OrderDeeds
from tests.storage.stock_books import Books, read_books
from tests.storage.stock_model import BUNDLES
from tests.storage.stock_pair import Pair, shares_of
from tests.storage.supply_deeds import SupplyDeeds

CELLS = [(sku, place) for sku in ("cup", "pot") for place in ("berlin", "lyon")]
HANDS = (OrderDeeds, GoodsDeeds, SupplyDeeds)
DEEDS = {name: said for hand in HANDS for name, said in hand.DEEDS.items()}
TIMES = {
    "go_on": 9,
    "end": 3,
    "want": 4,
    "reserve": 2,
    "change": 3,
    "release": 2,
    "ship": 2,
    "short_pick": 2,
}
"""How many times as often as the others."""
# one rule: of several, Hypothesis leaves some out of a whole run, and nobody would be served
DEED = st.sampled_from([name for name in DEEDS for _ in range(TIMES.get(name, 1))]).flatmap(
    lambda name: st.tuples(st.just(name), st.fixed_dictionaries(DEEDS[name]))
)
EMPTY = text("""
DO $$ BEGIN
    SET LOCAL session_replication_role = replica; -- past the guards, as nothing in the product can
    DELETE FROM stock; DELETE FROM stock_movements; DELETE FROM stock_changes;
    DELETE FROM reservations; DELETE FROM stock_waiting; DELETE FROM inbox;
    DELETE FROM supplies; DELETE FROM supply_lines; DELETE FROM supply_deeds;
    DELETE FROM stock_counts; DELETE FROM stock_count_lines; DELETE FROM stock_discrepancies;
END $$
""")
CATALOGUE = text("""
WITH places AS (
    INSERT INTO locations (location, name, country, timezone, address)
    SELECT l, l, 'DE', 'Europe/Berlin', '{}' FROM unnest('{berlin,lyon}'::text[]) l),
goods AS (
    INSERT INTO skus (sku, title) SELECT s, '' FROM unnest('{cup,pot,set}'::text[]) s)
SELECT
""")
BUNDLE = text("INSERT INTO bundle_components VALUES ('set', :sku, :quantity)")


class World(RuleBasedStateMachine):
    """Does each deed to the model and to PostgreSQL; `runner` holds one event loop for all."""

    engine: ClassVar[AsyncEngine]
    runner: ClassVar[asyncio.Runner]
    books: Books

    def __init__(self) -> None:
        super().__init__()
        self.pair = Pair(self.engine, self.runner)
        self.model, self.supply = self.pair.model, self.pair.supply
        hands = [kind(self.pair) for kind in HANDS]
        self.deeds = {name: getattr(hand, name) for hand in hands for name in hand.DEEDS}
        self.pair.run(write(self.engine, EMPTY))

    @initialize(many=st.lists(st.integers(0, 6), min_size=4, max_size=4))
    def some_stock(self, many: list[int]) -> None:
        for (sku, place), quantity in zip(CELLS, many, strict=True):
            said = {"kind": "count", "sku": sku, "place": place, "many": quantity, "up": False}
            self.does(("change", said))

    @rule(deed=DEED)
    def does(self, deed: tuple[str, dict[str, Any]]) -> None:
        name, said = deed
        self.deeds[name](**said)
        self.books = self.pair.run(read_books(self.engine))

    @invariant()
    def the_counters_are_the_models(self) -> None:
        of = (self.model.on_hand, self.model.damaged, self.model.safety)
        for cell in CELLS:
            nothing = {"sku": cell[0], "location": cell[1], "on_hand": 0, "reserved": 0}
            counted = self.books.levels.get(cell, nothing | {"available": 0})
            one = StockLevel(**{name: counted[name] for name in counted if name != "available"})
            on_hand, damaged, safety = (counter.get(cell, 0) for counter in of)
            reserved, available = self.model.reserved(cell), self.model.available(cell)
            levels = (one.on_hand, one.reserved, one.damaged, one.safety_stock, one.incoming)
            assert levels == (on_hand, reserved, damaged, safety, self.supply.incoming(cell))
            assert counted["available"] == one.available == available
            assert one.on_hand == available + reserved + damaged + one.held_safety_stock

    @invariant()
    def the_counters_are_the_ledgers_fold_and_it_is_never_negative(self) -> None:
        assert self.books.negative == []
        assert self.books.drift == []

    @invariant()
    def what_is_incoming_is_what_documents_await(self) -> None:
        assert self.books.supply_drift == []
        assert self.books.wrong == self.supply.wrong

    @invariant()
    def whatever_came_is_on_hand_or_in_transit_or_has_left(self) -> None:
        """By kinds of movement, too: shipped is what was shipped, and lost what was lost."""
        assert self.books.flows == {flow: n for flow, n in self.model.flows.items() if n}
        for sku in ("cup", "pot"):
            in_transit = self.books.in_transit.get(sku, 0)
            on_hand = sum(n for (_, of), n in self.books.flows.items() if of == sku)
            assert in_transit == self.supply.in_transit(sku)
            assert on_hand + in_transit == self.supply.in_our_hands(sku)

    @invariant()
    def the_queue_and_the_wake_ups_are_the_models(self) -> None:
        waits = sorted(self.model.queue.items(), key=lambda w: (-w[1].priority, w[1].position))
        assert self.books.queue == [key for key, _ in waits]
        assert {one["key"]: shares_of(one["parts"]) for one in self.books.told} == self.model.told

    @invariant()
    def nobody_waits_beside_stock_that_would_do(self) -> None:
        for wanted in self.model.queue.values():
            assert not any(self.model.fits(place, wanted.lines) for place in wanted.ranked)


async def write(engine: AsyncEngine, statement: TextClause, *rows: dict[str, Any]) -> None:
    async with engine.begin() as connection:
        await connection.execute(statement, rows or None)


@pytest.mark.timeout(600)
def test_stock_does_what_the_model_does(
    new_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # each try is seconds of PostgreSQL: a story that is short enough, before the time is over
    monkeypatch.setattr("hypothesis.internal.conjecture.engine.MAX_SHRINKING_SECONDS", 30)
    bounds = settings(
        max_examples=40,
        stateful_step_count=40,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    engine = create_async_engine(new_database(), pool_size=2)
    with asyncio.Runner() as runner:
        runner.run(write(engine, CATALOGUE))
        runner.run(
            write(
                engine, BUNDLE, *({"sku": sku, "quantity": n} for sku, n in BUNDLES["set"].items())
            )
        )
        world = type("WorldHere", (World,), {"engine": engine, "runner": runner})
        run_state_machine_as_test(world, settings=bounds)
        runner.run(engine.dispose())
