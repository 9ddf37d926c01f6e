"""Many orders that want the same scarce stock, as one integer program: who is served, from where.

The costs are those of `domain.sourcing.source` for each order, and waiting costs more than any
plan does. Shipping is exact for parts of one parcel and bounded from below for heavier ones: what
`adapters/highs.py` finds is priced by `Together.assigned`, which alone says if it is the best.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from domain.sourcing.case import Case
from domain.sourcing.decision import Decision, Plan
from domain.sourcing.prices import planned, planned_part
from domain.sourcing.problem import Problem, problem
from domain.sourcing.source import source
from domain.sourcing.tariffs import dearest
from domain.sourcing.words import sentence

WAITING_TIMES = 10
"""Waiting costs so many times the dearest plan: serving one more is worth dearer plans."""

NO_PRIORITIES: Mapping[str, int] = MappingProxyType({})

Terms = list[tuple[int, int]]
"""Columns, each with its coefficient."""


@dataclass
class Program:
    """Minimise `costs`, each column a whole number from 0 to its upper bound, within the rows."""

    costs: list[int] = field(default_factory=list)
    uppers: list[int] = field(default_factory=list)
    rows: list[tuple[int | None, int | None, Terms]] = field(default_factory=list)
    """The least and the most that the terms may sum up to; None: no bound."""

    def column(self, cost: int, upper: int = 1) -> int:
        self.costs.append(cost)
        self.uppers.append(upper)
        return len(self.costs) - 1

    def row(self, least: int | None, most: int | None, terms: Terms) -> None:
        if terms:
            self.rows.append((least, most, terms))


@dataclass(frozen=True)
class Solution:
    """`bound`: no solution costs less."""

    values: tuple[int, ...]
    cost: int
    bound: float


@dataclass(frozen=True)
class Assigned:
    """Who is served and how; whatever is best is at most `gap_minor` better: 0 if this is."""

    plans: dict[str, Plan]
    gap_minor: float

    @property
    def proven(self) -> bool:
        return self.gap_minor == 0


@dataclass(frozen=True)
class _Order:
    """Columns of one order: is it served, its parts by place, its units by line and place."""

    numbers: Problem
    served: int
    used: tuple[int, ...]
    units: tuple[tuple[int, ...], ...]
    tiers: tuple[tuple[int, ...], ...]


class Together:
    """The program of these cases, read at one moment with one rule set.

    Who has a higher priority counts for more; orders that are not named have 0.
    """

    def __init__(
        self, cases: Mapping[str, Case], priorities: Mapping[str, int] = NO_PRIORITIES
    ) -> None:
        self.program = Program()
        ranks = sorted({priorities.get(key, 0) for key in cases})
        self._urgency = {key: 1 + ranks.index(priorities.get(key, 0)) for key in cases}
        read = {key: problem(case)[0] for key, case in cases.items()}
        dearest = max(map(_dearest, read.values()), default=0)
        self.waiting_minor = WAITING_TIMES * (dearest + 1)
        self._orders = {key: self._order(key, read[key]) for key in sorted(read)}
        self._share_stock()
        self._share_days()

    def start(self, plans: Mapping[str, Plan]) -> tuple[int, ...]:
        """These plans as values, which must respect the stock that all share."""
        values = [0] * len(self.program.costs)
        for key, plan in plans.items():
            _enter(values, self._orders[key], plan)
        return tuple(values)

    def assigned(self, solution: Solution, turn: Mapping[str, Plan]) -> Assigned:
        """Make it plans, priced exactly; those of `turn` where the prices make these the better.

        Costs are whole numbers: what is less than one above the bound is the best.
        """
        plans = min(self._plans(solution), dict(turn), key=self.objective_minor)
        all_served_for_nothing = -self.waiting_minor * sum(self._urgency.values())
        gap = self.objective_minor(plans) - max(solution.bound, all_served_for_nothing)
        return Assigned(plans, gap_minor=0.0 if gap < 1 else gap)

    def objective_minor(self, plans: Mapping[str, Plan]) -> int:
        """What is minimised: what plans cost, less what it is worth to serve these orders."""
        return sum(
            plan.cost.total_minor - self.waiting_minor * self._urgency[key]
            for key, plan in plans.items()
        )

    def _plans(self, solution: Solution) -> dict[str, Plan]:
        return {
            key: _plan(order, solution.values)
            for key, order in self._orders.items()
            if solution.values[order.served]
        }

    def _order(self, key: str, numbers: Problem) -> _Order:
        add, places = self.program.column, range(len(numbers.places))
        order = _Order(
            numbers=numbers,
            served=add(-self.waiting_minor * self._urgency[key] - numbers.split),
            used=tuple(add(numbers.fixed[at] + numbers.split) for at in places),
            units=tuple(
                tuple(add(numbers.unit[at][line], numbers.fits[at][line]) for at in places)
                for line in range(len(numbers.lines))
            ),
            tiers=tuple(tuple(add(level.price) for level in numbers.levels[at]) for at in places),
        )
        self._whole(order)
        for at in places:
            self._part(order, at)
        self._worth(order)
        return order

    def _whole(self, order: _Order) -> None:
        """All units of each line, or none; no more parts than the rules allow."""
        for need, units in zip(order.numbers.need, order.units, strict=True):
            self.program.row(0, 0, [*((one, 1) for one in units), (order.served, -need)])
        most = order.numbers.parts_max
        self.program.row(None, 0, [*((one, 1) for one in order.used), (order.served, -most)])

    def _part(self, order: _Order, at: int) -> None:
        """Units leave from a place that is used; its parcel's tier carries their weight."""
        numbers, used = order.numbers, order.used[at]
        for line, units in enumerate(order.units):
            fits = numbers.fits[at][line]
            self.program.row(None, 0, [(units[at], 1), (used, -fits)])
        self.program.row(0, 0, [*((one, 1) for one in order.tiers[at]), (used, -1)])
        carried = [(units[at], w) for units, w in zip(order.units, numbers.weight, strict=True)]
        tiers = zip(order.tiers[at], numbers.levels[at], strict=True)
        room = [(one, -min(level.upto_g, numbers.total_g)) for one, level in tiers]
        self.program.row(None, 0, carried + room)

    def _worth(self, order: _Order) -> None:
        """Each part of a split is worth its least; `whole` says that there is no split."""
        least, most = order.numbers.value_min, order.numbers.parts_max
        if not least or most == 1:
            return
        whole = self.program.column(0)
        self.program.row(None, most, [*((one, 1) for one in order.used), (whole, most - 1)])
        for at, used in enumerate(order.used):
            values = zip(order.units, order.numbers.value, strict=True)
            worth = [(units[at], value) for units, value in values]
            self.program.row(0, None, [*worth, (used, -least), (whole, least)])

    def _share_stock(self) -> None:
        drawn: dict[tuple[str, str], Terms] = {}
        there: dict[tuple[str, str], int] = {}
        for order in self._orders.values():
            for line, units in zip(order.numbers.lines, order.units, strict=True):
                for place, column in zip(order.numbers.places, units, strict=True):
                    for item in line.items(1):
                        cell = (place.candidate.location, item.sku)
                        available = max(0, place.candidate.available.get(item.sku, 0))
                        there[cell] = min(there.get(cell, available), available)
                        drawn.setdefault(cell, []).append((column, item.quantity))
        for cell in sorted(drawn):
            self.program.row(None, there[cell], drawn[cell])

    def _share_days(self) -> None:
        taken: dict[str, Terms] = {}
        left: dict[str, int] = {}
        for order in self._orders.values():
            for place, used in zip(order.numbers.places, order.used, strict=True):
                capacity = place.candidate.capacity_left
                if capacity is not None:
                    name = place.candidate.location
                    left[name] = min(left.get(name, capacity), capacity)
                    taken.setdefault(name, []).append((used, 1))
        for name in sorted(taken):
            self.program.row(None, left[name], taken[name])


def decided(case: Case, plan: Plan, many: int, *, proven: bool) -> Decision:
    """Make a plan of many orders one order's decision, beside what it would have had alone.

    `proven` says of all their plans together that none are better.
    """
    alone = source(case)
    told = sentence(case, plan, alone.runners_up, alone.candidates, ())
    return alone.model_copy(
        update={
            "plan": plan,
            "proven": proven,
            "missing": (),
            "sentence": f"Decided together for {many} orders that waited: {told}",
        }
    )


def _dearest(numbers: Problem) -> int:
    """No plan of the order costs more."""
    parts = range(len(numbers.places))
    each = [
        numbers.fixed[at]
        + numbers.split
        + dearest(numbers.rates[at], numbers.total_g)
        + sum(cost * need for cost, need in zip(numbers.unit[at], numbers.need, strict=True))
        for at in parts
    ]
    return sum(sorted(each)[-numbers.parts_max :])


def _enter(values: list[int], order: _Order, plan: Plan) -> None:
    numbers = order.numbers
    places = {place.candidate.location: at for at, place in enumerate(numbers.places)}
    lines = {line.line_id: at for at, line in enumerate(numbers.lines)}
    values[order.served] = 1
    for part in plan.parts:
        at = places[part.location]
        values[order.used[at]] = 1
        for line in part.lines:
            values[order.units[lines[line.line_id]][at]] = line.quantity
        tier = next(n for n, one in enumerate(numbers.levels[at]) if one.upto_g >= part.weight_g)
        values[order.tiers[at][tier]] = 1


def _plan(order: _Order, values: Sequence[int]) -> Plan:
    at = [place for place, used in enumerate(order.used) if values[used]]
    parts = tuple(
        planned_part(order.numbers, place, [values[units[place]] for units in order.units])
        for place in at
    )
    return planned(order.numbers, at, parts)
