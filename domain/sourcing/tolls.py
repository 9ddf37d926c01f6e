"""Tolls: what a gram is charged at each place, so that lines leave where a part is too heavy.

Each line is shared out where it costs least with its tolls. Less what the heaviest parts would pay
at most, that is no more than any way within these weights costs: the Lagrangean bound, which is as
good as the linear program's where the tolls are the best. They are raised where a part is too heavy
and lowered where it is too light, in steps as long as the goal is far (Polyak 1969).
"""

from collections.abc import Sequence
from typing import NamedTuple

from domain.sourcing.budget import Budget
from domain.sourcing.problem import Problem

SCALE = 2**20
"""Tolls, and what is paid with them, are counted in such parts of a minor unit."""
TRIES = 12
PATIENCE = (7, 10)
"""Where a step leads nowhere better, the next are so much shorter."""


class Weights(NamedTuple):
    """Each part weighs from its `least` to its `upto`."""

    least: tuple[int, ...]
    upto: tuple[int, ...]


class Toll(NamedTuple):
    """What a gram is charged, what all costs with that at least, and what each part weighs then."""

    per_gram: tuple[int, ...]
    least: int
    weights: tuple[int, ...]

    def bound(self, within: Weights) -> int:
        """What any way within these weights costs at least; a negative toll pays for the least."""
        charged = zip(self.per_gram, within.least, within.upto, strict=True)
        return self.least - sum([t * (upto if t > 0 else least) for t, least, upto in charged])

    def pull(self, within: Weights) -> list[int]:
        """By place, how many grams too many, or too few, the toll should answer for."""
        pulls: list[int] = []
        for toll, weight, least, upto in zip(self.per_gram, self.weights, *within, strict=True):
            if toll > 0 or weight > upto:
                pulls.append(weight - upto)
            elif toll < 0 or weight < least:
                pulls.append(weight - least)
            else:
                pulls.append(0)
        return pulls


class Tolls:
    """The tolls tried for one combination of places; what was good for some weights is kept."""

    def __init__(
        self,
        problem: Problem,
        places: tuple[int, ...],
        lines: Sequence[int],
        cost: int,
        weights: tuple[int, ...],
    ) -> None:
        """`lines` are to be shared out; all others cost and weigh so much."""
        self._cost = cost * SCALE
        self._weights = weights
        self._lines = [
            (
                problem.need[line],
                problem.weight[line],
                [
                    (problem.unit[place][line] * SCALE, at, problem.fits[place][line])
                    for at, place in enumerate(places)
                    if problem.fits[place][line]
                ],
            )
            for line in lines
        ]
        self._known = [self._charged((0,) * len(places))]

    def against(self, within: Weights, goal: int, budget: Budget) -> Toll:
        """The best toll found for these weights; nothing is sought above the goal."""
        best = toll = max(self._known, key=lambda known: known.bound(within))
        highest = bound = best.bound(within)
        part, whole = 1, 1
        for _ in range(min(TRIES, len(self._lines))):
            pulls = toll.pull(within)
            norm = whole * sum([pull * pull for pull in pulls])
            if highest >= goal or not norm or not budget.spend(len(self._lines)):
                break
            far = part * min(goal - bound, max(abs(bound), SCALE))
            toll = self._charged(
                tuple(
                    [
                        _moved(one, far * pull // norm)
                        for one, pull in zip(toll.per_gram, pulls, strict=True)
                    ]
                )
            )
            bound = toll.bound(within)
            if bound > highest:
                best, highest = toll, bound
            else:
                part, whole = part * PATIENCE[0], whole * PATIENCE[1]
        if best not in self._known:
            self._known.append(best)
        return best

    def _charged(self, per_gram: tuple[int, ...]) -> Toll:
        """Share each line out where it costs least with these tolls."""
        weights = list(self._weights)
        total = self._cost + sum(map(int.__mul__, per_gram, weights))
        for need, weight, places in self._lines:
            left = need
            for price, at, room in sorted(
                [(cost + per_gram[at] * weight, at, room) for cost, at, room in places]
            ):
                units = min(left, room)
                total += units * price
                weights[at] += units * weight
                left -= units
                if not left:
                    break
        return Toll(per_gram, total, tuple(weights))


def _moved(toll: int, by: int) -> int:
    """A toll that changes its sign stops at nothing: beyond, it stands for another limit."""
    moved = toll + by
    return 0 if toll * moved < 0 else moved
