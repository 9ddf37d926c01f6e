"""A long queue keeps nobody waiting: what it is made up of leaves the event loop."""

import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest

from domain.ids import OrderId
from storage.engine import create_engine
from storage.supply import Supplies
from storage.supply_promises import Promises
from storage.supply_seen import Queued, Seen
from tests.storage.sourcingroom import BERLIN, LYON, Room, wanted
from tests.storage.supplyroom import came, goods

WAITING = 5


@pytest.fixture
async def room(database_url: str) -> AsyncIterator[Room]:
    engine = create_engine(database_url, 5)
    made = Room(engine)
    await made.furnish(BERLIN, LYON)
    for number in range(WAITING):
        await made.once(wanted(f"demo-{number}", ("CUP", 1)))
    yield made
    await engine.dispose()


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The thread of each piece of work that grows with the queue."""
    of, seen, threads = Queued.of, Seen.__init__, list[int]()

    def queued(row: Any) -> Queued:
        threads.append(threading.get_ident())
        return of(row)

    def made(self: Seen, *args: Any) -> None:
        threads.append(threading.get_ident())
        seen(self, *args)

    monkeypatch.setattr(Queued, "of", queued)
    monkeypatch.setattr(Seen, "__init__", made)
    return threads


async def test_the_queue_is_made_up_off_the_event_loop(room: Room, work: list[int]) -> None:
    assert len(await Promises(room.engine).queue()) == WAITING
    assert len(work) == WAITING + 1
    assert threading.get_ident() not in work


async def test_so_is_one_order_s_part_of_it(room: Room, work: list[int]) -> None:
    async with room.engine.connect() as connection:
        assert await Promises(room.engine).of_order(connection, OrderId("demo-1"))
    assert len(work) == WAITING + 1
    assert threading.get_ident() not in work


async def test_so_is_whoever_competes_for_a_deed_s_goods(room: Room, work: list[int]) -> None:
    supplies = Supplies(room.engine)
    document = (await supplies.open(goods(("CUP", 9, 5)), "o", "ann")).supply_id
    await supplies.receive(document, came(("CUP", 4)), "r", "ann")
    assert len(work) > 2 * WAITING
    assert threading.get_ident() not in work
