"""Whatever is done to stock in whatever order, it does what a model of a page does."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from itertools import count
from typing import Any, ClassVar, TypeVar

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
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from domain.errors import Refused
from domain.ids import OrderId
from domain.orders import Destination, LineRef
from domain.stock import (
    Claim,
    Part,
    ReservationRef,
    Reserved,
    ReserveRequest,
    RestockRequest,
    ShortPick,
    ShortPickRequest,
    ShortReason,
    SkuQuantity,
    StockChange,
)
from storage.stock import PostgresInventory
from storage.stock_changes import StockChangeRefused
from tests.storage.stock_claims import claimed
from tests.storage.stock_model import BUNDLES, Model, RefusedByModel, Shares, Units, Waiting
from tests.storage.stock_model import items_of as model_items

T = TypeVar("T")

ITEMS = st.sampled_from(["cup", "pot"])
PLACES = st.sampled_from(["berlin", "lyon"])
RANKED = st.sampled_from([("berlin", "lyon"), ("lyon", "berlin"), ("lyon",)])
LINES = st.dictionaries(st.sampled_from(["cup", "pot", "set"]), st.integers(1, 3), min_size=1)
DRAWN = st.integers(0, 11)
"""Which of the orders: see `World.key`."""
CHANGES = st.sampled_from(["receive", "adjust", "move_to_damaged", "write_off", "count"])
DESTINATION = Destination(country="DE", postal_code="10115")
PAST = datetime(2020, 1, 1, tzinfo=UTC)
TABLES = (
    "stock",
    "stock_movements",
    "stock_changes",
    "reservations",
    "stock_waiting",
    "inbox",
    "bundle_components",
    "locations",
    "skus",
)
DEEDS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "reserve": {
        "drawn": DRAWN,
        "lines": LINES,
        "first": st.integers(0, 3),
        "ranked": RANKED,
        "expired": st.sampled_from([False, False, True]),
    },
    "want": {
        "drawn": DRAWN,
        "asked": LINES,
        "ranked": RANKED,
        "rules": st.tuples(st.integers(1, 2), st.integers(0, 1)),
        "looks": st.integers(0, 5),
    },
    "release": {"drawn": DRAWN, "part": st.integers(0, 2)},
    "ship": {"drawn": DRAWN, "part": st.integers(0, 2)},
    "short_pick": {
        "drawn": DRAWN,
        "part": st.integers(1, 2),
        "sku": ITEMS,
        "found": st.integers(0, 2),
        "reason": st.sampled_from(ShortReason),
    },
    "expire": {},
    "change": {
        "kind": CHANGES,
        "sku": ITEMS,
        "place": PLACES,
        "many": st.integers(1, 6),
        "up": st.booleans(),
    },
    "set_safety": {"sku": ITEMS, "place": PLACES, "quantity": st.integers(0, 3)},
    "restock": {"place": PLACES, "lines": LINES},
}
OFTEN = (
    "want",
    "want",
    "want",
    "reserve",
    "reserve",
    "change",
    "change",
    "release",
    "ship",
    "short_pick",
)
# one rule: of several, Hypothesis leaves some out of a whole run, and nobody would be served
DEED = st.sampled_from([*DEEDS, *OFTEN]).flatmap(
    lambda name: st.tuples(st.just(name), st.fixed_dictionaries(DEEDS[name]))
)
numbers = count(1)


def line_refs(lines: Units) -> tuple[LineRef, ...]:
    return tuple(
        LineRef(line_id=sku, sku=sku, quantity=quantity) for sku, quantity in lines.items()
    )


def shares_of(parts: list[Any]) -> Shares:
    return {
        one["location"]: {line["sku"]: line["quantity"] for line in one["lines"]} for one in parts
    }


def by_model(doing: Callable[[], T]) -> T | str:
    try:
        return doing()
    except RefusedByModel as refused:
        return str(refused)


async def answer(doing: Coroutine[Any, Any, object]) -> object:
    """What was answered, in the model's words."""
    try:
        said = await doing
    except (Refused, StockChangeRefused) as refused:
        return refused.code
    if isinstance(said, Reserved):
        for part in said.parts:
            lines = {line.sku: line.quantity for line in part.lines}
            assert {one.sku: one.quantity for one in part.items} == model_items(lines)
        return shares_of(said.model_dump()["parts"])
    return type(said).__name__.lower() if type(said).__name__ in ("Short", "Changed") else None


class World(RuleBasedStateMachine):
    """Does each deed to the model and to PostgreSQL; `runner` holds one event loop for all."""

    engine: ClassVar[AsyncEngine]
    runner: ClassVar[asyncio.Runner]

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.asked: dict[str, Units] = {}
        self.stock = PostgresInventory(self.engine)
        self.run(self.clean())

    def run(self, doing: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(doing)

    def same(self, doing: Coroutine[Any, Any, object], modelled: Callable[[], object]) -> None:
        assert self.run(answer(doing)) == by_model(modelled)

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
                text("INSERT INTO skus (sku, title) VALUES ('cup', ''), ('pot', ''), ('set', '')")
            )
            await connection.execute(
                text("INSERT INTO bundle_components VALUES ('set', :sku, :quantity)"),
                [{"sku": sku, "quantity": n} for sku, n in BUNDLES["set"].items()],
            )

    async def read(self, sql: str) -> list[Any]:
        async with self.engine.begin() as connection:
            return [tuple(row) for row in await connection.execute(text(sql))]

    @initialize(many=st.lists(st.integers(0, 8), min_size=4, max_size=4))
    def some_stock(self, many: list[int]) -> None:
        cells = [(sku, place) for sku in ("cup", "pot") for place in ("berlin", "lyon")]
        for (sku, place), quantity in zip(cells, many, strict=True):
            self.change("count", sku, place, quantity, up=False)

    @rule(deed=DEED)
    def does(self, deed: tuple[str, dict[str, Any]]) -> None:
        name, said = deed
        getattr(self, name)(**said)

    def key(self, drawn: int) -> str:
        """Two keys an order; one in four is a key that was used already."""
        if drawn < 3 and self.asked:
            return list(self.asked)[-1 - drawn % len(self.asked)]
        number = len(self.asked)
        return f"a-{number // 2}/{number % 2}"

    def request(self, drawn: int, lines: Units, *, expired: bool) -> ReserveRequest:
        key = self.key(drawn)
        if drawn < 2:
            lines = self.asked.get(key, lines)
        self.asked.setdefault(key, lines)
        return ReserveRequest(
            order_id=OrderId(key.split("/")[0]),
            key=key,
            lines=line_refs(lines),
            destination=DESTINATION,
            expires_at=PAST if expired else None,
        )

    def reserve(
        self, drawn: int, lines: Units, first: int, ranked: tuple[str, ...], *, expired: bool
    ) -> None:
        """At most `first` units of each line at the first place, the rest at the last."""
        wanted = self.request(drawn, lines, expired=expired)
        shares: Shares = {place: {} for place in ranked}
        for line in wanted.lines:
            near = min(first, line.quantity)
            for place, many in ((ranked[0], near), (ranked[-1], line.quantity - near)):
                if many:
                    shares[place][line.sku] = shares[place].get(line.sku, 0) + many
        self.reserves(wanted, {place: share for place, share in shares.items() if share})

    def reserves(self, wanted: ReserveRequest, shares: Shares) -> None:
        parts = tuple(Part(location=p, lines=line_refs(share)) for p, share in shares.items())
        lines = {line.sku: line.quantity for line in wanted.lines}
        expired = wanted.expires_at is not None
        self.same(
            claimed(self.stock, wanted, Claim(parts=parts)),
            lambda: self.model.reserve(wanted.key, shares, lines, expired=expired),
        )

    def want(
        self, drawn: int, asked: Units, ranked: tuple[str, ...], rules: tuple[int, int], looks: int
    ) -> None:
        """Takes it where all is, or waits; who does not look is told to."""
        wanted = self.request(drawn, asked, expired=False)
        lines = {line.sku: line.quantity for line in wanted.lines}
        seen = self.model.seen(ranked, lines) if looks else {}
        for place in ranked:
            if looks and self.model.fits(place, lines):
                return self.reserves(wanted, {place: lines})
        claim = Claim(seen=seen, ranked=ranked, parts_max=rules[0], priority=rules[1])
        waits = Waiting(lines, ranked, *rules, next(self.model.positions))
        return self.same(
            claimed(self.stock, wanted, claim), lambda: self.model.wait(wanted.key, waits, seen)
        )

    def ref(self, drawn: int, part: int) -> ReservationRef:
        """Mostly of something that is held; a part's key where there is that part."""
        bases = list(self.asked) or ["a-0/0"]
        base = bases[drawn % len(bases)]
        known = f"{base}/{part}" in self.model.held
        return ReservationRef(
            order_id=OrderId(base.split("/")[0]), key=f"{base}/{part}" if known else base
        )

    def release(self, drawn: int, part: int) -> None:
        ref = self.ref(drawn, part)
        self.same(self.stock.release(ref), lambda: self.model.release(ref.key))

    def ship(self, drawn: int, part: int) -> None:
        ref = self.ref(drawn, part)
        self.same(self.stock.ship(ref), lambda: self.model.ship(ref.key))

    def short_pick(self, drawn: int, part: int, sku: str, found: int, reason: ShortReason) -> None:
        """Mostly of what is still reserved."""
        ref = self.ref(drawn, part)
        held = [key for key, one in self.model.held.items() if one.state == "reserved"]
        if held and drawn > 1:
            key = held[drawn % len(held)]
            ref = ReservationRef(order_id=OrderId(key.split("/")[0]), key=key)
        said = ShortPickRequest(
            order_id=ref.order_id,
            key=ref.key,
            short=(ShortPick(sku=sku, found=found, reason=reason),),
        )
        self.same(
            self.stock.short_pick(said),
            lambda: self.model.short_pick(ref.key, sku, found, reason),
        )

    def expire(self) -> None:
        assert self.run(self.stock.expire()) == self.model.expire()

    def change(self, kind: str, sku: str, place: str, many: int, *, up: bool) -> None:
        quantity = many if up or kind in ("receive", "count") else -many
        quantity = -many if kind == "write_off" else quantity
        said = self.said(sku, place, quantity)
        self.same(getattr(self.stock, kind)(said), lambda: self.changed(kind, said))
        if up:  # once more with the same key: nothing happens
            self.run(answer(getattr(self.stock, kind)(said)))

    def changed(self, kind: str, said: StockChange) -> None:
        model, cell = self.model, (said.sku, said.location)
        items = {said.sku: said.quantity}
        match kind:
            case "move_to_damaged":
                model.change(model.damaged, said.location, items)
            case "write_off":
                model.write_off(cell, said.quantity)
            case "count":
                items = {said.sku: said.quantity - model.on_hand.get(cell, 0)}
                model.change(model.on_hand, said.location, items)
            case _:
                model.change(model.on_hand, said.location, items)

    def set_safety(self, sku: str, place: str, quantity: int) -> None:
        said = self.said(sku, place, quantity)
        self.same(self.stock.set_safety(said), lambda: self.model.set_safety(place, sku, quantity))

    def restock(self, place: str, lines: Units) -> None:
        back = RestockRequest(
            return_id="r",
            order_id=OrderId("a-1"),
            location=place,
            lines=tuple(SkuQuantity(sku=sku, quantity=many) for sku, many in lines.items()),
            key=f"back-{next(numbers)}",
        )
        items = model_items(lines)
        self.same(
            self.stock.restock(back), lambda: self.model.change(self.model.on_hand, place, items)
        )

    def said(self, sku: str, place: str, quantity: int) -> StockChange:
        key = f"change-{next(numbers)}"
        return StockChange(
            key=key, sku=sku, location=place, quantity=quantity, reason="drawn", by="ann"
        )

    @invariant()
    def the_counters_are_the_models(self) -> None:
        for one in self.run(self.stock.levels()):
            cell = (one.sku, one.location)
            counted = (one.on_hand, one.reserved, one.damaged, one.safety_stock, one.available)
            of = (self.model.on_hand, self.model.damaged, self.model.safety)
            on_hand, damaged, safety = (counter.get(cell, 0) for counter in of)
            reserved, available = self.model.reserved(cell), self.model.available(cell)
            assert counted == (on_hand, reserved, damaged, safety, available)
            assert one.on_hand == available + reserved + damaged + one.held_safety_stock

    @invariant()
    def the_counters_are_the_ledgers_fold_and_it_is_never_negative(self) -> None:
        prefixes = self.run(
            self.read("""
            SELECT sum(on_hand_delta) OVER w, sum(reserved_delta) OVER w, sum(damaged_delta) OVER w
              FROM stock_movements WINDOW w AS (PARTITION BY sku, location ORDER BY id)
            """)
        )
        assert all(
            reserved >= 0 and damaged >= 0 and on_hand >= reserved + damaged
            for on_hand, reserved, damaged in prefixes
        )
        assert self.run(self.stock.drift()) == ()

    @invariant()
    def the_queue_and_the_wake_ups_are_the_models(self) -> None:
        queue = self.run(
            self.read("SELECT key FROM stock_waiting ORDER BY priority DESC, position")
        )
        waits = sorted(self.model.queue.items(), key=lambda w: (-w[1].priority, w[1].position))
        assert [key for (key,) in queue] == [key for key, _ in waits]
        told = [json.loads(body) for (body,) in self.run(self.read("SELECT body FROM inbox"))]
        assert {one["key"]: shares_of(one["parts"]) for one in told} == self.model.told

    @invariant()
    def nobody_waits_beside_stock_that_would_do(self) -> None:
        for wanted in self.model.queue.values():
            assert not any(self.model.fits(place, wanted.lines) for place in wanted.ranked)


@pytest.mark.timeout(90)
def test_stock_does_what_the_model_does(new_database: Callable[[], str]) -> None:
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
        world = type("WorldHere", (World,), {"engine": engine, "runner": runner})
        run_state_machine_as_test(world, settings=bounds)
        runner.run(engine.dispose())
