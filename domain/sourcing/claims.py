"""What a decision asks of the stock: parts to reserve or, without a plan, a place in the queue.

The queue shares goods out by stock alone, and in whole orders where this cannot weigh a split: who
may be split is sourced again when goods come that it did not give.
"""

from domain.sourcing.case import Case
from domain.sourcing.decision import Decision
from domain.sourcing.problem import Place, barred_lines, problem
from domain.stock import Claim, Part


def claim(channel: str, case: Case, decision: Decision) -> Claim:
    """Make what was decided a claim; goods that wait are sent from the nearest, then by name."""
    if decision.plan is not None:
        return Claim(
            parts=tuple(
                Part(location=part.location, lines=part.lines, items=part.items)
                for part in decision.plan.parts
            )
        )
    ranked, partly = _of_use(case)
    whole = partly or case.part_value_min
    return Claim(
        seen={one.location: one.available for one in case.candidates},
        ranked=ranked,
        split_at=ranked + partly if case.parts_allowed > 1 else (),
        parts_max=1 if whole else case.parts_allowed,
        priority=case.rules.priority(channel),
    )


def _of_use(case: Case) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Where goods could ever ship all lines from, the best first, and where some of the lines.

    A location that is closed or full today may not be when they come; what else keeps it out stays.
    """
    ready = tuple(
        one.model_copy(update={"active": True, "capacity_left": None}) for one in case.candidates
    )
    numbers = problem(case.model_copy(update={"candidates": ready}))[0]
    ranked: list[str] = []
    partly: list[str] = []
    for place in sorted(numbers.places, key=_nearness):
        barred = barred_lines(place, numbers.lines)
        if not barred:
            ranked.append(place.candidate.location)
        elif len(barred) < len(numbers.lines):
            partly.append(place.candidate.location)
    return tuple(ranked), tuple(partly)


def _nearness(place: Place) -> tuple[bool, int, str]:
    return (place.distance_km is None, place.distance_km or 0, place.candidate.location)
