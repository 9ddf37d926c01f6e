"""What an order got without a search, from the queue or its cart, told as what sourcing decides."""

from collections.abc import Sequence

from domain.promises import Promise
from domain.sourcing.case import Candidate, Case
from domain.sourcing.decision import Cost, Decision, Plan, PlannedPart
from domain.sourcing.prices import priced
from domain.sourcing.source import source
from domain.sourcing.words import sentence
from domain.stock import Part, SkuQuantity


def given(case: Case, parts: Sequence[Part], cause: str) -> Decision:
    """Put the parts beside what could have been decided, at the price of the case's rules.

    The queue goes by stock alone: of locations that may not ship it any more nothing is asked. No
    plan: there is no zone to price one by.
    """
    planned = _unpriced(case, parts)
    plan = priced(case, planned) or priced(_unbarred(case, planned), planned)
    return _told(case, parts, plan, f"Given by the queue ({cause})")


def held(case: Case, parts: Sequence[Part], cart: str) -> tuple[Case, Decision] | None:
    """Put what the order's cart held beside what its own case allows, with that case.

    The parts are there to be had, and where they are there is room for them: they are in the case
    that comes back. None: by now a rule keeps some of them from being shipped from there, or in
    so many parts, or in parts that are worth so little.
    """
    planned = _unpriced(case, parts)
    if len(parts) > case.parts_allowed or _worth_too_little(case, planned):
        return None
    by_place = {part.location: part.items for part in parts}
    candidates = tuple(_with(one, by_place.get(one.location, ())) for one in case.candidates)
    seen = case.model_copy(update={"candidates": candidates})
    plan = priced(seen, planned)
    if plan is None:
        return None
    return seen, _told(seen, parts, plan, f"Held by cart {cart}")


def _worth_too_little(case: Case, plan: Plan) -> bool:
    """What is not split may be worth nothing."""
    return len(plan.parts) > 1 and min(one.value_minor for one in plan.parts) < case.part_value_min


def _with(candidate: Candidate, items: Sequence[SkuQuantity]) -> Candidate:
    if not items:
        return candidate
    there = candidate.available
    more = {item.sku: there.get(item.sku, 0) + item.quantity for item in items}
    left = candidate.capacity_left
    room = None if left is None else max(left, 1)
    return candidate.model_copy(update={"available": there | more, "capacity_left": room})


def _told(case: Case, parts: Sequence[Part], plan: Plan | None, by: str) -> Decision:
    could = source(case)
    names = {one.location: one.name for one in could.candidates}
    told = f"{' and '.join(names[part.location] for part in _in_order(parts))} had it."
    if plan is not None:
        told = sentence(case, plan, could.runners_up, could.candidates, ())
    return could.model_copy(
        update={
            "plan": plan,
            "proven": could.proven and _costs_no_more(plan, could.plan),
            "missing": (),
            "sentence": f"{by}: {told}",
        }
    )


def _costs_no_more(plan: Plan | None, best: Plan | None) -> bool:
    if plan is None or best is None:
        return False
    return plan.cost.total_minor <= best.cost.total_minor


def _in_order(parts: Sequence[Part]) -> list[Part]:
    """As those of every plan are."""
    return sorted(parts, key=lambda part: part.location)


def _unbarred(case: Case, plan: Plan) -> Case:
    """The case as if those that ship the plan might; what bars the others stays."""
    anything = {"active": True, "serves": (), "hazmat": True, "parcel_weight_max_g": None}
    ships = {part.location for part in plan.parts}
    candidates = tuple(
        one.model_copy(update=anything) if one.location in ships else one for one in case.candidates
    )
    excluded = tuple(one for one in case.excluded if one not in ships)
    return case.model_copy(update={"candidates": candidates, "excluded": excluded})


def _unpriced(case: Case, parts: Sequence[Part]) -> Plan:
    """The prices say what way it goes and when it comes."""
    some_day = Promise(ship_on=case.now.date(), deliver_on=case.now.date())
    planned = tuple(_part(case, part, some_day) for part in _in_order(parts))
    return Plan(parts=planned, cost=Cost(), promise=some_day)


def _part(case: Case, part: Part, some_day: Promise) -> PlannedPart:
    of = {line.line_id: line for line in case.lines}
    return PlannedPart(
        location=part.location,
        lines=part.lines,
        items=part.items,
        weight_g=sum(of[line.line_id].weight_g * line.quantity for line in part.lines),
        value_minor=sum(of[line.line_id].value_minor * line.quantity for line in part.lines),
        parcels=(),
        distance_km=None,
        promise=some_day,
    )
