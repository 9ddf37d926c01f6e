"""When orders that have their goods, or wait for them, leave and arrive.

It is worked out where somebody asks: a date then moves with the supply and the queue, and whoever
reserves, receives or waits takes no lock and writes no row for it. Of an order's neighbours only
those are read that compete with it for a SKU or a location's room, or for one with these.
"""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.promised import PromiseView, told
from domain.sourcing.rules import RuleSet
from domain.values import Value
from storage.outages import transaction
from storage.supply_seen import HELD_BY, QUEUED, TIES, Queued, Seen, all_of, goods, places

_NOW = text("""
SELECT now() AS now, r.version FROM sourcing_rules r WHERE r.state = 'active'
""")
_RULES = text("SELECT name, document FROM sourcing_rules WHERE version = :version")
_QUEUE = text(QUEUED)
_NEAR = text(f"""
WITH RECURSIVE near (sku, place) AS (
    SELECT unnest(skus), CAST(NULL AS text) FROM stock_waiting WHERE order_id = :order_id
    {TIES}
)
{QUEUED} WHERE w.skus && ARRAY(SELECT sku FROM near)
""")  # noqa: S608 - our own text
_HELD = text(f"{HELD_BY} AND r.order_id = :order_id ORDER BY r.key")


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
            rows = (await connection.execute(_QUEUE)).all()
            seen = await self._seen(connection, rows)
        return await asyncio.to_thread(_views, seen, after, limit)

    async def of_order(self, connection: AsyncConnection, order_id: str) -> PromiseView | None:
        """An order's promise, in the caller's snapshot; None: it neither has goods nor waits."""
        said = {"order_id": order_id}
        held = (await connection.execute(_HELD, said)).all()
        rows = (await connection.execute(_NEAR, said)).all()
        if not held and not rows:
            return None
        seen = await self._seen(connection, rows, [row.location for row in held])
        return await asyncio.to_thread(_of_one, held, seen, order_id)

    async def moment(self, connection: AsyncConnection) -> tuple[datetime, RuleSet]:
        """The time of the transaction, and the rules that are active."""
        at = (await connection.execute(_NOW)).one()
        if at.version not in self._parsed:
            row = (await connection.execute(_RULES, {"version": at.version})).one()
            rules = RuleSet(**row.document, name=row.name, version=at.version)
            self._parsed[at.version] = rules
        return at.now, self._parsed[at.version]

    async def _seen(
        self, connection: AsyncConnection, rows: Sequence[Any], locations: Iterable[str] = ()
    ) -> Seen:
        now, rules = await self.moment(connection)
        there = await goods(connection, {sku for row in rows for sku in row.skus})
        wanted = {place for row in rows for place in row.ranked} | set(locations)
        where = await places(connection, wanted)
        return await asyncio.to_thread(_made, now, rules, rows, there, where)


def _made(
    now: datetime,
    rules: RuleSet,
    rows: Sequence[Any],
    there: Sequence[Any],
    where: Sequence[Any],
) -> Seen:
    """Of a long queue that takes longer than the event loop may be kept."""
    return Seen(now, rules, map(Queued.of, rows), there, where)


def _of_one(held: Sequence[Any], seen: Seen, order_id: str) -> PromiseView:
    """What one order is promised by all that it has and waits for."""
    waits = [(one, pegged) for one, pegged in seen.pegged() if one.order_id == order_id]
    dates = [seen.held(row) for row in held]
    made = [seen.promised(pegged, one.country) for one, pegged in waits]
    return told(all_of([*dates, *made]), [pegged for _, pegged in waits])


def _views(seen: Seen, after: int, limit: int) -> tuple[WaitingView, ...]:
    return tuple(
        WaitingView(
            order_id=one.order_id,
            key=one.key,
            priority=one.priority,
            since=one.since,
            promise=told(seen.promised(pegged, one.country), [pegged]),
        )
        for one, pegged in seen.pegged()[after : after + limit]
    )
