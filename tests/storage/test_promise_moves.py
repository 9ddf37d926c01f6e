"""When supply moves an order's date, its journal says from when to when, and because of what."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from domain.ids import order_id
from domain.promises import delivery_date
from domain.stock import Reserved
from domain.supply import Arrival
from storage.catalogue import Catalogue
from storage.engine import create_engine
from storage.intake import OrderIntake
from storage.queries import OrderQueries
from storage.supply import Supplies, SupplyRefused
from storage.supply_promises import Promises
from tests.storage.orderbook import an_order
from tests.storage.sourcingroom import LYON, Room, place, wanted
from tests.storage.stockroom import someone_waits_for_a_lock, until
from tests.storage.supplyroom import came, goods, in_days

FIRST, SECOND = order_id("demo", "1"), order_id("demo", "2")
DAILY = place("daily", "DE", "10115", weekdays=(1, 2, 3, 4, 5, 6, 7), handling_days=1)
EVENTS = "SELECT order_id, why, data, by, command_id FROM journal WHERE code = 'promise_moved'"


@pytest.fixture
async def room(database_url: str) -> AsyncIterator[Room]:
    """Two orders wait for cups, two of them each."""
    engine = create_engine(database_url, 10)
    made = Room(engine)
    await made.furnish(DAILY, LYON)
    await made.activate(transit_days=3)
    for own_id, order in (("1", FIRST), ("2", SECOND)):
        await OrderIntake(engine).accept(an_order(own_id))
        await made.once(wanted(order, ("CUP", 2)))
    yield made
    await engine.dispose()


def on(days: int) -> str:
    """The dates of who waits for goods of that day: a day of handling, three of the carrier's."""
    leaves = in_days(days + 1)
    return f"{leaves} (arrives {delivery_date(leaves, 3)})"


async def opened(room: Room, *lines: tuple[str, int, int], key: str = "o") -> str:
    asked = goods(*lines, destination="daily")
    return (await Supplies(room.engine).open(asked, key, "ann")).supply_id


async def said(room: Room) -> list[tuple[str, str]]:
    return [(row[0], row[1]) for row in await room.rows(f"{EVENTS} ORDER BY id")]


async def test_a_purchase_order_on_another_day_is_told_to_who_waits_for_it(room: Room) -> None:
    supplies = Supplies(room.engine)
    early = await opened(room, ("CUP", 2, 5))
    late = await opened(room, ("CUP", 2, 9), key="o2")
    assert await said(room) == [
        (FIRST, f"from no date to {on(5)}: {early} is expected"),
        (SECOND, f"from no date to {on(9)}: {late} is expected"),
    ]
    for _ in range(2):  # said again, it is one deed
        await supplies.reschedule(late, in_days(12), "m1", "bob", reason="strike")
    await supplies.reschedule(late, in_days(12), "m2", "bob")
    assert (await room.rows(f"{EVENTS} ORDER BY id"))[2:] == [
        (
            SECOND,
            f"from {on(9)} to {on(12)}: {late} comes on another day",
            {
                "supply_id": late,
                "deed": "rescheduled",
                "from_ship_on": str(in_days(10)),
                "from_deliver_on": str(delivery_date(in_days(10), 3)),
                "ship_on": str(in_days(13)),
                "deliver_on": str(delivery_date(in_days(13), 3)),
            },
            "bob",
            "supply:m1",
        )
    ]


async def test_who_was_first_may_be_moved_behind(room: Room) -> None:
    """The first of two orders takes what comes first, whatever document it is on."""
    early = await opened(room, ("CUP", 2, 5))
    late = await opened(room, ("CUP", 2, 9), key="o2")
    await Supplies(room.engine).reschedule(early, in_days(20), "m", "ann")
    assert (await said(room))[2:] == [
        (FIRST, f"from {on(5)} to {on(9)}: {early} comes on another day"),
        (SECOND, f"from {on(9)} to {on(20)}: {early} comes on another day"),
    ]
    await Supplies(room.engine).cancel(late, "x", "ann")
    assert (await said(room))[4:] == [
        (FIRST, f"from {on(9)} to {on(20)}: {late} is cancelled"),
        (SECOND, f"from {on(20)} to no date: {late} is cancelled"),
    ]


async def test_goods_that_came_damaged_move_who_would_have_had_them(room: Room) -> None:
    supplies = Supplies(room.engine)
    early = await opened(room, ("CUP", 4, 5))
    await opened(room, ("CUP", 4, 9), key="o2")
    assert len(await said(room)) == 2
    await supplies.receive(early, (Arrival(sku="CUP", quantity=3, damaged=1),), "r", "ann")
    # the first has its two cups; one is still to come for the second, and one of the other day
    assert (await said(room))[2:] == [
        (SECOND, f"from {on(5)} to {on(9)}: {early} has come, or a part of it")
    ]
    await supplies.close(early, "c", "ann", reason="no more made")
    assert len(await said(room)) == 3


async def test_a_part_that_came_in_time_moves_nothing(room: Room) -> None:
    early = await opened(room, ("CUP", 4, 5))
    await Supplies(room.engine).receive(early, came(("CUP", 2)), "r", "ann")
    assert len(await said(room)) == 2


async def test_only_those_whose_dates_move_are_told(room: Room) -> None:
    third = order_id("demo", "3")
    await OrderIntake(room.engine).accept(an_order("3"))
    await room.once(wanted(third, ("POT", 1)))
    pots = await opened(room, ("POT", 1, 4))
    cups = await opened(room, ("CUP", 4, 5), key="o2")
    assert [row[0] for row in await said(room)] == [third, FIRST, SECOND]
    await Supplies(room.engine).reschedule(cups, in_days(6), "m", "ann")
    assert [row[0] for row in await said(room)] == [third, FIRST, SECOND, FIRST, SECOND]
    await Supplies(room.engine).reschedule(pots, in_days(6), "m2", "ann")
    assert [row[0] for row in await said(room)][5:] == [third]


async def test_who_has_a_share_that_leaves_later_is_told_nothing(room: Room) -> None:
    slow = place("lyon", "FR", "69001", handling_days=30)
    await Catalogue(room.engine).put_locations((slow,))
    await room.receive("lyon", POT=1)
    _, answer = await room.once(wanted(FIRST, ("POT", 1), generation=2))
    assert isinstance(answer, Reserved)
    document = await opened(room, ("CUP", 4, 5))
    for days in (6, 7):
        await Supplies(room.engine).reschedule(document, in_days(days), f"m{days}", "ann")
    (first,) = [row for row in await said(room) if row[0] == FIRST]
    assert first[1].startswith("from no date to ")
    assert len([row for row in await said(room) if row[0] == SECOND]) == 3


async def test_a_deed_that_is_refused_tells_nobody(room: Room) -> None:
    early = await opened(room, ("CUP", 4, 5))
    with pytest.raises(SupplyRefused):
        await Supplies(room.engine).receive(early, came(("CUP", 1), ("POT", 1)), "r", "ann")
    await Supplies(room.engine).cancel(early, "x", "ann")
    with pytest.raises(SupplyRefused):
        await Supplies(room.engine).reschedule(early, in_days(9), "m", "ann")
    assert len(await said(room)) == 4


async def test_deeds_at_the_same_time_tell_one_story(room: Room) -> None:
    """Each line begins where the one before it ended, and the last one is the promise of now."""
    supplies = Supplies(room.engine)
    documents = [await opened(room, ("CUP", 2, day), key=f"o{day}") for day in (5, 9, 14)]

    async def move(turn: int) -> None:
        document = documents[turn % 3]
        await supplies.reschedule(document, in_days(3 + turn * 7 % 30), f"m{turn}", "ann")

    await asyncio.gather(*(move(turn) for turn in range(30)))
    promised = {one.order_id: one.promise for one in await Promises(room.engine).queue()}
    for order in (FIRST, SECOND):
        lines = [row[2] for row in await room.rows(f"{EVENTS} ORDER BY id") if row[0] == order]
        assert [one["from_ship_on"] for one in lines] == [
            None, *(one["ship_on"] for one in lines[:-1]),
        ]  # fmt: skip
        assert lines[-1]["ship_on"] == str(promised[order].ship_on)
        assert len(lines) > 3


ANOTHER_DAY = "SELECT supply_reschedule('x', '{early}', NULL, NULL, '{day}', '', 'bob')"
LEAVES = "SELECT stock_release('{first}', '{first}/reserve/1')"
COMES_FIRST = """
SELECT stock_wait('demo-3', 'demo-3/reserve/1', '[{{"line_id": "1", "sku": "CUP", "quantity": 2}}]',
                  '{{daily}}', '{{}}', 1, 7)
"""


@pytest.mark.parametrize(
    ("meanwhile", "moves"),
    [
        (ANOTHER_DAY, [(FIRST, 9, 12), (SECOND, 12, 20)]),
        (LEAVES, []),
        (COMES_FIRST, [(FIRST, 9, 20)]),
    ],
)
async def test_what_others_did_before_a_deed_had_its_locks_is_not_told_as_its_own(
    room: Room, meanwhile: str, moves: list[tuple[str, int, int]]
) -> None:
    """It reckoned while they were at it."""
    early = await opened(room, ("CUP", 2, 5))
    late = await opened(room, ("CUP", 2, 9), key="o2")
    others = meanwhile.format(early=early, day=in_days(12), first=FIRST)
    async with room.engine.begin() as other:
        await other.execute(text("SELECT 1 FROM skus WHERE sku = 'CUP' FOR NO KEY UPDATE"))
        deed = asyncio.create_task(Supplies(room.engine).reschedule(late, in_days(20), "m", "ann"))
        await until(lambda: someone_waits_for_a_lock(room.engine))
        await other.exec_driver_sql(others)
    await deed
    assert (await said(room))[2:] == [
        (order, f"from {on(was)} to {on(day)}: {late} comes on another day")
        for order, was, day in moves
    ]


async def test_an_order_shows_it_in_its_journal(room: Room) -> None:
    early = await opened(room, ("CUP", 4, 5))
    told = await OrderQueries(room.engine).events(FIRST)
    assert told is not None
    (line,) = [one for one in told if one.code == "promise_moved"]
    assert (line.by, line.why) == ("ann", f"from no date to {on(5)}: {early} is expected")
