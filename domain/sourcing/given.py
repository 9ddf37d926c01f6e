"""What the queue gave an order, told as what sourcing decides."""

from collections.abc import Sequence

from domain.promises import Promise
from domain.sourcing.case import Case
from domain.sourcing.decision import Cost, Decision, Plan, PlannedPart
from domain.sourcing.prices import priced
from domain.sourcing.source import source
from domain.sourcing.words import sentence
from domain.stock import Part


def given(case: Case, parts: Sequence[Part], cause: str) -> Decision:
    """Put the parts beside what could have been decided, at the price of the case's rules.

    The queue goes by stock alone: of locations that may not ship it any more nothing is asked. No
    plan: there is no zone to price one by.
    """
    could = source(case)
    parts = sorted(parts, key=lambda part: part.location)  # as every plan is
    plan = priced(_unbarred(case), _unpriced(case, parts))
    names = {one.location: one.name for one in could.candidates}
    told = f"{' and '.join(names[part.location] for part in parts)} had it."
    if plan is not None:
        told = sentence(case, plan, could.runners_up, could.candidates, ())
    return could.model_copy(
        update={
            "plan": plan,
            "proven": plan == could.plan,
            "missing": (),
            "sentence": f"Given by the queue ({cause}): {told}",
        }
    )


def _unbarred(case: Case) -> Case:
    anything = {"active": True, "serves": (), "hazmat": True, "parcel_weight_max_g": None}
    candidates = tuple(one.model_copy(update=anything) for one in case.candidates)
    return case.model_copy(update={"candidates": candidates, "excluded": ()})


def _unpriced(case: Case, parts: Sequence[Part]) -> Plan:
    """The prices say what way it goes and when it comes."""
    some_day = Promise(ship_on=case.now.date(), deliver_on=case.now.date())
    planned = tuple(_part(case, part, some_day) for part in parts)
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
