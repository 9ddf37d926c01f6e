"""What an order is promised: dates by the goods that it has or waits for, and words for them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from domain.pegging import Peg, Pegged
from domain.promises import Calendar, Promise, Weekdays, promise, together
from domain.stock import SkuQuantity
from domain.supply import EXPECTED_FIRST, EXPECTED_LAST
from domain.values import Value


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


def dated(
    locations: Iterable[str], on: date | None, ways: Mapping[str, Way], now: datetime
) -> Promise:
    """Promise what an order gets on a day (None: now): handled from the start of that day.

    So is what has been at another location for long: nobody picks a part of an order that waits.
    """
    return together([_left(ways[location], on, now) for location in locations])


def told(promised: Promise | None, pegged: Sequence[Pegged] = ()) -> PromiseView:
    """Put an order's promise in words; no promise, if some of its goods are on no way or late."""
    pegs = tuple(one for share in pegged for one in share.pegs)
    lacks = tuple(
        SkuQuantity(sku=sku, quantity=many) for share in pegged for sku, many in share.lacks
    )
    if promised is None:
        return PromiseView(pegs=pegs, lacks=lacks, sentence=f"No date yet: {_why(pegged, lacks)}.")
    on = sorted({one for share in pegged for one in _waits_for(share)})
    of = _listed(f"{what} on {day}" for day, what in on)
    when = f"Leaves by {promised.ship_on} and arrives by {promised.deliver_on}"
    sentence = f"{when}: waits for {of}." if of else f"{when}."
    return PromiseView(**promised.model_dump(), pegs=pegs, sentence=sentence)


def _why(pegged: Sequence[Pegged], lacks: Sequence[SkuQuantity]) -> str:
    """Why nobody knows the day on which an order has all its goods."""
    late = {
        (one.expected_on, one.supply_id)
        for share in pegged
        for one, _ in share.taken
        if one.overdue and one.expected_on
    }
    missing = _listed(f"{one.quantity} x {one.sku}" for one in lacks)
    overdue = _listed(f"{supply_id} is overdue since {day}" for day, supply_id in sorted(late))
    why = "; ".join(filter(None, (missing and f"{missing} more must be ordered", overdue)))
    served = all(share.waiting.ranked for share in pegged)
    return why if served and why else "no location may serve it"


def _waits_for(share: Pegged) -> Iterable[tuple[date, str]]:
    """The goods that it waits for with their days or, where all are there, the room for it."""
    for one, _ in share.taken:
        if one.expected_on:
            yield one.expected_on, one.supply_id
    if share.on and all(one.expected_on != share.on for one, _ in share.taken):
        for location in sorted({one.location for one, _ in share.taken}):
            yield share.on, f"room at {location}"


def moved(was: Promise | None, now: Promise | None) -> str:
    """Say from when to when a promise moved; nothing, where its dates are what they were."""
    return "" if was == now else f"from {_when(was)} to {_when(now)}"


def _when(promised: Promise | None) -> str:
    if promised is None:
        return "no date"
    return f"{promised.ship_on} (arrives {promised.deliver_on})"


def _left(way: Way, day: date | None, now: datetime) -> Promise:
    ready_at, zone = now, ZoneInfo(way.calendar.timezone)
    if day is not None:
        # What is in the books may be older than the limits on what comes in.
        known = min(max(day, EXPECTED_FIRST), EXPECTED_LAST)
        ready_at = max(now, datetime.combine(known, time(), zone))
    return promise(way.calendar, ready_at, way.transit_days, way.weekdays)


def _listed(names: Iterable[str]) -> str:
    told = list(names)
    return " and ".join(filter(None, (", ".join(told[:-1]), *told[-1:])))
