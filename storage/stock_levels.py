"""What stock there is, and whether the counters are what the ledger says."""

from sqlalchemy import TextClause, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.stock import Drift, StockLevel
from storage.stock_calls import stock_connection
from storage.tables.stock import stock

PAGE_LIMIT = 1000

_DRIFT = text("SELECT sku, location, counted, folded FROM stock_drift()")
_REBUILD = text("SELECT sku, location, counted, folded FROM stock_rebuild()")
_LEVEL = tuple(stock.c[name] for name in StockLevel.model_fields)


async def levels(
    engine: AsyncEngine,
    sku: str | None,
    location: str | None,
    after: tuple[str, str] | None,
    limit: int,
) -> tuple[StockLevel, ...]:
    """Levels by SKU and location; `after` is the SKU and location of the last one seen."""
    wanted = select(*_LEVEL).order_by(stock.c.sku, stock.c.location)
    # only the conditions that there are: each combination has an index of its own
    if sku is not None:
        wanted = wanted.where(stock.c.sku == sku)
    if location is not None:
        wanted = wanted.where(stock.c.location == location)
    if after is not None:
        wanted = wanted.where(tuple_(stock.c.sku, stock.c.location) > tuple_(*after))
    async with stock_connection(engine) as connection:
        rows = await connection.execute(wanted.limit(max(1, min(limit, PAGE_LIMIT))))
        return tuple(StockLevel(**row) for row in rows.mappings())


async def drift(engine: AsyncEngine) -> tuple[Drift, ...]:
    """Where the counters differ from the fold of the ledger: nowhere, if all is well."""
    return await _drifted(engine, _DRIFT)


async def rebuild(engine: AsyncEngine) -> tuple[Drift, ...]:
    """Make the counters what the ledger says; answers what was wrong. Nothing moves meanwhile."""
    return await _drifted(engine, _REBUILD)


async def _drifted(engine: AsyncEngine, question: TextClause) -> tuple[Drift, ...]:
    async with stock_connection(engine) as connection:
        rows = (await connection.execute(question)).mappings()
        return tuple(Drift(**row) for row in rows)
