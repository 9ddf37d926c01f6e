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
