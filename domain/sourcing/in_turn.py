"""Orders sourced one after the other, each from what the ones before it left."""

from collections.abc import Mapping, Sequence

from domain.sourcing.case import Candidate, Case
from domain.sourcing.decision import Plan
from domain.sourcing.prices import priced
from domain.sourcing.source import source


def in_turn(cases: Mapping[str, Case]) -> dict[str, Plan]:
    """Plans in the order of the cases, which see the same stock; each priced as if it were first.

    So that their costs compare with those of other plans for the same cases.
    """
    taken: dict[tuple[str, str], int] = {}
    parts: dict[str, int] = {}
    found: dict[str, Plan] = {}
    for key, case in cases.items():
        left = [_left(one, taken, parts) for one in case.candidates]
        plan = source(case.model_copy(update={"candidates": tuple(left)})).plan
        if plan is None:
            continue
        for part in plan.parts:
            parts[part.location] = parts.get(part.location, 0) + 1
            for item in part.items:
                cell = (part.location, item.sku)
                taken[cell] = taken.get(cell, 0) + item.quantity
        found[key] = priced(case, plan) or plan
    return found


def total_minor(plans: Sequence[Plan]) -> int:
    return sum(plan.cost.total_minor for plan in plans)


def _left(
    one: Candidate, taken: Mapping[tuple[str, str], int], parts: Mapping[str, int]
) -> Candidate:
    available = {
        sku: many - taken.get((one.location, sku), 0) for sku, many in one.available.items()
    }
    capacity = one.capacity_left
    left = None if capacity is None else capacity - parts.get(one.location, 0)
    return one.model_copy(update={"available": available, "capacity_left": left})
