"""Past plans are priced by other rules as those would price them, and laid beside their plans."""

import random
from itertools import pairwise

import pytest

from domain.sourcing.case import Case
from domain.sourcing.prices import priced
from domain.sourcing.replay import Comparison, compare
from domain.sourcing.source import source
from tests.domain.sourcing_cases import small_case

CASES = 400


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    return [small_case(random.Random(seed)) for seed in range(CASES)]


def test_a_plan_costs_and_promises_by_its_own_rules_what_it_was_made_with(
    cases: list[Case],
) -> None:
    plans = [(case, source(case).plan) for case in cases]
    found = [(priced(case, plan), plan) for case, plan in plans if plan]
    assert len(found) > CASES // 4
    assert all(again == plan for again, plan in found)


def test_by_other_rules_no_plan_of_the_past_is_cheaper_unless_it_breaks_one(
    cases: list[Case],
) -> None:
    compared = 0
    for case, other in pairwise(cases):
        draft = case.model_copy(update={"rules": other.rules})
        was, would = source(case).plan, source(draft).plan
        done = priced(draft, was) if was else None
        if not done or len(done.parts) > other.rules.parts_allowed:
            continue
        if min(part.value_minor for part in done.parts) < other.rules.part_value_min_minor:
            continue
        assert would is not None
        assert would.cost.total_minor <= done.cost.total_minor
        compared += 1
    assert compared > CASES // 5


def test_a_plan_through_a_barred_location_has_no_price(cases: list[Case]) -> None:
    case, plan = next((case, plan) for case in cases if (plan := source(case).plan))
    barred = case.model_copy(update={"excluded": (plan.parts[0].location,)})
    assert priced(barred, plan) is None


def test_what_is_compared_with_itself_is_the_same_on_both_sides(cases: list[Case]) -> None:
    decisions = [(case, source(case)) for case in cases]
    total = sum((compare(case, one, one) for case, one in decisions), Comparison())
    assert total.was == total.would
    assert (total.was.decisions, total.changed) == (CASES, 0)
    assert total.priced == total.was.planned > 0
    assert total.was.split > 0
    assert total.was.late > 0
