"""What an order is promised: dates by the goods that it has or waits for, and words for them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from domain.pegging import Peg, Pegged
from domain.promises import Calendar, Promise, Weekdays, promise
from domain.stock import SkuQuantity
from domain.supply import EXPECTED_FIRST, EXPECTED_LAST
from domain.values import Value


class Way(Value):
    """How goods get from a location to the customer.

    One that is `full_today` takes on nothing more of what is there; goods that come for who waits
    go out all the same.
    """

    calendar: Calendar
    transit_days: int
    weekdays: Weekdays
    full_today: bool = False


class PromiseView(Value):
    """When an order leaves and arrives, and by which goods; without dates, `sentence` says why."""

    ship_on: date | None = None
    deliver_on: date | None = None
    pegs: tuple[Peg, ...] = ()
    lacks: tuple[SkuQuantity, ...] = ()
    sentence: str


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
    lacks = tuple(
        SkuQuantity(sku=sku, quantity=many) for share in pegged for sku, many in share.lacks
    )
    if promised is None:
        nobody = not all(share.waiting.ranked for share in pegged)
        why = (
            "no location may serve it."
            if nobody
            else f"{_listed(f'{one.quantity} x {one.sku}' for one in lacks)} more must be ordered."
        )
        return PromiseView(pegs=pegs, lacks=lacks, sentence=f"No date yet: {why}")
    on = sorted({(one.expected_on, one.supply_id) for one in pegs if one.expected_on})
    of = _listed(f"{supply_id} on {day}" for day, supply_id in on)
    when = f"Leaves by {promised.ship_on} and arrives by {promised.deliver_on}"
    sentence = f"{when}: waits for {of}." if of else f"{when}."
    return PromiseView(**promised.model_dump(), pegs=pegs, sentence=sentence)


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
    elif way.full_today:
        tomorrow = now.astimezone(zone).date() + timedelta(days=1)
        ready_at = datetime.combine(tomorrow, time(), zone)
    return promise(way.calendar, ready_at, way.transit_days, way.weekdays)


def _listed(names: Iterable[str]) -> str:
    told = list(names)
    return " and ".join(filter(None, (", ".join(told[:-1]), *told[-1:])))
