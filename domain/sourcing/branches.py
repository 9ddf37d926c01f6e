"""Branch and bound: the cheapest way to share an order's lines out among given locations.

In a box (`boxes`) shipping has its least cost, and `tolls` say what the lines cost there at least.
How much dearer each choice of a line is than its cheapest, with its tolls, adds up over lines: what
is too dear by itself is left out, and so is what is too dear together.
"""

from collections.abc import Iterable
from typing import NamedTuple

from domain.sourcing.boxes import Box, boxes, whole
from domain.sourcing.budget import Budget
from domain.sourcing.cores import DECIDED_MAX, Core
from domain.sourcing.shares import IMPOSSIBLE, Choice, Shares
from domain.sourcing.tolls import SCALE, Toll, Weights
from domain.sourcing.ways import Units

STEPS_TO_START = 20
STEPS_A_LINE = 5
"""To see what of its choices can be left out in a box."""
LINES_A_STEP = 3
"""To see what shipping costs by what was chosen for them."""


class Found(NamedTuple):
    """A way to ship all: `units` by line, then by place of `places`."""

    cost: int
    places: tuple[int, ...]
    units: tuple[Units, ...]

    @property
    def rank(self) -> tuple[int, int, tuple[int, ...]]:
        """What is compared: cost, then fewer parts, then the names of the places."""
        return (self.cost, len(self.places), self.places)


def cheapest_share(
    shares: Shares, limit: int, budget: Budget, steps_a_box: int
) -> tuple[Found | None, bool]:
    """Find the least cost below `limit`, and say whether nothing less can have been missed.

    The limit is never above that of an earlier search among the same shares.
    """
    if not shares.possible:
        return None, True
    branches = Branches(shares, limit, budget)
    if not shares.open_lines:
        branches.keep_the_only_way()
        return branches.found, True
    branches.start()
    thorough = True
    for box in boxes(shares, branches.limit):
        if shares.least_cost + box.price >= branches.limit:
            break
        if box.within in shares.closed:
            continue
        if not budget.spend():
            return branches.found, False
        if branches.search(box, steps_a_box):
            shares.closed.add(box.within)
        else:
            thorough = False
    return branches.found, thorough


def first_share(shares: Shares, known: Found, budget: Budget) -> Found:
    """Of the ways that cost what `known` does, find the one that leaves most to the first places.

    Lines are compared in their order. If the budget ends it is the best one so far.
    """
    if len(shares.open_lines) > DECIDED_MAX:
        return known
    for box in boxes(shares, known.cost + 1):
        branches = NamedBranches(shares, known, budget)
        branches.search(box, budget.left)
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
        self.left = 1
        """Steps that the box may still take."""
        self.box = Box(0, Weights((), ()))
        self.slack = 0
        """By how much, scaled as tolls are, a way may be over what all costs there at least."""
        self.chosen: list[tuple[int, Choice]] = []

    def keep_the_only_way(self) -> None:
        """Where nothing is to be decided."""
        if _within(self.shares.amounts[len(self.shares.places) :], self.shares.rules):
            self._keep()

    def start(self) -> None:
        """Find any plan, whatever its parts weigh: it need not be good."""
        if self.limit == IMPOSSIBLE:
            self.search(whole(self.shares), STEPS_TO_START)

    def search(self, box: Box, steps: int) -> bool:
        """Search a box, for so many steps at most; False if something may have been missed."""
        shares, budget = self.shares, self.budget
        toll = shares.tolls.against(box.within, (self.limit - box.price) * SCALE, budget)
        self.box = box
        self.slack = (self.limit - 1 - box.price) * SCALE - toll.bound(box.within)
        if self.slack < 0:
            return True
        if not budget.spend(STEPS_A_LINE * len(shares.open_lines)):
            return False
        self.core = self._core(toll)
        self.thorough = self.core.complete
        self.chosen = self.core.settled.copy()
        allowed = self.left = min(steps + len(self.core.lines), max(0, budget.left))
        if _within(self.core.amounts, self.core.between[0]):
            self._descend(0, 0, self.core.amounts)
        budget.spend(allowed - max(0, self.left))
        return self.thorough

    def _core(self, toll: Toll) -> Core:
        core = Core(self.shares, self.box, self.limit)
        for one in self.shares.open_lines:
            core.add(one, toll, self.slack)
        core.arrange()
        return core

    def _descend(self, position: int, over: int, amounts: list[int]) -> None:
        """Decide the lines from `position` on: the rest may be so that no rule is broken."""
        if position == len(self.core.lines):
            self._keep()
            return
        line, ways = self.core.lines[position]
        between = self.core.between[position + 1]
        for way in ways:
            if over + way.over > self.slack:
                return
            if self.left <= 0:
                self.thorough = False
                return
            self.left -= 1
            more = list(map(int.__add__, amounts, way.amounts))
            if _within(more, between):
                self.chosen.append((line, way.choice))
                self._descend(position + 1, over + way.over, more)
                self.chosen.pop()

    def _keep(self) -> None:
        """Compare what is chosen with the best so far."""
        shares = self.shares
        cost = shares.cost + sum([choice.cost for _, choice in self.chosen])
        if cost + self.box.price >= self.limit:
            return
        self.left -= len(self.chosen) // LINES_A_STEP
        weights = shares.weights
        for _, choice in self.chosen:
            weights = tuple(map(int.__add__, weights, choice.amounts))
        units = shares.every_line(self.chosen)
        cost += shares.shipping(weights, units)
        if cost < self.limit:
            self.slack -= (self.limit - cost) * SCALE
            self.limit = cost
            self.found = Found(cost, shares.places, units)


class NamedBranches(Branches):
    """The same search in the order of names, for the first way that costs as much as `known`.

    Nothing is looked at that comes after `known` in that order.
    """

    def __init__(self, shares: Shares, known: Found, budget: Budget) -> None:
        super().__init__(shares, known.cost + 1, budget)
        self.known = known.units

    def _core(self, toll: Toll) -> Core:
        core = Core(self.shares, self.box, self.limit)
        for one in self.shares.open_lines:
            core.add(one, toll, self.slack)
        core.arrange_by_name()
        return core

    def _descend(
        self, position: int, over: int, amounts: list[int], *, as_known: bool = True
    ) -> None:
        if position == len(self.core.lines):
            self._keep()
            return
        line, ways = self.core.lines[position]
        between = self.core.between[position + 1]
        for way in ways:
            units = way.choice.units
            if self.found or self.left <= 0 or (as_known and units < self.known[line]):
                return
            if over + way.over > self.slack:
                continue
            self.left -= 1
            more = list(map(int.__add__, amounts, way.amounts))
            if _within(more, between):
                self.chosen.append((line, way.choice))
                same = as_known and units == self.known[line]
                self._descend(position + 1, over + way.over, more, as_known=same)
                self.chosen.pop()


def _within(amounts: Iterable[int], between: Iterable[tuple[int, int]]) -> bool:
    for amount, (low, high) in zip(amounts, between, strict=True):  # noqa: SIM110 - faster
        if not low <= amount <= high:
            return False
    return True
