"""Who competes for a deed's goods is known before its locks; under them only changes are read."""

from collections.abc import AsyncIterator, Awaitable, Callable
from random import Random
from typing import Any

import pytest
from sqlalchemy import event

from domain.ids import OrderId
from domain.stock import ReservationRef
from storage.engine import create_engine
from storage.supply import Supplies, SupplyRefused
from storage.supply_competing import Competing
from storage.supply_promises import Promises
from tests.storage.sourcingroom import BERLIN, LYON, Room, wanted
from tests.storage.supplyroom import came, goods, in_days

WAITING = 30
STEPS = 60


@pytest.fixture
async def room(database_url: str) -> AsyncIterator[Room]:
    engine = create_engine(database_url, 10)
    made = Room(engine)
    await made.furnish(BERLIN, LYON)
    yield made
    await engine.dispose()


def queue_reads(room: Room) -> list[int | None]:
    """How many rows of the queue are read whole, each time; None: a deed's locks are taken."""
    seen: list[int | None] = []

    def note(_c: Any, cursor: Any, statement: str, *_: Any) -> None:
        if "FOR NO KEY UPDATE" in statement:
            seen.append(None)
        elif "w.lines" in statement:
            seen.append(cursor.rowcount)

    event.listen(room.engine.sync_engine, "after_cursor_execute", note)
    return seen


async def test_a_deed_reads_the_queue_before_it_locks(room: Room) -> None:
    for number in range(WAITING):
        await room.once(wanted(f"demo-{number}", ("CUP", 1)))
    supplies = Supplies(room.engine)
    reads = queue_reads(room)
    document = (await supplies.open(goods(("CUP", 9, 5)), "o", "ann")).supply_id
    await supplies.receive(document, came(("CUP", 4)), "r", "ann")
    await supplies.reschedule(document, in_days(9), "m", "ann")
    await supplies.cancel(
        (await supplies.open(goods(("POT", 9, 5)), "o2", "ann")).supply_id, "c", "ann"
    )
    left = WAITING - 4
    assert reads == [WAITING, None, WAITING, None, left, None, None, None]


class Trade:
    """Whatever may happen to a queue, drawn."""

    def __init__(self, room: Room, seed: int) -> None:
        self.room = room
        self.chance = Random(seed)
        self.supplies = Supplies(room.engine)
        self.documents: list[str] = []
        self.keys: list[ReservationRef] = []

    async def step(self, number: int) -> None:
        deeds: list[Callable[[str], Awaitable[Any]]] = [
            self.comes, self.comes, self.comes, self.leaves, self.goes_first, self.opens,
            self.opens, self.receives, self.receives, self.moves, self.ends,
        ]  # fmt: skip
        try:
            await self.chance.choice(deeds)(f"k{number}")
        except SupplyRefused:
            return  # the document has ended

    async def comes(self, key: str) -> None:
        """Often an order that has, or waits for, something else already."""
        order = f"demo-{self.chance.randrange(6)}"
        lines = [(self.chance.choice(["CUP", "POT", "SET"]), self.chance.randint(1, 3))]
        asked = wanted(order, *lines, generation=int(key[1:]))
        self.keys.append(ReservationRef(order_id=OrderId(order), key=asked.key))
        await self.room.once(asked)

    async def leaves(self, _key: str) -> None:
        if self.keys:
            gone = self.keys.pop(self.chance.randrange(len(self.keys)))
            await self.room.stock.release(gone)

    async def goes_first(self, key: str) -> None:
        if self.keys:
            first = self.chance.choice(self.keys).key
            await self.room.run(
                "UPDATE stock_waiting SET priority = :now WHERE key = :key",
                now=int(key[1:]),
                key=first,
            )

    async def opens(self, key: str) -> None:
        sku, day = self.chance.choice(["CUP", "POT"]), self.chance.randint(1, 30)
        place = self.chance.choice(["berlin", "lyon"])
        asked = goods((sku, self.chance.randint(1, 9), day), destination=place)
        self.documents.append((await self.supplies.open(asked, key, "ann")).supply_id)

    async def receives(self, key: str) -> None:
        if self.documents:
            found = await self.supplies.get(self.chance.choice(self.documents))
            assert found is not None
            arrived = came((found.lines[0].sku, self.chance.randint(1, 4)))
            await self.supplies.receive(found.supply_id, arrived, key, "ann")

    async def moves(self, key: str) -> None:
        if self.documents:
            day = in_days(self.chance.randint(1, 30))
            await self.supplies.reschedule(self.chance.choice(self.documents), day, key, "ann")

    async def ends(self, key: str) -> None:
        if self.documents:
            document = self.chance.choice(self.documents)
            await self.supplies.close(document, key, "ann", reason="no more made")


@pytest.mark.parametrize("seed", [1, 2])
async def test_read_again_it_is_as_if_read_for_the_first_time(room: Room, seed: int) -> None:
    trade = Trade(room, seed)
    promises = Promises(room.engine)
    moved = dated = 0
    async with room.engine.begin() as connection:
        kept = Competing(connection, promises, ["CUP"])
        for number in range(STEPS):
            await trade.step(number)
            before = await kept.dates()
            changed = await kept.read()
            now = await kept.dates()
            first = Competing(connection, promises, ["CUP"])
            await first.read()
            assert now == await first.dates()
            assert changed or now == before
            moved += now != before
            dated += any(now.values())
    assert moved > STEPS // 12
    assert dated > STEPS // 12
