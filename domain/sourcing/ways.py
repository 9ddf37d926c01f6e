"""The ways to share out a line among places: all of them or, of a long one, the telling ones."""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice

SPREAD_MAX = 12
"""Of a long line's ways, so many at most are spread evenly."""

Units = tuple[int, ...]


@lru_cache(maxsize=4_096)
def all_ways(need: int, limits: Units, most: int) -> tuple[Units, ...] | None:
    """All ways to share out a line, most to the first place first; None if over `most`."""
    ways = tuple(islice(_compositions(need, limits, 1), most + 1))
    return ways if len(ways) <= most else None


def some_ways(
    need: int, limits: Units, costs: Sequence[int], marks: Sequence[Iterable[int]]
) -> tuple[Units, ...]:
    """Each place first and then the cheapest: as much as it can, or as one of its marks says.

    Also some that are spread evenly. `marks` are numbers of units that change what a place costs.
    """
    by_cost = sorted(range(len(limits)), key=lambda at: (costs[at], at))
    found = set(_spread(need, limits))
    for first in by_cost:
        others = [at for at in by_cost if at != first]
        least = max(0, need - sum(limits[at] for at in others))
        for many in {min(need, limits[first]), *marks[first]}:
            if least <= many <= min(need, limits[first]):
                found.add(_filled(need, limits, first, many, others))
    return tuple(sorted(found, reverse=True))


def _filled(need: int, limits: Units, first: int, many: int, others: Iterable[int]) -> Units:
    left, units = need - many, [0] * len(limits)
    units[first] = many
    for at in others:
        units[at] = min(left, limits[at])
        left -= units[at]
    return tuple(units)


@lru_cache(maxsize=4_096)
def _spread(need: int, limits: Units) -> tuple[Units, ...]:
    step = 2
    while True:
        ways = tuple(islice(_compositions(need, limits, step), SPREAD_MAX + 1))
        if len(ways) <= SPREAD_MAX:
            return ways
        step *= 2


def _compositions(need: int, limits: Units, step: int) -> Iterator[Units]:
    if len(limits) == 1:
        yield (need,)
        return
    elsewhere = sum(limits[1:])
    for here in range(min(need, limits[0]), max(0, need - elsewhere) - 1, -step):
        for others in _compositions(need - here, limits[1:], step):
            yield (here, *others)
