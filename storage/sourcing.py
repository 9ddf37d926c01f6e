"""What sourcing is asked about an order, read at once; and what was decided, kept for ever."""

import asyncio
import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.errors import Refused
from domain.ids import CART, OrderId
from domain.orders import LineRef
from domain.promises import Calendar
from domain.sourcing.case import Candidate, Case, Demand
from domain.sourcing.claims import claim
from domain.sourcing.decision import Decision
from domain.sourcing.rules import WEIGHT_MAX_G, RuleSet
from domain.stock import Changed, Claim, Reserved, ReserveRequest, Short
from storage.carts import look, take_over
from storage.engine import alone
from storage.outages import transaction
from storage.sourcing_kept import KeptDecision, PastCase, kept, past, why
from storage.sourcing_rules import SourcingRules
from storage.stock import PostgresInventory
from storage.stock_calls import check_quantities, stock_connection

SYSTEM = "sourcing"
TOO_HEAVY = "too_heavy"
PAGE_MAX = 500

# A unit's weight is what the catalogue says of it, else what its components weigh, else what the
# channel said; its value is what was paid for it. The capacity that is left is that of the day on
# which the location handles what it takes on now: what was given back counts no more. Arrays of
# SKUs keep the planner, who cannot know how few there are, from reading whole tables.
_CASE = text("""
WITH wanted AS MATERIALIZED (
    SELECT l.line_id, l.sku, l.quantity, l.price_minor
      FROM jsonb_to_recordset(CAST(:lines AS jsonb))
        AS l (line_id text, sku text, quantity bigint, price_minor bigint)
), made_of AS MATERIALIZED (
    SELECT w.sku AS sold, coalesce(b.component, w.sku) AS sku, coalesce(b.quantity, 1) AS quantity,
           b.component IS NOT NULL AS bundled
      FROM (SELECT DISTINCT sku FROM wanted) w LEFT JOIN bundle_components b ON b.bundle = w.sku
), sold AS (
    SELECT m.sold, bool_or(k.hazmat) AS hazmat, sum(k.weight_g * m.quantity) AS weight_g,
           coalesce(jsonb_agg(jsonb_build_object('sku', m.sku, 'quantity', m.quantity)
                              ORDER BY m.sku) FILTER (WHERE m.bundled), '[]') AS components
      FROM made_of m JOIN skus k ON k.sku = m.sku
     WHERE k.sku = ANY (ARRAY(SELECT sku FROM made_of)) GROUP BY m.sold
), lines AS (
    SELECT jsonb_agg(jsonb_build_object(
               'line_id', w.line_id, 'sku', w.sku, 'quantity', w.quantity,
               'components', s.components, 'hazmat', k.hazmat OR s.hazmat,
               'weight_g', coalesce(nullif(k.weight_g, 0), nullif(s.weight_g, 0), said.weight_g, 0),
               'value_minor', greatest(coalesce(
                   o.unit_price_minor - o.discount_minor / nullif(o.quantity, 0), w.price_minor, 0),
                   0))) AS found,
           coalesce(max(o.currency), :currency) AS currency
      FROM wanted w
      JOIN skus k ON k.sku = w.sku
      JOIN sold s ON s.sold = w.sku
      LEFT JOIN order_lines o ON o.order_id = :order_id AND o.line_id = w.line_id
      LEFT JOIN LATERAL (
           SELECT CAST(e ->> 'weight_g' AS bigint) AS weight_g
             FROM orders d, jsonb_array_elements(d.document -> 'lines') e
            WHERE k.weight_g = 0 AND d.order_id = :order_id AND e ->> 'line_id' = w.line_id
            LIMIT 1) said ON true
     WHERE k.sku = ANY (ARRAY(SELECT sku FROM wanted))
), candidates AS (
    SELECT jsonb_agg(jsonb_build_object(
               'location', l.location, 'name', l.name, 'country', l.country,
               'postal_code', coalesce(l.address ->> 'postal_code', ''), 'active', l.active,
               'serves', l.serves, 'hazmat', l.hazmat, 'cost_minor', l.cost_minor,
               'parcel_weight_max_g', l.parcel_weight_max_g,
               'capacity_left', CASE WHEN l.capacity_per_day IS NOT NULL
                   THEN l.capacity_per_day - sourcing_taken(l.location) END,
               'available', coalesce(has.available, '{}'),
               'calendar', jsonb_build_object(
                   'timezone', l.timezone, 'cut_off', l.cut_off, 'handling_days', l.handling_days,
                   'weekdays', l.weekdays, 'holidays', l.holidays)) ORDER BY l.location) AS found
      FROM locations l
      LEFT JOIN LATERAL (
           SELECT jsonb_object_agg(s.sku, s.available) AS available FROM stock s
            WHERE s.location = l.location AND s.sku = ANY (ARRAY(SELECT sku FROM made_of))
              AND s.available > 0) has ON true
)
SELECT now() AS now, r.version, lines.found AS lines, lines.currency,
       candidates.found AS candidates, sourcing_standing(:order_id, :key) AS standing,
       coalesce((SELECT sum(o.quantity) FROM order_lines o WHERE o.order_id = :order_id)
                > (SELECT sum(w.quantity) FROM wanted w), false) AS partial,
       (SELECT d.decision #>> '{plan,promise,deliver_on}' FROM sourcing_decisions d
         WHERE d.order_id = :order_id AND d.key <> :key
           AND d.decision #>> '{plan,promise,deliver_on}' IS NOT NULL
         ORDER BY d.id LIMIT 1) AS promised
  FROM sourcing_rules r, lines, candidates WHERE r.state = 'active'
""")
_RESERVE = text("""
SELECT sourcing_reserve(:order_id, :key, CAST(:parts AS jsonb),
    now() + make_interval(secs => CAST(:expires_in_s AS float8)), CAST(:why AS jsonb))
""")
_WAIT = text("""
SELECT parts, missing FROM sourcing_wait(:order_id, :key, CAST(:lines AS jsonb),
    CAST(:ranked AS text[]), CAST(:seen AS jsonb), :parts_max, :priority,
    CAST(:split_at AS text[]), CAST(:why AS jsonb))
""")
_DECISIONS = text("""
SELECT d.key, d.outcome, d.rules_version, d.decision, d.at,
       CASE d.outcome WHEN 'assigned' THEN d.facts END AS facts, coalesce(
           jsonb_agg(jsonb_build_object('key', r.key, 'location', r.location, 'state', r.state)
                     ORDER BY r.part) FILTER (WHERE r.part > 0), '[]') AS reservations
  FROM sourcing_decisions d LEFT JOIN reservations r ON r.base = d.key AND d.outcome <> 'waiting'
 WHERE d.order_id = :order_id GROUP BY d.id ORDER BY d.id DESC
""")
_PAST = text("""
SELECT d.id, d.order_id, d.outcome, d.rules_version, d.facts, d.decision
  FROM sourcing_decisions d
 WHERE d.at >= :since AND d.at < :until AND d.id > :after AND NOT starts_with(d.order_id, :carts)
   AND NOT EXISTS (SELECT FROM sourcing_decisions n WHERE n.key = d.key AND n.id > d.id)
 ORDER BY d.id LIMIT :limit
""")


class PostgresSourcing:
    """Implements `domain.ports.Sourcing`; what was decided is kept with what was reserved."""

    def __init__(
        self, engine: AsyncEngine, inventory: PostgresInventory, rules: SourcingRules
    ) -> None:
        self._engine = alone(engine)
        self._inventory = inventory
        self._rules = rules

    async def case(self, request: ReserveRequest) -> Case:
        """What a decision on this request depends on, as it stands now, with the active rules.

        An order that is sourced again has the date that its first plan promised.

        Raises:
            Refused: a line's SKU is not in the catalogue, its quantity makes no sense, or a unit
                of it is `too_heavy` (the detail is its SKU).
        """
        check_quantities(request.lines)
        async with stock_connection(self._engine) as connection:
            row = (await connection.execute(_CASE, _asked(request))).one()
        if len(row.lines or ()) < len(request.lines):
            raise Refused(SYSTEM, "unknown_sku")
        return Case(
            destination=request.destination,
            now=row.now,
            deliver_by=row.promised,
            lines=_demand(row.lines),
            currency=row.currency,
            candidates=tuple(_candidate(found) for found in row.candidates or ()),
            excluded=request.excluded,
            partial=row.partial or row.standing > 0,
            parts_standing=row.standing,
            rules=await self._rules.version(row.version),
        )

    async def reserve(
        self, request: ReserveRequest, case: Case, decision: Decision
    ) -> Reserved | Short | Changed:
        """Reserve the parts of the plan or, without one, enter the queue; keep why, all at once.

        A request that does not wait is only told what is missing. What the order's cart holds comes
        before any plan.

        Raises:
            Refused: the key is another's or was released.
        """
        if request.reservation_id and (taken := await take_over(self._engine, request, case)):
            return taken
        asked = claim(request.channel, case, decision)
        if not asked.parts and await self._inventory.expire(_items(case)):
            return Changed()
        if not asked.parts and not request.waits:
            return await look(self._engine, request, asked)
        reasons = await asyncio.to_thread(why, case, decision)
        said: dict[str, Any] = {"order_id": request.order_id, "key": request.key, "why": reasons}
        if asked.parts:
            return await self._reserve(said | {"expires_in_s": request.expires_in_s}, asked)
        return await self._wait(said | {"lines": _json(request.lines)}, asked)

    async def _reserve(self, said: dict[str, Any], asked: Claim) -> Reserved | Changed:
        parts = json.dumps([part.model_dump(exclude={"items"}) for part in asked.parts])
        async with stock_connection(self._engine) as connection:
            return _reserved(await connection.scalar(_RESERVE, said | {"parts": parts}))

    async def _wait(self, said: dict[str, Any], asked: Claim) -> Reserved | Short | Changed:
        wanted = said | {
            "ranked": list(asked.ranked),
            "split_at": list(asked.split_at),
            "seen": json.dumps(asked.seen),
            "parts_max": asked.parts_max,
            "priority": asked.priority,
        }
        async with stock_connection(self._engine) as connection:
            row = (await connection.execute(_WAIT, wanted)).one()
        return _reserved(row.parts) if row.missing is None else Short(missing=row.missing)

    async def decisions(self, order_id: OrderId) -> tuple[KeptDecision, ...]:
        """Everything that was decided about an order, newest first."""
        async with transaction(self._engine) as connection:
            rows = (await connection.execute(_DECISIONS, {"order_id": order_id})).all()
        by = await self._decided_by(rows)
        return await asyncio.to_thread(kept, rows, by)

    async def past(
        self, since: datetime, until: datetime, rules: RuleSet, after: int = 0, limit: int = 100
    ) -> tuple[PastCase, ...]:
        """Cases from `since` up to before `until`, oldest first, now under `rules`.

        Of one that waited, and was decided again, the last.
        """
        wanted = {
            "since": since,
            "until": until,
            "carts": CART,
            "after": after,
            "limit": max(1, min(limit, PAGE_MAX)),
        }
        async with transaction(self._engine) as connection:
            rows = (await connection.execute(_PAST, wanted)).all()
        by = await self._decided_by(rows)
        return await asyncio.to_thread(past, rows, rules, by)

    async def _decided_by(self, rows: Sequence[Any]) -> dict[int, RuleSet]:
        versions = {row.rules_version for row in rows if row.outcome == "assigned"}
        return {version: await self._rules.version(version) for version in versions}


def _items(case: Case) -> set[str]:
    """The SKUs that the lines are picked of, whether or not any are to be had."""
    return {item.sku for line in case.lines for item in line.items(line.quantity)}


def _reserved(parts: Any) -> Reserved | Changed:
    return Changed() if parts is None else Reserved(parts=parts)


def _json(lines: Iterable[LineRef]) -> str:
    return json.dumps([line.model_dump() for line in lines])


def _asked(request: ReserveRequest) -> dict[str, Any]:
    prices = request.prices_minor
    lines = [
        line.model_dump() | {"price_minor": prices.get(line.line_id)} for line in request.lines
    ]
    return {
        "order_id": request.order_id,
        "key": request.key,
        "lines": json.dumps(lines),
        "currency": request.currency,
    }


def _demand(found: list[dict[str, Any]]) -> tuple[Demand, ...]:
    heavy = [line["sku"] for line in found if line["weight_g"] > WEIGHT_MAX_G]
    if heavy:
        raise Refused(SYSTEM, TOO_HEAVY, heavy[0])
    try:
        return tuple(Demand(**line) for line in found)
    except ValidationError as error:
        raise Refused(SYSTEM, "bad_quantity") from error


def _candidate(found: dict[str, Any]) -> Candidate:
    return Candidate(**{**found, "calendar": Calendar(**found["calendar"])})
