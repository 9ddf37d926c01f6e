"""A small world that is sound, in a database of its own."""

from collections.abc import AsyncIterator, Callable
from copy import deepcopy
from itertools import count
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.ext.asyncio import AsyncEngine

from starter.local.postgres import PostgresServer
from storage.engine import create_engine
from tests.audit.lives import Lives
from tests.audit.small_world import SmallWorld

_numbers = count(1)


@pytest.fixture(scope="session")
async def built(
    new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, SmallWorld]:
    """Built once by the product's own writers; each test gets a copy."""
    url = new_database()
    engine = create_engine(url, 2)
    world = SmallWorld(engine, tmp_path_factory.mktemp("built"))
    await Lives(world).lead()
    await engine.dispose()
    return url.rpartition("/")[2], world


@pytest.fixture
def world_url(postgres: PostgresServer, built: tuple[str, SmallWorld]) -> str:
    name = f"audited_{next(_numbers)}"
    with psycopg.connect(postgres.conninfo(), autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(built[0])
            )
        )
    return postgres.url(name)


@pytest.fixture
async def engine(world_url: str) -> AsyncIterator[AsyncEngine]:
    made = create_engine(world_url, 3)
    yield made
    await made.dispose()


@pytest.fixture
def world(engine: AsyncEngine, built: tuple[str, SmallWorld], tmp_path: Path) -> SmallWorld:
    first = built[1]
    return SmallWorld(
        engine, tmp_path, first.channel, deepcopy(first.journal), deepcopy(first.webhooks)
    )
