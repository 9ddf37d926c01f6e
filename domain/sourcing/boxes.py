"""Steps of tariffs, one for each part of a plan: what shipping costs while weights stay between.

Shipping is a step function of a part's weight, so that a search can go box by box: a box says
between which two steps each part's weight lies, hence what shipping costs at least.
"""

from itertools import product
from math import prod
from typing import NamedTuple

from domain.sourcing.shares import Shares
from domain.sourcing.tariffs import UNLIMITED_G, Level, cheapest

BOXES_MAX = 4_000


class Box(NamedTuple):
    """Each part weighs from its `least` to its `upto`; shipping then costs `price` or more."""

    price: int
    least: tuple[int, ...]
    upto: tuple[int, ...]


def boxes(shares: Shares, limit: int) -> list[Box]:
    """The boxes that can hold all the weight for less than the limit, cheapest first."""
    problem = shares.problem
    left = limit - shares.cost - shares.rest_cost[0]
    by_place = [
        [
            level
            for level in problem.levels[place]
            if shares.least_weight[at] <= level.upto_g
            and shares.weights[at] + shares.most_weight[at][0] > level.over_g
            and level.price < left
        ]
        for at, place in enumerate(shares.places)
    ]
    if prod(map(len, by_place)) > BOXES_MAX:
        return [whole(shares)]
    return sorted(
        [
            _box(price, levels, problem.total_g)
            for levels in product(*by_place)
            if (price := sum([level.price for level in levels])) < left
            and sum([level.upto_g for level in levels]) >= problem.total_g
            and sum([level.over_g + 1 for level in levels]) <= problem.total_g
        ]
    )


def _box(price: int, levels: tuple[Level, ...], total_g: int) -> Box:
    """Each part weighs at least what the others cannot."""
    most_g = sum([level.upto_g for level in levels])
    return Box(
        price,
        tuple([max(one.over_g + 1, total_g - most_g + one.upto_g) for one in levels]),
        tuple([one.upto_g for one in levels]),
    )


def whole(shares: Shares) -> Box:
    """One box for all weights, where there are too many steps to look at each."""
    parts = [shares.problem.levels[place] for place in shares.places]
    many = len(parts)
    price = cheapest(parts, shares.problem.total_g)
    return Box(price, (0,) * many, (UNLIMITED_G * many,) * many)
