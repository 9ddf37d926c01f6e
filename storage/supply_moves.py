"""Writes into the journals of orders that wait what a deed of supply moved of their dates.

Promises are worked out, not kept: they are worked out before the deed and after it, in its
transaction, and an order whose dates are others gets one line. What no document moves, such as the
queue, a day that passes or an order that gets its goods, writes none.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.promised import PromiseView, moved
from domain.supply import Supply
from storage.documents import json_text
from storage.supply_promises import Promises

PROMISE_MOVED = "promise_moved"

_SKUS = text("""
SELECT DISTINCT sku FROM supply_lines WHERE supply_id = :supply_id
""")
_AWAITED = text("SELECT EXISTS (SELECT FROM stock_waiting WHERE skus && CAST(:skus AS text[]))")
# As the deed locks them, before it locks its document: nobody else moves these SKUs between the two
# looks. Also where nobody waits yet, so that all deeds lock in one order.
_LOCK = text("""
SELECT 1 FROM skus WHERE sku = ANY (CAST(:skus AS text[])) ORDER BY sku FOR NO KEY UPDATE
""")
_NOTE = text("""
INSERT INTO journal (order_id, seq, entry, at, by, code, why, command_id, data)
SELECT order_id, 0, 0, now(), :by, :code, :why, :command_id, CAST(:data AS jsonb)
  FROM orders WHERE order_id = :order_id ON CONFLICT DO NOTHING
""")
_HOW = {
    "opened": "is expected",
    "dispatched": "has left",
    "received": "has come, or a part of it",
    "rescheduled": "comes on another day",
    "closed": "is closed",
    "cancelled": "is cancelled",
}


async def skus_of(connection: AsyncConnection, supply_id: str) -> Sequence[str]:
    rows = await connection.execute(_SKUS, {"supply_id": supply_id})
    return rows.scalars().all()


class Moves:
    """What one deed moves: `look` before it, `write` after it."""

    def __init__(
        self, connection: AsyncConnection, promises: Promises, skus: Sequence[str]
    ) -> None:
        self._connection = connection
        self._promises = promises
        self._skus = sorted(skus)
        self._before: Mapping[str, PromiseView] = {}

    async def look(self) -> None:
        said = {"skus": self._skus}
        await self._connection.execute(_LOCK, said)
        if await self._connection.scalar(_AWAITED, said):
            self._before = await self._promises.competing(self._connection, self._skus)

    async def write(self, supply: Supply, deed: str, key: str, by: str) -> None:
        if not self._before:
            return
        after = await self._promises.competing(self._connection, self._skus)
        entries = [
            _entry(supply.supply_id, deed, was, after[order_id])
            | {"order_id": order_id, "command_id": f"supply:{key}", "by": by}
            for order_id, was in self._before.items()
            if order_id in after and moved(was, after[order_id])
        ]
        if entries:
            await self._connection.execute(_NOTE, entries)


def _entry(supply_id: str, deed: str, was: PromiseView, now: PromiseView) -> dict[str, Any]:
    dates = {
        "from_ship_on": was.ship_on,
        "from_deliver_on": was.deliver_on,
        "ship_on": now.ship_on,
        "deliver_on": now.deliver_on,
    }
    return {
        "code": PROMISE_MOVED,
        "why": f"{moved(was, now)}: {supply_id} {_HOW[deed]}",
        "data": json_text({"supply_id": supply_id, "deed": deed} | dates),
    }
