"""Pegs waiting orders to dated goods: what each gets, and when, if nothing else happens.

Documents come in full on their days, those of one day by number, and each receipt is shared out as
the queue does it: in turn, by priority and then age, all that an order wants or nothing. So who
wants more than has come is passed by, and who is behind may have the units: a date that knew
nothing of it would be broken by the first receipt. Goods that are there already, but at a location
that takes on only so many orders a day, are dealt out to its open days, one after another.
"""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from itertools import groupby
from typing import NamedTuple

from domain.promises import Calendar, next_open
from domain.shelves import Goods, Shares, Shelves, Waiting, items_of, share, split
from domain.values import Value

_ONE_DAY = timedelta(1)
EVERY_DAY = Calendar(weekdays=(1, 2, 3, 4, 5, 6, 7))


class Room(NamedTuple):
    """How many orders a location takes on of what is there: any number, unless `a_day` says.

    `left` are those of the day that it takes on for now, `handled_on` (None: today).
    """

    today: date
    a_day: int | None = None
    left: int = 0
    handled_on: date | None = None
    calendar: Calendar = EVERY_DAY


class Peg(Value):
    """Units that an order will get, from where; no `supply_id`: they are there already."""

    location: str
    sku: str
    quantity: int
    supply_id: str = ""
    expected_on: date | None = None
    overdue: bool = False


class Pegged(NamedTuple):
    """What an order in the queue will get, and when; nothing, where some `lacks`.

    `on` is the day on which it gets all of it, None: today. `late`: some of it is overdue, and
    nobody knows the day.
    """

    waiting: Waiting
    taken: tuple[tuple[Goods, int], ...] = ()
    on: date | None = None
    late: bool = False
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
                overdue=goods.overdue,
            )
            for goods, many in self.taken
        )


def peg(
    queue: Iterable[Waiting],
    goods: Iterable[Goods],
    today: date,
    rooms: Mapping[str, Room] | None = None,
) -> tuple[Pegged, ...]:
    """Peg every order of the queue, first served first.

    What should have come before `today` (or the day that it is at its location) has no date any
    more: it is as if it came after all that has one.
    """
    known = rooms or {}
    come = _Coming(queue, known, today)
    dated: list[Goods] = []
    overdue: list[Goods] = []
    for one in goods:
        if one.expected_on is None:
            come.shelves.put(one)
        elif one.expected_on < (known[one.location].today if one.location in known else today):
            overdue.append(one._replace(overdue=True))
        else:
            dated.append(one)
    for (day, _, location), receipt in groupby(sorted(dated, key=_turn), key=_receipt):
        come.take_on(until=day)
        come.receive(location, list(receipt), day)
    come.take_on()
    for (_, _, location), receipt in groupby(sorted(overdue, key=_turn), key=_receipt):
        come.receive(location, list(receipt), None)
    return come.pegged()


def _receipt(goods: Goods) -> tuple[date, int, str]:
    """What is booked at once: lines of a document for one day."""
    return (goods.expected_on or date.min, _number(goods.supply_id), goods.location)


def _turn(goods: Goods) -> tuple[tuple[date, int, str], int]:
    return (_receipt(goods), goods.line)


def _number(supply_id: str) -> int:
    return int(supply_id.rpartition("-")[2])


class _Days:
    """The open days of a location that takes on so many orders for each of them."""

    def __init__(self, room: Room, a_day: int) -> None:
        self._now = self._day = room.handled_on or room.today
        self._left = room.left
        self._a_day = a_day
        self._calendar = room.calendar

    def next(self, earliest: date, until: date | None) -> date | None:
        """Tell the day on which it takes on another order, if that is not after `until`.

        It takes on at once what it handles on the day that is filled now.
        """
        if self._day < earliest:
            self._day, self._left = self._open(earliest - _ONE_DAY), self._a_day
        if self._left <= 0:
            self._day, self._left = self._open(self._day), self._a_day
        day = earliest if self._day == self._now else self._day
        never = self._left <= 0
        return None if never or (until is not None and day > until) else day

    def _open(self, after: date) -> date:
        """A location that never opens again deals out calendar days: its dates say as little."""
        return max(next_open(self._calendar, after), after + _ONE_DAY)

    def take(self) -> None:
        self._left -= 1


class _Coming:
    """What becomes of a queue, one event after another."""

    def __init__(self, queue: Iterable[Waiting], rooms: Mapping[str, Room], today: date) -> None:
        self.shelves = Shelves()
        self._turns = sorted(queue, key=lambda one: (-one.priority, one.position))
        self._items = [items_of(one.lines) for one in self._turns]
        self._served: dict[int, Pegged] = {}
        self._today = dict.fromkeys(
            (place for one in self._turns for place in one.ranked), today
        ) | {place: room.today for place, room in rooms.items()}
        self._day = min(self._today.values(), default=today)
        self._days = {
            place: _Days(room, room.a_day)
            for place, room in rooms.items()
            if room.a_day is not None
        }
        # Nobody is looked at in vain: who lacks something is, when that comes to where it lacks it.
        self._looked = False
        self._beside = set(range(len(self._turns)))
        self._lacking: dict[tuple[str, str], set[int]] = {}

    def receive(self, location: str, goods: list[Goods], day: date | None) -> None:
        """Goods come, and are shared out; on no known day if they are overdue."""
        self._day = max(self._day, day or self._day)
        for one in goods:
            self.shelves.put(one)
        skus = {one.sku for one in goods}
        lacked = {sku: self._lacking.pop((location, sku), set()) for sku in skus}
        for turn in sorted(set().union(*lacked.values()) - self._served.keys()):
            if not any(self.shelves.total(location, sku) for sku in skus):
                break
            shares = share(self._turns[turn], self._items[turn], (location,), self.shelves)
            self._serve(turn, shares, day, late=day is None)
        for sku, turns in lacked.items():
            left = turns - self._served.keys()
            if self.shelves.total(location, sku):
                for turn in left:
                    self._look_out(turn)
            else:
                self._lacking.setdefault((location, sku), set()).update(left)

    def take_on(self, until: date | None = None) -> None:
        """What is there goes to who waits beside it, as far as there is room until then."""
        if self._looked and not any(d.next(self._day, until) for d in self._days.values()):
            return
        for turn in sorted(self._beside - self._served.keys()):
            self._take_on_one(turn, until)
        if not self._looked:
            self._looked, self._beside = True, set()
            for turn in range(len(self._turns)):
                if turn not in self._served:
                    self._look_out(turn)

    def _look_out(self, turn: int) -> None:
        """Look at it again when what it lacks comes or, if it lacks nothing, anything of it."""
        waiting, items = self._turns[turn], self._items[turn]
        for place in waiting.ranked:
            where = waiting.ranked if waiting.parts_max > 1 else (place,)
            lacks = [
                sku
                for sku, many in items.items()
                if sum(self.shelves.total(at, sku) for at in where) < many
            ]
            if not lacks:
                self._beside.add(turn)
            for sku in lacks[:1] or items:
                self._lacking.setdefault((place, sku), set()).add(turn)

    def _take_on_one(self, turn: int, until: date | None) -> None:
        """Whole where there is room first or, where some of it waits for room, split."""
        waiting, items = self._turns[turn], self._items[turn]
        room_on = {place: self._room_on(place, until) for place in waiting.ranked}
        open_on = {place: day for place, day in room_on.items() if day is not None}
        whole = [place for place in open_on if self.shelves.has(place, items)]
        if whole:
            # min keeps the best of those that have room on the same day
            shares: Shares = {min(whole, key=lambda place: open_on[place]): items}
        elif self._days.keys().isdisjoint(open_on):
            return
        else:
            shares = split(waiting, items, tuple(open_on), self.shelves)
        if shares:
            self._serve(turn, shares, max(open_on[place] for place in shares))
            for place in self._days.keys() & shares.keys():
                self._days[place].take()

    def _room_on(self, place: str, until: date | None) -> date | None:
        return self._days[place].next(self._day, until) if place in self._days else self._day

    def _serve(self, turn: int, shares: Shares, day: date | None, *, late: bool = False) -> None:
        if shares:
            later = day is not None and any(day > self._today[place] for place in shares)
            on = day if later else None
            taken = self.shelves.take(shares)
            self._served[turn] = Pegged(self._turns[turn], taken, on, late)

    def pegged(self) -> tuple[Pegged, ...]:
        return tuple(
            self._served.get(turn) or Pegged(waiting, lacks=self._lacks(turn))
            for turn, waiting in enumerate(self._turns)
        )

    def _lacks(self, turn: int) -> tuple[tuple[str, int], ...]:
        """What the location lacks that lacks least; all of it where none may serve."""
        items = self._items[turn]
        short = [self.shelves.lacks(place, items) for place in self._turns[turn].ranked]
        least = min(short, key=lambda one: sum(one.values()), default=items)
        return tuple(sorted(least.items()))
