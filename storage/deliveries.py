"""Leases the inbox's undelivered rows, order by order, to those who deliver them.

A row is delivered in its *lane*: its order's, or one of its own while its order is not known. Who
delivers leases the lane (`deliveries`, by PostgreSQL's clock) and writes only under the lease's
token, so that of two starters at most one delivers an order's rows, oldest first.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from storage.documents import storable
from storage.engine import alone
from storage.inbox import open_task
from storage.outages import transaction

ROWS_AT_A_TIME = 20
"""How many rows of one lane are read at once: bodies may have 2 MiB each."""
ERROR_LIMIT = 500


@dataclass(frozen=True)
class InboxRow:
    """Something that was said: `kind` says what, `body` is as it came."""

    event_id: str
    source: str
    kind: str
    order_id: str | None
    by: str
    body: bytes
    age_s: float
    attempts: int


@dataclass(frozen=True)
class Lease:
    """The right to deliver a lane's rows, oldest first, while nobody else has taken it."""

    lane: str
    token: UUID
    rows: tuple[InboxRow, ...]


class LeaseLost(Exception):
    """Another starter delivers this lane now: stop, and write nothing more."""


# Of lanes that another starter is just leasing, its commit is waited for: they are not ours then.
_TAKE_LANES = text("""
WITH due AS (
    SELECT coalesce(i.order_id, '~' || i.id) AS lane
      FROM inbox i LEFT JOIN deliveries d ON d.order_id = coalesce(i.order_id, '~' || i.id)
     WHERE i.delivered_at IS NULL AND i.parked_at IS NULL AND i.not_before <= now()
       AND (d.leased_until IS NULL OR d.leased_until <= now())
     GROUP BY 1 ORDER BY min(i.not_before) LIMIT :many)
INSERT INTO deliveries (order_id, token, leased_until)
SELECT lane, gen_random_uuid(), now() + make_interval(secs => :lease_s) FROM due ORDER BY lane
ON CONFLICT (order_id) DO UPDATE
   SET token = excluded.token, leased_until = excluded.leased_until
 WHERE deliveries.leased_until IS NULL OR deliveries.leased_until <= now()
RETURNING order_id AS lane, token
""")
_ROWS = text("""
SELECT taken.lane, r.* FROM unnest(CAST(:lanes AS text[])) AS taken (lane)
 CROSS JOIN LATERAL (
    SELECT i.id, i.source, i.kind, i.order_id, i.by, i.body, i.attempts,
           extract(epoch FROM now() - i.received_at)::float8 AS age_s
      FROM inbox i
     WHERE i.delivered_at IS NULL AND i.parked_at IS NULL AND i.not_before <= now()
       AND CASE WHEN taken.lane LIKE '~%'
                THEN i.order_id IS NULL AND i.id = substr(taken.lane, 2)::uuid
                ELSE i.order_id = taken.lane END
     ORDER BY i.id LIMIT :rows) r
""")
# Each write under a lease renews it too, and changes nothing if the token is no longer ours.
_RENEW = """
    UPDATE deliveries SET leased_until = now() + make_interval(secs => :lease_s)
     WHERE order_id = :lane AND token = :token RETURNING 1
"""
_END = "DELETE FROM deliveries WHERE order_id = :lane AND token = :token RETURNING 1"
_UNDER = """
WITH held AS ({lease})
UPDATE inbox SET {changes} WHERE id = :id AND EXISTS (SELECT FROM held) RETURNING {returned}
"""
_HELD = _UNDER.replace("{lease}", _RENEW)
_DONE = (
    "delivered_at = now(), last_error = '', "
    "settled_at = CASE WHEN :settled THEN coalesce(settled_at, now()) ELSE settled_at END, "
    "refused = CASE WHEN :settled AND settled_at IS NULL THEN :refused ELSE refused END"
)
_DELIVERED = text(_UNDER.format(lease=_RENEW, changes=_DONE, returned="id"))
_DELIVERED_LAST = text(_UNDER.format(lease=_END, changes=_DONE, returned="id"))
_FAILED = text(
    _HELD.format(
        changes="attempts = attempts + 1, last_error = :error, "
        "parked_at = CASE WHEN attempts + 1 >= :tries_max THEN now() END",
        returned="attempts, parked_at IS NOT NULL AS parked",
    )
)
_DEFERRED = text(
    _HELD.format(
        changes="last_error = :error, not_before = now() + make_interval(secs => :wait_s)",
        returned="id",
    )
)
_ASSIGNED = text(_HELD.format(changes="order_id = :order_id", returned="id"))
_CLOSE_LANE = text(_END)
_REST_LANE = text("""
UPDATE deliveries SET token = NULL, leased_until = now() + make_interval(secs => :rest_s)
 WHERE order_id = :lane AND token = :token
""")


class Deliveries:
    """`lease_s` is how long a lane stays leased without a sign of life.

    A row that fails `tries_max` times becomes an operator's task.
    """

    def __init__(self, engine: AsyncEngine, *, lease_s: float = 30, tries_max: int = 5) -> None:
        self._engine = engine
        self._alone = alone(engine)
        self._lease_s = lease_s
        self._tries_max = tries_max

    async def lease(self, many: int = 1) -> tuple[Lease, ...]:
        """Lease up to `many` lanes that have something to deliver, the longest due first.

        What was deferred queues up behind what came meanwhile.
        """
        async with transaction(self._engine) as connection:
            taken = await connection.execute(_TAKE_LANES, {"many": many, "lease_s": self._lease_s})
            tokens: dict[str, UUID] = {row.lane: row.token for row in taken}
            if not tokens:
                return ()
            # A look of its own: what was delivered while we waited for a lane must not come again.
            rows = await _rows_of(connection, list(tokens))
        leases = [Lease(lane, token, rows[lane]) for lane, token in tokens.items()]
        return tuple(sorted(leases, key=_longest_waiting_first))

    async def delivered(
        self,
        lease: Lease,
        event_id: str,
        *,
        settled: bool = False,
        refused: str = "",
        last: bool = False,
    ) -> None:
        """The row has reached its workflow; with the `last` one the lease ends too.

        `settled` if that is all there is to it: nobody reports back on it, or it came too late
        (`refused` says why).
        """
        await self._write(
            lease,
            _DELIVERED_LAST if last else _DELIVERED,
            {"id": UUID(event_id), "settled": settled, "refused": refused},
        )

    async def failed(
        self, lease: Lease, event_id: str, error: str, *, hopeless: bool = False
    ) -> bool:
        """Count a failure that is the row's own fault.

        Returns whether it was one too many, as the first one is if `hopeless`: then the row is an
        operator's task, and the lane's later rows may go on.
        """
        values = {
            "id": UUID(event_id),
            "error": _kept(error),
            "tries_max": 1 if hopeless else self._tries_max,
            "lane": lease.lane,
            "token": lease.token,
            "lease_s": self._lease_s,
        }
        async with transaction(self._engine) as connection:
            row = (await connection.execute(_FAILED, values)).one_or_none()
            if row is None:
                raise LeaseLost(lease.lane)
            if row.parked:
                message = f"could not be delivered in {row.attempts} tries: {values['error']}"
                await open_task(connection, UUID(event_id), "undeliverable", message)
            return bool(row.parked)

    async def defer(self, lease: Lease, event_id: str, wait_s: float, why: str) -> None:
        """Look at the row again in `wait_s` seconds; others of its lane may overtake it."""
        await self._write(
            lease, _DEFERRED, {"id": UUID(event_id), "wait_s": wait_s, "error": _kept(why)}
        )

    async def assign(self, lease: Lease, event_id: str, order_id: str) -> None:
        """The row's order is known now: it moves from its own lane to the order's."""
        await self._write(lease, _ASSIGNED, {"id": UUID(event_id), "order_id": order_id})

    async def give_back(self, lease: Lease, rest_s: float = 0) -> None:
        """End the lease; nobody takes the lane before `rest_s` seconds have passed."""
        values: dict[str, Any] = {"lane": lease.lane, "token": lease.token}
        async with transaction(self._alone) as connection:
            if rest_s > 0:
                await connection.execute(_REST_LANE, {**values, "rest_s": rest_s})
            else:
                await connection.execute(_CLOSE_LANE, values)

    async def _write(self, lease: Lease, statement: TextClause, values: dict[str, Any]) -> None:
        held = {"lane": lease.lane, "token": lease.token, "lease_s": self._lease_s}
        async with transaction(self._alone) as connection:
            row = (await connection.execute(statement, {**values, **held})).one_or_none()
        if row is None:
            raise LeaseLost(lease.lane)


def _kept(error: str) -> str:
    """As much of an error's words, which may be a vendor's own, as a column can hold."""
    return storable(error[:ERROR_LIMIT].encode(errors="replace").decode())


def _longest_waiting_first(lease: Lease) -> float:
    return -max((row.age_s for row in lease.rows), default=0.0)


async def _rows_of(
    connection: AsyncConnection, lanes: Sequence[str]
) -> dict[str, tuple[InboxRow, ...]]:
    found = await connection.execute(_ROWS, {"lanes": lanes, "rows": ROWS_AT_A_TIME})
    rows: dict[str, list[InboxRow]] = defaultdict(list)
    for row in found.mappings():
        rows[row["lane"]].append(
            InboxRow(
                event_id=str(row["id"]),
                source=row["source"],
                kind=row["kind"],
                order_id=row["order_id"],
                by=row["by"],
                body=bytes(row["body"]),
                age_s=row["age_s"],
                attempts=row["attempts"],
            )
        )
    return {lane: tuple(rows[lane]) for lane in lanes}
