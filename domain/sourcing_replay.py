"""What other rules would have made of past orders, in numbers beside what was decided.

Sums only, so that tallies of many pages add up to the tally of all.
"""

from datetime import date

from domain.sourcing import Decision, Plan
from domain.values import Value


class Tally(Value):
    """Sums over decisions; amounts are in the currency of the rules, which should be one.

    `dated` counts the plans that had a date asked for, `late` those of them that miss it.
    """

    decisions: int = 0
    planned: int = 0
    split: int = 0
    parts: int = 0
    parcels: int = 0
    distance_km: int = 0
    dated: int = 0
    late: int = 0
    unproven: int = 0
    total_minor: int = 0
    shipping_minor: int = 0
    location_minor: int = 0

    @property
    def late_share(self) -> float | None:
        return self.late / self.dated if self.dated else None

    def __add__(self, other: "Tally") -> "Tally":
        names = type(self).model_fields
        return Tally(**{name: getattr(self, name) + getattr(other, name) for name in names})


class Comparison(Value):
    """`changed` counts the orders that other locations would ship, or that would no longer wait."""

    was: Tally = Tally()
    would: Tally = Tally()
    changed: int = 0

    def __add__(self, other: "Comparison") -> "Comparison":
        return Comparison(
            was=self.was + other.was,
            would=self.would + other.would,
            changed=self.changed + other.changed,
        )


def compare(was: Decision, would: Decision) -> Comparison:
    """Put the decision of the past beside the one that other rules make of the same case.

    Both are measured against the same date: the one that the other rules ask for, if they do.
    """
    asked = would.deliver_by or was.deliver_by
    return Comparison(
        was=_tally(was, asked),
        would=_tally(would, asked),
        changed=_who_ships(was.plan) != _who_ships(would.plan),
    )


def _who_ships(plan: Plan | None) -> frozenset[tuple[str, str, str, int]]:
    parts = plan.parts if plan else ()
    return frozenset(
        (part.location, line.line_id, line.sku, line.quantity)
        for part in parts
        for line in part.lines
    )


def _tally(decision: Decision, asked: date | None) -> Tally:
    plan = decision.plan
    if plan is None:
        return Tally(decisions=1, unproven=not decision.proven)
    return Tally(
        decisions=1,
        planned=1,
        split=len(plan.parts) > 1,
        parts=len(plan.parts),
        parcels=sum(len(part.parcels) for part in plan.parts),
        distance_km=sum(part.distance_km or 0 for part in plan.parts),
        dated=asked is not None,
        late=asked is not None and plan.promise.deliver_on > asked,
        unproven=not decision.proven,
        total_minor=plan.cost.total_minor,
        shipping_minor=plan.cost.shipping_minor,
        location_minor=plan.cost.location_minor,
    )
