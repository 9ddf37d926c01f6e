"""The inbox: everything that was said to us, kept before it is acted on.

`storage.deliveries` gives it to those who act on it. Nothing is announced with NOTIFY: its lock
would make all commits of a burst wait for each other; a starter wakes its own relay, and those of
the others look often enough.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from storage.engine import alone
from storage.outages import transaction


@dataclass(frozen=True)
class Receipt:
    """Where something that was said is kept; `duplicate` if it had been said before."""

    event_id: str
    duplicate: bool


@dataclass(frozen=True)
class Kept:
    """Something that was said, as it came."""

    event_id: str
    body: bytes


@dataclass(frozen=True)
class CommandState:
    """How far something that was said has come."""

    event_id: str
    source: str
    kind: str
    order_id: str | None
    by: str
    received_at: datetime
    delivered_at: datetime | None
    settled_at: datetime | None
    parked_at: datetime | None
    refused: str
    last_error: str


@dataclass(frozen=True)
class Backlog:
    """What is not delivered yet and not with an operator."""

    rows: int
    oldest_s: float


_PUT = text("""
INSERT INTO inbox (source, kind, event_key, order_id, by, body, parked_at)
VALUES (:source, :kind, :event_key,
        coalesce(CAST(:order_id AS text), (
            SELECT p.order_id FROM labels l JOIN parcels p ON p.parcel_id = l.parcel_id
             WHERE l.tracking_number = :tracking_number LIMIT 1)),
        :by, :body, CASE WHEN :parked THEN now() END)
ON CONFLICT (source, event_key) DO NOTHING
RETURNING id
""")
_EARLIER = text("SELECT id FROM inbox WHERE source = :source AND event_key = :event_key")
_KEPT = text("SELECT id, body FROM inbox WHERE source = :source AND event_key = :event_key")
_TASK = text("""
INSERT INTO tasks (kind, key, order_id, inbox_id, message)
SELECT :kind, 'inbox:' || i.id, i.order_id, i.id, :message FROM inbox i WHERE i.id = :id
ON CONFLICT (key) DO NOTHING
""")
_STATE = text("""
SELECT id, source, kind, order_id, by, received_at, delivered_at, settled_at, parked_at, refused,
       last_error
  FROM inbox WHERE id = CAST(:id AS uuid)
""")
_BACKLOG = text("""
SELECT count(*) AS rows,
       coalesce(extract(epoch FROM now() - min(received_at)), 0)::float8 AS oldest_s
  FROM inbox WHERE delivered_at IS NULL AND parked_at IS NULL
""")


class Inbox:
    """What came in, from whom, and what became of it."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._alone = alone(engine)

    async def put(
        self,
        source: str,
        kind: str,
        event_key: str,
        body: bytes,
        *,
        order_id: str | None = None,
        tracking_number: str = "",
        by: str = "",
        task: str = "",
    ) -> Receipt:
        """Keep what was said; committed on return.

        What names no order but a parcel of ours is its order's at once, and so delivered in turn
        with what else is said of it. With `task`, nobody can read the body: it goes to an operator
        with this message at once.

        Raises:
            Unavailable: PostgreSQL does not answer; whether the row is kept is not known.
        """
        said = {"source": source, "event_key": event_key}
        about = {"order_id": order_id, "tracking_number": tracking_number}
        row = {"kind": kind, "by": by, "body": body, "parked": bool(task), **about}
        async with transaction(self._engine if task else self._alone) as connection:
            made = await connection.scalar(_PUT, {**said, **row})
            if made is None:
                earlier = await connection.scalar(_EARLIER, said)
                return Receipt(str(earlier), duplicate=True)
            if task:
                await open_task(connection, made, "unreadable", task)
            return Receipt(str(made), duplicate=False)

    async def kept(self, source: str, event_key: str) -> Kept | None:
        """What was said under this key before; None if nothing was."""
        said = {"source": source, "event_key": event_key}
        async with transaction(self._alone) as connection:
            row = (await connection.execute(_KEPT, said)).one_or_none()
        return Kept(str(row.id), bytes(row.body)) if row else None

    async def state(self, event_id: str) -> CommandState | None:
        """How far it has come; None if there is no such row."""
        try:
            wanted = UUID(event_id)
        except ValueError:
            return None
        async with transaction(self._alone) as connection:
            row = (await connection.execute(_STATE, {"id": wanted})).mappings().one_or_none()
        return (
            CommandState(event_id=str(row["id"]), **{k: v for k, v in row.items() if k != "id"})
            if row
            else None
        )

    async def backlog(self) -> Backlog:
        async with transaction(self._alone) as connection:
            row = (await connection.execute(_BACKLOG)).one()
        return Backlog(row.rows, row.oldest_s)


async def open_task(connection: AsyncConnection, event_id: UUID, kind: str, message: str) -> None:
    """Give a row to an operator, with why; in the caller's transaction."""
    await connection.execute(_TASK, {"id": event_id, "kind": kind, "message": message})
