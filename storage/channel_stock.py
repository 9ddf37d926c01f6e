"""What each channel may sell now, and which numbers have changed since a version.

`now` works it out from the stock as it stands, so it is never stale. `refresh` keeps the numbers
with the version in which each became what it is, for whoever publishes them: it reads the ledger
from where it was read before, and whoever reserves stock takes no lock and writes no row for it.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.selling import ComponentStock, Sellable, SellingRules, sellable
from domain.values import Value
from storage.documents import storable
from storage.outages import transaction
from storage.selling_rules import SellingRulesBook

SKUS_AT_ONCE = 1_000
PAGE_MAX = 1_000

_CHANNELS = text("""
SELECT channel FROM channels UNION SELECT unnest(CAST(:wired AS text[])) ORDER BY 1
""")
_COMPONENTS = text("""
WITH parts AS MATERIALIZED (
    SELECT k.sku AS sold, coalesce(b.component, k.sku) AS sku, coalesce(b.quantity, 1) AS quantity
      FROM skus k LEFT JOIN bundle_components b ON b.bundle = k.sku
     WHERE k.sku = ANY (CAST(:skus AS text[]))
), named AS MATERIALIZED (
    SELECT array_agg(DISTINCT sku) AS skus FROM parts
), here AS (
    SELECT s.sku, jsonb_object_agg(s.location, s.available) AS available
      FROM stock s JOIN locations l USING (location)
     WHERE l.active AND s.available > 0 AND s.sku = ANY ((SELECT skus FROM named)::text[])
     GROUP BY s.sku
), queue AS (
    SELECT i.sku, sum(i.quantity) AS waiting
      FROM stock_waiting w, jsonb_to_recordset(w.items) AS i (sku text, quantity bigint)
     WHERE w.skus && (SELECT skus FROM named)::text[] GROUP BY i.sku
)
SELECT p.sold, p.sku, p.quantity, k.backorder_max, coalesce(h.available, '{}') AS available,
       CAST(coalesce(q.waiting, 0) AS bigint) AS waiting
  FROM parts p JOIN skus k ON k.sku = p.sku LEFT JOIN here h ON h.sku = p.sku
  LEFT JOIN queue q ON q.sku = p.sku
 ORDER BY p.sold, p.sku
""")
_SKUS = text("SELECT sku FROM skus WHERE sku > :after ORDER BY sku LIMIT :limit")

# The row is the lock: one refresh at a time gives out versions, in the order of their commits.
_PROGRESS = text("SELECT * FROM channel_stock_progress FOR UPDATE")
_MARKS = text("DELETE FROM channel_stock_marks RETURNING sku")
_MARK_ALL = text("INSERT INTO channel_stock_marks DEFAULT VALUES")
_MOVED = text("""
SELECT CAST(CAST(pg_snapshot_xmin(at) AS text) AS bigint) AS all_ended_before,
       CAST(CAST(pg_snapshot_xmax(at) AS text) AS bigint) AS none_began_from,
       NOT EXISTS (SELECT FROM pg_snapshot_xip(at) AS x WHERE x <> pg_current_xact_id()) AS alone,
       (SELECT coalesce(max(id), 0) FROM stock_movements) AS last,
       ARRAY(SELECT DISTINCT sku FROM stock_movements WHERE id > :seen_to AND NOT :all) AS skus
  FROM pg_current_snapshot() AS at
""")
_QUEUE_MOVED = text("""
MERGE INTO channel_stock_waiting k
USING (SELECT i.sku, sum(i.quantity) AS quantity
         FROM stock_waiting w, jsonb_to_recordset(w.items) AS i (sku text, quantity bigint)
        GROUP BY i.sku) n ON n.sku = k.sku
 WHEN MATCHED AND k.quantity <> n.quantity THEN UPDATE SET quantity = n.quantity
 WHEN NOT MATCHED BY TARGET THEN INSERT (sku, quantity) VALUES (n.sku, n.quantity)
 WHEN NOT MATCHED BY SOURCE THEN DELETE
RETURNING k.sku
""")
_WITH_BUNDLES = text("""
SELECT x FROM unnest(CAST(:skus AS text[])) x
 UNION SELECT bundle FROM bundle_components WHERE component = ANY (CAST(:skus AS text[]))
 ORDER BY 1
""")
_KEEP = text("""
WITH said AS (
    SELECT c.channel, c.sku, c.quantity,
           CAST(:version AS bigint) + row_number() OVER (ORDER BY c.sku, c.channel) AS version
      FROM unnest(CAST(:channels AS text[]), CAST(:skus AS text[]), CAST(:quantities AS bigint[]))
           AS c (channel, sku, quantity)
      LEFT JOIN channel_stock s ON (s.channel, s.sku) = (c.channel, c.sku)
     WHERE s.quantity IS DISTINCT FROM c.quantity
), kept AS (
    INSERT INTO channel_stock (channel, sku, quantity, version)
    SELECT channel, sku, quantity, version FROM said
    ON CONFLICT (channel, sku) DO UPDATE
       SET quantity = excluded.quantity, version = excluded.version, at = now()
    RETURNING version
)
SELECT coalesce(max(version), :version) FROM kept
""")
_DONE = text("""
UPDATE channel_stock_progress
   SET seen_to = :seen_to, looked_to = :looked_to, looked_before = :looked_before,
       version = :version, channels = :channels
""")
_CHANGED = text("""
SELECT sku, quantity, version FROM channel_stock
 WHERE channel = :channel AND version > :since ORDER BY version LIMIT :limit
""")


class ChannelStock(Value):
    """What a channel may sell of a SKU now, by which version of its rules, and why so much."""

    channel: str
    sku: str
    rules_version: int
    sellable: Sellable


class ChangedStock(Value):
    """A number as it was when it became another; `version` says before or after which others."""

    sku: str
    quantity: int
    version: int


@dataclass(frozen=True)
class _Look:
    """How far the ledger was read in a refresh, and the SKUs that may have another number."""

    skus: frozenset[str] | None
    """None: all of them."""
    seen_to: int
    looked_to: int
    looked_before: int


class ChannelStocks:
    """`wired` are the channels of the settings: they sell even before the catalogue has them."""

    def __init__(self, engine: AsyncEngine, wired: Iterable[str]) -> None:
        self._engine = engine
        self._wired = sorted(wired)
        self.rules = SellingRulesBook(engine)

    async def channels(self) -> tuple[str, ...]:
        async with transaction(self._engine) as connection:
            return await self._channels(connection)

    async def now(
        self, skus: Sequence[str], channels: Sequence[str] | None = None
    ) -> tuple[ChannelStock, ...]:
        """What these channels (None: all) may sell of each of `skus` that is in the catalogue."""
        async with transaction(self._engine) as connection:
            names = await self._channels(connection) if channels is None else channels
            rules = await self.rules.now(connection, names)
            stock = await _stock(connection, skus)
        return await asyncio.to_thread(_work_out, stock, rules)

    async def page(
        self, channel: str, after: str = "", limit: int = 100
    ) -> tuple[ChannelStock, ...]:
        """What a channel may sell now of each SKU, bundles too, by SKU; those after `after`."""
        wanted = {"after": storable(after), "limit": min(limit, PAGE_MAX)}
        async with transaction(self._engine) as connection:
            skus = list((await connection.execute(_SKUS, wanted)).scalars())
            rules = await self.rules.now(connection, [channel])
            stock = await _stock(connection, skus)
        return await asyncio.to_thread(_work_out, stock, rules)

    async def changed(
        self, channel: str, since: int = 0, limit: int = 100
    ) -> tuple[ChangedStock, ...]:
        """Numbers that became others after version `since`, oldest version first.

        Of a number that changed more than once the last change alone is told. Ask on with the last
        version that was told, and nothing is missed.
        """
        await self.refresh()
        wanted = {"channel": channel, "since": since, "limit": min(limit, PAGE_MAX)}
        async with transaction(self._engine) as connection:
            rows = (await connection.execute(_CHANGED, wanted)).mappings().all()
        return tuple(ChangedStock(**row) for row in rows)

    async def refresh(self) -> int:
        """Work out every number that may have changed; the version of the last that did."""
        async with transaction(self._engine) as connection:
            progress = (await connection.execute(_PROGRESS)).one()
            names = await self._channels(connection)
            look = await _look(connection, progress, names)
            rules = await self.rules.now(connection, names)
            version: int = progress.version
            async for skus in _in_parts(connection, look.skus):
                found = await asyncio.to_thread(_work_out, await _stock(connection, skus), rules)
                version = await _keep(connection, found, version)
            await connection.execute(
                _DONE,
                {
                    "seen_to": look.seen_to,
                    "looked_to": look.looked_to,
                    "looked_before": look.looked_before,
                    "version": version,
                    "channels": list(names),
                },
            )
        return version

    async def mark_all(self) -> None:
        """Have the next refresh work out everything: counters were put right past the ledger."""
        async with transaction(self._engine) as connection:
            await connection.execute(_MARK_ALL)

    async def _channels(self, connection: AsyncConnection) -> tuple[str, ...]:
        return tuple((await connection.execute(_CHANNELS, {"wired": self._wired})).scalars())


async def _look(connection: AsyncConnection, progress: Row[Any], names: Sequence[str]) -> _Look:
    marked = set((await connection.execute(_MARKS)).scalars())
    # what moved before was worked out for the channels of then
    everything = None in marked or not set(names) <= set(progress.channels)
    queued = set((await connection.execute(_QUEUE_MOVED)).scalars())
    asked = {"seen_to": progress.seen_to, "all": everything}
    moved = (await connection.execute(_MOVED, asked)).one()
    skus = None if everything else frozenset(marked | queued | set(moved.skus))
    if moved.alone:  # nobody else was writing: nothing below `last` can come any more
        return _Look(skus, moved.last, moved.last, moved.none_began_from)
    if moved.all_ended_before < progress.looked_before:
        return _Look(skus, progress.seen_to, progress.looked_to, progress.looked_before)
    return _Look(skus, progress.looked_to, moved.last, moved.none_began_from)


async def _in_parts(
    connection: AsyncConnection, skus: frozenset[str] | None
) -> AsyncIterator[Sequence[str]]:
    """These SKUs and the bundles that they are in, or all SKUs, so many at a time."""
    if skus is not None:
        found = await connection.execute(_WITH_BUNDLES, {"skus": sorted(skus)})
        wanted = list(found.scalars())
        for start in range(0, len(wanted), SKUS_AT_ONCE):
            yield wanted[start : start + SKUS_AT_ONCE]
        return
    after = ""
    while True:
        said = {"after": after, "limit": SKUS_AT_ONCE}
        part = list((await connection.execute(_SKUS, said)).scalars())
        if not part:
            return
        yield part
        after = part[-1]


async def _stock(
    connection: AsyncConnection, skus: Sequence[str]
) -> Mapping[str, Sequence[ComponentStock]]:
    found: dict[str, list[ComponentStock]] = {}
    rows = await connection.execute(_COMPONENTS, {"skus": [storable(sku) for sku in skus]})
    for row in rows:
        found.setdefault(row.sold, []).append(
            ComponentStock(
                sku=row.sku,
                quantity=row.quantity,
                available=row.available,
                waiting=row.waiting,
                backorder_max=row.backorder_max,
            )
        )
    return found


def _work_out(
    stock: Mapping[str, Sequence[ComponentStock]],
    rules: Mapping[str, tuple[int, SellingRules]],
) -> tuple[ChannelStock, ...]:
    return tuple(
        ChannelStock(
            channel=channel,
            sku=sku,
            rules_version=version,
            sellable=sellable(components, said.rule_for(sku)),
        )
        for sku, components in stock.items()
        for channel, (version, said) in rules.items()
    )


async def _keep(connection: AsyncConnection, found: Sequence[ChannelStock], version: int) -> int:
    wanted = {
        "version": version,
        "channels": [one.channel for one in found],
        "skus": [one.sku for one in found],
        "quantities": [one.sellable.quantity for one in found],
    }
    last: int = await connection.scalar(_KEEP, wanted)
    return last
