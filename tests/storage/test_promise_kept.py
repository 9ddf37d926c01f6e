"""What the queue is promised is what receipts give it: day by day, if nothing else happens."""

from collections.abc import AsyncIterator
from datetime import time
from itertools import count
from random import Random
from types import SimpleNamespace
from typing import cast

import pytest

from config.wiring import Wiring
from domain.stock import ReservationRef, Short, StockChange
from starter.resourcing import source_again
from storage.catalogue import Catalogue
from storage.engine import create_engine
from storage.outages import transaction
from storage.sourcing_batch import SourcingBatch
from storage.supply import Supplies
from storage.supply_competing import Competing
from storage.supply_promises import Promises
from tests.storage.sourcingroom import Room, place, wanted
from tests.storage.stockroom import PLACES, request, reserve, waiting
from tests.storage.supplyroom import came, goods, in_days

ROUNDS = 12
DAYS = 5
OPEN_ALL_HOURS = {
    "timezone": "UTC",
    "cut_off": time(23, 59, 59),
    "handling_days": 0,
    "weekdays": (1, 2, 3, 4, 5, 6, 7),
}
BERLIN = place("berlin", "DE", "10115", **OPEN_ALL_HOURS)
LYON = place("lyon", "FR", "69001", **OPEN_ALL_HOURS)
SKUS = ("CUP", "POT", "FOAM")


@pytest.fixture
async def room(database_url: str) -> AsyncIterator[Room]:
    engine = create_engine(database_url, 10)
    made = Room(engine)
    await made.furnish(BERLIN, LYON)
    yield made
    await engine.dispose()


async def sentences(room: Room) -> dict[str, str]:
    return {one.order_id: one.promise.sentence for one in await Promises(room.engine).queue()}


class Trade:
    """Rounds of drawn trade: orders wait, documents are opened, and come on their days."""

    def __init__(self, room: Room, seed: int) -> None:
        self.room = room
        self.chance = Random(seed)
        self.supplies = Supplies(room.engine)
        self.promises = Promises(room.engine)
        self.numbers = count()
        self.documents: list[str] = []
        self.kept = self.split = 0

    async def round(self) -> None:
        for _ in range(8):
            await self.comes()
            await self.comes()
            await self.opens()
        await self.keeps_back()
        promised = {
            one.order_id: (one.promise.ship_on, {peg.location for peg in one.promise.pegs})
            for one in await self.promises.queue()
        }
        for days in range(DAYS + 1):
            for document in self.documents:
                await self.arrives(document, days)
            due = {order for order, (on, _) in promised.items() if on and on <= in_days(days)}
            assert set(await waiting(self.room.engine)) == promised.keys() - due
        self.kept += len(due)
        self.split += sum(len(places) > 1 for on, places in promised.values() if on)
        await self.ends()

    def wants(self) -> list[tuple[str, int]]:
        many = self.chance.choice([1, 1, 2])
        return [
            (sku, self.chance.randint(1, 5)) for sku in self.chance.sample([*SKUS, "SET"], many)
        ]

    async def comes(self) -> None:
        """With all that the queue knows drawn: where it may be served, its parts, its priority."""
        places = PLACES[:: self.chance.choice([1, -1])][: self.chance.choice([1, 2, 2])]
        parts, priority = self.chance.choice([1, 2]), self.chance.choice([0, 0, 1])
        asked = request(f"a-{next(self.numbers)}", *self.wants())
        await reserve(self.room.stock, asked, places, parts_max=parts, priority=priority)

    async def opens(self) -> None:
        """One in six was to come before today, and never does."""
        lines = [
            (self.chance.choice(SKUS), self.chance.randint(1, 9), self.chance.randint(-1, DAYS))
            for _ in range(self.chance.choice([1, 2, 3]))
        ]
        asked = goods(*lines, destination=self.chance.choice(PLACES))
        opened = await self.supplies.open(asked, f"k-{next(self.numbers)}", "ann")
        self.documents.append(opened.supply_id)

    async def keeps_back(self) -> None:
        change = StockChange(
            key=f"k-{next(self.numbers)}",
            sku=self.chance.choice(SKUS),
            location=self.chance.choice(PLACES),
            quantity=self.chance.randint(0, 9),
            reason="",
            by="ann",
        )
        await self.room.stock.set_safety(change)

    async def arrives(self, document: str, days: int) -> None:
        found = await self.supplies.get(document)
        assert found is not None
        lines = [(one.sku, one.awaited) for one in found.lines
                 if one.awaited and one.expected_on == in_days(days)]  # fmt: skip
        if lines:
            await self.supplies.receive(document, came(*lines), f"k-{next(self.numbers)}", "ann")
            await self.sweeps()

    async def sweeps(self) -> None:
        """Nobody was sourced."""

    async def ends(self) -> None:
        """Who still waits goes; goods stay for the next round, and what is overdue is given up."""
        for order in await waiting(self.room.engine):
            await self.room.stock.release(request_ref(order))
        for document in self.documents:
            found = await self.supplies.get(document)
            assert found is not None
            if found.state == "open":
                await self.supplies.close(document, f"k-{next(self.numbers)}", "ann", "never came")
        self.documents.clear()


class SourcedTrade(Trade):
    """Orders that were sourced, and are sourced anew after each receipt, as in a shop."""

    async def comes(self) -> None:
        await self.room.once(wanted(f"a-{next(self.numbers)}", *self.wants()))

    async def sweeps(self) -> None:
        batch = SourcingBatch(self.room.engine)
        sources = SimpleNamespace(sourcing=self.room.sourcing, sourcing_batch=batch)
        await source_again(cast("Wiring", sources))


def request_ref(order: str) -> ReservationRef:
    asked = request(order)
    return ReservationRef(order_id=asked.order_id, key=asked.key)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", [Trade, SourcedTrade])
async def test_each_order_has_its_goods_on_the_day_that_was_promised(
    room: Room, kind: type[Trade]
) -> None:
    """Not later, nor sooner; and who was promised nothing gets nothing."""
    trade = kind(room, 7)
    for _ in range(ROUNDS):
        await trade.round()
    assert trade.kept > ROUNDS * 3
    assert trade.split > 2


async def test_what_comes_fills_the_safety_stock_before_it_is_promised(room: Room) -> None:
    shut = LYON.model_copy(update={"active": False})
    await Catalogue(room.engine).put_locations([shut])
    safety = StockChange(key="s", sku="CUP", location="berlin", quantity=5, reason="", by="ann")
    await room.stock.set_safety(safety)
    await room.receive("berlin", CUP=2)
    _, answer = await room.once(wanted("a-1", ("CUP", 3)))
    assert isinstance(answer, Short)
    assert await sentences(room) == {"a-1": "No date yet: 6 x CUP more must be ordered."}
    supplies = Supplies(room.engine)
    first = (await supplies.open(goods(("CUP", 5, 4)), "k1", "ann")).supply_id
    assert await sentences(room) == {"a-1": "No date yet: 1 x CUP more must be ordered."}
    await supplies.open(goods(("CUP", 9, 6)), "k2", "ann")
    (one,) = await Promises(room.engine).queue()
    assert one.promise.ship_on == in_days(6)
    await supplies.receive(first, came(("CUP", 5)), "r", "ann")
    (one,) = await Promises(room.engine).queue()
    assert one.promise.ship_on == in_days(6)


async def test_who_wants_more_than_comes_is_promised_what_the_receipts_leave(room: Room) -> None:
    """The first receipt gives the small order its cups: the big one was never told otherwise."""
    await room.once(wanted("a-1", ("CUP", 10)))
    await room.once(wanted("a-2", ("CUP", 2)))
    supplies = Supplies(room.engine)
    first = (await supplies.open(goods(("CUP", 5, 1)), "k1", "ann")).supply_id
    await supplies.open(goods(("CUP", 5, 9)), "k2", "ann")
    before = await sentences(room)
    assert before["a-1"] == "No date yet: 2 x CUP more must be ordered."
    assert f"waits for {first} on {in_days(1)}" in before["a-2"]
    await supplies.receive(first, came(("CUP", 5)), "r", "ann")
    assert await sentences(room) == {"a-1": before["a-1"]}


async def test_an_overdue_document_promises_no_day(room: Room) -> None:
    await room.once(wanted("a-1", ("CUP", 2)))
    supplies = Supplies(room.engine)
    po = (await supplies.open(goods(("CUP", 2, 3)), "k", "ann")).supply_id
    await room.run("UPDATE supply_lines SET expected_on = :day", day=in_days(-3))
    (one,) = await Promises(room.engine).queue()
    assert (one.promise.ship_on, [peg.overdue for peg in one.promise.pegs]) == (None, [True])
    assert one.promise.sentence == f"No date yet: {po} is overdue since {in_days(-3)}."
    await supplies.reschedule(po, in_days(2), "m", "ann")
    (one,) = await Promises(room.engine).queue()
    assert (one.promise.ship_on, one.promise.pegs[0].overdue) == (in_days(2), False)


async def test_who_waits_for_room_is_dealt_the_days_in_turn(room: Room) -> None:
    one_a_day = BERLIN.model_copy(update={"capacity_per_day": 1})
    shut = LYON.model_copy(update={"active": False})
    await Catalogue(room.engine).put_locations([one_a_day, shut])
    await room.receive("berlin", CUP=9)
    for number in range(5):
        await room.once(wanted(f"a-{number}", ("CUP", 1)))
    found = await Promises(room.engine).queue()
    assert [(one.order_id, one.promise.ship_on) for one in found] == [
        (f"a-{number}", in_days(number)) for number in range(1, 5)
    ]
    assert found[0].promise.sentence.endswith(f"waits for room at berlin on {in_days(1)}.")


async def test_room_is_dealt_out_in_turn_whatever_the_goods_are(room: Room) -> None:
    """An order's own date, and what a deed moves of it, know of all who wait for the same room."""
    one_a_day = BERLIN.model_copy(update={"capacity_per_day": 1})
    shut = LYON.model_copy(update={"active": False})
    await Catalogue(room.engine).put_locations([one_a_day, shut])
    await room.receive("berlin", CUP=9, POT=9, FOAM=9)
    for number, sku in enumerate((*SKUS, *SKUS)):
        await room.once(wanted(f"a-{number}", (sku, 1)))
    promises = Promises(room.engine)
    queue = {one.order_id: one.promise for one in await promises.queue()}
    assert [one.ship_on for one in queue.values()] == [in_days(day) for day in range(1, 6)]
    async with transaction(room.engine) as connection:
        for order_id, promise in queue.items():
            assert await promises.of_order(connection, order_id) == promise
        competing = Competing(connection, promises, ["FOAM"])
        await competing.read()
        dates = await competing.dates()
    assert {order_id: one and one.ship_on for order_id, one in dates.items()} == {
        order_id: one.ship_on for order_id, one in queue.items()
    }


async def test_a_location_without_room_for_ever_promises_and_gives_nothing(room: Room) -> None:
    none_a_day = BERLIN.model_copy(update={"capacity_per_day": 0})
    shut = LYON.model_copy(update={"active": False})
    await Catalogue(room.engine).put_locations([none_a_day, shut])
    await room.receive("berlin", CUP=1)
    await room.once(wanted("a-1", ("CUP", 1)))
    supplies = Supplies(room.engine)
    po = (await supplies.open(goods(("CUP", 5, 1)), "k", "ann")).supply_id
    nobody = {"a-1": "No date yet: no location may serve it."}
    assert await sentences(room) == nobody
    await supplies.receive(po, came(("CUP", 5)), "r", "ann")
    assert await sentences(room) == nobody
