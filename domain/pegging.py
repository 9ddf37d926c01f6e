"""Pegs waiting orders to dated goods, so that each has a date.

In turn, by priority and then age, each order takes what it wants at the location where all of it is
there first; where no location will ever have it all, it takes shares as the queue would, wherever
they are. Of a SKU at a location it takes what comes first. So a supply that comes later makes no
order's date earlier, but for one: who is served before may then go elsewhere and leave it more.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from domain.values import Value


class Goods(NamedTuple):
    """Units of a SKU at a location: there now, or expected of a line of a document."""

    location: str
    sku: str
    quantity: int
    supply_id: str = ""
    line: int = 0
    expected_on: date | None = None


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


class Peg(Value):
    """Units that an order will get, from where; no `supply_id`: they are there already."""

    location: str
    sku: str
    quantity: int
    supply_id: str = ""
    expected_on: date | None = None


class Pegged(NamedTuple):
    """What an order in the queue will get; nothing, where some units `lacks` are on no way."""

    waiting: Waiting
    taken: tuple[tuple[Goods, int], ...] = ()
    lacks: tuple[tuple[str, int], ...] = ()

    @property
    def pegs(self) -> tuple[Peg, ...]:
        return tuple(
            Peg(
                location=goods.location,
                sku=goods.sku,
                quantity=many,
                supply_id=goods.supply_id,
                expected_on=goods.expected_on,
            )
            for goods, many in self.taken
        )


def peg(queue: Iterable[Waiting], goods: Iterable[Goods], today: date) -> tuple[Pegged, ...]:
    """Peg every order of the queue, first served first; what is overdue may come from `today`."""
    shelves = _Shelves(goods, today)
    turns = sorted(queue, key=lambda one: (-one.priority, one.position))
    return tuple(_peg_one(waiting, shelves) for waiting in turns)


class _Shelf:
    """What is left to peg of a SKU at a location, the earliest first."""

    def __init__(self) -> None:
        self.total = 0
        self._left: deque[tuple[Goods, int]] = deque()

    def put(self, goods: Goods) -> None:
        if goods.quantity:
            self._left.append((goods, goods.quantity))
            self.total += goods.quantity

    def ready_on(self, wanted: int, today: date) -> date:
        """Tell the day on which so many are there, which is no more than the total."""
        for goods, left in self._left:
            wanted -= left
            if wanted <= 0:
                return max(today, goods.expected_on or today)
        return today

    def take(self, wanted: int) -> Iterator[tuple[Goods, int]]:
        self.total -= wanted
        while wanted:
            goods, left = self._left.popleft()
            many = min(left, wanted)
            wanted -= many
            if left > many:
                self._left.appendleft((goods, left - many))
            yield goods, many


class _Shelves:
    """The shelves by location and SKU."""

    def __init__(self, goods: Iterable[Goods], today: date) -> None:
        self._today = today
        self._all: dict[tuple[str, str], _Shelf] = {}
        for one in sorted(goods, key=_turn):
            self._all.setdefault((one.location, one.sku), _Shelf()).put(one)

    def total(self, location: str, sku: str) -> int:
        shelf = self._all.get((location, sku))
        return shelf.total if shelf else 0

    def ready_on(self, location: str, items: Mapping[str, int]) -> date | None:
        """Tell the day on which all of it is there; None: never."""
        if any(self.total(location, sku) < many for sku, many in items.items()):
            return None
        return max(
            self._all[location, sku].ready_on(many, self._today) for sku, many in items.items()
        )

    def take(self, location: str, items: Mapping[str, int]) -> Iterator[tuple[Goods, int]]:
        for sku, many in items.items():
            yield from self._all[location, sku].take(many)


def _turn(goods: Goods) -> tuple[date, str, int]:
    return (goods.expected_on or date.min, goods.supply_id, goods.line)


def _peg_one(waiting: Waiting, shelves: _Shelves) -> Pegged:
    items = _items(waiting.lines)
    whole = [
        (ready, rank, location)
        for rank, location in enumerate(waiting.ranked)
        if (ready := shelves.ready_on(location, items)) is not None
    ]
    shares = {min(whole)[2]: items} if whole else _split(waiting, items, shelves)
    if not shares:
        return Pegged(waiting, lacks=_lacks(waiting.ranked, items, shelves))
    return Pegged(
        waiting, tuple(one for at, share in shares.items() for one in shelves.take(at, share))
    )


def _split(
    waiting: Waiting, items: Mapping[str, int], shelves: _Shelves
) -> dict[str, dict[str, int]]:
    """Share it out as the queue does: after the first location, whichever gives most of the rest.

    Dates play no part here, so that no share moves to another location when a date moves.
    """
    if waiting.parts_max > 1 and all(
        many <= sum(shelves.total(at, sku) for at in waiting.ranked) for sku, many in items.items()
    ):
        for first in waiting.ranked:
            if found := _split_from(first, waiting, shelves):
                return found
    return {}


def _split_from(first: str, waiting: Waiting, shelves: _Shelves) -> dict[str, dict[str, int]]:
    rest = waiting.lines
    places = list(waiting.ranked)
    place = first
    shares: dict[str, dict[str, int]] = {}
    for _ in range(waiting.parts_max):
        taken = _taken(place, rest, shelves)
        if not taken:
            break
        shares[place] = _items(taken)
        rest = _without(rest, taken)
        if not rest:
            return shares
        places.remove(place)
        if not places:
            break
        # max keeps the first of those that give as much
        place = max(places, key=lambda one: sum(_items(_taken(one, rest, shelves)).values()))
    return {}


def _taken(place: str, lines: Sequence[WaitingLine], shelves: _Shelves) -> tuple[WaitingLine, ...]:
    """What a location will have of these lines: a unit is given whole or not at all."""
    taken: list[WaitingLine] = []
    for line in lines:
        gone = _items(taken)
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


def _items(lines: Iterable[WaitingLine]) -> dict[str, int]:
    total: dict[str, int] = {}
    for line in lines:
        for sku, each in line.unit:
            total[sku] = total.get(sku, 0) + line.quantity * each
    return total


def _lacks(
    ranked: Sequence[str], items: Mapping[str, int], shelves: _Shelves
) -> tuple[tuple[str, int], ...]:
    """What the location lacks that lacks least; all of it where none may serve."""
    shortages = [
        {sku: many - shelves.total(place, sku) for sku, many in items.items()} for place in ranked
    ]
    short = [{sku: many for sku, many in one.items() if many > 0} for one in shortages]
    least = min(short, key=lambda one: sum(one.values()), default=items)
    return tuple(sorted(least.items()))
