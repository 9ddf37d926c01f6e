"""Branch and bound: the cheapest way to share an order's lines out among given locations.

In a box (`boxes`) shipping has its least cost. Lines start where they cost least; what is
too heavy there must leave at the lowest cost a gram, what is too light must be filled up at the
lowest: the bound of the continuous knapsack (Dantzig 1957), summed over places because no unit
moves twice.
"""

from collections.abc import Sequence
from typing import NamedTuple

from domain.sourcing.boxes import Box, boxes, whole
from domain.sourcing.shares import IMPOSSIBLE, Choice, Move, Shares
from domain.sourcing.ways import Units

STEPS_TO_START = 60
LINES_A_STEP = 6
"""To see how several parcels are filled takes a step for so many lines."""
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

    def spend(self, steps: int = 1) -> bool:
        """Take steps; False if there are none left."""
        if self.left <= 0:
            return False
        self.left -= steps
        self.spent += steps
        return True


def cheapest_share(
    shares: Shares, limit: int, budget: Budget, steps_a_box: int
) -> tuple[Found | None, bool]:
    """Find the least cost below `limit`, and say whether nothing less can have been missed."""
    if not shares.possible:
        return None, True
    shares.arrange(as_named=False)
    branches = Branches(shares, limit, budget)
    branches.start()
    base = shares.cost + shares.rest_cost[0]
    entered = False
    for box in boxes(shares, limit):
        if base + box.price >= branches.limit:
            break
        if not budget.spend():
            return branches.found, False
        if branches.bound_of_box(box) < branches.limit:
            entered = True
            branches.enter(box, steps_a_box)
    return branches.found, branches.thorough and (shares.complete or not entered)


def first_share(shares: Shares, known: Found, budget: Budget) -> Found:
    """Of the ways that cost what `known` does, find the one that leaves most to the first places.

    Lines are compared in their order. If the budget ends it is the best one so far.
    """
    if len(shares.open_lines) > OPEN_LINES_MAX:
        return known
    shares.arrange(as_named=True)
    for box in boxes(shares, known.cost + 1):
        branches = NamedBranches(shares, known, budget)
        if branches.bound_of_box(box) <= known.cost:
            branches.enter(box, budget.left)
            known = branches.found or known
    return known


class Branches:
    """One search; `found` is the best so far and `limit` what a better one must stay below."""

    def __init__(self, shares: Shares, limit: int, budget: Budget) -> None:
        self.shares = shares
        self.limit = limit
        self.budget = budget
        self.found: Found | None = None
        self.thorough = True
        self.left = 0
        """Steps that the box may still take."""
        self.weights = list(shares.weights)
        self.value = list(shares.value)
        self.count = list(shares.count)
        self.drawn = [list(place) for place in shares.drawn]
        self.chosen: list[Units] = []
        self.box = Box(0, (), ())
        self.all_places = range(len(shares.places))

    def bound_of_box(self, box: Box) -> int:
        self.box = box
        return self._bound(0, self.shares.cost, self.weights)

    def start(self) -> None:
        """Find any plan, whatever its parts weigh: it need not be good."""
        if self.limit == IMPOSSIBLE:
            thorough = self.thorough
            self.enter(whole(self.shares), STEPS_TO_START)
            self.thorough = thorough

    def enter(self, box: Box, steps: int) -> None:
        """Search a box, for so many steps at most."""
        self.box = box
        self.left = steps
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
        left = self.limit - cost - self.shares.rest_cost[position + 1] - self.box.price
        branches: list[tuple[int, int]] = []
        for index, choice in enumerate(one.choices):
            if choice.cost >= left:
                break
            self.left -= 1
            if self.left < 0 or not self.budget.spend():
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

        What is too heavy somewhere must leave, and what is too light elsewhere must be filled up:
        both are counted, the dearer one holds.
        """
        shares, box = self.shares, self.box
        leaving = coming = 0
        for at in self.all_places:
            left = weights[at] + shares.rest_weight[at][position]
            if left > box.upto[at]:
                leaving += _least(shares.leaving(at, position), left - box.upto[at])
            elif left < box.least[at]:
                coming += _least(shares.coming(at, position), box.least[at] - left)
        return cost + shares.rest_cost[position] + box.price + max(leaving, coming)

    def _complete(self, position: int, cost: int) -> bool:
        """Leave the undecided lines where they cost least; True if nothing else can cost less."""
        if not self._reachable(position):
            return True
        shares, box = self.shares, self.box
        weights = [self.weights[at] + shares.rest_weight[at][position] for at in self.all_places]
        for at, weight in enumerate(weights):
            if not box.least[at] <= weight <= box.upto[at]:
                return False
        if not self._allowed(position):
            return False
        return self._keep(weights, cost + shares.rest_cost[position] + box.price)

    def _reachable(self, position: int) -> bool:
        """Whether each part can still get something, and be worth enough."""
        shares, least = self.shares, self.shares.problem.value_min
        if len(shares.places) == 1:
            return True
        for at in self.all_places:
            if not self.count[at] and not shares.most_units[at][position]:
                return False
            if self.value[at] + shares.most_value[at][position] < least:
                return False
        return True

    def _allowed(self, position: int) -> bool:
        """Whether it breaks no rule to leave the undecided lines where they cost least."""
        shares, problem = self.shares, self.shares.problem
        for at, place in enumerate(shares.places):
            if len(shares.places) > 1 and (
                self.value[at] + shares.rest_value[at][position] < problem.value_min
                or self.count[at] + shares.rest_units[at][position] == 0
            ):
                return False
            rest = shares.rest_drawn[position][at]
            for drawn, more, there in zip(self.drawn[at], rest, problem.shared[place], strict=True):
                if drawn + more > there:
                    return False
        return True

    def _keep(self, weights: list[int], bound: int) -> bool:
        """Compare this with the best so far; True if it costs no more than its bound."""
        shares = self.shares
        units = shares.every_line(self.chosen)
        if shares.needs_packing(weights) and not self.budget.spend(1 + len(units) // LINES_A_STEP):
            self.thorough = False
            return True
        cost = bound - self.box.price + shares.shipping(weights, units)
        if cost < self.limit:
            self.limit = cost
            self.found = Found(cost, shares.places, units)
        return cost <= bound


class NamedBranches(Branches):
    """The same search in the order of names, for the first way that costs as much as `known`.

    Nothing is looked at that comes after `known` in that order.
    """

    def __init__(self, shares: Shares, known: Found, budget: Budget) -> None:
        super().__init__(shares, known.cost + 1, budget)
        self.known = [known.units[one.line] for one in shares.open_lines]
        self.by_name = [sorted(one.choices, key=_most_to_the_first) for one in shares.open_lines]

    def _descend(self, position: int, cost: int) -> None:
        lines = self.shares.open_lines
        if position == len(lines):
            self._complete(position, cost)
            return
        if not self._reachable(position):
            return
        for choice in self.by_name[position]:
            if [*self.chosen, choice.units] < self.known[: position + 1]:
                return
            if self.found or not self.budget.spend():
                return
            weights = list(map(int.__add__, self.weights, choice.weights))
            if self._bound(position + 1, cost + choice.cost, weights) < self.limit:
                if self._take(position, choice, 1):
                    self._descend(position + 1, cost + choice.cost)
                self._take(position, choice, -1)


def _most_to_the_first(choice: Choice) -> tuple[int, ...]:
    return tuple(-units for units in choice.units)


def _least(moves: Sequence[Move], grams: int) -> int:
    """The least that it costs to move so many grams, the cheapest ones first."""
    total = 0
    for _, extra, weight, units in moves:
        more = weight * units
        if more >= grams:
            return total - (-extra * grams // weight)
        total += extra * units
        grams -= more
    return IMPOSSIBLE
