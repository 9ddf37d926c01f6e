"""Steps of tariffs, one for each part of a plan: what shipping costs while weights stay between.

Shipping is a step function of a part's weight, so that a search can go box by box: a box says
between which two steps each part's weight lies, hence what shipping costs at least.
"""

from math import prod
from typing import NamedTuple

from domain.sourcing.shares import Shares
from domain.sourcing.tariffs import UNLIMITED_G, Level, cheapest
from domain.sourcing.tolls import Weights

BOXES_MAX = 4_000


class Box(NamedTuple):
    """While each part weighs what it may `within`, shipping costs `price` or more."""

    price: int
    within: Weights


class _Steps(NamedTuple):
    """Levels of the first parts; `over_g` and `upto_g` are sums."""

    price: int
    over_g: int
    upto_g: int
    levels: tuple[Level, ...]


def boxes(shares: Shares, limit: int) -> list[Box]:
    """The boxes that can hold all the weight for less than the limit, cheapest first."""
    left = limit - shares.least_cost
    least, most = shares.span
    by_place = [
        [
            level
            for level in shares.problem.levels[place]
            if least[at] <= level.upto_g and most[at] > level.over_g and level.price < left
        ]
        for at, place in enumerate(shares.places)
    ]
    if not all(by_place):
        return []
    if prod(map(len, by_place)) > BOXES_MAX:
        return [whole(shares)]
    total_g = shares.problem.total_g
    return sorted([_box(steps, total_g) for steps in _combined(by_place, left, total_g)])


def _combined(by_place: list[list[Level]], left: int, total_g: int) -> list[_Steps]:
    """One level of each place: what costs less than is left, and can hold the weight and no less.

    A part of a level weighs a gram more than it is over.
    """
    found = [_Steps(0, 0, 0, ())]
    for at, levels in enumerate(by_place):
        later = by_place[at + 1 :]
        below = left - sum([min([level.price for level in one]) for one in later])
        over_g = total_g - sum([one[0].over_g + 1 for one in later])
        upto_g = total_g - sum([one[-1].upto_g for one in later])
        found = [
            _Steps(
                steps.price + level.price,
                steps.over_g + level.over_g + 1,
                steps.upto_g + level.upto_g,
                (*steps.levels, level),
            )
            for steps in found
            for level in levels
            if steps.price + level.price < below
            and steps.over_g + level.over_g < over_g
            and steps.upto_g + level.upto_g >= upto_g
        ]
    return found


def _box(steps: _Steps, total_g: int) -> Box:
    """Each part weighs at least what the others cannot."""
    spare_g = steps.upto_g - total_g
    least = [max(one.over_g + 1, one.upto_g - spare_g) for one in steps.levels]
    return Box(steps.price, Weights(tuple(least), tuple([one.upto_g for one in steps.levels])))


def whole(shares: Shares) -> Box:
    """One box for all weights, where there are too many steps to look at each."""
    parts = [shares.problem.levels[place] for place in shares.places]
    many = len(parts)
    price = cheapest(parts, shares.problem.total_g)
    return Box(price, Weights((0,) * many, (UNLIMITED_G * many,) * many))
