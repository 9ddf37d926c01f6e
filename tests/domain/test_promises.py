"""Ship and delivery dates: cut-offs, handling, holidays, and clocks that leap."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.promises import (
    Calendar,
    Promise,
    cut_off_at,
    days_late,
    delivery_date,
    promise,
    ship_date,
)

BERLIN = Calendar(timezone="Europe/Berlin", cut_off=time(14))
MONDAY = date(2026, 11, 23)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("ready_at", "leaves"),
    [
        ("2026-11-23T13:59:59+01:00", MONDAY),
        ("2026-11-23T14:00:00+01:00", MONDAY),
        ("2026-11-23T14:00:01+01:00", date(2026, 11, 24)),
        ("2026-11-23T00:00:00+01:00", MONDAY),
        ("2026-11-22T23:30:00+00:00", MONDAY),  # it is Monday in Berlin already
        ("2026-11-27T15:00:00+01:00", date(2026, 11, 30)),  # Friday, too late: over the weekend
        ("2026-11-28T09:00:00+01:00", date(2026, 11, 30)),
    ],
)
def test_what_is_ready_by_the_cut_off_leaves_the_same_working_day(
    ready_at: str, leaves: date
) -> None:
    assert ship_date(BERLIN, at(ready_at)) == leaves


def test_handling_takes_working_days_after_the_day_of_the_cut_off() -> None:
    calendar = BERLIN.model_copy(update={"handling_days": 3, "holidays": (date(2026, 11, 25),)})
    assert ship_date(calendar, at("2026-11-23T10:00+01:00")) == date(2026, 11, 27)
    assert ship_date(calendar, at("2026-11-23T15:00+01:00")) == date(2026, 11, 30)


def test_nothing_leaves_on_a_holiday() -> None:
    christmas = BERLIN.model_copy(update={"holidays": (date(2026, 12, 24), date(2026, 12, 25))})
    assert ship_date(christmas, at("2026-12-23T18:00+01:00")) == date(2026, 12, 28)


def test_a_carrier_counts_its_own_days() -> None:
    friday = date(2026, 11, 27)
    assert delivery_date(friday, 0) == friday
    assert delivery_date(friday, 1) == date(2026, 11, 30)
    assert delivery_date(friday, 1, (1, 2, 3, 4, 5, 6)) == date(2026, 11, 28)
    assert delivery_date(friday, 6) == date(2026, 12, 7)


def test_a_promise_is_both_dates() -> None:
    made = promise(BERLIN, at("2026-11-27T09:00+01:00"), 2)
    assert made == Promise(ship_on=date(2026, 11, 27), deliver_on=date(2026, 12, 1))


def test_lateness_is_counted_in_calendar_days_and_never_negative() -> None:
    assert days_late(date(2026, 12, 1), date(2026, 11, 27)) == 4
    assert days_late(date(2026, 11, 26), date(2026, 11, 27)) == 0
    assert days_late(date(2026, 12, 1), None) == 0


def test_the_cut_off_follows_the_wall_clock_over_both_changes_of_the_year() -> None:
    assert cut_off_at(BERLIN, date(2026, 3, 28)) == at("2026-03-28T13:00+00:00")
    assert cut_off_at(BERLIN, date(2026, 3, 29)) == at("2026-03-29T12:00+00:00")
    assert cut_off_at(BERLIN, date(2026, 10, 25)) == at("2026-10-25T13:00+00:00")


def test_a_cut_off_that_comes_twice_in_a_night_counts_when_it_comes_first() -> None:
    nightly = BERLIN.model_copy(update={"cut_off": time(2, 30), "weekdays": (1, 2, 3, 4, 5, 6, 7)})
    sunday, monday = date(2026, 10, 25), date(2026, 10, 26)
    assert cut_off_at(nightly, sunday) == at("2026-10-25T00:30+00:00")
    assert ship_date(nightly, at("2026-10-25T00:30+00:00")) == sunday
    assert ship_date(nightly, at("2026-10-25T01:10+00:00")) == monday  # 02:10 for the second time


def test_a_cut_off_that_the_clock_leaps_over_still_is_an_instant_of_that_day() -> None:
    nightly = BERLIN.model_copy(update={"cut_off": time(2, 30), "weekdays": (1, 2, 3, 4, 5, 6, 7)})
    assert cut_off_at(nightly, date(2026, 3, 29)) == at("2026-03-29T01:30+00:00")
    assert ship_date(nightly, at("2026-03-29T01:30+00:00")) == date(2026, 3, 29)
    assert ship_date(nightly, at("2026-03-29T01:31+00:00")) == date(2026, 3, 30)


def test_a_location_that_never_opens_ends_the_count() -> None:
    closed = tuple(MONDAY + timedelta(days=ahead) for ahead in range(-1, 900))
    never = BERLIN.model_copy(update={"holidays": closed})
    assert ship_date(never, at("2026-11-23T09:00+01:00")) == MONDAY


@pytest.mark.parametrize(
    "wrong",
    [
        {"timezone": "Europe/Atlantis"},
        {"timezone": "../etc/passwd"},
        {"timezone": ""},
        {"weekdays": ()},
        {"weekdays": (0,)},
        {"weekdays": (8,)},
        {"handling_days": -1},
        {"cut_off": time(14, tzinfo=UTC)},
    ],
)
def test_a_calendar_that_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Calendar.model_validate(wrong)


ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata",
         "Africa/Casablanca", "America/Havana", "Pacific/Auckland", "America/St_Johns")  # fmt: skip
CALENDARS = st.builds(
    Calendar,
    timezone=st.sampled_from(ZONES),
    cut_off=st.times(),
    handling_days=st.integers(0, 5),
    weekdays=st.sets(st.integers(1, 7), min_size=1).map(lambda days: tuple(sorted(days))),
    holidays=st.lists(st.dates(date(2005, 1, 1), date(2007, 12, 31)), max_size=8).map(tuple),
)
INSTANTS = st.datetimes(datetime(2005, 1, 1), datetime(2007, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


@given(CALENDARS, INSTANTS)
def test_goods_leave_on_an_open_day_by_whose_cut_off_they_were_ready(
    calendar: Calendar, ready_at: datetime
) -> None:
    leaves = ship_date(calendar, ready_at)
    assert calendar.is_open(leaves)
    assert ready_at <= cut_off_at(calendar, leaves)
    assert leaves <= ship_date(calendar.model_copy(update={"handling_days": 60}), ready_at)


@given(CALENDARS, INSTANTS)
def test_no_day_is_lost_that_would_have_done(calendar: Calendar, ready_at: datetime) -> None:
    same_day = calendar.model_copy(update={"handling_days": 0})
    leaves = ship_date(same_day, ready_at)
    for ahead in range(1, 12):
        earlier = leaves - timedelta(days=ahead)
        assert not same_day.is_open(earlier) or cut_off_at(same_day, earlier) < ready_at


@given(CALENDARS, INSTANTS, st.timedeltas(timedelta(0), timedelta(days=4)))
def test_whoever_is_ready_later_never_leaves_earlier(
    calendar: Calendar, ready_at: datetime, more: timedelta
) -> None:
    assert ship_date(calendar, ready_at) <= ship_date(calendar, ready_at + more)


@given(CALENDARS, st.dates(date(2006, 1, 1), date(2006, 12, 31)), st.integers(0, 40))
def test_each_day_on_the_way_is_a_day_more(calendar: Calendar, day: date, transit: int) -> None:
    arrives = delivery_date(day, transit, calendar.weekdays)
    between = [day + timedelta(days=ahead) for ahead in range(1, (arrives - day).days + 1)]
    assert sum(one.isoweekday() in calendar.weekdays for one in between) == transit
    assert transit == 0 or arrives.isoweekday() in calendar.weekdays
    assert delivery_date(day, transit + 1, calendar.weekdays) > arrives


@given(CALENDARS, INSTANTS)
def test_the_offset_in_which_an_instant_is_told_changes_nothing(
    calendar: Calendar, ready_at: datetime
) -> None:
    told = ready_at.astimezone(ZoneInfo("Asia/Kolkata"))
    assert ship_date(calendar, told) == ship_date(calendar, ready_at)
