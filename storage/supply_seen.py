"""The queue, the goods for it and the places that they come to, as they are at one moment."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, NamedTuple, Self

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.pegging import Pegged, Room, peg
from domain.promised import Way, dated
from domain.promises import WORKING_WEEK, Calendar, Promise, handling_date, promise, together
from domain.shelves import Goods, Waiting, WaitingLine
from domain.sourcing.rules import RuleSet

QUEUED = """
SELECT w.key, w.order_id, w.lines, w.skus, w.parts_max, w.priority,
       w.position, CAST(w.xmin AS text) AS version,
       ARRAY(SELECT r.place FROM unnest(w.ranked) WITH ORDINALITY AS r (place, n)
              JOIN locations l ON l.location = r.place AND l.active
               AND l.capacity_per_day IS DISTINCT FROM 0 ORDER BY r.n) AS ranked,
       coalesce(a.address ->> 'country', '') AS country, w.since
  FROM stock_waiting w
  LEFT JOIN orders o ON o.order_id = w.order_id
  LEFT JOIN addresses a ON a.order_id = o.order_id AND a.version = o.address_version
"""
# What ties orders of the queue: SKUs, and locations that they found full, for room is dealt out in
# turn. To follow `WITH RECURSIVE near (sku, place) AS (` and what that begins with.
TIES = """
    UNION
    SELECT t.sku, t.place FROM near n
     CROSS JOIN LATERAL (
           SELECT w.skus, w.full_at FROM stock_waiting w WHERE w.skus && ARRAY[n.sku]
            UNION ALL
           SELECT w.skus, w.full_at FROM stock_waiting w
            WHERE n.place IS NOT NULL AND w.full_at && ARRAY[n.place]) w
     CROSS JOIN LATERAL (
           SELECT k AS sku, CAST(NULL AS text) AS place FROM unnest(w.skus) k
            UNION ALL SELECT NULL, p FROM unnest(w.full_at) p) t
"""
HELD_BY = """
SELECT r.order_id, r.location, r.created_at, (
           SELECT p -> 'promise' FROM jsonb_array_elements(d.decision -> 'plan' -> 'parts') p
            WHERE p ->> 'location' = r.location LIMIT 1) AS promised,
       coalesce(a.address ->> 'country', '') AS country
  FROM reservations r
  LEFT JOIN sourcing_decisions d ON d.key = r.base AND d.outcome = 'reserved'
  LEFT JOIN orders o ON o.order_id = r.order_id
  LEFT JOIN addresses a ON a.order_id = o.order_id AND a.version = o.address_version
 WHERE r.state <> 'released'
"""
# Less than none available is what comes first and is kept: see `stock.available`.
_GOODS = text("""
SELECT s.location, s.sku, s.on_hand - s.reserved - s.damaged - s.safety_stock AS quantity,
       '' AS supply_id, 0 AS line, CAST(NULL AS date) AS expected_on
  FROM stock s WHERE s.sku = ANY (CAST(:skus AS text[]))
   AND s.on_hand - s.reserved - s.damaged <> s.safety_stock
UNION ALL
SELECT a.destination, a.sku, a.quantity, a.supply_id, a.line, a.expected_on
  FROM supply_awaited a WHERE a.sku = ANY (CAST(:skus AS text[]))
""")
_LOCATIONS = text("""
SELECT l.location, l.country, jsonb_build_object(
           'timezone', l.timezone, 'cut_off', l.cut_off, 'handling_days', l.handling_days,
           'weekdays', l.weekdays, 'holidays', l.holidays) AS calendar,
       CAST(now() AT TIME ZONE l.timezone AS date) AS today, l.capacity_per_day,
       greatest(CASE WHEN l.capacity_per_day IS NOT NULL
                     THEN l.capacity_per_day - sourcing_taken(l.location) END, 0) AS left_now
  FROM locations l WHERE l.location = ANY (CAST(:locations AS text[]))
""")


class Queued(NamedTuple):
    """A row of the queue; written anew, it has another `version`."""

    key: str
    version: str
    order_id: str
    lines: tuple[WaitingLine, ...]
    skus: tuple[str, ...]
    ranked: tuple[str, ...]
    parts_max: int
    priority: int
    since: datetime
    position: int
    country: str

    @classmethod
    def of(cls, row: Any) -> Self:
        told = row._asdict()
        lists = {name: tuple(told[name]) for name in ("skus", "ranked")}
        return cls(**told | lists | {"lines": tuple(_line(line) for line in told["lines"])})


async def goods(connection: AsyncConnection, skus: Iterable[str]) -> Sequence[Any]:
    """What there is of these SKUs, and what is on its way."""
    wanted = sorted(skus)
    return (await connection.execute(_GOODS, {"skus": wanted})).all() if wanted else []


async def places(connection: AsyncConnection, locations: Iterable[str]) -> Sequence[Any]:
    said = {"locations": sorted(locations)}
    return (await connection.execute(_LOCATIONS, said)).all()


class Seen:
    """All of it at one moment, and what it makes each order's date."""

    def __init__(
        self,
        now: datetime,
        rules: RuleSet,
        queue: Iterable[Queued],
        there: Iterable[Any],
        locations: Iterable[Any],
    ) -> None:
        self.now = now
        self._rules = rules
        self._queue = sorted(queue, key=lambda one: (one.since, one.position))
        self._goods = [Goods(*row) for row in there]
        self._at = {one.location: one for one in locations}
        self._ways: dict[tuple[str, str], Way] = {}
        self._known: dict[tuple[str, frozenset[str], date | None], Promise] = {}

    def pegged(self) -> tuple[tuple[Queued, Pegged], ...]:
        """Who waits, in turn, with what each will get."""
        queue = [_waiting(one, number) for number, one in enumerate(self._queue)]
        rooms = {location: self._room(at) for location, at in self._at.items()}
        made = peg(queue, self._goods, self.now.astimezone(UTC).date(), rooms)
        return tuple((self._queue[one.waiting.position], one) for one in made)

    def promised(self, pegged: Pegged, country: str) -> Promise | None:
        """What comes to the same places on the same day leaves and arrives together."""
        if not pegged.taken or pegged.late:
            return None
        at = frozenset(one.location for one, _ in pegged.taken)
        if (country, at, pegged.on) not in self._known:
            ways = {location: self._way(location, country) for location in at}
            self._known[country, at, pegged.on] = dated(at, pegged.on, ways, self.now)
        return self._known[country, at, pegged.on]

    def held(self, row: Any) -> Promise:
        """What was promised as it was sourced; where the queue gave the goods, from then on."""
        if row.promised is not None:
            return Promise(**row.promised)
        way = self._way(row.location, row.country)
        return promise(way.calendar, row.created_at, way.transit_days, way.weekdays)

    def dates(self, held: Iterable[Any]) -> dict[str, Promise | None]:
        """When all that an order has and waits for arrives; None: some of it is on no way."""
        found: dict[str, list[Promise | None]] = {}
        for row in held:
            found.setdefault(row.order_id, []).append(self.held(row))
        for one, pegged in self.pegged():
            made = self.promised(pegged, one.country)
            found.setdefault(one.order_id, []).append(made)
        return {order_id: all_of(made) for order_id, made in found.items()}

    def _room(self, at: Any) -> Room:
        calendar = Calendar(**at.calendar)
        handled_on = handling_date(calendar, self.now)
        return Room(at.today, at.capacity_per_day, at.left_now, handled_on, calendar)

    def _way(self, location: str, country: str) -> Way:
        if (location, country) not in self._ways:
            at = self._at[location]
            zone = self._rules.zone(at.country, country)
            self._ways[location, country] = Way(
                calendar=Calendar(**at.calendar),
                transit_days=zone.transit_days if zone else self._rules.transit_days,
                weekdays=zone.delivery_weekdays if zone else WORKING_WEEK,
            )
        return self._ways[location, country]


def all_of(dates: Sequence[Promise | None]) -> Promise | None:
    """When the last of it arrives; None, if one has no date."""
    known = [one for one in dates if one is not None]
    return together(known) if len(known) == len(dates) else None


def _waiting(one: Queued, number: int) -> Waiting:
    return Waiting(
        key=one.key,
        order_id=one.order_id,
        lines=one.lines,
        ranked=one.ranked,
        position=number,
        priority=one.priority,
        parts_max=one.parts_max,
    )


def _line(told: Mapping[str, Any]) -> WaitingLine:
    return WaitingLine(
        line_id=told["line_id"],
        sku=told["sku"],
        quantity=told["quantity"],
        unit=tuple((one["sku"], one["quantity"]) for one in told["unit"]),
    )
