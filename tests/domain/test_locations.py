"""A location is refused that no order could be sourced from."""

from datetime import UTC, date, time

import pytest
from pydantic import ValidationError

from domain.addresses import Address
from domain.locations import Location
from domain.promises import Calendar


@pytest.mark.parametrize("name", ["", "Europe/Nowhere", "../etc/passwd", "\0"])
def test_a_time_zone_that_nobody_knows_is_named(name: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Location(location="b", name="B", address=Address(city="B", country="DE"), timezone=name)
    (error,) = refused.value.errors()
    assert (error["loc"], error["msg"]) == (("timezone",), "Value error, is no IANA time zone")


def test_a_cut_off_with_an_offset_is_named() -> None:
    address = Address(city="B", country="DE")
    with pytest.raises(ValidationError) as refused:
        Location(
            location="b", name="B", address=address, timezone="UTC", cut_off=time(14, tzinfo=UTC)
        )
    assert [error["loc"] for error in refused.value.errors()] == [("cut_off",)]


def test_its_calendar_is_what_it_says_of_its_days() -> None:
    said = {
        "timezone": "Europe/Berlin",
        "cut_off": time(11, 30),
        "handling_days": 2,
        "weekdays": (1, 3),
        "holidays": (date(2026, 12, 25),),
    }
    address = Address(city="B", country="DE")
    made = Location.model_validate({"location": "b", "name": "B", "address": address, **said})
    assert made.calendar == Calendar.model_validate(said)
    assert said.keys() == Calendar.model_fields.keys()


@pytest.mark.parametrize("many", [-1, 2**31, 10**30])
def test_a_capacity_that_the_books_cannot_hold_is_named(many: int) -> None:
    address = Address(city="B", country="DE")
    with pytest.raises(ValidationError) as refused:
        Location(location="b", name="B", address=address, timezone="UTC", capacity_per_day=many)
    assert [error["loc"] for error in refused.value.errors()] == [("capacity_per_day",)]
