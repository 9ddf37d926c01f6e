"""What a decision asks of the stock: parts to reserve or, without a plan, a place in the queue.

The queue shares goods out by stock alone, and in whole orders where this cannot weigh a split: who
may be split is sourced again when goods come that it did not give.
"""

from domain.sourcing.case import Case
from domain.sourcing.decision import Bar, Considered, Decision
from domain.stock import Claim, Part

NEVER = frozenset({Bar.EXCLUDED, Bar.NOT_SERVED, Bar.NO_ZONE, Bar.HAZMAT, Bar.TOO_HEAVY})
"""Goods at such a location are of no use; at one that is closed or full today they may be."""
UNSPLIT = frozenset({Bar.HAZMAT, Bar.TOO_HEAVY})
"""Some lines may leave from some locations only, which the queue does not know."""


def claim(channel: str, case: Case, decision: Decision) -> Claim:
    """Make what was decided a claim; goods that wait are sent from the nearest, then by name."""
    if decision.plan is not None:
        return Claim(
            parts=tuple(
                Part(location=part.location, lines=part.lines, items=part.items)
                for part in decision.plan.parts
            )
        )
    ranked = sorted((one for one in decision.candidates if one.bar not in NEVER), key=_nearness)
    some = tuple(one.location for one in decision.candidates if one.bar in UNSPLIT)
    whole = some or case.rules.part_value_min(case.currency)
    nearest = tuple(one.location for one in ranked)
    return Claim(
        seen={one.location: one.available for one in case.candidates},
        ranked=nearest,
        split_at=nearest + some if case.rules.parts_allowed > 1 else (),
        parts_max=1 if whole else case.rules.parts_allowed,
        priority=case.rules.priority(channel),
    )


def _nearness(one: Considered) -> tuple[bool, int, str]:
    return (one.distance_km is None, one.distance_km or 0, one.location)
