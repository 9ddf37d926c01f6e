"""An order never gets more parts than its rules allow, however often some of it is sourced."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from activities.inventory import reserve_where_best
from domain.sourcing.source import source
from domain.stock import Changed, ReservationRef, Reserved, ReserveRequest, Short
from storage.engine import create_engine
from storage.sourcing_batch import SourcingBatch
from tests.storage.sourcingroom import Room, long_ago, place, wanted, where
from tests.storage.stockroom import assigned, waiting

NAMES = ("aa", "bb", "cc", "dd", "ee")


@pytest.fixture
async def room(database_url: str) -> AsyncIterator[Room]:
    engine = create_engine(database_url, 20)
    made = Room(engine)
    await made.furnish(*(place(name, "DE", "10115") for name in NAMES))
    await made.receive("aa", CUP=2)
    await made.receive("bb", POT=1)
    _, answer = await made.once(wanted("demo-1", ("CUP", 2), ("POT", 1)))
    assert where(answer) == {"aa": {"CUP": 2}, "bb": {"POT": 1}}
    yield made
    await engine.dispose()


async def reject(room: Room, part: int) -> None:
    key = f"demo-1/reserve/1/{part}"
    await room.stock.release(ReservationRef(order_id=wanted("demo-1").order_id, key=key))


def cups_again(generation: int = 2) -> ReserveRequest:
    return wanted("demo-1", ("CUP", 2), generation=generation, excluded=("aa",))


async def test_a_part_that_is_sourced_again_is_split_only_as_far_as_the_order_may_be(
    room: Room,
) -> None:
    await room.receive("cc", CUP=1)
    await room.receive("dd", CUP=1)
    await reject(room, 1)
    decision, answer = await room.once(cups_again())
    assert isinstance(answer, Short)
    assert "all that is asked for in one part beside the order's other 1: " in decision.sentence
    await room.receive("ee", CUP=2)
    assert await assigned(room.engine) == {"demo-1": {"ee": {"CUP": 2}}}


async def test_neither_the_queue_nor_the_sweep_makes_more_of_them(room: Room) -> None:
    await long_ago(room)
    await reject(room, 1)
    await room.once(cups_again())
    await room.receive("cc", CUP=1)
    await room.receive("dd", CUP=1)
    assert await assigned(room.engine) == {}
    assert await SourcingBatch(room.engine).outdated(None, 9) == ()  # no split is looked for
    (one,) = await SourcingBatch(room.engine).waiting(9)
    case = await room.sourcing.case(one.request)
    assert (case.parts_standing, source(case).plan) == (1, None)


async def test_a_part_that_has_left_stands_and_one_given_back_does_not(room: Room) -> None:
    await room.receive("cc", CUP=1)
    await room.receive("dd", CUP=1)
    await room.stock.ship(
        ReservationRef(order_id=wanted("demo-1").order_id, key="demo-1/reserve/1/2")
    )
    await reject(room, 1)
    assert (await room.sourcing.case(cups_again())).parts_standing == 1
    second = wanted("demo-2", ("POT", 1))
    assert (await room.sourcing.case(second)).parts_standing == 0
    _, answer = await room.once(cups_again())
    assert isinstance(answer, Short)


async def test_both_parts_routed_again_are_the_whole_order(room: Room) -> None:
    await room.receive("cc", CUP=2)
    await room.receive("dd", POT=1)
    for part in (1, 2):
        await reject(room, part)
    again = wanted("demo-1", ("CUP", 2), ("POT", 1), generation=2, excluded=("aa", "bb"))
    decision, answer = await room.once(again)
    assert where(answer) == {"cc": {"CUP": 2}, "dd": {"POT": 1}}
    assert decision.sentence.startswith("Cc ships 1 of 2 lines (")


async def test_parts_that_are_sourced_again_at_once_share_what_is_left(room: Room) -> None:
    """Of three that are allowed one is left to be made: whoever is first may make two."""
    await room.activate(parts_max=3)
    for name in ("cc", "dd"):
        await room.receive(name, CUP=1, FOAM=1)
    for part in (1, 2):
        await reject(room, part)
    both = (
        cups_again(),
        wanted("demo-1", ("FOAM", 2), generation=3, excluded=("bb",)),
    )
    seen = [await room.sourcing.case(request) for request in both]
    plans = [source(case) for case in seen]
    assert [len(one.plan.parts) for one in plans if one.plan] == [2, 2]
    first = await room.sourcing.reserve(both[0], seen[0], plans[0])
    assert isinstance(first, Reserved)
    assert await room.sourcing.reserve(both[1], seen[1], plans[1]) == Changed()
    answer, _ = await reserve_where_best(room.sourcing, both[1])
    assert isinstance(answer, Short)
    assert len(await live(room)) == 2


async def test_who_waits_keeps_its_right_to_be_split(room: Room) -> None:
    await room.activate(parts_max=3)
    for part in (1, 2):
        await reject(room, part)
    seen = await room.sourcing.case(wanted("demo-1", ("FOAM", 2), generation=3))
    await room.once(wanted("demo-1", ("GAS", 2), generation=2))
    assert await waiting(room.engine) == ["demo-1"]
    later = wanted("demo-1", ("FOAM", 2), generation=3)
    assert await room.sourcing.reserve(later, seen, source(seen)) == Changed()
    assert (await room.sourcing.case(later)).parts_standing == 3
    await room.receive("cc", GAS=1)
    await room.receive("dd", GAS=1)
    await asyncio.gather(*(reserve_where_best(room.sourcing, later) for _ in range(3)))
    await room.receive("cc", FOAM=1)
    await room.receive("dd", FOAM=1)
    assert await live(room) == ["cc", "dd"]
    await room.receive("ee", FOAM=2)
    assert await live(room) == ["cc", "dd", "ee"]


async def test_lines_that_wait_lose_the_parts_that_others_of_their_order_took(room: Room) -> None:
    for part in (1, 2):
        await reject(room, part)
    await room.once(wanted("demo-1", ("GAS", 2), generation=2))
    assert await room.rows("SELECT parts_max FROM stock_waiting") == [(2,)]
    await room.receive("ee", POT=1)
    _, answer = await room.once(wanted("demo-1", ("POT", 1), generation=3, excluded=("bb",)))
    assert where(answer) == {"ee": {"POT": 1}}
    await room.receive("cc", GAS=1)
    await room.receive("dd", GAS=1)
    assert await live(room) == ["ee"]
    await room.receive("cc", GAS=1)
    assert await live(room) == ["cc", "ee"]


async def live(room: Room) -> list[str]:
    found = await room.rows(
        "SELECT location FROM reservations WHERE order_id = 'demo-1' AND state <> 'released' "
        "ORDER BY location"
    )
    return [location for (location,) in found]


async def test_lines_of_an_order_that_has_more_are_told_as_such(room: Room) -> None:
    await room.receive("cc", CUP=2)
    await reject(room, 1)
    decision, _ = await room.once(cups_again())
    assert decision.sentence.startswith("Cc ships the 2 units asked for: ")
    kept, _ = await room.sourcing.decisions(wanted("demo-1").order_id)
    assert kept.decision == decision
    (facts,) = await room.rows(
        "SELECT facts -> 'parts_standing', facts -> 'partial' FROM sourcing_decisions "
        "WHERE key = 'demo-1/reserve/2'"
    )
    assert facts == (1, True)
