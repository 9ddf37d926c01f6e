"""A location is refused that no order could be sourced from."""

import pytest
from pydantic import ValidationError

from domain.addresses import Address
from domain.locations import Location


@pytest.mark.parametrize("name", ["", "Europe/Nowhere", "../etc/passwd", "\0"])
def test_a_time_zone_that_nobody_knows_is_named(name: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Location(location="b", name="B", address=Address(city="B", country="DE"), timezone=name)
    (error,) = refused.value.errors()
    assert (error["loc"], error["msg"]) == (("timezone",), "Value error, is no IANA time zone")


@pytest.mark.parametrize("many", [-1, 2**31, 10**30])
def test_a_capacity_that_the_books_cannot_hold_is_named(many: int) -> None:
    address = Address(city="B", country="DE")
    with pytest.raises(ValidationError) as refused:
        Location(location="b", name="B", address=address, timezone="UTC", capacity_per_day=many)
    assert [error["loc"] for error in refused.value.errors()] == [("capacity_per_day",)]
