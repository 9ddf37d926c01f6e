"""The dates of all orders that wait for some SKUs, read again at the price of what changed.

A deed of supply compares them before and after, and others wait for its locks meanwhile. So it is
read and reckoned before there are locks; under them it is only looked which rows are others now.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.promises import Promise
from storage.supply_promises import Promises
from storage.supply_seen import HELD_BY, QUEUED, TIES, Queued, Seen, goods, places

_VERSIONS = text(f"""
WITH RECURSIVE near (sku, place) AS (
    SELECT unnest(CAST(:skus AS text[])), CAST(NULL AS text)
    {TIES}
)
SELECT w.key, CAST(w.xmin AS text) AS version FROM stock_waiting w
 WHERE w.skus && ARRAY(SELECT sku FROM near)
""")  # noqa: S608 - our own text
_ROWS = text(f"{QUEUED} WHERE w.key = ANY (CAST(:keys AS text[]))")
_HELD = text(f"""
{HELD_BY} AND r.order_id = ANY (CAST(:orders AS text[])) ORDER BY r.order_id, r.key
""")


class Competing:
    """Orders that wait for these SKUs, or compete with one that does; in one transaction."""

    def __init__(
        self, connection: AsyncConnection, promises: Promises, skus: Sequence[str]
    ) -> None:
        self._connection = connection
        self._promises = promises
        self._skus = list(skus)
        self._queue: dict[str, Queued] = {}
        self._held: dict[str, list[Any]] = {}
        self._goods: Sequence[Any] = []
        self._places: Sequence[Any] = []

    async def read(self) -> bool:
        """Whether anything is other than it was, as far as dates depend on it."""
        changed = await self._read_queue()
        skus = {sku for one in self._queue.values() for sku in one.skus}
        there = sorted(await goods(self._connection, skus))
        where = {place for one in self._queue.values() for place in one.ranked}
        where |= {row.location for rows in self._held.values() for row in rows}
        locations = await places(self._connection, where) if where else []
        changed |= (there, locations) != (self._goods, self._places)
        self._goods, self._places = there, locations
        return changed

    async def dates(self) -> Mapping[str, Promise | None]:
        if not self._queue:
            return {}
        now, rules = await self._promises.moment(self._connection)
        queue = list(self._queue.values())
        held = [row for rows in self._held.values() for row in rows]

        def reckoned() -> Mapping[str, Promise | None]:
            return Seen(now, rules, queue, self._goods, self._places).dates(held)

        return await asyncio.to_thread(reckoned)

    async def _read_queue(self) -> bool:
        rows = (await self._connection.execute(_VERSIONS, {"skus": self._skus})).all()
        versions = {row.key: row.version for row in rows}
        gone = [one for one in self._queue.values() if one.key not in versions]
        known = {one.key: one.version for one in self._queue.values()}
        others = [key for key, version in versions.items() if known.get(key) != version]
        for one in gone:
            del self._queue[one.key]
        if others:
            read = (await self._connection.execute(_ROWS, {"keys": others})).all()
            self._queue |= await asyncio.to_thread(_queued, read)
        touched = {one.order_id for one in gone}
        touched |= {self._queue[key].order_id for key in others if key in self._queue}
        if touched:
            await self._read_held(touched)
        return bool(touched)

    async def _read_held(self, orders: Iterable[str]) -> None:
        """Who left the queue with one share may wait with another; who waits no more is let go."""
        wait = {one.order_id for one in self._queue.values()}
        for order_id in orders:
            self._held.pop(order_id, None)
        still = sorted(wait.intersection(orders))
        if still:
            rows = (await self._connection.execute(_HELD, {"orders": still})).all()
            for row in rows:
                self._held.setdefault(row.order_id, []).append(row)


def _queued(rows: Iterable[Any]) -> dict[str, Queued]:
    return {row.key: Queued.of(row) for row in rows}
