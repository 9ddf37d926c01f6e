"""One unchanging view of our tables, and the questions that are put to it."""

import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.ids import CART
from domain.lifecycles import (
    ENDED,
    FULFILMENT,
    OPEN,
    ORDER,
    RETURN,
    FulfilmentStatus,
    OrderStatus,
    S,
)
from domain.records import NOT_REFUNDED, WRITTEN_OFF
from storage.outages import transaction

BROKEN_MAX = 1_000
"""Counter-examples of one invariant that are read; more would say nothing more."""


def reachable(table: Mapping[S, frozenset[S]], start: S) -> frozenset[S]:
    """`start` and every status that can come after it."""
    found, new = {start}, {start}
    while new:
        new = {after for status in new for after in table[status]} - found
        found |= new
    return frozenset(found)


ORDER_LEFT = reachable(ORDER, OrderStatus.SHIPPED)
PART_LEFT = reachable(FULFILMENT, FulfilmentStatus.HANDED_OVER)
PART_OVER = frozenset({FulfilmentStatus.REJECTED, FulfilmentStatus.RECALLED})


def _plain(statuses: Iterable[StrEnum]) -> list[str]:
    return sorted(status.value for status in statuses)


_KNOWN: Mapping[str, list[str] | str] = {
    "by_hand": ["refunded_already", NOT_REFUNDED, WRITTEN_OFF],
    "carts": CART,
    "order_open": _plain(OPEN),
    "order_ended": _plain(ENDED),
    "order_left": _plain(ORDER_LEFT),
    "part_left": _plain(PART_LEFT),
    "part_over": _plain(PART_OVER),
    "order_before": [before.value for before, after in ORDER.items() for _ in after],
    "order_after": [status.value for after in ORDER.values() for status in after],
    "return_before": [before.value for before, after in RETURN.items() for _ in after],
    "return_after": [status.value for after in RETURN.values() for status in after],
}
"""What every question may use, beside `late_s`. `by_hand` is what a journal says where money is
given back at the channel by hand, or not at all, and our ledger has none of it."""

PART_TOLD = """(f.status = ANY (:part_left) AND coalesce(f.wait->>'owner', '') <> 'us'
    AND coalesce(f.wait->>'what', '') !~ '^(refused|failed):')"""
"""A fulfilment (`f`) whose goods are booked out and whose channel has been told: only after both it
waits for others, but for an operator where one of the two was refused."""

PAST_TELLING = f"""(o.status = ANY (:order_left) AND NOT EXISTS (
    SELECT FROM fulfilments f WHERE f.order_id = o.order_id AND f.status = ANY (:part_left)
       AND NOT {PART_TOLD}))"""
"""An order (`o`) all of whose fulfilments are that far."""


@dataclass(frozen=True)
class Question:
    """One invariant of our own tables.

    `looked` counts what it holds for. `broken` finds what breaks it, as `subject`, `order_id`,
    `expected`, `found` and `rows` (a JSON list).
    """

    name: str
    sentence: str
    looked: str
    broken: str


@dataclass(frozen=True)
class Broken:
    """A counter-example; `rows` are those that show it."""

    subject: str
    order_id: str | None
    expected: str
    found: str
    rows: tuple[Mapping[str, Any], ...]


class Snapshot:
    """Everything asked of it was true at the same moment."""

    def __init__(self, connection: AsyncConnection, late_s: float) -> None:
        self._connection = connection
        self._late_s = late_s

    async def rows(self, sql: str, **values: Any) -> Sequence[Mapping[str, Any]]:
        found = await self._connection.execute(
            text(sql), {**_KNOWN, "late_s": self._late_s, **values}
        )
        return [dict(row) for row in found.mappings()]

    async def count(self, question: Question) -> int:
        return int((await self.rows(f"SELECT count(*) AS n FROM {question.looked}"))[0]["n"])  # noqa: S608 - our own text

    async def broken(self, question: Question) -> tuple[Broken, ...]:
        found = await self.rows(f"{question.broken}\n LIMIT {BROKEN_MAX}")
        return tuple(
            Broken(
                subject=row["subject"],
                order_id=row["order_id"],
                expected=row["expected"],
                found=row["found"],
                rows=tuple(_rows(row["rows"])),
            )
            for row in found
        )


class AuditTables:
    """Our tables, for those who trust nobody."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine.execution_options(isolation_level="REPEATABLE READ")

    @asynccontextmanager
    async def snapshot(self, late_s: float) -> AsyncIterator[Snapshot]:
        """Read only; what is late is late by PostgreSQL's clock.

        Raises:
            Unavailable: PostgreSQL does not answer.
        """
        async with transaction(self._engine) as connection:
            await connection.execute(text("SET TRANSACTION READ ONLY"))
            # Each question is about all rows: a loop inside a loop, chosen while the statistics
            # still say that there are few, would take hours.
            await connection.execute(text("SET LOCAL enable_nestloop = off"))
            yield Snapshot(connection, late_s)


def _rows(said: Any) -> list[Mapping[str, Any]]:
    return json.loads(said) if isinstance(said, str) else (said or [])
