"""What a shop sells, from where, and through which channels."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import (
    ARRAY,
    RowMapping,
    Table,
    Text,
    any_,
    literal,
    literal_column,
    or_,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.locations import Location
from domain.selling import QUANTITY_MAX
from domain.values import Value
from storage.documents import storable
from storage.outages import transaction
from storage.tables.catalogue import channels, locations, skus

ROWS_AT_ONCE = 1_000
"""In one statement: PostgreSQL takes 65,535 parameters."""
PAGE_MAX = 1_000

# SKUs are locked before any location, as by all who share stock out.
_OPENING = text("""
SELECT ARRAY(SELECT l.location FROM locations l
              WHERE l.location = ANY (CAST(:names AS text[])) AND NOT l.active) AS places,
       ARRAY(SELECT s.sku FROM stock s JOIN locations l ON l.location = s.location AND NOT l.active
              WHERE s.location = ANY (CAST(:names AS text[])) AND s.available > 0
             INTERSECT SELECT unnest(w.skus) FROM stock_waiting w) AS skus
""")
_OPEN = text("SELECT stock_open(CAST(:places AS text[]), CAST(:skus AS text[]))")
_SHARE_OUT = text("""
SELECT stock_share_out(CAST(:places AS text[]), CAST(:skus AS text[]), 'opened')
""")

SkuName = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]


class Put(StrEnum):
    """What became of an entry; one that is as it was before is not written again."""

    ADDED = "added"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


class CatalogueSku(Value):
    sku: SkuName
    title: str = Field(max_length=2_000, pattern=r"^[^\x00]*$")
    weight_g: int = Field(default=0, ge=0, le=2_000_000)
    hs_code: str | None = Field(default=None, pattern=r"^[0-9]{4,12}$")
    origin_country: str | None = Field(default=None, pattern=r"^[A-Z]{2}$")
    hazmat: bool = False
    """Whether it is dangerous goods."""
    backorder_max: int = Field(default=0, ge=0, le=QUANTITY_MAX)
    """How many may be sold beyond the stock, all channels together."""


class CatalogueChannel(Value):
    """`kind` is the adapter's, such as `shopify`."""

    channel: str = Field(pattern=r"^[a-z0-9]+$", max_length=100)
    kind: str
    name: str


class Catalogue:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def put_skus(self, entries: Sequence[CatalogueSku]) -> dict[str, Put]:
        """Add SKUs, or replace what is said of them; of a SKU said twice, the last word counts."""
        return await self._put(skus, "sku", [entry.model_dump() for entry in entries])

    async def put_locations(self, entries: Sequence[Location]) -> dict[str, Put]:
        """The same; orders that wait are given what there is at locations that open again."""
        rows = [
            {
                **entry.model_dump(exclude={"address"}),
                "country": entry.address.country,
                "address": entry.address.model_dump(mode="json"),
            }
            for entry in entries
        ]
        active = sorted({entry.location for entry in entries if entry.active})
        async with transaction(self._engine) as connection:
            opening = (await connection.execute(_OPENING, {"names": active})).one()._asdict()
            if opening["skus"]:
                await connection.execute(_OPEN, opening)
            became = await _put(connection, locations, "location", rows)
            if opening["skus"]:
                await connection.execute(_SHARE_OUT, opening)
        return became

    async def put_channels(self, entries: Sequence[CatalogueChannel]) -> dict[str, Put]:
        return await self._put(channels, "channel", [entry.model_dump() for entry in entries])

    async def sku(self, sku: str) -> CatalogueSku | None:
        found = await self._rows(skus, "sku", names=[sku])
        return _sku(found[0]) if found else None

    async def skus(
        self, *, find: str = "", after: str = "", limit: int | None = None
    ) -> tuple[CatalogueSku, ...]:
        """SKUs by name, those after `after`; `find` is a part of the SKU or of its title."""
        found = await self._rows(skus, "sku", after=after, limit=limit, find=find)
        return tuple(_sku(row) for row in found)

    async def skus_named(self, names: Sequence[str]) -> dict[str, CatalogueSku]:
        return {row["sku"]: _sku(row) for row in await self._rows(skus, "sku", names=names)}

    async def location(self, location: str) -> Location | None:
        found = await self._rows(locations, "location", names=[location])
        return _location(found[0]) if found else None

    async def locations(
        self, *, find: str = "", after: str = "", limit: int | None = None
    ) -> tuple[Location, ...]:
        found = await self._rows(locations, "location", after=after, limit=limit, find=find)
        return tuple(_location(row) for row in found)

    async def channels(self) -> tuple[CatalogueChannel, ...]:
        found = await self._rows(channels, "channel")
        return tuple(CatalogueChannel(**row) for row in found)

    async def _rows(
        self,
        table: Table,
        key: str,
        *,
        names: Sequence[str] | None = None,
        find: str = "",
        after: str = "",
        limit: int | None = None,
    ) -> Sequence[RowMapping]:
        wanted = select(table).order_by(table.c[key]).limit(limit)
        if names is not None:
            wanted = wanted.where(table.c[key] == any_(literal(list(names), ARRAY(Text))))
        if after:
            wanted = wanted.where(table.c[key] > storable(after))
        if find:
            words = table.c.title if "title" in table.c else table.c.name
            part = storable(find)
            looked = (c.icontains(part, autoescape=True) for c in (table.c[key], words))
            wanted = wanted.where(or_(*looked))
        async with transaction(self._engine) as connection:
            return (await connection.execute(wanted)).mappings().all()

    async def _put(self, table: Table, key: str, rows: list[dict[str, Any]]) -> dict[str, Put]:
        async with transaction(self._engine) as connection:
            return await _put(connection, table, key, rows)


async def _put(
    connection: AsyncConnection, table: Table, key: str, rows: list[dict[str, Any]]
) -> dict[str, Put]:
    """One order of locking, the key's, so that two imports never wait on each other."""
    latest = {row[key]: row for row in rows}
    names = sorted(latest)
    became = dict.fromkeys(names, Put.UNCHANGED)
    for start in range(0, len(names), ROWS_AT_ONCE):
        part = [latest[name] for name in names[start : start + ROWS_AT_ONCE]]
        became |= await _upsert(connection, table, key, part)
    return became


async def _upsert(
    connection: AsyncConnection, table: Table, key: str, rows: Sequence[Mapping[str, Any]]
) -> dict[str, Put]:
    """Write what differs; a row that PostgreSQL has just added has no `xmax`."""
    statement = insert(table).values(list(rows))
    columns = [name for name in rows[0] if name != key]
    differs = or_(*(table.c[name].is_distinct_from(statement.excluded[name]) for name in columns))
    written = await connection.execute(
        statement.on_conflict_do_update(
            index_elements=[key],
            set_={name: statement.excluded[name] for name in columns},
            where=differs,
        ).returning(table.c[key], literal_column("xmax = 0").label("added"))
    )
    return {row[0]: Put.ADDED if row.added else Put.CHANGED for row in written}


def _sku(row: RowMapping) -> CatalogueSku:
    said = {name: row[name] for name in CatalogueSku.model_fields}
    return CatalogueSku.model_construct(**said)  # was checked when it was put


def _location(row: RowMapping) -> Location:
    return Location(**{name: row[name] for name in Location.model_fields})
