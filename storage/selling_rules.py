"""What each channel may sell by: rules in versions, each with who said it and when."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.problems import Problem
from domain.selling import SellingRules
from domain.values import Value
from storage.documents import document
from storage.outages import transaction

_LATEST = text("""
SELECT DISTINCT ON (channel) channel, version FROM selling_rules
 WHERE channel = ANY (CAST(:channels AS text[])) ORDER BY channel, version DESC
""")
_VERSIONS = text("""
SELECT channel, version, rules, by, at FROM selling_rules
 WHERE channel = :channel AND version < :before ORDER BY version DESC LIMIT :limit
""")
_ONE = text("SELECT rules FROM selling_rules WHERE channel = :channel AND version = :version")
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('selling_rules/' || :channel, 0))")
_PUT = text("""
INSERT INTO selling_rules (channel, version, rules, by)
VALUES (:channel, :version, CAST(:rules AS jsonb), :by) RETURNING channel, version, rules, by, at
""")
_UNKNOWN_LOCATIONS = text("""
SELECT x FROM unnest(CAST(:names AS text[])) x WHERE x NOT IN (SELECT location FROM locations)
""")
_UNKNOWN_SKUS = text("""
SELECT x FROM unnest(CAST(:names AS text[])) x WHERE x NOT IN (SELECT sku FROM skus)
""")
NEWEST = 2**31 - 1


class SellingRulesVersion(Value):
    """Version 0 is what holds before anybody said anything: all that is free may be sold."""

    channel: str
    version: int = 0
    rules: SellingRules = SellingRules()
    by: str = ""
    at: datetime | None = None


class SellingRulesRefused(ValueError):
    """Rules that name what is not there; nothing was changed."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{one.field} {one.message}" for one in self.problems))


class SellingRulesBook:
    """A version never changes, so each process parses one once."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._parsed: dict[str, tuple[int, SellingRules]] = {}

    async def current(self, channel: str) -> SellingRulesVersion:
        found = await self.versions(channel, limit=1)
        return found[0] if found else SellingRulesVersion(channel=channel)

    async def versions(
        self, channel: str, *, before: int = NEWEST, limit: int = 50
    ) -> tuple[SellingRulesVersion, ...]:
        """Newest first, those before version `before`."""
        wanted = {"channel": channel, "before": before, "limit": limit}
        async with transaction(self._engine) as connection:
            rows = (await connection.execute(_VERSIONS, wanted)).mappings().all()
        return tuple(SellingRulesVersion(**row) for row in rows)

    async def put(self, channel: str, rules: SellingRules, by: str) -> SellingRulesVersion:
        """Let these rules hold from now on; the same as those that hold make no new version.

        Raises:
            SellingRulesRefused: a location or a SKU that the catalogue does not have.
        """
        async with transaction(self._engine) as connection:
            problems = await _unknown(connection, rules)
            if problems:
                raise SellingRulesRefused(problems)
            await connection.execute(_LOCK, {"channel": channel})
            newest = {"channel": channel, "before": NEWEST, "limit": 1}
            row = (await connection.execute(_VERSIONS, newest)).mappings().one_or_none()
            now = SellingRulesVersion(**row) if row else SellingRulesVersion(channel=channel)
            if now.rules == rules:
                return now
            said = {"channel": channel, "version": now.version + 1, "by": by}
            made = await connection.execute(_PUT, {**said, "rules": document(rules)})
            return SellingRulesVersion(**made.mappings().one())

    async def now(
        self, connection: AsyncConnection, channels: Iterable[str]
    ) -> dict[str, tuple[int, SellingRules]]:
        """The version that holds for each channel, and what it says."""
        names = list(channels)
        found = await connection.execute(_LATEST, {"channels": names})
        versions = {row.channel: row.version for row in found}
        for channel in names:
            version = versions.get(channel, 0)
            if self._parsed.get(channel, (-1,))[0] != version:
                self._parsed[channel] = (version, await _read(connection, channel, version))
        return {channel: self._parsed[channel] for channel in names}


async def _read(connection: AsyncConnection, channel: str, version: int) -> SellingRules:
    if version == 0:
        return SellingRules()
    wanted = {"channel": channel, "version": version}
    return SellingRules.model_validate(await connection.scalar(_ONE, wanted))


async def _unknown(connection: AsyncConnection, rules: SellingRules) -> list[Problem]:
    named = dict(_locations(rules))
    names = {"names": sorted(set(named.values()))}
    places = set((await connection.execute(_UNKNOWN_LOCATIONS, names)).scalars())
    names = {"names": sorted(rules.skus)}
    skus = (await connection.execute(_UNKNOWN_SKUS, names)).scalars()
    fields = [field for field, name in named.items() if name in places]
    fields += [f"skus.{sku}" for sku in skus]
    return [
        Problem(field=field, reason="unknown", message="is not in the catalogue")
        for field in fields
    ]


def _locations(rules: SellingRules) -> Iterator[tuple[str, str]]:
    """Every location that a rule names, by its field."""
    own = ((f"skus.{sku}", rule) for sku, rule in rules.skus.items())
    for where, rule in (("standard", rules.standard), *own):
        for n, name in enumerate(rule.locations or ()):
            yield f"{where}.locations.{n}", name
