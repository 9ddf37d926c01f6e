"""How an order's lines are shared out among given locations: what each line can choose."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

from domain.sourcing.problem import Problem
from domain.sourcing.tariffs import pack
from domain.sourcing.ways import Units, all_ways, some_ways

CHOICES_MAX = 200
"""Ways to share out one line; of more, only the telling ones are tried."""
IMPOSSIBLE = 10**15


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
    """Units of an open line that could leave where they cost least: what more each then costs."""

    position: int
    extra: int
    weight: int
    units: int


class Moves:
    """Moves by place; those of the lines from a position on are picked out once, when asked for."""

    def __init__(self, by_place: list[tuple[Move, ...]]) -> None:
        self._by_place = by_place
        self._since: dict[tuple[int, int], tuple[Move, ...]] = {}

    def since(self, at: int, position: int) -> tuple[Move, ...]:
        known = self._since.get((at, position))
        if known is None:
            known = tuple([move for move in self._by_place[at] if move.position >= position])
            self._since[at, position] = known
        return known


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
        """Set the order of decisions: as the lines are named, or the most entangled ones first.

        These draw on stock that is short for several lines; then come the weightiest.

        As named, the choice that leaves most to the first place stands first of each line.
        """
        if as_named:
            self.open_lines.sort(key=lambda one: one.line)
        else:
            self.open_lines.sort(key=self._entanglement)
        self._sum_up()

    def _entanglement(self, one: OpenLine) -> tuple[bool, tuple[tuple[int, int], ...], int, int]:
        return (not one.draws, one.draws, -self.problem.need[one.line] * one.weight, one.line)

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
        weight = problem.weight[line]
        choices = [
            Choice(
                units,
                sum(map(int.__mul__, units, costs)),
                tuple([count * weight for count in units]),
            )
            for units in ways
        ]
        choices.sort(key=_cost)
        if len(choices) > 1:
            draws = problem.draws[line]
            self.open_lines.append(
                OpenLine(line, weight, problem.value[line], tuple(choices), draws)
            )
        else:
            self._force(line, choices[0])
        return True

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
        for at, count in enumerate(only.units):
            self.weights[at] += only.weights[at]
            self.value[at] += count * self.problem.value[line]
            self.count[at] += count
            for sku, each in self.problem.draws[line]:
                self.drawn[at][sku] += count * each

    def _sum_up(self) -> None:
        """What the lines from each position on come to: left where they cost least, and at most."""
        lines, places = self.open_lines, range(len(self.places))
        best = [one.best for one in lines]
        columns = [
            list(zip(*[choice.units for choice in one.choices], strict=True)) for one in lines
        ]
        most = [[max(column) for column in columns_] for columns_ in columns]
        self.rest_cost = _from_the_end([choice.cost for choice in best])
        self.rest_weight = [_from_the_end([choice.weights[at] for choice in best]) for at in places]
        self.rest_units = [_from_the_end([choice.units[at] for choice in best]) for at in places]
        self.rest_value = [
            _from_the_end([one.best.units[at] * one.value for one in lines]) for at in places
        ]
        self.most_units = [_from_the_end([units[at] for units in most]) for at in places]
        self.most_weight = [
            _from_the_end([units[at] * one.weight for units, one in zip(most, lines, strict=True)])
            for at in places
        ]
        self.most_value = [
            _from_the_end([units[at] * one.value for units, one in zip(most, lines, strict=True)])
            for at in places
        ]
        self.least_weight = [
            self.weights[at]
            + sum(
                min(columns_[at]) * one.weight for columns_, one in zip(columns, lines, strict=True)
            )
            for at in places
        ]
        self.rest_drawn = self._rest_drawn()
        self._leaving = Moves(self._moves(into=False))
        self._coming = Moves(self._moves(into=True))

    def leaving(self, at: int, position: int) -> tuple[Move, ...]:
        """What of the lines from `position` on could leave a place, by what that costs a gram."""
        return self._leaving.since(at, position)

    def coming(self, at: int, position: int) -> tuple[Move, ...]:
        """What of the lines from `position` on could come to a place, by what that costs a gram."""
        return self._coming.since(at, position)

    def _rest_drawn(self) -> list[list[tuple[int, ...]]]:
        """By position and place: what the lines from there on draw where they cost least."""
        left = [[0] * len(place) for place in self.drawn]
        found = [[tuple(place) for place in left]]
        for one in reversed(self.open_lines):
            for at, units in enumerate(one.best.units):
                for sku, each in one.draws:
                    left[at][sku] += each * units
            found.append([tuple(place) for place in left])
        return found[::-1]

    def _moves(self, *, into: bool) -> list[tuple[Move, ...]]:
        """By place, what could leave it or come to it, by what that costs a gram."""
        problem = self.problem
        found: list[list[Move]] = [[] for _ in self.places]
        for position, one in enumerate(self.open_lines):
            if not one.weight:
                continue
            costs = [problem.unit[place][one.line] for place in self.places]
            rooms = [problem.fits[place][one.line] for place in self.places]
            for here, units in enumerate(one.best.units):
                if not units:
                    continue
                for there, room in enumerate(rooms):
                    left = min(units, room - one.best.units[there])
                    if there != here and left > 0:
                        move = Move(position, costs[there] - costs[here], one.weight, left)
                        found[there if into else here].append(move)
        for moves in found:
            moves.sort(key=_by_gram)
        return [tuple(moves) for moves in found]

    def needs_packing(self, weights: Sequence[int]) -> bool:
        """Whether some part is no single parcel."""
        return any(
            weight > self.problem.rates[place].limit_g
            for weight, place in zip(weights, self.places, strict=True)
        )

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
        """The units of all lines in their order; `chosen` are the first open ones', by position."""
        by_line = dict(self.forced)
        for position, one in enumerate(self.open_lines):
            by_line[one.line] = chosen[position] if position < len(chosen) else one.best.units
        return tuple([by_line[line] for line in range(len(self.problem.lines))])


def _from_the_end(numbers: Sequence[int]) -> list[int]:
    """The sums of what is at each position and after it, and 0 for what is after all."""
    return list(accumulate(reversed(numbers), initial=0))[::-1]


def _by_gram(move: Move) -> tuple[int, int]:
    """Exact for any two weights: fractions of numbers below 10**8 differ by more than 10**-16."""
    return (move.extra * 10**18 // move.weight, move.position)


def _cost(choice: Choice) -> int:
    return choice.cost
