"""Which locations to share an order out among: all combinations of up to three, by their bounds."""

from typing import NamedTuple

from domain.sourcing.bounds import Bounds, Combination
from domain.sourcing.branches import Found, cheapest_share, first_share
from domain.sourcing.budget import Budget
from domain.sourcing.feasible import any_share
from domain.sourcing.problem import Problem
from domain.sourcing.shares import IMPOSSIBLE, Shares

EXACT_PARTS = 3
STEPS_MAX = 30_000
"""A step takes some one and a half microseconds."""
STEPS_AT_FIRST = 1_000
ROUNDS = ((4_000, 1_000), (15_000, 4_000), (STEPS_MAX, STEPS_MAX))
"""Steps for a combination, and for each of its boxes: what is hard waits for what is easy."""
STEPS_PAST_THREE = 2_000
STEPS_FOR_NAMES = 4_000
STEPS_FOR_ANY = 40_000
"""Before an order waits that could ship: whatever was allowed for the best plan."""
STEPS_FOR_OTHERS = 5_000
"""Of these, where there is a plan already."""
COMBINATIONS_MAX = 100_000
RUNNERS_UP = 3
FIRST_LOOKS = 4


class Outcome(NamedTuple):
    """`alone` are the plans of each single place that can ship all."""

    best: Found | None
    runners_up: tuple[Found, ...]
    alone: dict[int, Found]
    proven: bool
    steps: int


def search(problem: Problem, steps_max: int = STEPS_MAX) -> Outcome:
    """Find the cheapest plan. Equal ones: fewer parts, then places by name, then lines by id."""
    if not problem.places:
        return Outcome(None, (), {}, proven=True, steps=0)
    return _Search(problem, steps_max).outcome()


class _Search:
    def __init__(self, problem: Problem, steps_max: int) -> None:
        self.problem = problem
        self.budget = Budget(steps_max)
        self.overtime = Budget(steps_max)
        """For a first plan, while there is none."""
        self.best: Found | None = None
        self.found: dict[tuple[int, ...], Found] = {}
        self.done: set[tuple[int, ...]] = set()
        self.last = Budget(STEPS_FOR_ANY)
        """For any plan at all, where the search may have missed what there is."""
        self.shares: dict[tuple[int, ...], Shares] = {}
        self.proven = True
        self.bounds = Bounds(problem)

    def outcome(self) -> Outcome:
        for place in range(len(self.problem.places)):
            self._try_alone(place)
        combined: list[Combination] = []
        for size in range(2, min(EXACT_PARTS, self.problem.parts_max) + 1):
            combined = sorted([*combined, *self._combinations(size)])
            self._look_round(combined)
        for steps, steps_a_box in ROUNDS:
            self._look_closely(combined, steps, steps_a_box)
        self._look_for_any(combined)
        self.proven &= self._all_done(combined)
        self._go_past_three()
        if self.best:
            self.best = self._first_of_equals(self.best)
        alone = {places[0]: one for places, one in self.found.items() if len(places) == 1}
        return Outcome(self.best, self._runners_up(), alone, self.proven, self._steps())

    def _try_alone(self, place: int) -> None:
        """See what a place costs alone: nothing is to be chosen, so that it needs no budget."""
        shares = Shares(self.problem, (place,))
        found, _ = cheapest_share(shares, IMPOSSIBLE, Budget(STEPS_MAX), STEPS_MAX)
        if found:
            self._note(found)

    def _look_round(self, combined: list[Combination]) -> None:
        """Take a short look at what looks best: good plans early make short work of the rest."""
        for combination in combined[:FIRST_LOOKS]:
            if combination.places in self.shares:
                continue
            beaten = self.best and combination >= self.best.rank
            if beaten and len(self.found) > RUNNERS_UP:
                break
            self._try(combination.places, IMPOSSIBLE, STEPS_AT_FIRST, STEPS_AT_FIRST // 5)

    def _look_closely(self, combined: list[Combination], steps: int, steps_a_box: int) -> None:
        """Solve what could be better, best bounds first, as long as there are steps left."""
        for combination in combined:
            if self.best and combination >= self.best.rank:
                return
            if self.budget.left <= 0 and (self.best or self.overtime.left <= 0):
                return
            if combination.places not in self.done:
                limit = self._limit(combination)
                self._try(combination.places, limit, steps, steps_a_box)

    def _all_done(self, combined: list[Combination]) -> bool:
        """Whether no combination is left that could be better than the best."""
        return all(
            combination.places in self.done
            for combination in combined
            if not self.best or combination < self.best.rank
        )

    def _limit(self, combination: Combination) -> int:
        """What this combination must stay below; it may cost the same where it ranks before."""
        if not self.best:
            return IMPOSSIBLE
        return self.best.cost + (tuple(combination[1:]) < self.best.rank[1:])

    def _try(self, places: tuple[int, ...], limit: int, steps: int, steps_a_box: int) -> None:
        """Look for a plan with these places; done if none below the limit can have been missed."""
        budget = self.budget if self.budget.left > 0 or self.best else self.overtime
        allowed = Budget(min(steps, budget.left))
        found, thorough = cheapest_share(self._shares_of(places), limit, allowed, steps_a_box)
        budget.spend(allowed.spent)
        if found:
            self._note(found)
        if thorough:
            self.done.add(places)

    def _look_for_any(self, combined: list[Combination]) -> None:
        """Find plans where not all ways were tried, or none was found; there may be none."""
        for combination in combined:
            if self.best and combination >= self.best.rank:
                return
            places = combination.places
            if places not in self.done | self.found.keys():
                self._try_any(places)

    def _try_any(self, places: tuple[int, ...]) -> None:
        shares = self._shares_of(places)
        if self.best and (shares.complete or self.last.spent > STEPS_FOR_OTHERS):
            return
        found, none = any_share(shares, self.last)
        if found:
            self._note(found)
        if none:
            self.done.add(places)

    def _shares_of(self, places: tuple[int, ...]) -> Shares:
        if places not in self.shares:
            self.shares[places] = Shares(self.problem, places)
        return self.shares[places]

    def _note(self, found: Found) -> None:
        known = self.found.get(found.places)
        if not known or found.cost < known.cost:
            self.found[found.places] = found
        if not self.best or found.rank < self.best.rank:
            self.best = found

    def _steps(self) -> int:
        return self.budget.spent + self.overtime.spent + self.last.spent

    def _combinations(self, size: int) -> list[Combination]:
        """The combinations of so many places that could beat the best plan, which uses fewer."""
        limit = self.best.cost if self.best else IMPOSSIBLE
        found: list[Combination] = []
        for looked_at, places in enumerate(self.bounds.in_order(size, limit)):
            if looked_at == COMBINATIONS_MAX:
                self.proven = False
                break
            if self.bounds.enough(places) and (bound := self.bounds.of(places)) < limit:
                found.append(Combination(bound, size, places))
        return found

    def _go_past_three(self) -> None:
        """Add locations one by one while that helps; nothing says that no better way exists."""
        many = len(self.problem.places)
        if min(self.problem.parts_max, many) <= EXACT_PARTS:
            return
        if self.best and self.bounds.of_more(EXACT_PARTS + 1) >= self.best.cost:
            return
        if not self.best and not self.bounds.enough(tuple(range(many))):
            return
        self.proven = False
        places = self.best.places if self.best else ()
        while len(places) < min(self.problem.parts_max, many):
            wider = [
                tuple(sorted((*places, place))) for place in range(many) if place not in places
            ]
            places = min(wider, key=lambda some: (self.bounds.lack(some), self.bounds.of(some)))
            if len(places) > 1 and self.bounds.enough(places):
                self._try(places, IMPOSSIBLE, STEPS_PAST_THREE, STEPS_PAST_THREE)
                if places not in self.found:
                    self._try_any(places)

    def _first_of_equals(self, best: Found) -> Found:
        if len(best.places) == 1:
            return best
        return first_share(self._shares_of(best.places), best, Budget(STEPS_FOR_NAMES))

    def _runners_up(self) -> tuple[Found, ...]:
        """The cheapest plans at hand that use other locations."""
        best = self.best.places if self.best else ()
        others = [found for places, found in self.found.items() if places != best]
        return tuple(sorted(others, key=lambda found: found.rank)[:RUNNERS_UP])
