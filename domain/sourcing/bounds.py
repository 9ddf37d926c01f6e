"""Bounds on what combinations of locations cost: quick enough for thousands of them."""

from collections.abc import Iterator
from typing import NamedTuple

from domain.sourcing.problem import Problem
from domain.sourcing.shares import IMPOSSIBLE
from domain.sourcing.tariffs import cheapest


class Combination(NamedTuple):
    """Places, with a bound from below on what any plan costs that uses all of them."""

    bound: int
    size: int
    places: tuple[int, ...]


class Bounds:
    """What can be said of a combination without sharing out a single line."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        lines, places = range(len(problem.lines)), range(len(problem.places))
        self.least = [problem.fixed[place] + problem.rates[place].prices[0] for place in places]
        self.cheap = sorted(places, key=lambda place: (self.least[place], place))
        self.lines_cost = [
            [
                problem.unit[p][line] * problem.need[line] if problem.fits[p][line] else IMPOSSIBLE
                for line in lines
            ]
            for p in places
        ]
        self.some = [_bits(fits) for fits in problem.fits]
        self.all_of = [
            _bits([fit >= need for fit, need in zip(fits, problem.need, strict=True)])
            for fits in problem.fits
        ]
        self.every_line = (1 << len(problem.lines)) - 1
        self.tariffs = {levels: at for at, levels in enumerate(dict.fromkeys(problem.levels))}
        self.tariff_of = [self.tariffs[levels] for levels in problem.levels]
        self.shipping: dict[tuple[int, ...], int] = {}

    def in_order(self, size: int, limit: int) -> Iterator[tuple[int, ...]]:
        """Combinations of so many places, cheap ones first, that could cost less than `limit`.

        Each part costs at least what using its place does, and a parcel of the first tier.
        """
        left = limit - self._floor() - self.problem.split * (size - 1)
        for places in self._within(left, size, 0):
            yield tuple(sorted(places))

    def _within(self, left: int, size: int, start: int) -> Iterator[tuple[int, ...]]:
        for at in range(start, len(self.cheap) - size + 1):
            place = self.cheap[at]
            if self.least[place] * size >= left:
                return
            if size == 1:
                yield (place,)
                continue
            for others in self._within(left - self.least[place], size - 1, at + 1):
                yield (place, *others)

    def enough(self, places: tuple[int, ...]) -> bool:
        """Whether there is enough of each line, and of what lines share, if it can be combined."""
        some = full = 0
        for place in places:
            some |= self.some[place]
            full |= self.all_of[place]
        if some != self.every_line:
            return False
        open_lines = self.every_line & ~full
        fits, need = self.problem.fits, self.problem.need
        while open_lines:
            line = (open_lines & -open_lines).bit_length() - 1
            if sum([fits[place][line] for place in places]) < need[line]:
                return False
            open_lines &= open_lines - 1
        shared = self.problem.shared
        return all(
            sum([shared[place][sku] for place in places]) >= drawn
            for sku, drawn in enumerate(self.problem.drawn)
        )

    def of(self, places: tuple[int, ...]) -> int:
        problem = self.problem
        first, *others = (self.lines_cost[place] for place in places)
        cheapest_lines = map(min, first, *others) if others else first
        return (
            sum([problem.fixed[place] for place in places])
            + problem.split * (len(places) - 1)
            + sum(cheapest_lines)
            + self._shipping(places)
        )

    def of_more(self, parts: int) -> int:
        """What any plan of so many parts or more costs at least."""
        least = sum(self.least[place] for place in self.cheap[:parts])
        return least + self.problem.split * (parts - 1) + self._floor()

    def lack(self, places: tuple[int, ...]) -> int:
        """How many units of lines the places have too few of."""
        fits = self.problem.fits
        return sum(
            max(0, need - sum(fits[place][line] for place in places))
            for line, need in enumerate(self.problem.need)
        )

    def _floor(self) -> int:
        """What the lines cost at least wherever they ship from."""
        return sum(min(costs) for costs in zip(*self.lines_cost, strict=True))

    def _shipping(self, places: tuple[int, ...]) -> int:
        key = tuple(sorted(self.tariff_of[place] for place in places))
        if key not in self.shipping:
            levels = [self.problem.levels[place] for place in places]
            self.shipping[key] = cheapest(levels, self.problem.total_g)
        return self.shipping[key]


def _bits(flags: tuple[int, ...] | list[bool]) -> int:
    """A number with a bit for each that is not zero."""
    return sum(1 << at for at, flag in enumerate(flags) if flag)
