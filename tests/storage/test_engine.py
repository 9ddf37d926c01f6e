"""The pool survives the death of its connections, and its errors show nothing of what we write."""

from collections.abc import AsyncIterator

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.errors import Unavailable
from storage import engine as pool
from storage.outages import transaction


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    made = pool.create_engine(database_url, 3)
    yield made
    await made.dispose()


async def _backend(engine: AsyncEngine) -> int:
    async with transaction(engine) as connection:
        return int((await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one())


async def _end(engine: AsyncEngine, backend: int) -> None:
    url = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as other:
        await other.execute("SELECT pg_terminate_backend(%s, 5000)", [backend])


async def test_a_connection_that_died_while_it_rested_is_replaced_unseen(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    died = await _backend(engine)
    await _end(engine, died)
    monkeypatch.setattr(pool, "RESTED_S", 0.0)
    assert await _backend(engine) != died


async def test_one_that_died_a_moment_ago_costs_one_unavailable(engine: AsyncEngine) -> None:
    died = await _backend(engine)
    await _end(engine, died)
    with pytest.raises(Unavailable):
        await _backend(engine)
    assert await _backend(engine) != died


async def test_the_connection_used_last_is_used_first(engine: AsyncEngine) -> None:
    async with transaction(engine), transaction(engine):
        pass  # so that there are two
    assert len({await _backend(engine) for _ in range(4)}) == 1


async def test_an_error_shows_the_statement_without_its_values(engine: AsyncEngine) -> None:
    with pytest.raises(DBAPIError) as caught:
        async with transaction(engine) as connection:
            await connection.execute(text("SELECT 1 / :zero, :name"), {"zero": 0, "name": "Erika"})
    assert "SELECT 1" in str(caught.value)
    assert "Erika" not in str(caught.value)


async def test_a_transaction_that_stands_still_lets_go_of_what_it_has_locked(
    engine: AsyncEngine, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = text("SELECT pg_advisory_xact_lock(1)")
    monkeypatch.setattr(pool, "STANDSTILL_S", 0.2)
    frozen = pool.create_engine(database_url, 1)

    async def lock_and_freeze() -> None:
        async with transaction(frozen) as connection:
            await connection.execute(lock)
            async with transaction(engine) as successor:
                await successor.execute(lock)

    with pytest.raises(Unavailable):
        await lock_and_freeze()
    assert await _backend(frozen)
    await frozen.dispose()
