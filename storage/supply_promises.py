"""When orders that have their goods, or wait for them, leave and arrive.

It is worked out where somebody asks: a date then moves with the supply and the queue, and whoever
reserves, receives or waits takes no lock and writes no row for it. Of an order's neighbours only
those are read that compete with it for a SKU, or for one with these.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.pegging import Goods, Pegged, Waiting, WaitingLine, peg
from domain.promised import PromiseView, Way, dated, together, told
from domain.promises import WORKING_WEEK, Calendar, Promise, promise
from domain.sourcing.rules import RuleSet
from domain.values import Value
from storage.outages import transaction

_NOW = text("""
SELECT now() AS now, r.version FROM sourcing_rules r WHERE r.state = 'active'
""")
_RULES = text("SELECT name, document FROM sourcing_rules WHERE version = :version")
_QUEUED = """
SELECT w.key, w.order_id, w.lines, w.skus, w.parts_max, w.priority,
       row_number() OVER (ORDER BY w.since, w.position) AS position,
       ARRAY(SELECT r.place FROM unnest(w.ranked) WITH ORDINALITY AS r (place, n)
              JOIN locations l ON l.location = r.place AND l.active ORDER BY r.n) AS ranked,
       coalesce(a.address ->> 'country', '') AS country, w.since
  FROM stock_waiting w
  LEFT JOIN orders o ON o.order_id = w.order_id
  LEFT JOIN addresses a ON a.order_id = o.order_id AND a.version = o.address_version
"""
_QUEUE = text(_QUEUED)
_NEAR = text(f"""
WITH RECURSIVE near (sku) AS (
    SELECT unnest(skus) FROM stock_waiting WHERE order_id = :order_id
    UNION
    SELECT unnest(w.skus) FROM near n JOIN stock_waiting w ON w.skus && ARRAY[n.sku]
)
{_QUEUED} WHERE w.skus && ARRAY(SELECT sku FROM near) AND (-w.priority, w.since, w.position) <= (
    SELECT -o.priority, o.since, o.position FROM stock_waiting o WHERE o.order_id = :order_id
     ORDER BY o.priority, o.since DESC, o.position DESC LIMIT 1)
""")  # noqa: S608 - our own text
_COMPETING = """
WITH RECURSIVE near (sku) AS (
    SELECT unnest(CAST(:skus AS text[]))
    UNION
    SELECT unnest(w.skus) FROM near n JOIN stock_waiting w ON w.skus && ARRAY[n.sku])
"""
_NEAR_SKUS = text(
    f"{_COMPETING} {_QUEUED} WHERE w.skus && ARRAY(SELECT sku FROM near)"  # noqa: S608 - our own
)
_GOODS = text("""
SELECT s.location, s.sku, s.available AS quantity, '' AS supply_id, 0 AS line,
       CAST(NULL AS date) AS expected_on
  FROM stock s WHERE s.sku = ANY (CAST(:skus AS text[])) AND s.available > 0
UNION ALL
SELECT a.destination, a.sku, a.quantity, a.supply_id, a.line, a.expected_on
  FROM supply_awaited a WHERE a.sku = ANY (CAST(:skus AS text[]))
""")
_LOCATIONS = text("""
SELECT l.location, l.country, jsonb_build_object(
           'timezone', l.timezone, 'cut_off', l.cut_off, 'handling_days', l.handling_days,
           'weekdays', l.weekdays, 'holidays', l.holidays) AS calendar,
       l.capacity_per_day IS NOT NULL
           AND sourcing_taken(l.location) >= l.capacity_per_day AS full_today
  FROM locations l WHERE l.location = ANY (CAST(:locations AS text[]))
""")
_HELD_BY = """
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
_HELD = text(f"{_HELD_BY} AND r.order_id = :order_id ORDER BY r.key")
_HELD_NEAR = text(f"""
{_COMPETING} {_HELD_BY} AND r.order_id IN (
    SELECT w.order_id FROM stock_waiting w WHERE w.skus && ARRAY(SELECT sku FROM near))
 ORDER BY r.key
""")  # noqa: S608 - our own text


class WaitingView(Value):
    """An order in the queue with its promise; who comes first is served first."""

    order_id: str
    key: str
    priority: int
    since: datetime
    promise: PromiseView


class Promises:
    """Rule sets never change, so each is parsed once."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._parsed: dict[int, RuleSet] = {}

    async def queue(self, after: int = 0, limit: int = 100) -> tuple[WaitingView, ...]:
        """The queue in the order in which it is served, from its place `after` on."""
        async with transaction(self._engine) as connection:
            await connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
            seen = await self._look(connection, _QUEUE, {})
        return await asyncio.to_thread(_views, seen, after, limit)

    async def of_order(self, connection: AsyncConnection, order_id: str) -> PromiseView | None:
        """An order's promise, in the caller's snapshot; None: it neither has goods nor waits."""
        said = {"order_id": order_id}
        held = (await connection.execute(_HELD, said)).all()
        seen = await self._look(connection, _NEAR, said, [row.location for row in held])
        if not held and not seen.rows:
            return None
        return (await asyncio.to_thread(_by_order, held, seen, order_id)).get(order_id)

    async def competing(
        self, connection: AsyncConnection, skus: Sequence[str]
    ) -> Mapping[str, PromiseView]:
        """The promises of all orders that wait for these SKUs, or compete with one that does."""
        said = {"skus": list(skus)}
        held = (await connection.execute(_HELD_NEAR, said)).all()
        seen = await self._look(connection, _NEAR_SKUS, said, [row.location for row in held])
        return await asyncio.to_thread(_by_order, held, seen) if seen.rows else {}

    async def _look(
        self,
        connection: AsyncConnection,
        queue: TextClause,
        said: dict[str, Any],
        locations: Iterable[str] = (),
    ) -> "_Seen":
        at = (await connection.execute(_NOW)).one()
        rules = await self._rules(connection, at.version)
        rows = (await connection.execute(queue, said)).all()
        skus = sorted({sku for row in rows for sku in row.skus})
        goods = (await connection.execute(_GOODS, {"skus": skus})).mappings().all() if skus else []
        wanted = sorted({place for row in rows for place in row.ranked} | set(locations))
        places = (await connection.execute(_LOCATIONS, {"locations": wanted})).all()
        return _Seen(at.now, rules, rows, goods, places)

    async def _rules(self, connection: AsyncConnection, version: int) -> RuleSet:
        if version not in self._parsed:
            row = (await connection.execute(_RULES, {"version": version})).one()
            self._parsed[version] = RuleSet(**row.document, name=row.name, version=version)
        return self._parsed[version]


class _Seen:
    """The queue, the goods for it and the places that they come to, as they are at one moment."""

    def __init__(
        self,
        now: datetime,
        rules: RuleSet,
        rows: Sequence[Any],
        goods: Sequence[Mapping[Any, Any]],
        places: Sequence[Any],
    ) -> None:
        self.now = now
        self.rows = rows
        self._rules = rules
        self._goods = goods
        self._calendars = {one.location: Calendar(**one.calendar) for one in places}
        self._countries = {one.location: one.country for one in places}
        self._full = {one.location for one in places if one.full_today}

    def pegged(self) -> tuple[Pegged, ...]:
        queue = [
            Waiting(
                key=row.key,
                order_id=row.order_id,
                lines=tuple(_line(line) for line in row.lines),
                ranked=tuple(row.ranked),
                position=row.position,
                priority=row.priority,
                parts_max=row.parts_max,
            )
            for row in self.rows
        ]
        goods = (Goods(**row) for row in self._goods)
        return peg(queue, goods, self.now.astimezone(UTC).date())

    def way(self, location: str, country: str) -> Way:
        zone = self._rules.zone(self._countries[location], country)
        return Way(
            calendar=self._calendars[location],
            transit_days=zone.transit_days if zone else self._rules.transit_days,
            weekdays=zone.delivery_weekdays if zone else WORKING_WEEK,
            full_today=location in self._full,
        )

    def promised(self, pegged: Pegged, country: str) -> Promise | None:
        if not pegged.taken:
            return None
        places = {goods.location for goods, _ in pegged.taken}
        return dated(pegged.pegs, {at: self.way(at, country) for at in places}, self.now)


def _line(told: Mapping[str, Any]) -> WaitingLine:
    return WaitingLine(
        line_id=told["line_id"],
        sku=told["sku"],
        quantity=told["quantity"],
        unit=tuple((one["sku"], one["quantity"]) for one in told["unit"]),
    )


def _by_order(held: Sequence[Any], seen: _Seen, only: str = "") -> dict[str, PromiseView]:
    """What each order, or one, is promised by all that it has and waits for."""
    countries = {row.key: row.country for row in seen.rows}
    dates: dict[str, list[Promise | None]] = {}
    waits: dict[str, list[Pegged]] = {}
    for row in held:
        dates.setdefault(row.order_id, []).append(_held(row, seen))
    for one in seen.pegged():
        order_id = one.waiting.order_id
        if only in ("", order_id):
            waits.setdefault(order_id, []).append(one)
            made = seen.promised(one, countries[one.waiting.key])
            dates.setdefault(order_id, []).append(made)
    return {order_id: told(_all(made), waits.get(order_id, ())) for order_id, made in dates.items()}


def _all(dates: Sequence[Promise | None]) -> Promise | None:
    known = [one for one in dates if one is not None]
    return together(known) if len(known) == len(dates) else None


def _held(row: Any, seen: _Seen) -> Promise:
    """What was promised when it was sourced; where the queue gave it the goods, from then on."""
    if row.promised is not None:
        return Promise(**row.promised)
    way = seen.way(row.location, row.country)
    return promise(way.calendar, row.created_at, way.transit_days, way.weekdays)


def _views(seen: _Seen, after: int, limit: int) -> tuple[WaitingView, ...]:
    rows = {row.key: row for row in seen.rows}
    found = []
    for one in seen.pegged()[after : after + limit]:
        row = rows[one.waiting.key]
        found.append(
            WaitingView(
                order_id=row.order_id,
                key=row.key,
                priority=row.priority,
                since=row.since,
                promise=told(seen.promised(one, row.country), [one]),
            )
        )
    return tuple(found)
