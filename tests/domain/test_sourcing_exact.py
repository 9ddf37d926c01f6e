"""The search against trying everything: never worse, always allowed, always the same."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.sourcing import search, shares
from domain.sourcing.case import Case
from domain.sourcing.decision import Decision
from domain.sourcing.source import source
from tests.domain.sourcing_by_hand import Shares, allowed, best_by_hand, cost_by_hand
from tests.domain.sourcing_cases import small_case

CASES_A_SEED = 250


def shares_of(case: Case, decision: Decision) -> Shares:
    """The plan as units by line and candidate, both in order of their names."""
    assert decision.plan
    units = {
        (line.line_id, part.location): line.quantity
        for part in decision.plan.parts
        for line in part.lines
    }
    locations = sorted(one.location for one in case.candidates)
    lines = sorted(line.line_id for line in case.lines)
    return tuple(tuple(units.get((line, place), 0) for place in locations) for line in lines)


def see_that_it_is_the_best(case: Case) -> Decision:
    decision = source(case)
    best = best_by_hand(case)
    assert decision.proven
    if best is None:
        assert decision.plan is None
        assert decision.missing
        return decision
    assert decision.plan, best
    assert see_that_it_is_allowed(case, decision) == best
    return decision


def see_that_it_is_allowed(case: Case, decision: Decision) -> tuple[object, ...]:
    """By the rules as they are written; what it is ranked by."""
    assert decision.plan
    lines = sorted(case.lines, key=lambda line: line.line_id)
    candidates = sorted(case.candidates, key=lambda one: one.location)
    shipped = shares_of(case, decision)
    assert [sum(units) for units in shipped] == [line.quantity for line in lines]
    assert allowed(case, lines, candidates, shipped)
    cost = decision.plan.cost
    assert cost.total_minor == cost_by_hand(case, lines, candidates, shipped)
    assert cost.total_minor == sum(cost.model_dump(exclude={"total_minor"}).values())
    parts = decision.plan.parts
    used = tuple(part.location for part in parts)
    own = tuple(
        tuple(-units[at] for at, one in enumerate(candidates) if one.location in used)
        for units in shipped
    )
    return (cost.total_minor, len(parts), used, own)


@pytest.mark.parametrize("first_looks", [4, 0])
@pytest.mark.parametrize("seed", range(6))
def test_no_way_to_ship_a_small_order_beats_the_plan(
    seed: int, first_looks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without first looks all depends on the bounds and on the limits that grow from them."""
    monkeypatch.setattr(search, "FIRST_LOOKS", first_looks)
    chance = random.Random(f"{seed} {first_looks}")
    for _ in range(CASES_A_SEED):
        see_that_it_is_the_best(small_case(chance))


@settings(deadline=None, max_examples=150)
@given(st.randoms(use_true_random=False))
def test_a_shrunk_counter_example_is_found_by_hypothesis(chance: random.Random) -> None:
    see_that_it_is_the_best(small_case(chance))


@pytest.mark.parametrize("seed", range(100, 104))
def test_the_order_in_which_things_are_told_does_not_matter(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(60):
        case = small_case(chance)
        shuffled = case.model_copy(
            update={
                "lines": tuple(chance.sample(case.lines, len(case.lines))),
                "candidates": tuple(chance.sample(case.candidates, len(case.candidates))),
            }
        )
        assert source(shuffled) == source(case)


def test_past_its_steps_the_best_found_is_allowed_and_not_called_proven() -> None:
    chance = random.Random(7)
    unproven = 0
    for case in [small_case(chance) for _ in range(600)]:
        hasty, thorough = source(case, steps_max=4), source(case)
        unproven += not hasty.proven
        if hasty.proven:
            assert hasty.plan == thorough.plan
        elif hasty.plan:
            assert thorough.plan
            assert hasty.plan.cost.total_minor >= thorough.plan.cost.total_minor
    assert unproven > 10


@pytest.mark.parametrize("steps_max", [search.STEPS_MAX, 4])
@pytest.mark.parametrize("choices_max", [1, 3])
@pytest.mark.parametrize("seed", range(2))
def test_no_plan_that_exists_is_missed_where_not_all_ways_are_tried(
    seed: int, choices_max: int, steps_max: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with long lines, of which the search tries few ways, or none as long as it would."""
    monkeypatch.setattr(shares, "CHOICES_MAX", choices_max)
    chance = random.Random(f"long {seed} {choices_max}")
    for _ in range(CASES_A_SEED // 2):
        case = small_case(chance)
        decision, best = source(case, steps_max), best_by_hand(case)
        assert (decision.plan is None) == (best is None)
        if decision.plan and best:
            rank = see_that_it_is_allowed(case, decision)
            assert decision.plan.cost.total_minor >= best[0]
            assert not decision.proven or rank[0] == best[0]
        else:
            assert decision.proven


def test_the_cases_made_by_chance_are_of_every_kind() -> None:
    """A proof over cases that never split, or never fail, would prove little."""
    chance = random.Random(0)
    decisions = [source(small_case(chance)) for _ in range(600)]
    plans = [decision.plan for decision in decisions if decision.plan]
    parts = [len(plan.parts) for plan in plans]
    assert {1, 2, 3} <= set(parts)
    assert parts.count(2) > 60
    assert parts.count(3) > 8
    assert len(decisions) - len(plans) > 60
    assert sum(any(len(part.parcels) > 1 for part in plan.parts) for plan in plans) > 60
    assert {one.bar for decision in decisions for one in decision.candidates} >= {
        None,
        "excluded",
        "inactive",
        "not_served",
        "no_zone",
        "no_capacity",
        "hazmat",
        "too_heavy",
        "stock",
    }
