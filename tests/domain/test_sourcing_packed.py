"""Whether goods that a location has packed may still leave from there, for another destination."""

from typing import Any

import pytest

from domain.orders import Destination
from domain.sourcing.case import Candidate, Case, Demand
from domain.sourcing.decision import Bar
from domain.sourcing.packed import barred
from domain.sourcing.rules import RuleSet, Tier, Zone
from tests.domain.sourcing_cases import MONDAY

TIERS = (Tier(weight_max_g=9_000, price_minor=1),)


def to_france(here: dict[str, Any], *zones: Zone, weight_g: int = 700) -> Bar | None:
    """What keeps a hazardous cup from France that is packed at p1; p2 may ship anything."""
    case = Case(
        destination=Destination(country="FR", postal_code="75001"),
        now=MONDAY,
        lines=(Demand(line_id="1", sku="CUP", quantity=1, hazmat=True, weight_g=weight_g),),
        candidates=(
            Candidate(location="p1", country="DE", **here),
            Candidate(location="p2", country="FR", available={"CUP": 9}),
        ),
        excluded=("p1",),
        rules=RuleSet(zones=zones),
    )
    return barred(case, "p1")


@pytest.mark.parametrize("here", [{}, {"active": False}, {"capacity_left": 0}, {"serves": ("FR",)}])
def test_what_is_packed_is_neither_short_nor_too_much_for_the_day(here: dict[str, Any]) -> None:
    assert to_france(here) is None


def test_a_country_that_the_location_does_not_serve_is_barred() -> None:
    assert to_france({"serves": ("DE", "AT")}) is Bar.NOT_SERVED


def test_a_country_without_a_zone_is_barred() -> None:
    home = Zone(destinations=("DE",), tiers=TIERS)
    assert to_france({}, home) is Bar.NO_ZONE
    assert to_france({}, home, Zone(destinations=("FR",), tiers=TIERS)) is None


def test_goods_that_the_zone_does_not_take_are_barred() -> None:
    abroad = Zone(destinations=("FR",), tiers=TIERS, hazmat=False)
    assert to_france({}, abroad) is Bar.HAZMAT
    abroad = Zone(destinations=("FR",), tiers=TIERS)
    assert to_france({}, abroad, weight_g=9_001) is Bar.TOO_HEAVY
