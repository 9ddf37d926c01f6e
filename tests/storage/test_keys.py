"""API keys, tasks and idempotency keys: each is what it says, once."""

import asyncio
import re
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from storage.engine import create_engine
from storage.idempotency import Idempotency, InProgress, Mismatch, New, Replay
from storage.keys import ApiKeys
from storage.tasks import Tasks


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    made = create_engine(database_url, 5)
    yield made
    await made.dispose()


async def test_a_key_opens_until_it_is_revoked(engine: AsyncEngine) -> None:
    keys = ApiKeys(engine)
    made = await keys.create("demo")
    other = await keys.create("demo")
    assert re.fullmatch(r"hf_[A-Za-z0-9_-]{43}", made.secret)
    assert made.secret not in repr(made)
    assert await keys.verify(made.secret) == made.key_id
    assert await keys.verify(made.secret + "x") is None
    assert await keys.verify("") is None
    assert await keys.verify("h\udcffé") is None
    assert await keys.revoke(made.key_id) is True
    assert await keys.revoke(made.key_id) is False
    assert await keys.verify(made.secret) is None
    assert await keys.verify(other.secret) == other.key_id
    assert [info.revoked_at is None for info in await keys.list()] == [False, True]


async def test_a_keys_secret_is_nowhere_in_the_database(engine: AsyncEngine) -> None:
    made = await ApiKeys(engine).create("demo")
    async with engine.connect() as connection:
        row = await connection.scalar(text("SELECT to_jsonb(k)::text FROM api_keys k"))
    assert row is not None
    assert made.secret not in row
    assert made.secret.encode().hex() not in row


async def test_an_operator_is_asked_once(engine: AsyncEngine) -> None:
    tasks = Tasks(engine)
    first = await tasks.add("unreadable", "k1", "what is this?", order_id="demo-1")
    assert await tasks.add("unreadable", "k1", "again") == first
    second = await tasks.add("unannounced", "k2", "whose goods?")
    assert [(task.task_id, task.message) for task in await tasks.open()] == [
        (first, "what is this?"),
        (second, "whose goods?"),
    ]
    assert await tasks.done(first, "key-1") is True
    assert await tasks.done(first, "key-1") is False
    assert await tasks.done("no uuid", "key-1") is False
    assert await tasks.add("unreadable", "k1", "again") == first
    assert [task.task_id for task in await tasks.open()] == [second]


async def test_a_request_is_answered_once(engine: AsyncEngine) -> None:
    idempotency = Idempotency(engine)
    assert await idempotency.begin("k", b"1") == New()
    assert await idempotency.begin("k", b"1") == InProgress()
    assert await idempotency.begin("k", b"2") == Mismatch()
    await idempotency.finish("k", 201, {"order_id": "demo-1"})
    await idempotency.finish("k", 500, {})
    assert await idempotency.begin("k", b"1") == Replay(201, {"order_id": "demo-1"})
    assert await idempotency.begin("k", b"2") == Mismatch()


async def test_of_many_at_once_one_does_it(engine: AsyncEngine) -> None:
    idempotency = Idempotency(engine)
    answers = await asyncio.gather(*(idempotency.begin("k", b"1") for _ in range(8)))
    assert sorted(type(answer).__name__ for answer in answers) == ["InProgress"] * 7 + ["New"]


async def test_a_request_whose_process_died_may_be_taken_up_again(engine: AsyncEngine) -> None:
    impatient = Idempotency(engine, busy_s=0)
    assert await impatient.begin("k", b"1") == New()
    assert await impatient.begin("k", b"1") == New(resumed=True)
    assert await impatient.begin("k", b"2") == Mismatch()
    await impatient.give_up("k")
    assert await impatient.begin("k", b"2") == New()
