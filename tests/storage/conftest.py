"""A database with two open locations, a closed one, three SKUs and no stock."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from storage.stock import PostgresInventory


@pytest.fixture
async def stock_engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(database_url, pool_size=30, max_overflow=0)
    async with engine.begin() as connection:
        await connection.execute(
            text("""
            INSERT INTO locations (location, name, country, timezone, address, active)
            VALUES ('berlin', 'Berlin', 'DE', 'Europe/Berlin', '{}', true),
                   ('lyon', 'Lyon', 'FR', 'Europe/Paris', '{}', true),
                   ('shut', 'Shut', 'FR', 'Europe/Paris', '{}', false)
            """)
        )
        await connection.execute(
            text("INSERT INTO skus (sku, title) SELECT s, s FROM unnest('{cup,pot,tea}'::text[]) s")
        )
    yield engine
    await engine.dispose()


@pytest.fixture
def stock(stock_engine: AsyncEngine) -> PostgresInventory:
    return PostgresInventory(stock_engine)
