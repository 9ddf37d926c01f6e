"""Writes into the journals of orders that wait what a deed of supply moved of their dates.

Promises are worked out, not kept: they are worked out before the deed and after it, in its
transaction, and an order whose dates are others gets one line. What no document moves, such as the
queue, a day that passes or an order that gets its goods, writes none.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.promised import moved
from domain.promises import Promise
from domain.supply import Supply
from storage.documents import json_text
from storage.supply_competing import Competing
from storage.supply_promises import Promises

PROMISE_MOVED = "promise_moved"

_SKUS = text("""
SELECT DISTINCT sku FROM supply_lines WHERE supply_id = :supply_id
""")
# As the deed locks them, before it locks its document: nobody else moves these SKUs between the two
# looks. Also where nobody waits yet, so that all deeds lock in one order.
_LOCK = text("""
SELECT 1 FROM skus WHERE sku = ANY (CAST(:skus AS text[])) ORDER BY sku FOR NO KEY UPDATE
""")
_NOTE = text("""
INSERT INTO journal (order_id, seq, entry, at, by, code, why, command_id, data)
SELECT o.order_id, 0, 0, now(), :by, :code, n.line->>'why', :command_id, n.line->'data'
  FROM jsonb_array_elements(CAST(:lines AS jsonb)) WITH ORDINALITY AS n (line, turn)
  JOIN orders o ON o.order_id = n.line->>'order_id' ORDER BY n.turn ON CONFLICT DO NOTHING
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
        self._skus = sorted(skus)
        self._competing = Competing(connection, promises, self._skus)
        self._before: Mapping[str, Promise | None] = {}

    async def look(self) -> None:
        """Reckon before the locks, and anew only if others were faster."""
        await self._competing.read()
        self._before = await self._competing.dates()
        await self._connection.execute(_LOCK, {"skus": self._skus})
        if await self._competing.read():
            self._before = await self._competing.dates()

    async def write(self, supply: Supply, deed: str, key: str, by: str) -> None:
        if not self._before or not await self._competing.read():
            return
        after = await self._competing.dates()
        lines = [
            {"order_id": order_id} | _line(supply.supply_id, deed, was, after[order_id])
            for order_id, was in self._before.items()
            if order_id in after and was != after[order_id]
        ]
        if lines:
            said = {"by": by, "code": PROMISE_MOVED, "command_id": f"supply:{key}"}
            await self._connection.execute(_NOTE, said | {"lines": json_text(lines)})


def _line(supply_id: str, deed: str, was: Promise | None, now: Promise | None) -> dict[str, Any]:
    dates = {
        "from_ship_on": was and was.ship_on,
        "from_deliver_on": was and was.deliver_on,
        "ship_on": now and now.ship_on,
        "deliver_on": now and now.deliver_on,
    }
    return {
        "why": f"{moved(was, now)}: {supply_id} {_HOW[deed]}",
        "data": {"supply_id": supply_id, "deed": deed} | dates,
    }
