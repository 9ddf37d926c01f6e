"""Branch and bound: the cheapest way to share an order's lines out among given locations.

Shipping is a step function of a part's weight, so the search goes box by box: a box says between
which two steps each part's weight lies, hence what shipping costs at least. Within a box lines
start where they cost least, and what is too heavy there must leave at the lowest cost a gram: the
bound of the continuous knapsack (Dantzig 1957), summed over places because no unit leaves twice.
"""

from collections.abc import Iterator
from itertools import product
from math import prod
from typing import NamedTuple

from domain.sourcing_shares import IMPOSSIBLE, Choice, Shares, Units
from domain.sourcing_tariffs import UNLIMITED_G, Level, cheapest

BOXES_MAX = 4_000
OPEN_LINES_MAX = 300
"""Each is a level of recursion."""


class Found(NamedTuple):
    """A way to ship all: `units` by line, then by place of `places`."""

    cost: int
    places: tuple[int, ...]
    units: tuple[Units, ...]

    @property
    def rank(self) -> tuple[int, int, tuple[int, ...]]:
        """What is compared: cost, then fewer parts, then the names of the places."""
        return (self.cost, len(self.places), self.places)


class Budget:
    """Steps left to the whole search and to the part of it that runs; a step is one bound."""

    def __init__(self, steps: int) -> None:
        self.left = steps
        self.spent = 0

    def spend(self) -> bool:
        """Take a step; False if there is none left."""
        if self.left <= 0:
            return False
        self.left -= 1
        self.spent += 1
        return True


class Box(NamedTuple):
    over: tuple[int, ...]
    upto: tuple[int, ...]
    price: int


def cheapest_share(shares: Shares, limit: int, budget: Budget) -> tuple[Found | None, bool]:
    """Find the least cost below `limit`, and say whether nothing less can have been missed."""
    if not shares.possible:
        return None, True
    shares.arrange(as_named=False)
    branches = Branches(shares, limit, budget)
    roots = sorted(
        (bound, box)
        for box in _boxes(shares, limit)
        if (bound := branches.bound_of_box(box)) < limit
    )
    for bound, box in roots:
        if bound >= branches.limit:
            break
        branches.enter(box)
    return branches.found, branches.thorough and (shares.complete or not roots)


def first_share(shares: Shares, cost: int, budget: Budget) -> Found | None:
    """Of the ways that cost just so much, find the one that leaves most to the first places.

    Lines are compared in their order; None if the budget ends before all was looked at.
    """
    shares.arrange(as_named=True)
    ways: list[Found] = []
    for box in _boxes(shares, cost + 1):
        branches = NamedBranches(shares, cost + 1, budget)
        if branches.bound_of_box(box) <= cost:
            branches.enter(box)
            if not branches.thorough:
                return None
            if branches.found:
                ways.append(branches.found)
    return max(ways, key=lambda way: way.units, default=None)


class Branches:
    """One search; `found` is the best so far and `limit` what a better one must stay below."""

    def __init__(self, shares: Shares, limit: int, budget: Budget) -> None:
        self.shares = shares
        self.limit = limit
        self.budget = budget
        self.found: Found | None = None
        self.thorough = True
        self.weights = list(shares.weights)
        self.value = list(shares.value)
        self.count = list(shares.count)
        self.drawn = [list(place) for place in shares.drawn]
        self.chosen: list[Units] = []
        self.box = Box((), (), 0)
        self.all_places = range(len(shares.places))

    def bound_of_box(self, box: Box) -> int:
        self.box = box
        return self._bound(0, self.shares.cost, self.weights)

    def enter(self, box: Box) -> None:
        self.box = box
        if len(self.shares.open_lines) > OPEN_LINES_MAX:
            self._complete(0, self.shares.cost)
            self.thorough = False
            return
        self._descend(0, self.shares.cost)

    def _descend(self, position: int, cost: int) -> None:
        """Decide the lines from `position` on; their bound is below the limit."""
        lines = self.shares.open_lines
        if self._complete(position, cost) or position == len(lines):
            return
        one = lines[position]
        branches: list[tuple[int, int]] = []
        for index, choice in enumerate(one.choices):
            if not self.budget.spend():
                self.thorough = False
                break
            weights = list(map(int.__add__, self.weights, choice.weights))
            bound = self._bound(position + 1, cost + choice.cost, weights)
            if bound < self.limit:
                branches.append((bound, index))
        for bound, index in sorted(branches):
            if bound >= self.limit:
                break
            choice = one.choices[index]
            if self._take(position, choice, 1):
                self._descend(position + 1, cost + choice.cost)
            self._take(position, choice, -1)

    def _take(self, position: int, choice: Choice, sign: int) -> bool:
        """Book a choice or, with -1, take it back; False if shared stock does not allow it."""
        one = self.shares.open_lines[position]
        enough = True
        for at, units in enumerate(choice.units):
            self.weights[at] += sign * choice.weights[at]
            self.value[at] += sign * units * one.value
            self.count[at] += sign * units
            for sku, each in one.draws:
                self.drawn[at][sku] += sign * units * each
                there = self.shares.problem.shared[self.shares.places[at]][sku]
                enough &= self.drawn[at][sku] <= there
        if sign > 0:
            self.chosen.append(choice.units)
        else:
            self.chosen.pop()
        return enough

    def _bound(self, position: int, cost: int, weights: list[int]) -> int:
        """Bound from below what any way costs that decides the lines before `position` like this.

        Value and count are the ones of the parent: what it cannot reach, no child can.
        """
        shares, box = self.shares, self.box
        total = cost + shares.rest_cost[position] + box.price
        for at in self.all_places:
            weight = weights[at]
            excess = weight + shares.rest_weight[at][position] - box.upto[at]
            if excess > 0:
                total += self._leaving(at, position, excess)
            if weight + shares.most_weight[at][position] <= box.over[at] or total >= self.limit:
                return IMPOSSIBLE
        return total

    def _leaving(self, at: int, position: int, excess: int) -> int:
        """What it costs at least that `excess` grams of the undecided lines leave a place."""
        total = 0
        for move in self.shares.moves[at]:
            if move.position < position:
                continue
            grams = move.weight * move.units
            if grams >= excess:
                return total - (-move.extra * excess // move.weight)
            total += move.extra * move.units
            excess -= grams
        return IMPOSSIBLE

    def _complete(self, position: int, cost: int) -> bool:
        """Leave the undecided lines where they cost least; True if nothing else can cost less."""
        if not self._reachable(position):
            return True
        shares = self.shares
        weights = [self.weights[at] + shares.rest_weight[at][position] for at in self.all_places]
        if any(
            not over < weight <= upto
            for over, weight, upto in zip(self.box.over, weights, self.box.upto, strict=True)
        ):
            return False
        rest = shares.open_lines[position:]
        for offset, one in enumerate(rest):
            self._take(position + offset, one.best, 1)
        allowed = self._allowed()
        bound = cost + shares.rest_cost[position] + self.box.price
        exact = allowed and self._keep(weights, bound)
        for offset in reversed(range(len(rest))):
            self._take(position + offset, rest[offset].best, -1)
        return exact

    def _reachable(self, position: int) -> bool:
        """Whether each part can still get something, and be worth enough."""
        shares, least = self.shares, self.shares.problem.value_min
        if len(shares.places) == 1:
            return True
        return all(
            self.count[at] + shares.most_units[at][position] > 0
            and self.value[at] + shares.most_value[at][position] >= least
            for at in self.all_places
        )

    def _allowed(self) -> bool:
        """Whether what is booked breaks no rule."""
        problem, places = self.shares.problem, self.shares.places
        if len(places) > 1 and (min(self.value) < problem.value_min or not all(self.count)):
            return False
        return all(
            drawn <= there
            for at, place in enumerate(places)
            for drawn, there in zip(self.drawn[at], problem.shared[place], strict=True)
        )

    def _keep(self, weights: list[int], bound: int) -> bool:
        """Compare what is booked with the best so far; True if it costs no more than its bound."""
        units = self.shares.every_line(self.chosen)
        cost = bound - self.box.price + self.shares.shipping(weights, units)
        if cost < self.limit:
            self.limit = cost
            self.found = Found(cost, self.shares.places, units)
        return cost <= bound


class NamedBranches(Branches):
    """The same search in the order of names; it ends with the first way below the limit."""

    def _descend(self, position: int, cost: int) -> None:
        lines = self.shares.open_lines
        if position == len(lines):
            self._complete(position, cost)
            return
        if not self._reachable(position):
            return
        for choice in sorted(lines[position].choices, key=_most_to_the_first):
            if self.found or not self.budget.spend():
                self.thorough &= bool(self.found)
                return
            weights = list(map(int.__add__, self.weights, choice.weights))
            if self._bound(position + 1, cost + choice.cost, weights) < self.limit:
                if self._take(position, choice, 1):
                    self._descend(position + 1, cost + choice.cost)
                self._take(position, choice, -1)


def _most_to_the_first(choice: Choice) -> tuple[int, ...]:
    return tuple(-units for units in choice.units)


def _boxes(shares: Shares, limit: int) -> Iterator[Box]:
    """The boxes that can hold all the weight for less than the limit."""
    problem = shares.problem
    base = shares.cost + shares.rest_cost[0]
    by_place = [
        [
            level
            for level in problem.levels[place]
            if shares.least_weight[at] <= level.upto_g
            and shares.weights[at] + shares.most_weight[at][0] > level.over_g
            and base + level.price < limit
        ]
        for at, place in enumerate(shares.places)
    ]
    if prod(map(len, by_place)) > BOXES_MAX:
        yield _whole(shares)
        return
    for box in product(*by_place):
        price = sum(level.price for level in box)
        if base + price < limit and _holds(box, problem.total_g):
            yield Box(
                tuple(level.over_g for level in box), tuple(level.upto_g for level in box), price
            )


def _holds(box: tuple[Level, ...], total_g: int) -> bool:
    most_g = sum(level.upto_g for level in box)
    least_g = sum(level.over_g + 1 for level in box)
    return least_g <= total_g <= most_g


def _whole(shares: Shares) -> Box:
    """One box for all weights, where there are too many steps to look at each."""
    parts = [shares.problem.levels[place] for place in shares.places]
    many = len(parts)
    price = cheapest(parts, shares.problem.total_g)
    return Box((-1,) * many, (UNLIMITED_G * many,) * many, price)
