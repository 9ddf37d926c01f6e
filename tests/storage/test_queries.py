"""Lists, pages and histories show what our rows say, and are found by what operators know."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.ids import ReturnId, order_id
from domain.lifecycles import OrderStatus, ReturnStatus
from domain.orders import PaymentStatus
from domain.problems import Problem
from domain.records import HoldRecord, MoneyRecord, Retrying, ReturnRecord, Settled
from domain.returns import ReturnLine, ReturnReason
from domain.tracking import Course
from domain.validation import Verdict
from domain.views import OrderView
from domain.waits import Owner
from storage.engine import create_engine
from storage.intake import OrderIntake
from storage.orders import PostgresOrderBook
from storage.queries import InvalidCursor, OrderFilter, OrderQueries
from storage.scans import Scans
from tests.storage.orderbook import (
    HOME,
    ID,
    NOON,
    a_label,
    a_parcel,
    a_record,
    a_scan,
    an_order,
    eur,
    said,
)


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    made = create_engine(database_url, 5)
    yield made
    await made.dispose()


@pytest.fixture
def queries(engine: AsyncEngine) -> OrderQueries:
    return OrderQueries(engine)


async def numbers(queries: OrderQueries, **wanted: Any) -> list[str]:
    return [order.number for order in (await queries.list(OrderFilter(**wanted))).orders]


async def test_a_list_is_read_page_by_page_newest_first(
    engine: AsyncEngine, queries: OrderQueries
) -> None:
    for n in range(7):
        await OrderIntake(engine).accept(an_order(str(n), placed_at=NOON + timedelta(hours=n // 2)))
    read, cursor = [], None
    while True:
        page = await queries.list(cursor=cursor, limit=3)
        read.append([order.number for order in page.orders])
        cursor = page.next_cursor
        if cursor is None:
            break
    assert read == [["#6", "#5", "#4"], ["#3", "#2", "#1"], ["#0"]]


@pytest.mark.parametrize("cursor", ["x", "%%%", "MjAyNg", "é", "a" * 5])
async def test_a_cursor_of_somebody_elses_is_refused(queries: OrderQueries, cursor: str) -> None:
    with pytest.raises(InvalidCursor):
        await queries.list(cursor=cursor)


@pytest.mark.parametrize(
    "q",
    ["#1001", "demo-1001", "zoë", "ZOË GROSS", "groß", "zoe@exam", "4930123", "+49 170 555",
     "tee-red", "T1Z", "t1z 99", "1705556677"],
)  # fmt: skip
async def test_an_order_is_found_by_what_is_known_of_it(
    engine: AsyncEngine, queries: OrderQueries, q: str
) -> None:
    intake = OrderIntake(engine)
    await intake.accept(an_order())
    other = HOME.model_copy(update={"name": "Otto", "phone": None})
    await intake.accept(an_order("2", email="o@x.org", phone="", address=other, lines=()))
    label = a_label("s1", "T1Z99")
    await PostgresOrderBook(engine).record(a_record(1, parcels=(a_parcel(label),)))
    assert await numbers(queries, q=q) == ["#1001"]


@pytest.mark.parametrize("q", ["%", "_____", "\\", "nobody", "a\0b"])
async def test_what_is_not_there_is_not_found(
    engine: AsyncEngine, queries: OrderQueries, q: str
) -> None:
    await OrderIntake(engine).accept(an_order())
    assert await numbers(queries, q=q) == []


async def test_an_order_is_found_by_a_corrected_name(
    engine: AsyncEngine, queries: OrderQueries
) -> None:
    await OrderIntake(engine).accept(an_order())
    await OrderIntake(engine).add_address(ID, HOME.model_copy(update={"name": "Aya"}), "key-1")
    assert await numbers(queries, q="aya") == ["#1001"]
    assert await numbers(queries, q="zoë") == ["#1001"]


async def test_the_filters_narrow_the_list(engine: AsyncEngine, queries: OrderQueries) -> None:
    intake, book = OrderIntake(engine), PostgresOrderBook(engine)
    await intake.accept(an_order())
    await intake.accept(an_order("2", placed_at=NOON + timedelta(days=1)))
    await book.record(a_record(1))
    assert await numbers(queries, status=OrderStatus.RECEIVED) == ["#2"]
    assert await numbers(queries, status=OrderStatus.VALIDATED) == ["#1001"]
    assert await numbers(queries, channel="demo") == ["#2", "#1001"]
    assert await numbers(queries, channel="other") == []
    assert await numbers(queries, placed_from=NOON + timedelta(days=1)) == ["#2"]
    assert await numbers(queries, placed_to=NOON + timedelta(days=1)) == ["#1001"]
    assert await numbers(queries, waiting_on=Owner.WAREHOUSE) == ["#1001"]
    assert await numbers(queries, waiting_on=Owner.CARRIER) == []


async def test_a_step_that_keeps_failing_is_what_the_order_waits_on(
    engine: AsyncEngine, queries: OrderQueries
) -> None:
    await OrderIntake(engine).accept(an_order())
    book = PostgresOrderBook(engine)
    await book.record(a_record(1))
    await book.retrying(
        Retrying(workflow_id=f"order:{ID}", step="label", owner=Owner.CARRIER, code="down",
                 attempt=4)
    )  # fmt: skip
    assert await numbers(queries, waiting_on=Owner.WAREHOUSE) == []
    (order,) = (await queries.list(OrderFilter(waiting_on=Owner.CARRIER))).orders
    assert order.waiting_on is not None
    assert (order.waiting_on.what, order.waiting_on.step, order.waiting_on.attempt) == (
        "down",
        "label",
        4,
    )
    whole = await queries.order(ID)
    assert whole is not None
    assert whole.waiting_on == order.waiting_on


PROBLEM = Problem(field="lines.0.sku", reason="unknown", message="no such SKU")
WANTED = ReturnLine(line_id="l1", sku="TEE-RED", quantity=1, reason=ReturnReason.DAMAGED)


@pytest.fixture
async def eventful(engine: AsyncEngine) -> None:
    """The order is paid, has a problem and a hold, a second label, a scan, a return, a refund."""
    book = PostgresOrderBook(engine)
    await OrderIntake(engine).accept(an_order(payment=PaymentStatus.PAID))
    await book.save_verdict(ID, 1, Verdict(outcome="problems", data_problems=(PROBLEM,)))
    command = await _hold_in_the_inbox(engine)
    hold = HoldRecord(hold_id=command, reason="fraud_check", by="key-1", since=NOON)
    refund = MoneyRecord(key="r1", kind="refunded", amount=eur(1500))
    await book.record(
        a_record(1, holds=(hold,), parcels=(a_parcel(a_label("s2", "T2"), a_label("s1", "T1")),),
                 money=(refund,), journal=(said("held", command),),
                 settled=(Settled(command_id=command),))
    )  # fmt: skip
    await Scans(engine).add([a_scan("k1", Course.MOVING, number="T2")])
    await book.record_return(
        ReturnRecord(return_id=ReturnId("r1"), order_id=ID, seq=1, wait=None,
                     status=ReturnStatus.REQUESTED, location="berlin", lines=(WANTED,))
    )  # fmt: skip


async def _hold_in_the_inbox(engine: AsyncEngine) -> str:
    """Where an operator's note stays; returns the command's id."""
    async with engine.begin() as connection:
        command = await connection.scalar(
            text(
                "INSERT INTO inbox (source, kind, event_key, body) VALUES ('api', 'hold', '1', "
                """'{"reason": "fraud_check", "note": "call her"}') RETURNING id::text"""
            )
        )
    return str(command)


async def _shown(queries: OrderQueries) -> OrderView:
    order = await queries.order(ID)
    assert order is not None
    return order


@pytest.mark.usefixtures("eventful")
async def test_one_order_is_shown_with_what_it_waits_on(queries: OrderQueries) -> None:
    order = await _shown(queries)
    assert order.sentence == "The order is in order; we look for its stock."
    assert [(held.reason, held.note) for held in order.holds] == [("fraud_check", "call her")]
    assert order.waiting_on is not None
    assert order.waiting_on.sentence == (
        "waits on warehouse for packing since 2026-03-01 12:00 UTC, until 2026-03-02 12:00 UTC"
    )
    assert order.problems == (PROBLEM,)


@pytest.mark.usefixtures("eventful")
async def test_one_order_is_shown_with_what_was_bought(queries: OrderQueries) -> None:
    order = await _shown(queries)
    assert (order.address, order.totals, order.email) == (
        HOME,
        an_order().totals,
        "zoe@example.com",
    )
    assert order.lines[0].unit_price == eur(1500)
    assert (order.money.captured, order.money.refunded) == (eur(3490), eur(1500))
    assert order.model_dump(mode="json")["money"]["captured"] == {
        "amount_minor": 3490,
        "currency": "EUR",
        "exponent": 2,
    }


@pytest.mark.usefixtures("eventful")
async def test_one_order_is_shown_with_its_parcels_and_returns(queries: OrderQueries) -> None:
    order = await _shown(queries)
    ((parcel,),) = [fulfilment.parcels for fulfilment in order.fulfilments]
    assert parcel.label is not None
    assert parcel.label.tracking_number == "T2"
    assert [label.voided for label in parcel.labels] == [False, True]
    assert (parcel.course, [scan.course for scan in parcel.scans]) == ("moving", ["moving"])
    assert [(back.return_id, back.lines) for back in order.returns] == [("r1", (WANTED,))]


@pytest.mark.usefixtures("eventful")
async def test_an_order_and_its_return_are_the_same_wherever_they_are_shown(
    queries: OrderQueries,
) -> None:
    order = await _shown(queries)
    assert await queries.by_track_token(order.track_token) == order
    assert await queries.returned("r1") == order.returns[0]


async def test_what_anybody_may_ask_works_out_no_promise(
    engine: AsyncEngine, queries: OrderQueries
) -> None:
    await OrderIntake(engine).accept(an_order())
    asked: list[str] = []
    event.listen(engine.sync_engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
    order = await _shown(queries)
    assert any("stock_waiting" in statement for statement in asked)
    asked.clear()
    assert await queries.by_track_token(order.track_token) == order
    assert asked
    assert not any("stock_waiting" in statement for statement in asked)


@pytest.mark.usefixtures("eventful")
async def test_the_journal_is_told_oldest_first_with_its_notes(queries: OrderQueries) -> None:
    events = await queries.events(ID)
    assert events is not None
    assert [(event.code, event.note) for event in events] == [
        ("received", ""),
        ("held", "call her"),
    ]


async def test_nobody_has_what_does_not_exist(queries: OrderQueries) -> None:
    assert await queries.order(order_id("demo", "9")) is None
    assert await queries.order("a\0b") is None
    assert await queries.events("demo-9") is None
    assert await queries.by_track_token("") is None
    assert await queries.returned("r9") is None
