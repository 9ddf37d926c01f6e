"""Promises are worked out before every deed of supply: no date in the books may break them."""

from datetime import UTC, date, datetime, time

import pytest
from pydantic import ValidationError

from domain.pegging import Peg
from domain.promised import Way, dated
from domain.promises import HANDLING_MAX_DAYS, TRANSIT_MAX_DAYS, Calendar
from domain.supply import EXPECTED_FIRST, EXPECTED_LAST, OrderedLine

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Pacific/Kiritimati", "Etc/GMT+12"])
@pytest.mark.parametrize("day", [date.min, EXPECTED_FIRST, EXPECTED_LAST, date.max])
def test_any_day_in_the_books_has_a_promise(day: date, zone: str) -> None:
    """The slowest way there is: one working day a week, not even that one open."""
    shut = Calendar(
        timezone=zone,
        cut_off=time(0),
        handling_days=HANDLING_MAX_DAYS,
        weekdays=(7,),
        holidays=(date.max,),
    )
    way = Way(calendar=shut, transit_days=TRANSIT_MAX_DAYS, weekdays=(7,))
    made = dated([Peg(location="b", sku="CUP", quantity=1, expected_on=day)], {"b": way}, NOW)
    assert made.deliver_on > made.ship_on > min(max(day, NOW.date()), EXPECTED_LAST)


def made(
    calendar: Calendar, now: datetime, expected_on: date | None = None, *, full: bool = True
) -> date:
    """When goods leave a location that has them, or gets them on this day, if it is full."""
    way = Way(calendar=calendar, transit_days=1, weekdays=(1, 2, 3, 4, 5), full_today=full)
    peg = Peg(location="b", sku="CUP", quantity=1, expected_on=expected_on)
    return dated([peg], {"b": way}, now).ship_on


def test_a_location_that_is_full_ships_from_its_next_open_day_on() -> None:
    """It is Monday; the location's own day counts, its weekdays and its handling."""
    berlin = Calendar(timezone="Europe/Berlin", cut_off=time(14))
    assert made(berlin, NOW, full=False) == date(2026, 11, 23)
    assert made(berlin, NOW) == date(2026, 11, 24)
    assert made(berlin.model_copy(update={"handling_days": 1}), NOW) == date(2026, 11, 25)
    assert made(berlin.model_copy(update={"weekdays": (1, 5)}), NOW) == date(2026, 11, 27)
    late = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)  # Tuesday in Berlin, past no cut-off yet
    assert made(berlin, late, full=False) == date(2026, 11, 24)
    assert made(berlin, late) == date(2026, 11, 25)


def test_goods_that_come_for_who_waits_go_out_even_where_the_day_is_full() -> None:
    berlin = Calendar(timezone="Europe/Berlin", cut_off=time(14))
    assert made(berlin, NOW, expected_on=date(2026, 11, 23)) == date(2026, 11, 23)
    assert made(berlin, NOW, expected_on=date(2026, 11, 26)) == date(2026, 11, 26)


@pytest.mark.parametrize("day", [date(9999, 12, 31), date(1, 1, 1)])
def test_goods_come_on_a_day_that_somebody_can_mean(day: date) -> None:
    with pytest.raises(ValidationError) as refused:
        OrderedLine(sku="CUP", quantity=1, expected_on=day)
    (error,) = refused.value.errors()
    assert error["loc"] == ("expected_on",)
    assert "2000-01-01" in error["msg"] or "2099-12-31" in error["msg"]
