"""Promises are worked out before every deed of supply: no date in the books may break them."""

from datetime import UTC, date, datetime, time

import pytest
from pydantic import ValidationError

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
    made = dated(["b"], day, {"b": way}, NOW)
    assert made.deliver_on > made.ship_on > min(max(day, NOW.date()), EXPECTED_LAST)


def test_goods_are_handled_from_the_start_of_the_day_on_which_an_order_gets_them() -> None:
    """It is Monday; the location's own day counts, its weekdays and its handling."""
    berlin = Calendar(timezone="Europe/Berlin", cut_off=time(14))

    def leaves(on: date | None, now: datetime = NOW, **more: object) -> date:
        way = Way(calendar=berlin.model_copy(update=more), transit_days=1, weekdays=(1, 2, 3, 4, 5))
        return dated(["b"], on, {"b": way}, now).ship_on

    tuesday = date(2026, 11, 24)
    assert leaves(None) == date(2026, 11, 23)
    assert leaves(tuesday) == tuesday
    assert leaves(tuesday, handling_days=1) == date(2026, 11, 25)
    assert leaves(tuesday, weekdays=(1, 5)) == date(2026, 11, 27)
    late = datetime(2026, 11, 24, 20, tzinfo=UTC)  # past the cut-off of the day itself
    assert leaves(tuesday, late) == date(2026, 11, 25)


@pytest.mark.parametrize("day", [date(9999, 12, 31), date(1, 1, 1)])
def test_goods_come_on_a_day_that_somebody_can_mean(day: date) -> None:
    with pytest.raises(ValidationError) as refused:
        OrderedLine(sku="CUP", quantity=1, expected_on=day)
    (error,) = refused.value.errors()
    assert error["loc"] == ("expected_on",)
    assert "2000-01-01" in error["msg"] or "2099-12-31" in error["msg"]
