"""Orders assigned together: never worse than in any turn, and never more than there is."""

import random
from collections import Counter
from itertools import permutations

import pytest

from adapters.highs import HighsSolver
from bench.batch_instance import instance
from domain.orders import Destination
from domain.sourcing.case import Candidate, Case, Demand
from domain.sourcing.decision import Plan
from domain.sourcing.in_turn import in_turn, total_minor
from domain.sourcing.source import source
from domain.sourcing.together import WAITING_TIMES, Program, Together
from tests.domain.sourcing_cases import MONDAY, small_case

LIMIT_S = 30.0


def together(cases: dict[str, Case]) -> tuple[dict[str, Plan], int]:
    """The optimum, and what waiting costs in it."""
    asked = Together(cases)
    start = asked.start(in_turn(cases))
    solution = HighsSolver().minimise(asked.program, start, LIMIT_S)
    assert solution.proven
    plans = asked.plans(solution)
    assert total_minor(list(plans.values())) - asked.waiting_minor * len(plans) == solution.cost
    return plans, asked.waiting_minor


def check_stock(cases: dict[str, Case], plans: dict[str, Plan]) -> None:
    taken: Counter[tuple[str, str]] = Counter()
    parts: Counter[str] = Counter()
    for key, plan in plans.items():
        wanted = Counter({line.line_id: line.quantity for line in cases[key].lines})
        for part in plan.parts:
            parts[part.location] += 1
            wanted.subtract({line.line_id: line.quantity for line in part.lines})
            for item in part.items:
                taken[part.location, item.sku] += item.quantity
        assert set(wanted.values()) == {0}, key
        assert len(plan.parts) <= cases[key].rules.parts_allowed
    for case in cases.values():
        for one in case.candidates:
            assert one.capacity_left is None or parts[one.location] <= one.capacity_left
            for sku, many in one.available.items():
                assert taken[one.location, sku] <= many


def test_of_the_whole_instance_all_is_served_that_can_be_and_the_optimum_is_proven() -> None:
    cases = instance()
    turn = in_turn(cases)
    plans, _ = together(cases)
    check_stock(cases, plans)
    check_stock(cases, turn)
    assert len(turn) < len(plans) == 296


@pytest.mark.parametrize("seed", range(150))
def test_one_order_alone_is_sourced_as_it_always_is(seed: int) -> None:
    case = light(small_case(random.Random(seed)))
    plan = source(case).plan
    plans, _ = together({"only": case})
    found = plans.get("only")
    assert (found and found.cost.total_minor) == (plan and plan.cost.total_minor)


@pytest.mark.parametrize("seed", range(12))
def test_no_turn_does_better_than_together(seed: int) -> None:
    cases = instance(orders=5, skus=4, seed=seed)
    plans, waiting_minor = together(cases)
    check_stock(cases, plans)

    def objective(served: dict[str, Plan]) -> int:
        return total_minor(list(served.values())) - waiting_minor * len(served)

    turns = [in_turn({key: cases[key] for key in order}) for order in permutations(cases)]
    assert objective(plans) <= min(map(objective, turns))


def test_a_program_is_solved_and_its_bound_told() -> None:
    program = Program()
    first, second = program.column(-3, 4), program.column(-2, 4)
    program.row(None, 5, [(first, 1), (second, 1)])
    solution = HighsSolver().minimise(program, (0, 0), LIMIT_S)
    assert (solution.values, solution.cost, solution.proven) == ((4, 1), -14, True)
    assert solution.bound == pytest.approx(-14)


def light(case: Case) -> Case:
    """The same in one parcel wherever it ships from: then shipping is priced exactly."""
    lines = tuple(line.model_copy(update={"weight_g": line.weight_g // 20}) for line in case.lines)
    return case.model_copy(update={"lines": lines})


def test_nothing_to_decide_is_decided() -> None:
    assert together({}) == ({}, WAITING_TIMES)


def test_of_two_who_want_the_same_the_more_urgent_one_is_served() -> None:
    case = source_me()
    cases = {"a": case, "b": case, "c": case}
    for urgent in cases:
        asked = Together(cases, {urgent: 7})
        solution = HighsSolver().minimise(asked.program, asked.start({}), LIMIT_S)
        assert set(asked.plans(solution)) == {urgent}


def source_me() -> Case:
    return Case(
        destination=Destination(country="DE", postal_code="10115"),
        now=MONDAY,
        lines=(Demand(line_id="1", sku="cup", quantity=2),),
        candidates=(Candidate(location="bonn", country="DE", available={"cup": 3}),),
    )
