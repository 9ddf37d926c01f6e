"""A note of a step that kept failing may come late: what has ended waits for nobody."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.lifecycles import OrderStatus
from domain.records import Retrying
from domain.waits import Owner
from storage.engine import create_engine
from storage.intake import OrderIntake
from storage.orders import PostgresOrderBook
from storage.queries import OrderFilter, OrderQueries
from tests.storage.orderbook import ID, a_record, an_order

NOTE = Retrying(
    workflow_id=f"order:{ID}", step="label", owner=Owner.CARRIER, code="down", attempt=4
)


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(database_url, 3)
    yield engine
    await engine.dispose()


async def notes(engine: AsyncEngine) -> int | None:
    async with engine.begin() as connection:
        return await connection.scalar(text("SELECT count(*) FROM retrying"))


@pytest.mark.parametrize("ended", [OrderStatus.CLOSED, OrderStatus.CANCELLED])
async def test_a_note_that_comes_after_the_end_is_not_kept(
    engine: AsyncEngine, ended: OrderStatus
) -> None:
    await OrderIntake(engine).accept(an_order())
    book = PostgresOrderBook(engine)
    await book.retrying(NOTE)
    assert await notes(engine) == 1
    await book.record(a_record(1, ended, wait=None))
    assert await notes(engine) == 0
    await book.retrying(NOTE)
    assert await notes(engine) == 0


async def test_a_note_that_was_written_while_it_ended_is_never_shown(engine: AsyncEngine) -> None:
    await OrderIntake(engine).accept(an_order())
    book, queries = PostgresOrderBook(engine), OrderQueries(engine)
    await book.record(a_record(1, OrderStatus.DELIVERED))
    await book.retrying(NOTE)
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE orders SET status = 'closed', wait_owner = NULL"))
    whole = await queries.order(ID)
    assert whole is not None
    assert whole.waiting_on is None
    assert [o.waiting_on for o in (await queries.list()).orders] == [None]
    assert (await queries.list(OrderFilter(waiting_on=Owner.CARRIER))).orders == ()
