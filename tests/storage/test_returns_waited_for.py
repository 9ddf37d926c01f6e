"""An order that waits for its return is listed, and shown, under whom the return waits on."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.ids import ReturnId
from domain.lifecycles import OrderStatus, ReturnStatus
from domain.records import Retrying, ReturnRecord
from domain.returns import ReturnLine, ReturnReason
from domain.views import WaitView
from domain.waits import ITS_RETURN, Owner, Wait
from storage.engine import create_engine
from storage.intake import OrderIntake
from storage.orders import PostgresOrderBook
from storage.queries import OrderFilter, OrderQueries
from storage.tables.orders import orders
from storage.waits import waiting_on
from tests.storage.orderbook import ID, NOON, a_record, an_order

LINE = ReturnLine(line_id="l1", sku="TEE-RED", quantity=1, reason=ReturnReason.DAMAGED)
FOR_ITS_RETURN = Wait(owner=Owner.CUSTOMER, what=ITS_RETURN, since=NOON)
REFUSED = Wait(owner=Owner.OPERATOR, what="refused:shop:no", since=NOON + timedelta(hours=1))
INSPECTION = Wait(owner=Owner.WAREHOUSE, what="inspection", since=NOON + timedelta(hours=2))

# Orders like the first, each with a return like its last.
_MANY_CLOSED = text("""
WITH more AS (
    INSERT INTO orders
    SELECT (jsonb_populate_record(o, jsonb_build_object(
               'order_id', o.order_id || '-' || n, 'channel_order_id', 'c' || n,
               'track_token', n))).*
      FROM orders o, generate_series(1, 5000) n
    RETURNING order_id
)
INSERT INTO returns
SELECT (jsonb_populate_record(b, jsonb_build_object(
           'order_id', m.order_id, 'return_id', m.order_id || '/r1'))).*
  FROM returns b, more m WHERE b.return_id = 'r2'
""")


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(database_url, 3)
    await OrderIntake(engine).accept(an_order())
    yield engine
    await engine.dispose()


@pytest.fixture
def book(engine: AsyncEngine) -> PostgresOrderBook:
    return PostgresOrderBook(engine)


@pytest.fixture
def queries(engine: AsyncEngine) -> OrderQueries:
    return OrderQueries(engine)


async def delivered(book: PostgresOrderBook, wait: Wait = FOR_ITS_RETURN) -> None:
    await book.record(a_record(1, OrderStatus.DELIVERED, wait=wait))


async def comes_back(book: PostgresOrderBook, name: str, wait: Wait | None, seq: int = 1) -> None:
    status = ReturnStatus.RECEIVED if wait else ReturnStatus.CLOSED
    await book.record_return(
        ReturnRecord(return_id=ReturnId(name), order_id=ID, seq=seq, status=status, wait=wait,
                     location="berlin", lines=(LINE,))
    )  # fmt: skip


async def listed_under(queries: OrderQueries) -> set[Owner]:
    pages = {owner: await queries.list(OrderFilter(waiting_on=owner)) for owner in Owner}
    return {owner for owner, page in pages.items() if page.orders}


async def shown(queries: OrderQueries) -> WaitView | None:
    """What the order is said to wait on, by its page and by the list, which agree."""
    whole = await queries.order(ID)
    (summary,) = (await queries.list()).orders
    assert whole is not None
    assert whole.waiting_on == summary.waiting_on
    return whole.waiting_on


def of(wait: WaitView | None) -> tuple[Any, ...] | None:
    return (wait.owner, wait.what, wait.since, wait.return_id) if wait else None


async def test_an_order_waits_on_whom_its_return_waits_on(
    book: PostgresOrderBook, queries: OrderQueries
) -> None:
    await delivered(book)
    assert await listed_under(queries) == {Owner.CUSTOMER}  # the return has not spoken yet
    assert of(await shown(queries)) == (Owner.CUSTOMER, ITS_RETURN, NOON, "")
    await comes_back(book, "r1", REFUSED)
    assert await listed_under(queries) == {Owner.OPERATOR}
    assert of(await shown(queries)) == (REFUSED.owner, REFUSED.what, REFUSED.since, "r1")


async def test_of_two_returns_the_more_pressing_is_shown_and_both_are_found(
    book: PostgresOrderBook, queries: OrderQueries
) -> None:
    await delivered(book)
    await comes_back(book, "r1", INSPECTION)
    await comes_back(book, "r2", REFUSED)
    assert await listed_under(queries) == {Owner.OPERATOR, Owner.WAREHOUSE}
    assert of(await shown(queries)) == (REFUSED.owner, REFUSED.what, REFUSED.since, "r2")
    await comes_back(book, "r2", None, seq=2)
    assert await listed_under(queries) == {Owner.WAREHOUSE}
    assert of(await shown(queries)) == (*of_wait(INSPECTION), "r1")


def of_wait(wait: Wait) -> tuple[Any, ...]:
    return wait.owner, wait.what, wait.since


async def test_a_returns_step_that_keeps_failing_is_what_the_order_waits_on(
    book: PostgresOrderBook, queries: OrderQueries
) -> None:
    await delivered(book)
    await comes_back(book, "r1", Wait(owner=Owner.US, what="processing", since=NOON))
    await book.retrying(
        Retrying(workflow_id="return:r1", step="refund", owner=Owner.CHANNEL, code="down",
                 attempt=4)
    )  # fmt: skip
    assert await listed_under(queries) == {Owner.CHANNEL}
    wait = await shown(queries)
    assert wait is not None
    assert (wait.owner, wait.what, wait.step, wait.return_id) == ("channel", "down", "refund", "r1")


async def test_a_step_of_the_order_itself_that_keeps_failing_is_not_forgotten_for_its_return(
    book: PostgresOrderBook, queries: OrderQueries
) -> None:
    await delivered(book)
    await comes_back(book, "r1", INSPECTION)
    await book.retrying(
        Retrying(workflow_id=f"order:{ID}", step="tell_shipped", owner=Owner.CHANNEL, code="down",
                 attempt=4)
    )  # fmt: skip
    assert await listed_under(queries) == {Owner.CHANNEL, Owner.WAREHOUSE}
    assert of(await shown(queries)) == (*of_wait(INSPECTION), "r1")


async def test_an_order_that_waits_for_something_else_speaks_for_itself(
    book: PostgresOrderBook, queries: OrderQueries
) -> None:
    unpaid = Wait(owner=Owner.OPERATOR, what="unpaid", since=NOON)
    await delivered(book, unpaid)
    await comes_back(book, "r1", INSPECTION)
    assert await listed_under(queries) == {Owner.OPERATOR}
    assert of(await shown(queries)) == (*of_wait(unpaid), "")


async def test_an_order_whose_return_is_over_waits_for_what_it_says_itself(
    book: PostgresOrderBook, queries: OrderQueries
) -> None:
    await delivered(book)
    await comes_back(book, "r1", None)
    assert await listed_under(queries) == {Owner.CUSTOMER}
    assert of(await shown(queries)) == (*of_wait(FOR_ITS_RETURN), "")


async def test_of_many_returns_only_those_that_wait_are_looked_at(
    book: PostgresOrderBook, queries: OrderQueries, engine: AsyncEngine
) -> None:
    await delivered(book)
    await comes_back(book, "r1", INSPECTION)
    await comes_back(book, "r2", None)
    async with engine.begin() as connection:
        await connection.execute(_MANY_CLOSED)
    async with engine.connect() as connection:
        alone = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await alone.execute(text("ANALYZE orders, returns, retrying"))
    assert await listed_under(queries) == {Owner.WAREHOUSE}
    asked = select(orders.c.order_id).where(waiting_on(Owner.WAREHOUSE))
    async with engine.connect() as connection:
        words = asked.compile(connection.engine.sync_engine, compile_kwargs={"literal_binds": True})
        plan = await connection.exec_driver_sql(f"EXPLAIN (FORMAT TEXT) {words}")
        told = "\n".join(line for (line,) in plan)
    assert "Seq Scan on returns" not in told, told
    assert "returns_by_wait" in told, told
