"""What is left to decide in a box: lines of which more than one choice is not too dear."""

from operator import itemgetter
from typing import NamedTuple

from domain.sourcing.boxes import Box
from domain.sourcing.shares import Choice, OpenLine, Shares
from domain.sourcing.tolls import SCALE, Toll

DECIDED_MAX = 300
"""Each line to decide is a level of recursion."""


class PricedChoice(NamedTuple):
    """A choice, how much dearer than its line's cheapest it is, and what rules count of it."""

    over: int
    choice: Choice
    amounts: tuple[int, ...]


class OpenWays(NamedTuple):
    line: int
    ways: list[PricedChoice]


class Core:
    """The lines to decide, in their order, and `between` what all before a position must stay.

    `amounts` are those of what is settled: cost, and what rules count that could be broken.
    """

    def __init__(self, shares: Shares, box: Box, limit: int) -> None:
        rules = zip(range(len(shares.rules) + len(shares.places)), *shares.span, strict=True)
        limits = [*zip(*box.within, strict=True), *shares.rules]
        self.counted = [
            at for at, low, high in rules if low < limits[at][0] or high > limits[at][1]
        ]
        self.limits = [(0, limit - 1 - box.price), *[limits[at] for at in self.counted]]
        self.amounts = [shares.cost, *[shares.amounts[at] for at in self.counted]]
        self.lines: list[OpenWays] = []
        self.settled: list[tuple[int, Choice]] = []
        self.complete = shares.complete

    def add(self, one: OpenLine, toll: Toll, slack: int) -> None:
        """Take a line in without the choices that are, with the toll, by more than this dearer."""
        prices = [
            choice.cost * SCALE + sum(map(int.__mul__, toll.per_gram, choice.amounts))
            for choice in one.choices
        ]
        least = min(prices)
        ways = [
            PricedChoice(
                price - least, choice, (choice.cost, *[choice.amounts[at] for at in self.counted])
            )
            for price, choice in zip(prices, one.choices, strict=True)
            if price - least <= slack
        ]
        self.lines.append(OpenWays(one.line, ways))

    def arrange(self) -> None:
        """Decide first what is dear to change; of very many, what is cheap to change not at all."""
        for one in self.lines:
            one.ways.sort(key=itemgetter(0))
        open_lines = sorted([one for one in self.lines if len(one.ways) > 1], key=_dear_to_change)
        for one in [one for one in self.lines if len(one.ways) == 1]:
            self._settle(one)
        for one in open_lines[DECIDED_MAX:]:
            self._settle(one)
            self.complete = False
        self.lines = open_lines[:DECIDED_MAX]
        self._bound()

    def arrange_by_name(self) -> None:
        """Decide all in the order of the lines, and most to the first places first."""
        for one in self.lines:
            one.ways.sort(key=_most_to_the_first)
        self._bound()

    def _settle(self, one: OpenWays) -> None:
        self.settled.append((one.line, one.ways[0].choice))
        self.amounts = list(map(int.__add__, self.amounts, one.ways[0].amounts))

    def _bound(self) -> None:
        """By position, what the amounts before it must come to so that the rest can do."""
        low, high = [one[0] for one in self.limits], [one[1] for one in self.limits]
        self.between = [self.limits]
        for one in reversed(self.lines):
            columns = list(zip(*[way.amounts for way in one.ways], strict=True))
            low = [least - max(column) for least, column in zip(low, columns, strict=True)]
            high = [most - min(column) for most, column in zip(high, columns, strict=True)]
            self.between.append(list(zip(low, high, strict=True)))
        self.between.reverse()


def _dear_to_change(one: OpenWays) -> tuple[int, int]:
    return (-one.ways[1].over, one.line)


def _most_to_the_first(way: PricedChoice) -> tuple[int, ...]:
    return tuple(-units for units in way.choice.units)
