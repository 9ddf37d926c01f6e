"""The pool survives the death of its connections, gives each back as it was, and its errors show
nothing of what we write."""

from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.errors import Unavailable
from storage import engine as pool
from storage.outages import transaction
from tests.storage.cut_off import backend_of, end


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    made = pool.create_engine(database_url, 3)
    yield made
    await made.dispose()


async def test_a_connection_that_died_while_it_rested_is_replaced_unseen(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    died = await backend_of(engine)
    await end(engine, died)
    monkeypatch.setattr(pool, "RESTED_S", 0.0)
    assert await backend_of(engine) != died


async def test_one_that_died_a_moment_ago_costs_one_unavailable(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "RESTED_S", 600.0)  # a slow machine's moments are long
    died = await backend_of(engine)
    await end(engine, died)
    with pytest.raises(Unavailable):
        await backend_of(engine)
    assert await backend_of(engine) != died


async def test_the_connection_used_last_is_used_first(engine: AsyncEngine) -> None:
    async with transaction(engine), transaction(engine):
        pass  # so that there are two
    assert len({await backend_of(engine) for _ in range(4)}) == 1


async def test_an_error_shows_the_statement_without_its_values(engine: AsyncEngine) -> None:
    with pytest.raises(DBAPIError) as caught:
        async with transaction(engine) as connection:
            await connection.execute(text("SELECT 1 / :zero, :name"), {"zero": 0, "name": "Erika"})
    assert "SELECT 1" in str(caught.value)
    assert "Erika" not in str(caught.value)


async def test_what_no_index_can_hold_is_a_bug_and_no_outage(engine: AsyncEngine) -> None:
    async with transaction(engine) as connection:
        await connection.execute(text("CREATE TABLE kept (word text PRIMARY KEY)"))
    long = "".join(chr(0x4E00 + n * 7919 % 20_000) for n in range(2_000))  # which does not compress
    with pytest.raises(DBAPIError, match="index row size"):
        async with transaction(engine) as connection:
            await connection.execute(WRITE, {"word": long})


async def test_a_transaction_that_stands_still_lets_go_of_what_it_has_locked(
    engine: AsyncEngine, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = text("SELECT pg_advisory_xact_lock(1)")
    monkeypatch.setattr(pool, "STANDSTILL_S", 3.0)
    frozen = pool.create_engine(database_url, 1)

    async def lock_and_freeze() -> None:
        async with transaction(frozen) as connection:
            await connection.execute(lock)
            async with transaction(engine) as successor:
                await successor.execute(lock)

    with pytest.raises(Unavailable):
        await lock_and_freeze()
    assert await backend_of(frozen)
    await frozen.dispose()


WRITE = text("INSERT INTO kept VALUES (:word)")


class Mishap(Exception):
    """Somebody's bug, between two writes."""


@pytest.fixture
async def one(database_url: str) -> AsyncIterator[AsyncEngine]:
    """Whoever comes next has the same connection."""
    made = pool.create_engine(database_url, 1)
    async with transaction(made) as connection:
        await connection.execute(text("CREATE TABLE kept (word text)"))
    yield made
    await made.dispose()


async def _write_half(engine: AsyncEngine, word: str) -> None:
    """One of two writes."""
    async with transaction(engine) as connection:
        await connection.execute(WRITE, {"word": word})
        raise Mishap


async def _write(engine: AsyncEngine, word: str) -> None:
    async with transaction(engine) as connection:
        await connection.execute(WRITE, {"word": word})


async def _kept(engine: AsyncEngine) -> list[str]:
    async with transaction(engine) as connection:
        return list((await connection.execute(text("SELECT word FROM kept ORDER BY 1"))).scalars())


async def test_a_statement_alone_leaves_the_next_transaction_whole(one: AsyncEngine) -> None:
    backend = await backend_of(pool.alone(one))
    await _write(pool.alone(one), "alone")
    with pytest.raises(Mishap):
        await _write_half(one, "half")
    assert await _kept(one) == ["alone"]
    assert await backend_of(one) == backend, "or nothing is proved"


async def test_an_error_after_a_statement_alone_leaves_the_next_transaction_whole(
    one: AsyncEngine,
) -> None:
    backend = await backend_of(pool.alone(one))
    with pytest.raises(Mishap):
        await _write_half(pool.alone(one), "alone")
    with pytest.raises(DBAPIError, match="division by zero"):
        async with transaction(pool.alone(one)) as connection:
            await connection.execute(text("SELECT 1 / 0"))
    with pytest.raises(Mishap):
        await _write_half(one, "half")
    assert await _kept(one) == ["alone"]
    assert await backend_of(one) == backend, "or nothing is proved"


async def test_a_transaction_leaves_the_next_statement_alone(one: AsyncEngine) -> None:
    backend = await backend_of(one)
    for leave in (_write, _write_half):
        with suppress(Mishap):
            await leave(one, leave.__name__)
        with pytest.raises(Mishap):
            await _write_half(pool.alone(one), "alone")
    assert await _kept(one) == ["_write", "alone", "alone"]
    assert await backend_of(one) == backend, "or nothing is proved"
