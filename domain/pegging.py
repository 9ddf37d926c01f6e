"""Pegs waiting orders to dated goods, so that each has a date, and tells it in words.

In turn, by priority and then age, each order takes what it wants at the location where all of it is
there first; where no location will ever have it all, it takes shares as the queue would, wherever
they are. Of a SKU at a location it takes what comes first. So a supply that comes later makes no
order's date earlier, but for one: who is served before may then go elsewhere and leave it more.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from pydantic import Field

from domain.promises import Calendar, Promise, Weekdays, promise
from domain.stock import SkuQuantity
from domain.values import Value


class Goods(Value):
    """Units of a SKU at a location: there now, or expected of a line of a document."""

    location: str
    sku: str
    quantity: int = Field(ge=0)
    supply_id: str = ""
    line: int = 0
    expected_on: date | None = None


class WaitingLine(Value):
    """So many as sold; each is made of `unit`, which comes from one location."""

    line_id: str
    sku: str
    quantity: int
    unit: tuple[SkuQuantity, ...]


class Waiting(Value):
    """An order's share in the queue; `ranked` are the locations that may serve it, best first."""

    key: str
    order_id: str
    lines: tuple[WaitingLine, ...]
    ranked: tuple[str, ...]
    parts_max: int = 1
    priority: int = 0
    position: int


class Peg(Value):
    """Units that an order will get, from where; no `supply_id`: they are there already."""

    location: str
    sku: str
    quantity: int
    supply_id: str = ""
    expected_on: date | None = None


class Pegged(Value):
    """What an order in the queue will get; nothing, where some units `lacks` are on no way."""

    waiting: Waiting
    pegs: tuple[Peg, ...] = ()
    lacks: tuple[SkuQuantity, ...] = ()


class Way(Value):
    """How goods get from a location to the customer."""

    calendar: Calendar
    transit_days: int
    weekdays: Weekdays


class PromiseView(Value):
    """When an order leaves and arrives, and by which goods; without dates, `sentence` says why."""

    ship_on: date | None = None
    deliver_on: date | None = None
    pegs: tuple[Peg, ...] = ()
    lacks: tuple[SkuQuantity, ...] = ()
    sentence: str


def peg(queue: Iterable[Waiting], goods: Iterable[Goods], today: date) -> tuple[Pegged, ...]:
    """Peg every order of the queue, first served first; what is overdue may come from `today`."""
    shelves = _Shelves(goods, today)
    turns = sorted(queue, key=lambda one: (-one.priority, one.position))
    return tuple(_peg_one(waiting, shelves) for waiting in turns)


def dated(pegs: Iterable[Peg], ways: Mapping[str, Way], now: datetime) -> Promise:
    """Promise what is pegged: goods are handled from the start of the day that they come."""
    last: dict[str, date | None] = {}
    for one in pegs:
        known = last.get(one.location)
        last[one.location] = max(filter(None, (known, one.expected_on)), default=None)
    made = [_left(ways[location], day, now) for location, day in last.items()]
    return together(made)


def together(promises: Sequence[Promise]) -> Promise:
    """When the last part has left and all has arrived."""
    return Promise(
        ship_on=max(one.ship_on for one in promises),
        deliver_on=max(one.deliver_on for one in promises),
    )


def told(promised: Promise | None, pegged: Sequence[Pegged] = ()) -> PromiseView:
    """Put an order's promise in words; no promise, if some of its goods are on no way."""
    pegs = tuple(one for share in pegged for one in share.pegs)
    lacks = tuple(one for share in pegged for one in share.lacks)
    if promised is None:
        nobody = not all(share.waiting.ranked for share in pegged)
        why = (
            "No location may serve it."
            if nobody
            else f"{_listed(f'{one.quantity} x {one.sku}' for one in lacks)} more must be ordered."
        )
        return PromiseView(pegs=pegs, lacks=lacks, sentence=f"No date yet: {why}")
    on = sorted({(one.expected_on, one.supply_id) for one in pegs if one.expected_on})
    of = _listed(f"{supply_id} on {day}" for day, supply_id in on)
    when = f"Leaves by {promised.ship_on} and arrives by {promised.deliver_on}"
    sentence = f"{when}: waits for {of}." if of else f"{when}."
    return PromiseView(**promised.model_dump(), pegs=pegs, sentence=sentence)


class _Shelves:
    """What is left to peg, by location and SKU, the earliest first."""

    def __init__(self, goods: Iterable[Goods], today: date) -> None:
        self._today = today
        self._left: dict[tuple[str, str], list[tuple[Goods, int]]] = {}
        for one in sorted(goods, key=self._turn):
            self._left.setdefault((one.location, one.sku), []).append((one, one.quantity))

    def _turn(self, goods: Goods) -> tuple[date, str, int]:
        return (goods.expected_on or date.min, goods.supply_id, goods.line)

    def total(self, location: str, sku: str) -> int:
        return sum(left for _, left in self._left.get((location, sku), ()))

    def ready_on(self, location: str, items: Mapping[str, int]) -> date | None:
        """Tell the day on which all of it is there; None: never."""
        last = self._today
        for sku, wanted in items.items():
            missing = wanted
            for goods, left in self._left.get((location, sku), ()):
                if missing <= 0:
                    break
                last = max(last, goods.expected_on or last)
                missing -= left
            if missing > 0:
                return None
        return last

    def take(self, location: str, items: Mapping[str, int]) -> list[Peg]:
        taken: list[Peg] = []
        for sku, wanted in items.items():
            missing = wanted
            rest: list[tuple[Goods, int]] = []
            for goods, left in self._left[location, sku]:
                many = min(left, missing)
                missing -= many
                if many:
                    taken.append(_peg_of(goods, many))
                if left > many:
                    rest.append((goods, left - many))
            self._left[location, sku] = rest
        return taken


def _peg_of(goods: Goods, many: int) -> Peg:
    return Peg(
        location=goods.location,
        sku=goods.sku,
        quantity=many,
        supply_id=goods.supply_id,
        expected_on=goods.expected_on,
    )


def _peg_one(waiting: Waiting, shelves: _Shelves) -> Pegged:
    items = _items(waiting.lines)
    whole = [
        (ready, rank, location)
        for rank, location in enumerate(waiting.ranked)
        if (ready := shelves.ready_on(location, items)) is not None
    ]
    shares = {min(whole)[2]: items} if whole else _split(waiting, shelves)
    if not shares:
        return Pegged(waiting=waiting, lacks=_lacks(waiting.ranked, items, shelves))
    pegs = [one for place, share in shares.items() for one in shelves.take(place, share)]
    return Pegged(waiting=waiting, pegs=tuple(pegs))


def _split(waiting: Waiting, shelves: _Shelves) -> dict[str, dict[str, int]]:
    """Share it out as the queue does: after the first location, whichever gives most of the rest.

    Dates play no part here, so that no share moves to another location when a date moves.
    """
    if waiting.parts_max > 1:
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
            (shelves.total(place, one.sku) - gone.get(one.sku, 0)) // one.quantity
            for one in line.unit
        )
        if many > 0:
            quantity = min(many, line.quantity)
            taken.append(line.model_copy(update={"quantity": quantity}))
    return tuple(taken)


def _without(lines: Sequence[WaitingLine], taken: Sequence[WaitingLine]) -> tuple[WaitingLine, ...]:
    gone = {(one.line_id, one.sku): one.quantity for one in taken}
    left = (
        line.model_copy(update={"quantity": line.quantity - gone.get((line.line_id, line.sku), 0)})
        for line in lines
    )
    return tuple(line for line in left if line.quantity)


def _items(lines: Iterable[WaitingLine]) -> dict[str, int]:
    total: dict[str, int] = {}
    for line in lines:
        for one in line.unit:
            total[one.sku] = total.get(one.sku, 0) + line.quantity * one.quantity
    return total


def _lacks(
    ranked: Sequence[str], items: Mapping[str, int], shelves: _Shelves
) -> tuple[SkuQuantity, ...]:
    """What the location lacks that lacks least; all of it where none may serve."""
    shortages = [
        {sku: many - shelves.total(place, sku) for sku, many in items.items()} for place in ranked
    ]
    short = [{sku: many for sku, many in one.items() if many > 0} for one in shortages]
    least = min(short, key=lambda one: sum(one.values()), default=dict(items))
    return tuple(SkuQuantity(sku=sku, quantity=least[sku]) for sku in sorted(least))


def _left(way: Way, day: date | None, now: datetime) -> Promise:
    ready_at = now
    if day is not None:
        ready_at = max(now, datetime.combine(day, time(), ZoneInfo(way.calendar.timezone)))
    return promise(way.calendar, ready_at, way.transit_days, way.weekdays)


def _listed(names: Iterable[str]) -> str:
    told = list(names)
    return " and ".join(filter(None, (", ".join(told[:-1]), *told[-1:])))
