"""Reads our own PostgreSQL, and never writes it: how each order stands, and what became of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import AsyncRowFactory, class_row, dict_row

READ_ONLY = "-c default_transaction_read_only=on"

_STANDING = """
SELECT order_id, status, coalesce(wait_owner, '') AS owner, coalesce(wait_what, '') AS what,
       coalesce(failing.owner, '') AS failing_owner, coalesce(failing.step, '') AS failing_step,
       attention
FROM orders LEFT JOIN LATERAL (
    SELECT owner, step FROM retrying
    WHERE workflow_id = 'order:' || order_id ORDER BY since LIMIT 1
) AS failing ON true
"""
_JOURNAL = "SELECT order_id, code, why, at FROM journal ORDER BY id"
_HEARD = """
SELECT order_id, min(received_at) AS at FROM inbox
WHERE source = %s AND order_id IS NOT NULL GROUP BY order_id
"""
_RESERVED = """
SELECT order_id, sku, sum(on_hand_delta)::int AS on_hand, sum(reserved_delta)::int AS reserved
FROM stock_movements WHERE order_id IS NOT NULL AND kind <> 'adjusted' GROUP BY order_id, sku
"""
_CORRECTIONS = """
SELECT order_id, location, sku,
       sum(on_hand_delta)::int AS on_hand, sum(damaged_delta)::int AS damaged
FROM stock_movements WHERE order_id IS NOT NULL AND kind IN ('adjusted', 'damaged')
GROUP BY order_id, location, sku
"""
_LABELS = """
SELECT p.order_id, l.tracking_number, l.voided FROM labels l JOIN parcels p USING (parcel_id)
"""
_TASKS = "SELECT kind, order_id, message FROM tasks ORDER BY created_at"


@dataclass(frozen=True)
class Standing:
    """How an order stands now."""

    order_id: str
    status: str
    owner: str
    what: str
    failing_owner: str
    """Whose system keeps failing a step, and which step; empty if none does."""
    failing_step: str
    attention: str

    @property
    def waits_on(self) -> tuple[str, str]:
        """Who must act, and for what; empty if nobody."""
        if self.failing_step:
            return self.failing_owner, f"{self.failing_step}, retried"
        return self.owner, self.what


@dataclass(frozen=True)
class JournalLine:
    order_id: str
    code: str
    why: str
    at: datetime


Row = Mapping[str, Any]


@dataclass(frozen=True)
class Accounts:
    """All the books at the end of the day."""

    standings: Mapping[str, Standing]
    journal: Sequence[JournalLine]
    heard: Mapping[str, datetime]
    """When the first webhook of each order was in the inbox."""
    movements: Sequence[Row]
    """What an order's movements of each SKU come to, but for corrections of the record."""
    corrections: Sequence[Row]
    labels: Sequence[Row]
    tasks: Sequence[Row]


class Books:
    """One connection, for one reader at a time."""

    def __init__(self, connection: AsyncConnection[Any]) -> None:
        self._connection = connection

    @classmethod
    async def opened(cls, database_url: str) -> "Books":
        connection = await AsyncConnection.connect(database_url, autocommit=True, options=READ_ONLY)
        return cls(connection)

    async def close(self) -> None:
        await self._connection.close()

    async def standings(self) -> dict[str, Standing]:
        found = await self._all(_STANDING, class_row(Standing))
        return {one.order_id: one for one in found}

    async def accounts(self, channel: str) -> Accounts:
        heard = await self._all(_HEARD, dict_row, f"channel:{channel}")
        return Accounts(
            standings=await self.standings(),
            journal=await self._all(_JOURNAL, class_row(JournalLine)),
            heard={row["order_id"]: row["at"] for row in heard},
            movements=await self._all(_RESERVED, dict_row),
            corrections=await self._all(_CORRECTIONS, dict_row),
            labels=await self._all(_LABELS, dict_row),
            tasks=await self._all(_TASKS, dict_row),
        )

    async def _all(self, query: str, rows: AsyncRowFactory[Any], *values: str) -> list[Any]:
        async with self._connection.cursor(row_factory=rows) as cursor:
            await cursor.execute(query, values)
            return await cursor.fetchall()
