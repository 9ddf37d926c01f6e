"""How an order's lines are shared out among given locations: what each line can choose."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import NamedTuple

from domain.sourcing.problem import Problem
from domain.sourcing.tariffs import pack
from domain.sourcing.tolls import Tolls, Weights
from domain.sourcing.ways import Units, all_ways, some_ways

CHOICES_MAX = 200
"""Ways to share out one line; of more, only the telling ones are tried."""
IMPOSSIBLE = 10**15


class Choice(NamedTuple):
    """How many units of a line each place ships, what that costs, and what rules count of it."""

    units: Units
    cost: int
    amounts: tuple[int, ...]


class OpenLine(NamedTuple):
    """A line that can be shared out in more than one way; `choices` begin with the cheapest."""

    line: int
    choices: tuple[Choice, ...]


class Shares:
    """The ways to share out among some places. Each of them must ship something.

    All that rules limit is a sum of `amounts`: by place the weight, then the units, the value where
    a part must be worth something, and what is drawn of stock that is short for several lines. Of
    each but the weights there are `rules`, the least and the most. What has but one way is in
    `amounts` and `cost`, which starts with what using the places costs.
    """

    def __init__(self, problem: Problem, places: tuple[int, ...]) -> None:
        self.problem = problem
        self.places = places
        many = len(places)
        self.cost = sum([problem.fixed[p] for p in places]) + problem.split * (many - 1)
        self.short = [
            (at, sku)
            for at, place in enumerate(places)
            for sku, there in enumerate(problem.shared[place])
            if 0 < there < problem.drawn[sku]
        ]
        self.rules = self._rules()
        self.amounts = [0] * (many + len(self.rules))
        self.forced: dict[int, Units] = {}
        self.open_lines: list[OpenLine] = []
        self.complete = True
        """Whether `choices` are all that there are."""
        self.possible = all(self._add(line) for line in range(len(problem.lines)))
        self.least_cost = self.cost + sum([one.choices[0].cost for one in self.open_lines])
        self.closed: set[Weights] = set()
        """Between these weights is nothing below the limit that was last searched for."""

    @property
    def weights(self) -> tuple[int, ...]:
        return tuple(self.amounts[: len(self.places)])

    @cached_property
    def span(self) -> tuple[list[int], list[int]]:
        """The least and the most that each amount can come to, whatever is chosen."""
        columns = [
            list(zip(*[choice.amounts for choice in one.choices], strict=True))
            for one in self.open_lines
        ]
        least, most = [list(self.amounts)], [list(self.amounts)]
        least += [[min(column) for column in line] for line in columns]
        most += [[max(column) for column in line] for line in columns]
        return _summed(least), _summed(most)

    @cached_property
    def tolls(self) -> Tolls:
        lines = [one.line for one in self.open_lines]
        return Tolls(self.problem, self.places, lines, self.cost, self.weights)

    def _rules(self) -> list[tuple[int, int]]:
        """Each part of a split ships something that is worth enough; no stock is taken twice."""
        problem, many = self.problem, len(self.places)
        rules = [(0, problem.shared[self.places[at]][sku]) for at, sku in self.short]
        if many > 1 and problem.value_min:
            rules = [(problem.value_min, IMPOSSIBLE)] * many + rules
        if many > 1:
            rules = [(1, IMPOSSIBLE)] * many + rules
        return rules

    def _add(self, line: int) -> bool:
        """Take a line in; False if the places have not enough of it."""
        problem = self.problem
        limits = tuple([problem.fits[p][line] for p in self.places])
        need = problem.need[line]
        if sum(limits) < need:
            return False
        costs = [problem.unit[p][line] for p in self.places]
        ways = all_ways(need, limits, CHOICES_MAX)
        if ways is None:
            self.complete = False
            ways = some_ways(need, limits, costs, [self._marks(p, line) for p in self.places])
        choices = [
            Choice(units, sum(map(int.__mul__, units, costs)), self._amounts(line, units))
            for units in ways
        ]
        choices.sort(key=_cost)
        if len(choices) > 1:
            self.open_lines.append(OpenLine(line, tuple(choices)))
        else:
            self._force(line, choices[0])
        return True

    def _amounts(self, line: int, units: Units) -> tuple[int, ...]:
        """What this adds to what rules limit, in the order of the rules."""
        problem, many = self.problem, len(self.places)
        weight = problem.weight[line]
        found = [count * weight for count in units]
        if many > 1:
            found += units
        if many > 1 and problem.value_min:
            value = problem.value[line]
            found += [count * value for count in units]
        if self.short:
            each = dict(problem.draws[line])
            found += [units[at] * each.get(sku, 0) for at, sku in self.short]
        return tuple(found)

    def _marks(self, place: int, line: int) -> set[int]:
        """Units of a line with which a part is worth enough, or its parcel as full as it may be."""
        problem, marks = self.problem, {1}
        if value := problem.value[line]:
            marks.add(-(-problem.value_min // value))
        if weight := problem.weight[line]:
            marks.update(level.upto_g // weight for level in problem.levels[place])
        return marks

    def _force(self, line: int, only: Choice) -> None:
        self.forced[line] = only.units
        self.cost += only.cost
        self.amounts = list(map(int.__add__, self.amounts, only.amounts))

    def shipping(self, weights: Sequence[int], units: Sequence[Units]) -> int:
        """What the parcels of all parts cost; `units` by line, then by place of these."""
        total = 0
        for at, place in enumerate(self.places):
            rates = self.problem.rates[place]
            if weights[at] <= rates.limit_g:
                total += rates.price(weights[at])
                continue
            shares = (
                (weight, count[at])
                for weight, count in zip(self.problem.weight, units, strict=True)
                if count[at]
            )
            loads = pack(rates.limit_g, shares)
            total += sum([rates.price(weight_g) * parcels for weight_g, parcels in loads])
        return total

    def every_line(self, chosen: Iterable[tuple[int, Choice]]) -> tuple[Units, ...]:
        """The units of all lines in their order; `chosen` are the open ones'."""
        by_line = self.forced | {line: choice.units for line, choice in chosen}
        return tuple(map(by_line.__getitem__, range(len(by_line))))


def _summed(amounts: list[list[int]]) -> list[int]:
    return [sum(column) for column in zip(*amounts, strict=True)]


def _cost(choice: Choice) -> int:
    return choice.cost
