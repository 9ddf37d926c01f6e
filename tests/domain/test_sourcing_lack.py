"""What an order that cannot ship waits for: goods, a location's next day, or a location at all."""

from collections.abc import Mapping
from typing import Any

import pytest

from domain.orders import Destination
from domain.sourcing.case import Candidate, Case, Demand
from domain.sourcing.lack import lack
from domain.sourcing.rules import RuleSet, Tier, Zone
from domain.sourcing.source import source
from domain.stock import Lack
from tests.domain.sourcing_cases import MONDAY

TO_FRANCE = Zone(destinations=("FR",), tiers=(Tier(weight_max_g=9_000, price_minor=1),))
FULL = {"capacity_left": 0}


def lacks(
    *places: tuple[int, Mapping[str, Any]], rules: RuleSet | None = None, **more: Any
) -> Lack:
    """What an order of three cups lacks, with so many cups at each of these places."""
    case = Case(
        destination=Destination(country="DE", postal_code="10115"),
        now=MONDAY,
        lines=(Demand(line_id="1", sku="CUP", quantity=3, hazmat=True),),
        candidates=tuple(
            Candidate(location=f"p{number}", country="DE", available={"CUP": cups}, **said)
            for number, (cups, said) in enumerate(places)
        ),
        rules=rules or RuleSet(parts_max=1),
        **more,
    )
    decision = source(case)
    assert decision.plan is None
    return lack(case, decision)


def test_goods_that_are_nowhere_are_waited_for() -> None:
    assert lacks((2, {}), (0, {})) is Lack.STOCK
    assert lacks((2, FULL)) is Lack.STOCK
    assert lacks((9, {"serves": ("FR",)}), (0, {})) is Lack.STOCK


def test_goods_at_a_full_location_wait_for_its_next_day() -> None:
    assert lacks((3, FULL), (2, {})) is Lack.CAPACITY
    assert lacks((9, FULL), (9, {"serves": ("FR",)})) is Lack.CAPACITY


def test_a_full_location_may_have_what_another_lacks() -> None:
    assert lacks((2, FULL), (1, {})) is Lack.STOCK
    assert lacks((2, FULL), (1, {}), rules=RuleSet(parts_max=2)) is Lack.CAPACITY


@pytest.mark.parametrize(
    "said", [{"serves": ("FR",)}, {"active": False}, {"hazmat": False}, {"serves": ("FR",), **FULL}]
)
def test_where_no_location_may_ship_it_goods_are_of_no_use(said: Mapping[str, Any]) -> None:
    assert lacks((9, said)) is Lack.NO_LOCATION


def test_no_zone_and_no_location_at_all_are_the_same_to_the_order() -> None:
    assert lacks((9, {}), rules=RuleSet(zones=(TO_FRANCE,))) is Lack.NO_LOCATION
    assert lacks() is Lack.NO_LOCATION
    assert lacks((9, {}), excluded=("p0",)) is Lack.NO_LOCATION
