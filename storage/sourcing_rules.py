"""Rule sets as PostgreSQL keeps them: drafted, activated, retired, and never changed.

What is active changes with an activation alone, so each process parses a version once.
"""

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.sourcing.rules import RuleSet
from domain.values import Value
from storage.documents import json_text, storable
from storage.outages import transaction

VERSION_MAX = 2**31 - 1

_COLUMNS = """
version, name, state, document, created_by, created_at, activated_by, activated_at
"""
_ALL = text(f"SELECT {_COLUMNS} FROM sourcing_rules ORDER BY version DESC")  # noqa: S608 - our columns
_ONE = text(f"SELECT {_COLUMNS} FROM sourcing_rules WHERE version = :version")  # noqa: S608 - likewise
_ACTIVE = text("SELECT version FROM sourcing_rules WHERE state = 'active'")
_DRAFT = text(f"""
INSERT INTO sourcing_rules (name, document, created_by)
VALUES (:name, CAST(:document AS jsonb), :by) RETURNING {_COLUMNS}
""")  # noqa: S608 - likewise
_ACTIVATE = text("SELECT sourcing_activate(:version, :by)")


class StoredRules(Value):
    """A rule set with its life; one that came back was activated when it was last."""

    version: int
    state: Literal["draft", "active", "retired"]
    rules: RuleSet
    created_by: str
    created_at: datetime
    activated_by: str | None
    activated_at: datetime | None


class SourcingRules:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._parsed: dict[int, RuleSet] = {}

    async def list(self) -> tuple[StoredRules, ...]:
        """All versions, newest first."""
        async with transaction(self._engine) as connection:
            return tuple(_stored(row) for row in (await connection.execute(_ALL)).mappings())

    async def get(self, version: int) -> StoredRules | None:
        async with transaction(self._engine) as connection:
            return await _one(connection, version)

    async def active(self) -> RuleSet:
        async with transaction(self._engine) as connection:
            version = await connection.scalar(_ACTIVE)
        return await self.version(version)

    async def version(self, version: int) -> RuleSet:
        """A version that is known to exist; a query only for the first time."""
        if version not in self._parsed:
            found = await self.get(version)
            if found is None:
                raise LookupError(f"rule set {version} is gone")
            self._parsed[version] = found.rules
        return self._parsed[version]

    async def draft(self, rules: RuleSet, by: str) -> StoredRules:
        """Keep a rule set under the next version, whatever version it claims."""
        wanted = {
            "name": storable(rules.name),
            "document": json_text(rules.model_dump(mode="json", exclude={"name", "version"})),
            "by": by,
        }
        async with transaction(self._engine) as connection:
            return _stored((await connection.execute(_DRAFT, wanted)).mappings().one())

    async def activate(self, version: int, by: str) -> StoredRules | None:
        """From now on orders are sourced by it; None if there is no such version."""
        if not 0 < version <= VERSION_MAX:
            return None
        async with transaction(self._engine) as connection:
            if not await connection.scalar(_ACTIVATE, {"version": version, "by": by}):
                return None
            return await _one(connection, version)


async def _one(connection: AsyncConnection, version: int) -> StoredRules | None:
    if not 0 < version <= VERSION_MAX:
        return None
    row = (await connection.execute(_ONE, {"version": version})).mappings().one_or_none()
    return _stored(row) if row else None


def _stored(row: Any) -> StoredRules:
    rules = RuleSet(**row["document"], name=row["name"], version=row["version"])
    kept = ("version", "state", "created_by", "created_at", "activated_by", "activated_at")
    return StoredRules(rules=rules, **{name: row[name] for name in kept})
