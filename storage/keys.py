"""API keys: random, shown once, kept as a hash."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from storage.documents import storable
from storage.outages import transaction
from storage.tables.inbox import api_keys

PREFIX = "hf_"
SECRET_BYTES = 32


@dataclass(frozen=True)
class NewKey:
    """`secret` is shown to its owner now and never again."""

    key_id: str
    secret: str = field(repr=False)


@dataclass(frozen=True)
class KeyInfo:
    key_id: str
    name: str
    created_at: datetime
    revoked_at: datetime | None


class ApiKeys:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def create(self, name: str) -> NewKey:
        made = NewKey(f"key-{secrets.token_hex(6)}", PREFIX + secrets.token_urlsafe(SECRET_BYTES))
        values = {"key_id": made.key_id, "name": storable(name), "hash": _hash(made.secret)}
        async with transaction(self._engine) as connection:
            await connection.execute(insert(api_keys).values(values))
        return made

    async def verify(self, secret: str) -> str | None:
        """The id of the key with this secret; None if there is none or it was revoked.

        256 random bits cannot be guessed, so a fast hash will do and no comparison tells anything.
        """
        wanted = select(api_keys.c.key_id).where(
            api_keys.c.hash == _hash(secret), api_keys.c.revoked_at.is_(None)
        )
        async with transaction(self._engine) as connection:
            key_id: str | None = await connection.scalar(wanted)
        return key_id

    async def revoke(self, key_id: str) -> bool:
        """End the key; False if there is none that still works."""
        ended = (
            update(api_keys)
            .where(api_keys.c.key_id == key_id, api_keys.c.revoked_at.is_(None))
            .values(revoked_at=func.now())
            .returning(api_keys.c.key_id)
        )
        async with transaction(self._engine) as connection:
            return await connection.scalar(ended) is not None

    async def list(self) -> tuple[KeyInfo, ...]:
        columns = (
            api_keys.c.key_id,
            api_keys.c.name,
            api_keys.c.created_at,
            api_keys.c.revoked_at,
        )
        async with transaction(self._engine) as connection:
            rows = await connection.execute(select(*columns).order_by(api_keys.c.created_at))
            return tuple(KeyInfo(**row) for row in rows.mappings())


def _hash(secret: str) -> bytes:
    return sha256(secret.encode(errors="surrogateescape")).digest()
