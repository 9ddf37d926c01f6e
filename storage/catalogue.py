"""What a shop sells, from where, and through which channels."""

from collections.abc import Sequence
from typing import Any

from pydantic import Field
from sqlalchemy import Table, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.sourcing import Location
from domain.values import Value
from storage.orders import location_of
from storage.outages import transaction
from storage.tables import channels, locations, skus


class CatalogueSku(Value):
    sku: str = Field(min_length=1, max_length=200)
    title: str
    weight_g: int = Field(default=0, ge=0, le=2_000_000)
    hs_code: str | None = None
    origin_country: str | None = None


class CatalogueChannel(Value):
    """`kind` is the adapter's, such as `shopify`."""

    channel: str = Field(pattern=r"^[a-z0-9]+$", max_length=100)
    kind: str
    name: str


class Catalogue:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def put_skus(self, entries: Sequence[CatalogueSku]) -> None:
        """Add SKUs, or replace what is said of them."""
        await self._put(skus, "sku", [entry.model_dump() for entry in entries])

    async def put_locations(self, entries: Sequence[Location]) -> None:
        rows = [
            {
                "location": entry.location,
                "name": entry.name,
                "country": entry.address.country,
                "timezone": entry.timezone,
                "address": entry.address.model_dump(mode="json"),
                "active": entry.active,
            }
            for entry in entries
        ]
        await self._put(locations, "location", rows)

    async def put_channels(self, entries: Sequence[CatalogueChannel]) -> None:
        await self._put(channels, "channel", [entry.model_dump() for entry in entries])

    async def skus(self) -> tuple[CatalogueSku, ...]:
        async with transaction(self._engine) as connection:
            rows = await connection.execute(select(skus).order_by(skus.c.sku))
            return tuple(CatalogueSku(**row) for row in rows.mappings())

    async def locations(self) -> tuple[Location, ...]:
        async with transaction(self._engine) as connection:
            rows = await connection.execute(select(locations).order_by(locations.c.location))
            return tuple(location_of(row) for row in rows.mappings())

    async def channels(self) -> tuple[CatalogueChannel, ...]:
        async with transaction(self._engine) as connection:
            rows = await connection.execute(select(channels).order_by(channels.c.channel))
            return tuple(CatalogueChannel(**row) for row in rows.mappings())

    async def _put(self, table: Table, key: str, rows: list[dict[str, Any]]) -> None:
        """One order of locking, the key's, so that two imports never wait on each other."""
        if not rows:
            return
        latest = {row[key]: row for row in rows}
        statement = insert(table).values([latest[name] for name in sorted(latest)])
        changes = {column: statement.excluded[column] for column in rows[0] if column != key}
        async with transaction(self._engine) as connection:
            await connection.execute(
                statement.on_conflict_do_update(index_elements=[key], set_=changes)
            )
