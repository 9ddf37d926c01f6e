"""What other rules would have made of past orders, in numbers beside what was done.

Sums only, so that tallies of many pages add up to the tally of all. Both sides are measured by the
other rules: their tariffs, their weights and the date that they ask for.
"""

from datetime import date

from domain.sourcing.case import Case
from domain.sourcing.decision import Decision, Plan
from domain.sourcing.prices import priced
from domain.values import Value


class Tally(Value):
    """Sums over decisions; amounts in the currency of the rules, over plans priced on both sides.

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

    def __add__(self, other: "Tally") -> "Tally":
        names = type(self).model_fields
        return Tally(**{name: getattr(self, name) + getattr(other, name) for name in names})


class Comparison(Value):
    """`priced` counts the decisions whose costs are compared: both have a plan with a price.

    `changed` counts those that other locations would ship, or that would wait or no longer wait.
    """

    was: Tally = Tally()
    would: Tally = Tally()
    priced: int = 0
    changed: int = 0

    def __add__(self, other: "Comparison") -> "Comparison":
        return Comparison(
            was=self.was + other.was,
            would=self.would + other.would,
            priced=self.priced + other.priced,
            changed=self.changed + other.changed,
        )


def compare(case: Case, was: Decision, would: Decision) -> Comparison:
    """Put a decision of the past beside the one that `case.rules` make of the same case."""
    done = priced(case, was.plan) if was.plan else None
    both = done is not None and would.plan is not None
    return Comparison(
        was=_tally(was, done or was.plan, would.deliver_by, in_sum=both),
        would=_tally(would, would.plan, would.deliver_by, in_sum=both),
        priced=both,
        changed=_who_ships(was.plan) != _who_ships(would.plan),
    )


def _who_ships(plan: Plan | None) -> frozenset[tuple[str, str, str, int]]:
    parts = plan.parts if plan else ()
    return frozenset(
        (part.location, line.line_id, line.sku, line.quantity)
        for part in parts
        for line in part.lines
    )


def _tally(decision: Decision, plan: Plan | None, asked: date | None, *, in_sum: bool) -> Tally:
    if plan is None:
        return Tally(decisions=1, unproven=not decision.proven)
    cost = plan.cost
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
        total_minor=cost.total_minor if in_sum else 0,
        shipping_minor=cost.shipping_minor if in_sum else 0,
        location_minor=cost.location_minor if in_sum else 0,
    )
