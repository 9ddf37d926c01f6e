"""What there is of SKUs at locations, and how the queue shares it out: as `stock_share` does."""

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import NamedTuple

Shares = Mapping[str, Mapping[str, int]]
"""Items by location."""


class Goods(NamedTuple):
    """Units of a SKU at a location: there now, or expected of a line of a document.

    Less than none is what is lacking of its safety stock: it keeps so many of what comes first.
    """

    location: str
    sku: str
    quantity: int
    supply_id: str = ""
    line: int = 0
    expected_on: date | None = None
    overdue: bool = False


class WaitingLine(NamedTuple):
    """So many as sold; each is made of `unit`, SKUs with quantities, which one location gives."""

    line_id: str
    sku: str
    quantity: int
    unit: tuple[tuple[str, int], ...]


class Waiting(NamedTuple):
    """An order's share in the queue; `ranked` are the locations that may serve it, best first."""

    key: str
    order_id: str
    lines: tuple[WaitingLine, ...]
    ranked: tuple[str, ...]
    position: int
    priority: int = 0
    parts_max: int = 1


class _Shelf:
    """Units of a SKU at a location, the earliest first."""

    def __init__(self) -> None:
        self.total = 0
        self._left: deque[tuple[Goods, int]] = deque()

    def put(self, goods: Goods) -> None:
        kept = min(max(-self.total, 0), goods.quantity)
        self.total += goods.quantity
        if goods.quantity > kept:
            self._left.append((goods, goods.quantity - kept))

    def take(self, wanted: int) -> Iterator[tuple[Goods, int]]:
        self.total -= wanted
        while wanted:
            goods, left = self._left.popleft()
            many = min(left, wanted)
            wanted -= many
            if left > many:
                self._left.appendleft((goods, left - many))
            yield goods, many


class Shelves:
    """All that is there, by location and SKU."""

    def __init__(self) -> None:
        self._all: dict[tuple[str, str], _Shelf] = {}

    def put(self, goods: Goods) -> None:
        self._all.setdefault((goods.location, goods.sku), _Shelf()).put(goods)

    def total(self, location: str, sku: str) -> int:
        shelf = self._all.get((location, sku))
        return max(shelf.total, 0) if shelf else 0

    def lacks(self, location: str, items: Mapping[str, int]) -> dict[str, int]:
        """What must come before all of it can be had, with what is kept of that."""
        short = {}
        for sku, many in items.items():
            shelf = self._all.get((location, sku))
            if (lack := many - (shelf.total if shelf else 0)) > 0:
                short[sku] = lack
        return short

    def has(self, location: str, items: Mapping[str, int]) -> bool:
        return all(self.total(location, sku) >= many for sku, many in items.items())

    def take(self, shares: Shares) -> tuple[tuple[Goods, int], ...]:
        return tuple(
            taken
            for location, items in shares.items()
            for sku, many in items.items()
            for taken in self._all[location, sku].take(many)
        )


def items_of(lines: Iterable[WaitingLine]) -> dict[str, int]:
    total: dict[str, int] = {}
    for line in lines:
        for sku, each in line.unit:
            total[sku] = total.get(sku, 0) + line.quantity * each
    return total


def share(
    waiting: Waiting, items: Mapping[str, int], gained: Collection[str], shelves: Shelves
) -> Shares:
    """Share it out: whole at the best location that gained, or split; or nothing."""
    for place in waiting.ranked:
        if place in gained and shelves.has(place, items):
            return {place: items}
    return split(waiting, items, waiting.ranked, shelves)


def split(
    waiting: Waiting, items: Mapping[str, int], places: Sequence[str], shelves: Shelves
) -> Shares:
    """At most `parts_max` of these that together have it all, by the first that leads there."""
    if waiting.parts_max > 1 and all(
        many <= sum(shelves.total(at, sku) for at in places) for sku, many in items.items()
    ):
        for first in places:
            if found := _split_from(first, waiting, places, shelves):
                return found
    return {}


def _split_from(first: str, waiting: Waiting, ranked: Sequence[str], shelves: Shelves) -> Shares:
    """After the first, whichever gives the most units of what is left."""
    rest = waiting.lines
    places = list(ranked)
    place = first
    shares: dict[str, Mapping[str, int]] = {}
    for _ in range(waiting.parts_max):
        taken = _taken(place, rest, shelves)
        if not taken:
            break
        shares[place] = items_of(taken)
        rest = _without(rest, taken)
        if not rest:
            return shares
        places.remove(place)
        if not places:
            break
        # max keeps the first of those that give as much
        place = max(places, key=lambda one: sum(items_of(_taken(one, rest, shelves)).values()))
    return {}


def _taken(place: str, lines: Sequence[WaitingLine], shelves: Shelves) -> tuple[WaitingLine, ...]:
    """What a location will have of these lines: a unit is given whole or not at all."""
    taken: list[WaitingLine] = []
    for line in lines:
        gone = items_of(taken)
        many = min(
            (shelves.total(place, sku) - gone.get(sku, 0)) // each for sku, each in line.unit
        )
        if many > 0:
            taken.append(line._replace(quantity=min(many, line.quantity)))
    return tuple(taken)


def _without(lines: Sequence[WaitingLine], taken: Sequence[WaitingLine]) -> tuple[WaitingLine, ...]:
    gone = {(one.line_id, one.sku): one.quantity for one in taken}
    left = (
        line._replace(quantity=line.quantity - gone.get((line.line_id, line.sku), 0))
        for line in lines
    )
    return tuple(line for line in left if line.quantity)
