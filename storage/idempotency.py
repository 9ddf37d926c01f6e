"""One answer for each `Idempotency-Key`, however often its request comes."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from storage.documents import json_text
from storage.outages import transaction

BUSY_S = 30.0
"""So long a request may take; after that its process is taken for dead."""

_BEGIN = text("""
INSERT INTO idempotency AS i (key, request_hash, busy_until)
VALUES (:key, :request_hash, now() + make_interval(secs => :busy_s))
ON CONFLICT (key) DO UPDATE SET busy_until = excluded.busy_until
    WHERE i.status IS NULL AND i.busy_until <= now() AND i.request_hash = excluded.request_hash
RETURNING old.key IS NOT NULL AS resumed
""")
_EARLIER = text("SELECT request_hash, status, answer FROM idempotency WHERE key = :key")
_FINISH = text("""
UPDATE idempotency SET status = :status, answer = CAST(:answer AS jsonb)
 WHERE key = :key AND status IS NULL
""")
_GIVE_UP = text("DELETE FROM idempotency WHERE key = :key AND status IS NULL")


@dataclass(frozen=True)
class New:
    """Do it, then `finish`. `resumed`: an earlier try died on the way and may have done it."""

    resumed: bool = False


@dataclass(frozen=True)
class Replay:
    status: int
    answer: Any


@dataclass(frozen=True)
class InProgress:
    """Another request with the key is being answered right now."""


@dataclass(frozen=True)
class Mismatch:
    """The key was used for another request."""


class Idempotency:
    """Callers put who asks before the key: two clients' keys are never the same."""

    def __init__(self, engine: AsyncEngine, *, busy_s: float = BUSY_S) -> None:
        self._engine = engine
        self._busy_s = busy_s

    async def begin(self, key: str, request_hash: bytes) -> New | Replay | InProgress | Mismatch:
        values = {"key": key, "request_hash": request_hash, "busy_s": self._busy_s}
        async with transaction(self._engine) as connection:
            made = (await connection.execute(_BEGIN, values)).one_or_none()
            if made is not None:
                return New(resumed=made.resumed)
            earlier = (await connection.execute(_EARLIER, {"key": key})).one()
        if bytes(earlier.request_hash) != request_hash:
            return Mismatch()
        if earlier.status is None:
            return InProgress()
        return Replay(earlier.status, earlier.answer)

    async def finish(self, key: str, status: int, answer: Any) -> None:
        """Keep the answer; the first one stays."""
        values = {"key": key, "status": status, "answer": json_text(answer)}
        async with transaction(self._engine) as connection:
            await connection.execute(_FINISH, values)

    async def give_up(self, key: str) -> None:
        """Nothing was done (bad input, an outage): the key may be used again."""
        async with transaction(self._engine) as connection:
            await connection.execute(_GIVE_UP, {"key": key})
