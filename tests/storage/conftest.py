"""A database with two open locations, a closed one, three SKUs and no stock."""

import time
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from storage.stock import PostgresInventory

MIDNIGHTS = (ZoneInfo("UTC"), ZoneInfo("Europe/Berlin"))
LONG_TEST = timedelta(seconds=100)


@pytest.fixture(autouse=True)
def _today_is_the_same_day_to_the_end() -> None:
    """A test that would run into midnight begins after it: what is promised goes by the day."""
    while any(_ends_soon(zone) for zone in MIDNIGHTS):
        time.sleep(1)


def _ends_soon(zone: ZoneInfo) -> bool:
    now = datetime.now(zone)
    return (now + LONG_TEST).date() != now.date()


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
