"""Parcels that are alike are packed at once, exactly as one after the other."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from domain.orders import Destination
from domain.sourcing.case import Candidate, Case, Demand
from domain.sourcing.rules import RuleSet, Tier, Zone
from domain.sourcing.source import source
from domain.sourcing.tariffs import pack

LIMIT_G = 60


def one_by_one(shares: list[tuple[int, int]]) -> list[int]:
    """First-fit decreasing, unit by unit."""
    loads = [0]
    for weight_g, units in sorted(shares, reverse=True):
        for _ in range(units if weight_g else 0):
            first = next((n for n, load in enumerate(loads) if load + weight_g <= LIMIT_G), None)
            if first is None:
                loads.append(weight_g)
            else:
                loads[first] += weight_g
    return loads


@given(st.lists(st.tuples(st.integers(0, LIMIT_G), st.integers(1, 40)), min_size=1, max_size=7))
def test_parcels_are_those_of_first_fit_decreasing(shares: list[tuple[int, int]]) -> None:
    loads = pack(LIMIT_G, shares)
    assert [load for load, parcels in loads for _ in range(parcels)] == one_by_one(shares)


def test_a_million_parcels_are_a_handful_of_loads() -> None:
    assert pack(30_000, [(30_000, 10**6), (10_000, 10**6 + 1)]) == [
        (30_000, 1),
        (30_000, 999_999),
        (30_000, 333_333),
        (20_000, 1),
    ]


def test_each_parcel_of_a_plan_is_priced_by_itself() -> None:
    post = Zone(tiers=(Tier(weight_max_g=10_000, price_minor=590),
                       Tier(weight_max_g=30_000, price_minor=990)))  # fmt: skip
    case = Case(
        destination=Destination(country="DE", postal_code="10115"),
        now=datetime(2026, 11, 23, 9, tzinfo=UTC),
        lines=(Demand(line_id="1", sku="SAFE", quantity=4, weight_g=12_000),
               Demand(line_id="2", sku="KEY", quantity=1, weight_g=7_000)),
        candidates=(Candidate(location="berlin", country="DE", available={"SAFE": 9, "KEY": 9}),),
        rules=RuleSet(zones=(post,)),
    )  # fmt: skip
    plan = source(case).plan
    assert plan is not None
    parcels = [(one.weight_g, one.shipping_minor) for one in plan.parts[0].parcels]
    assert parcels == [(24_000, 990), (24_000, 990), (7_000, 590)]
    assert plan.cost.shipping_minor == 2_570
