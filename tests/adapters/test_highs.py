"""Orders assigned together: never worse than in any turn, and never more than there is."""

import math
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
from domain.sourcing.rules import RuleSet, Tier, Zone
from domain.sourcing.source import source
from domain.sourcing.together import WAITING_TIMES, Program, Solution, Together
from tests.domain.sourcing_cases import MONDAY, small_case

LIMIT_S = 600.0
"""Much longer than a slow machine needs."""


def together(cases: dict[str, Case]) -> tuple[dict[str, Plan], int]:
    """The optimum, and what waiting costs in it."""
    asked = Together(cases)
    start = asked.start(in_turn(cases))
    solution = HighsSolver().minimise(asked.program, start, LIMIT_S)
    assigned = asked.assigned(solution, {})
    assert assigned.proven
    assert asked.objective_minor(assigned.plans) == solution.cost
    return assigned.plans, asked.waiting_minor


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


@pytest.mark.timeout(900)
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


def test_a_dearer_way_is_never_booked_for_one_that_only_its_bound_made_cheaper() -> None:
    """Three times 6 kg are two parcels of 10 kg by weight, and three in any box."""
    cases = {"only": anvils()}
    turn = in_turn(cases)
    asked = Together(cases)
    solution = HighsSolver().minimise(asked.program, asked.start(turn), LIMIT_S)
    alone = asked.assigned(solution, {})
    assert (ships_from(alone.plans), total_minor(list(alone.plans.values()))) == ("berlin", 1_500)
    assert not alone.proven
    assert alone.gap_minor == pytest.approx(500)
    beside = asked.assigned(solution, turn)
    assert (ships_from(beside.plans), total_minor(list(beside.plans.values()))) == ("lyon", 1_200)
    assert not beside.proven
    assert beside.gap_minor == pytest.approx(200)


@pytest.mark.parametrize("seed", range(60))
def test_in_many_parcels_it_costs_no_more_than_alone_and_the_gap_reaches_the_best(
    seed: int,
) -> None:
    """The gap is never less than what a way that is known would spare."""
    cases = {"only": small_case(random.Random(seed))}
    turn = in_turn(cases)
    asked = Together(cases)
    solution = HighsSolver().minimise(asked.program, asked.start(turn), LIMIT_S)
    best = asked.objective_minor(turn)
    assert asked.objective_minor(asked.assigned(solution, turn).plans) == best
    unaided = asked.assigned(solution, {})
    assert asked.objective_minor(unaided.plans) - unaided.gap_minor <= best + 1e-6
    assert not unaided.proven or asked.objective_minor(unaided.plans) == best


def test_the_most_are_served_however_dear_full_parcels_are() -> None:
    """Ten halves of a pallet may be ten cheap boxes by their bound, and are five dear pallets."""
    cases = {"small": halves(("A", 10, 1)), **{
        f"big-{n}": halves(("A", 5, 15_500), ("B", 5, 14_500)) for n in range(2)
    }}  # fmt: skip
    turn = in_turn(cases)
    asked = Together(cases)
    solution = HighsSolver().minimise(asked.program, asked.start(turn), LIMIT_S)
    plans = asked.assigned(solution, turn).plans
    check_stock(cases, plans)
    assert (turn.keys(), plans.keys()) == ({"small"}, {"big-0", "big-1"})


def test_a_solver_that_knows_no_bound_leaves_one_that_can_be_told() -> None:
    asked = Together({"only": anvils()})
    nothing = (0,) * len(asked.program.costs)
    assigned = asked.assigned(Solution(values=nothing, cost=0, bound=-math.inf), {})
    assert (assigned.plans, assigned.proven) == ({}, False)
    assert assigned.gap_minor == asked.waiting_minor


def test_a_program_is_solved_and_its_bound_told() -> None:
    program = Program()
    first, second = program.column(-3, 4), program.column(-2, 4)
    program.row(None, 5, [(first, 1), (second, 1)])
    solution = HighsSolver().minimise(program, (0, 0), LIMIT_S)
    assert (solution.values, solution.cost) == ((4, 1), -14)
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
        assert set(asked.assigned(solution, {}).plans) == {urgent}


def anvils() -> Case:
    """Three of 6 kg: from Berlin for 5.00 a parcel of up to 10 kg, from Lyon for 12.00 in all."""

    def zone(country: str, weight_max_g: int, price_minor: int) -> Zone:
        tier = Tier(weight_max_g=weight_max_g, price_minor=price_minor)
        return Zone(origins=(country,), tiers=(tier,))

    return Case(
        destination=Destination(country="DE", postal_code="10115"),
        now=MONDAY,
        lines=(Demand(line_id="1", sku="anvil", quantity=3, weight_g=6_000),),
        candidates=(
            Candidate(location="berlin", country="DE", available={"anvil": 3}),
            Candidate(location="lyon", country="FR", available={"anvil": 3}),
        ),
        rules=RuleSet(
            distance_minor_per_100km=0,
            zones=(zone("DE", 10_000, 500), zone("FR", 30_000, 1_200)),
        ),
    )


def halves(*lines: tuple[str, int, int]) -> Case:
    """SKU, quantity and weight: a parcel is 4.00 up to 16 kg, and 90.00 up to 30 kg."""
    tiers = (
        Tier(weight_max_g=16_000, price_minor=400),
        Tier(weight_max_g=30_000, price_minor=9_000),
    )
    return Case(
        destination=Destination(country="DE", postal_code="10115"),
        now=MONDAY,
        lines=tuple(
            Demand(line_id=sku, sku=sku, quantity=many, weight_g=weight_g)
            for sku, many, weight_g in lines
        ),
        candidates=(Candidate(location="bonn", country="DE", available={"A": 10, "B": 10}),),
        rules=RuleSet(zones=(Zone(tiers=tiers),)),
    )


def ships_from(plans: dict[str, Plan]) -> str:
    (part,) = plans["only"].parts
    return part.location


def source_me() -> Case:
    return Case(
        destination=Destination(country="DE", postal_code="10115"),
        now=MONDAY,
        lines=(Demand(line_id="1", sku="cup", quantity=2),),
        candidates=(Candidate(location="bonn", country="DE", available={"cup": 3}),),
    )
