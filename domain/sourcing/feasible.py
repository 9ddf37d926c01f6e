"""Whether given locations can ship an order at all, however long its lines are.

Each line's units at each place lie in a range. The rules are sums of these, so that every
range narrows the others; what is then left open is tried: the cheapest place first, as much as it
can, or else a half of what is left. That no try is left proves that there is no way.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from domain.sourcing.branches import Found
from domain.sourcing.budget import Budget
from domain.sourcing.problem import Problem
from domain.sourcing.shares import Shares

TERMS_A_STEP = 10
_NO_END = 10**18


class Sum(NamedTuple):
    """So much at least and so much at most of `terms`: what is counted, and what each counts."""

    terms: tuple[tuple[int, int], ...]
    least: int = 0
    most: int = _NO_END


@dataclass(frozen=True, slots=True)
class Ranges:
    """How many units may be where, by line and then by place."""

    low: list[int]
    high: list[int]

    def parted(self, at: int) -> "Iterator[Ranges]":
        """All that is within these ranges in up to three: as much as can be, or fewer."""
        low, high = self.low[at], self.high[at]
        middle = (low + high) // 2
        for first, last in ((low, middle), (middle + 1, high - 1), (high, high)):
            if first <= last:
                made = Ranges(self.low.copy(), self.high.copy())
                made.low[at], made.high[at] = first, last
                yield made


def any_share(shares: Shares, budget: Budget) -> tuple[Found | None, bool]:
    """Find some way to share out, and say whether there is none where none was found."""
    problem, places = shares.problem, shares.places
    many = len(places)
    sums = _sums(problem, places)
    order = _order(problem, places)
    lines = range(len(problem.lines))
    high = [max(0, problem.fits[place][line]) for line in lines for place in places]
    left = [Ranges([0] * len(high), high)]
    while left:
        ranges = left.pop()
        if not _narrowed(ranges, sums, budget):
            continue
        if budget.left <= 0:
            return None, False
        wide = next((at for at in order if ranges.low[at] < ranges.high[at]), None)
        if wide is None:
            units = [tuple(ranges.low[line * many : (line + 1) * many]) for line in lines]
            return _priced(shares, tuple(units)), False
        left.extend(ranges.parted(wide))
    return None, True


def _sums(problem: Problem, places: tuple[int, ...]) -> list[Sum]:
    """All rules: each line is shipped, no shared stock twice, and each part is worth something."""
    many, lines = len(places), range(len(problem.lines))
    found = [
        Sum(tuple((line * many + at, 1) for at in range(many)), problem.need[line], need)
        for line, need in enumerate(problem.need)
    ]
    for at, place in enumerate(places):
        for sku, there in enumerate(problem.shared[place]):
            drawn = tuple(
                (line * many + at, each)
                for line in lines
                for one, each in problem.draws[line]
                if one == sku
            )
            found.append(Sum(drawn, most=max(0, there)))
        if many > 1:
            found.append(Sum(tuple((line * many + at, 1) for line in lines), least=1))
            worth = ((line * many + at, problem.value[line]) for line in lines)
            found.append(Sum(tuple(one for one in worth if one[1]), least=problem.value_min))
    return found


def _order(problem: Problem, places: tuple[int, ...]) -> list[int]:
    """What is tried first: lines that share stock, at the place where they cost least."""
    many = len(places)
    ranked = sorted(
        (not problem.draws[line], problem.unit[place][line], -problem.need[line], line * many + at)
        for line in range(len(problem.lines))
        for at, place in enumerate(places)
    )
    return [one[-1] for one in ranked]


def _narrowed(ranges: Ranges, sums: list[Sum], budget: Budget) -> bool:
    """Narrow all ranges as far as the sums tell; False if there is nothing within them.

    What is narrowed down to one way keeps every rule: it is looked at until nothing changes.
    """
    again = True
    while again:
        again = False
        for one in sums:
            if not budget.spend(1 + len(one.terms) // TERMS_A_STEP):
                return True
            within = _within(ranges, one)
            if within is None:
                return False
            again |= within
    return True


def _within(ranges: Ranges, one: Sum) -> bool | None:
    """Narrow what a sum counts: whether that changed anything; None if it cannot be kept."""
    low, high = ranges.low, ranges.high
    least = sum([each * low[at] for at, each in one.terms])
    most = sum([each * high[at] for at, each in one.terms])
    if least > one.most or most < one.least:
        return None
    if least >= one.least and most <= one.most:
        return False
    changed = False
    for at, each in one.terms:
        top = low[at] + (one.most - least) // each
        if top < high[at]:
            most -= each * (high[at] - top)
            high[at] = top
            changed = True
        bottom = high[at] - (most - one.least) // each
        if bottom > low[at]:
            least += each * (bottom - low[at])
            low[at] = bottom
            changed = True
        if low[at] > high[at]:
            return None
    return changed


def _priced(shares: Shares, units: tuple[tuple[int, ...], ...]) -> Found:
    problem, places = shares.problem, shares.places
    weights = [
        sum(weight * share[at] for weight, share in zip(problem.weight, units, strict=True))
        for at in range(len(places))
    ]
    cost = (
        sum(problem.fixed[place] for place in places)
        + problem.split * (len(places) - 1)
        + sum(
            problem.unit[place][line] * share[at]
            for line, share in enumerate(units)
            for at, place in enumerate(places)
        )
        + shares.shipping(weights, units)
    )
    return Found(cost, places, units)
