"""How an order's lines are shared out among given locations: what each line can choose."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

from domain.sourcing_problem import Problem
from domain.sourcing_tariffs import pack

CHOICES_MAX = 200
"""Ways to share out one line; of more, only those that fill one place after the other are tried."""
IMPOSSIBLE = 10**15

Units = tuple[int, ...]


class Choice(NamedTuple):
    """How many units of a line each place ships, their cost of balance, and their weights."""

    units: Units
    cost: int
    weights: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class OpenLine:
    """A line that can be shared out in more than one way; `choices` begin with the cheapest."""

    line: int
    weight: int
    value: int
    choices: tuple[Choice, ...]
    draws: tuple[tuple[int, int], ...]

    @property
    def best(self) -> Choice:
        return self.choices[0]


class Move(NamedTuple):
    """Units of an open line that could leave where they cost least: at what price, what weight."""

    position: int
    extra: int
    weight: int
    units: int


class Shares:
    """The ways to share out among some places. Each of them must ship something.

    `open_lines` are in the order in which they are decided; what has but one way is in `weights`,
    `value`, `count`, `drawn` and `cost`, which starts with what using the places costs.
    """

    def __init__(self, problem: Problem, places: tuple[int, ...]) -> None:
        self.problem = problem
        self.places = places
        many = len(places)
        self.cost = sum(problem.fixed[p] for p in places) + problem.split * (many - 1)
        self.weights = [0] * many
        self.value = [0] * many
        self.count = [0] * many
        self.drawn = [[0] * len(problem.shared[p]) for p in places]
        self.forced: dict[int, Units] = {}
        self.open_lines: list[OpenLine] = []
        self.complete = True
        """Whether `choices` are all that there are."""
        self.possible = all(self._add(line) for line in range(len(problem.lines)))

    def arrange(self, *, as_named: bool) -> None:
        """Set the order of decisions: as the lines are named, or the weightiest lines first.

        As named, the choice that leaves most to the first place stands first of each line.
        """
        if as_named:
            self.open_lines.sort(key=lambda one: one.line)
        else:
            self.open_lines.sort(key=lambda one: (-self._weightiness(one), one.line))
        self._sum_up()

    def _weightiness(self, one: OpenLine) -> int:
        return self.problem.need[one.line] * max(one.weight, 1)

    def _add(self, line: int) -> bool:
        """Take a line in; False if the places have not enough of it."""
        problem = self.problem
        limits = [problem.fits[p][line] for p in self.places]
        need = problem.need[line]
        if sum(limits) < need:
            return False
        costs = [problem.unit[p][line] for p in self.places]
        ways, all_of_them = _ways(need, limits, costs)
        self.complete &= all_of_them
        weight = problem.weight[line]
        choices = sorted(
            (
                Choice(
                    units,
                    sum(map(int.__mul__, units, costs)),
                    tuple(count * weight for count in units),
                )
                for units in ways
            ),
            key=lambda choice: (choice.cost, tuple(-count for count in choice.units)),
        )
        if len(choices) > 1:
            draws = problem.draws[line]
            self.open_lines.append(
                OpenLine(line, weight, problem.value[line], tuple(choices), draws)
            )
        else:
            self._force(line, choices[0])
        return True

    def _force(self, line: int, only: Choice) -> None:
        self.forced[line] = only.units
        self.cost += only.cost
        for at, count in enumerate(only.units):
            self.weights[at] += only.weights[at]
            self.value[at] += count * self.problem.value[line]
            self.count[at] += count
            for sku, each in self.problem.draws[line]:
                self.drawn[at][sku] += count * each

    def _sum_up(self) -> None:
        """What the lines from each position on cost and weigh at least, and weigh at most."""
        lines, many = self.open_lines, len(self.places)
        self.rest_cost = _from_the_end([one.best.cost for one in lines])
        self.rest_weight = [
            _from_the_end([one.best.weights[at] for one in lines]) for at in range(many)
        ]
        self.most_weight = [
            _from_the_end([max(choice.weights[at] for choice in one.choices) for one in lines])
            for at in range(many)
        ]
        self.most_units = [
            _from_the_end([max(choice.units[at] for choice in one.choices) for one in lines])
            for at in range(many)
        ]
        self.most_value = [
            _from_the_end(
                [one.value * max(choice.units[at] for choice in one.choices) for one in lines]
            )
            for at in range(many)
        ]
        self.least_weight = [
            self.weights[at] + sum(min(c.weights[at] for c in one.choices) for one in lines)
            for at in range(many)
        ]
        self.moves = [self._moves_from(at) for at in range(many)]

    def _moves_from(self, at: int) -> tuple[Move, ...]:
        """What could leave a place, by what it costs a gram; equal ones by position."""
        problem, found = self.problem, []
        for position, one in enumerate(self.open_lines):
            here = one.best.units[at]
            if not here or not one.weight:
                continue
            own = problem.unit[self.places[at]][one.line]
            for other, place in enumerate(self.places):
                room = problem.fits[place][one.line] - one.best.units[other]
                if other != at and room > 0:
                    extra = problem.unit[place][one.line] - own
                    found.append(Move(position, extra, one.weight, min(here, room)))
        found.sort(key=lambda move: (move.extra * 10**18 // move.weight, move.position))
        return tuple(found)

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
            total += sum(rates.price(parcel) for parcel in pack(rates.limit_g, shares))
        return total

    def every_line(self, chosen: Sequence[Units]) -> tuple[Units, ...]:
        """The units of all lines in their order; `chosen` are the open ones' by position."""
        by_line = dict(self.forced)
        for one, units in zip(self.open_lines, chosen, strict=True):
            by_line[one.line] = units
        return tuple(by_line[line] for line in range(len(self.problem.lines)))


def _from_the_end(numbers: Sequence[int]) -> list[int]:
    """The sums of what is at each position and after it, and 0 for what is after all."""
    return list(accumulate(reversed(numbers), initial=0))[::-1]


def _ways(need: int, limits: Sequence[int], costs: Sequence[int]) -> tuple[list[Units], bool]:
    """All ways to share out a line if they are not too many; else the plain ones."""
    ways: list[Units] = []
    for units in _compositions(need, tuple(limits)):
        ways.append(units)
        if len(ways) > CHOICES_MAX:
            return _plain_ways(need, limits, costs), False
    return ways, True


def _compositions(need: int, limits: tuple[int, ...]) -> Iterator[Units]:
    if len(limits) == 1:
        yield (need,)
        return
    elsewhere = sum(limits[1:])
    for here in range(min(need, limits[0]), max(0, need - elsewhere) - 1, -1):
        for others in _compositions(need - here, limits[1:]):
            yield (here, *others)


def _plain_ways(need: int, limits: Sequence[int], costs: Sequence[int]) -> list[Units]:
    """Fill the cheapest place first; and each other place first, then the cheapest."""
    by_cost = sorted(range(len(limits)), key=lambda at: (costs[at], at))
    found: set[Units] = set()
    for first in by_cost:
        left, units = need, [0] * len(limits)
        for at in (first, *(other for other in by_cost if other != first)):
            units[at] = min(left, limits[at])
            left -= units[at]
        found.add(tuple(units))
    return sorted(found)
