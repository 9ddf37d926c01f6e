"""A location's capacity is of the days on which it handles goods, as its promises tell them."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from domain.locations import Location
from domain.promises import Calendar, handling_date
from domain.sourcing.decision import Bar
from domain.stock import Reserved, Short
from storage.catalogue import Catalogue
from storage.engine import create_engine
from storage.supply_promises import Promises
from tests.storage.sourcingroom import ALL_DAY, BERLIN, Room, wanted

CASES = 400
ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",  # its clock leaps by half an hour
    "Asia/Kathmandu",
    "Pacific/Kiritimati",
    "UTC",
)
LEAPS = (datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC))
BEGAN = text("""
SELECT sourcing_day_began(l, c.at) FROM locations l,
       unnest(CAST(:ats AS timestamptz[])) WITH ORDINALITY AS c (at, n)
 WHERE l.location = 'berlin' ORDER BY c.n
""")


@pytest.fixture
async def room(database_url: str) -> AsyncIterator[Room]:
    engine = create_engine(database_url, 10)
    made = Room(engine)
    await made.furnish(BERLIN)
    await made.receive("berlin", CUP=9)
    yield made
    await engine.dispose()


async def take_on_one_a_day(room: Room, **more: Any) -> Location:
    small = BERLIN.model_copy(update={"capacity_per_day": 1, **ALL_DAY, **more})
    await Catalogue(room.engine).put_locations([small])
    return small


async def days_pass(room: Room, days: int) -> None:
    """What was reserved is as old as that."""
    await room.run("ALTER TABLE reservations DISABLE TRIGGER USER")
    await room.run(
        "UPDATE reservations SET created_at = created_at - make_interval(days => :days)", days=days
    )
    await room.run("ALTER TABLE reservations ENABLE TRIGGER USER")


def today(days: int = 0) -> date:
    return (datetime.now(ZoneInfo(BERLIN.timezone)) + timedelta(days)).date()


async def test_what_came_on_closed_days_fills_the_open_day_after_them(room: Room) -> None:
    await take_on_one_a_day(room, holidays=(today(-2), today(-1)))
    _, answer = await room.once(wanted("demo-1", ("CUP", 1)))
    assert isinstance(answer, Reserved)
    await days_pass(room, 1)
    decision, answer = await room.once(wanted("demo-2", ("CUP", 1)))
    assert isinstance(answer, Short)
    assert decision.candidates[0].bar is Bar.NO_CAPACITY
    await days_pass(room, 2)
    _, answer = await room.once(wanted("demo-3", ("CUP", 1)))
    assert isinstance(answer, Reserved)


async def test_what_comes_after_the_cut_off_fills_the_next_day(room: Room) -> None:
    """What came a day ago was for a cut-off that is over, whatever the time is now."""
    await take_on_one_a_day(room, cut_off=time(0))
    _, answer = await room.once(wanted("demo-1", ("CUP", 1)))
    assert isinstance(answer, Reserved)
    decision, answer = await room.once(wanted("demo-2", ("CUP", 1)))
    assert isinstance(answer, Short)
    tomorrow = today(1)
    assert f"has no capacity left for {tomorrow:%a} {tomorrow.day} " in decision.sentence
    await days_pass(room, 1)
    _, answer = await room.once(wanted("demo-2", ("CUP", 1), generation=2))
    assert isinstance(answer, Reserved)
    assert await room.rows("SELECT sourcing_taken('berlin')") == [(1,)]


async def test_a_holiday_that_is_entered_late_moves_what_fell_on_it(room: Room) -> None:
    await take_on_one_a_day(room)
    await room.once(wanted("demo-1", ("CUP", 1)))
    await days_pass(room, 1)
    assert await room.rows("SELECT sourcing_taken('berlin')") == [(0,)]
    await take_on_one_a_day(room, holidays=(today(-1),))
    assert await room.rows("SELECT sourcing_taken('berlin')") == [(1,)]


async def test_who_waits_for_room_is_dealt_open_days_alone(room: Room) -> None:
    tomorrow = today(1).isoweekday()
    await take_on_one_a_day(room, weekdays=(tomorrow,))
    for number in range(3):
        await room.once(wanted(f"demo-{number}", ("CUP", 1)))
    first, second = (one.promise for one in await Promises(room.engine).queue())
    assert (first.ship_on, second.ship_on) == (today(8), today(15))
    assert first.sentence.endswith(f"waits for room at berlin on {today(8)}.")


async def test_a_location_that_never_opens_takes_on_one_days_worth(room: Room) -> None:
    shut = tuple(today(days) for days in range(-401, 402))
    await take_on_one_a_day(room, holidays=shut)
    await room.once(wanted("demo-1", ("CUP", 1)))
    await days_pass(room, 300)
    assert await room.rows("SELECT sourcing_taken('berlin')") == [(1,)]
    _, answer = await room.once(wanted("demo-2", ("CUP", 1)))
    assert isinstance(answer, Short)


async def test_the_books_and_the_promises_tell_the_same_days(room: Room) -> None:
    """A day fills with what is reserved between the cut-offs of the last open day and its own."""
    chance = Random(23)
    for _ in range(20):
        calendar = a_calendar(chance)
        await Catalogue(room.engine).put_locations([BERLIN.model_copy(update=dict(calendar))])
        ats = [an_instant(chance) for _ in range(CASES // 20)]
        async with room.engine.begin() as connection:
            told = (await connection.execute(BEGAN, {"ats": ats})).scalars().all()
        for at, began in zip(ats, told, strict=True):
            day = handling_date(calendar, at)
            assert began < at
            assert handling_date(calendar, began + timedelta(microseconds=1)) == day
            assert handling_date(calendar, began) < day


def a_calendar(chance: Random) -> Calendar:
    weekdays = tuple(sorted(chance.sample(range(1, 8), chance.randint(1, 7))))
    near = [chance.choice(LEAPS).date() + timedelta(chance.randint(-6, 6)) for _ in range(4)]
    cut_off = chance.choice((time(0), time(2, 30), time(1, 45), time(14), time(23, 59, 59)))
    return Calendar(
        timezone=chance.choice(ZONES), cut_off=cut_off, weekdays=weekdays, holidays=tuple(near)
    )


def an_instant(chance: Random) -> datetime:
    return chance.choice(LEAPS) + timedelta(minutes=chance.randint(-4 * 1440, 4 * 1440))
