"""What a channel does by itself: money given back, and words that come after hand-over."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.fulfilments import PackedParcel
from domain.lifecycles import FulfilmentStatus, OrderStatus
from domain.orders import LineRef, MoneyBack, PaymentStatus
from domain.records import FulfilmentRecord, OrderRecord, ParcelRecord, Settled
from storage.engine import create_engine
from storage.inbox import Inbox
from storage.intake import OrderIntake
from storage.orders import PostgresOrderBook
from storage.tasks import Tasks
from tests.storage.orderbook import ID, a_record, an_order, eur

LEFT = "too_late: the goods have been handed over to the carrier"


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(database_url, 3)
    yield engine
    await engine.dispose()


async def test_money_that_the_channel_gave_back_is_told_once_of_each_kind(
    engine: AsyncEngine,
) -> None:
    intake = OrderIntake(engine)
    await intake.accept(an_order(payment=PaymentStatus.PAID))
    told = []
    for event, said in (("e1", MoneyBack.PARTLY), ("e1", MoneyBack.PARTLY),
                        ("e2", MoneyBack.PARTLY), ("e3", MoneyBack.REFUNDED)):  # fmt: skip
        changes = await intake.reconcile(an_order(money_back=said), event)
        assert changes is not None
        told.append(changes.money_back)
    assert told == [MoneyBack.PARTLY, MoneyBack.PARTLY, None, MoneyBack.REFUNDED]


@pytest.mark.parametrize("why", ["known", "unpaid", "cancelled", "being cancelled", "ours"])
async def test_money_that_nobody_need_ask_about_is_not_told(engine: AsyncEngine, why: str) -> None:
    intake = OrderIntake(engine)
    known = MoneyBack.REFUNDED if why == "known" else None
    payment = PaymentStatus.PENDING if why == "unpaid" else PaymentStatus.PAID
    await intake.accept(an_order(payment=payment, money_back=known))
    if why == "being cancelled":
        await PostgresOrderBook(engine).record(a_record(1, OrderStatus.CANCELLING))
    if why == "ours":
        async with engine.begin() as connection:
            await connection.execute(
                text(
                    "INSERT INTO money (key, order_id, kind, amount_minor, currency, exponent) "
                    "VALUES ('r', :order_id, 'refunded', 1, 'EUR', 2)"
                ),
                {"order_id": ID},
            )
    later = an_order(payment=payment, money_back=MoneyBack.REFUNDED, cancelled=why == "cancelled")
    changes = await intake.reconcile(later, "e1")
    assert changes is not None
    assert changes.money_back is None


async def test_what_was_paid_with_a_gift_card_among_the_goods_is_booked_whole(
    engine: AsyncEngine,
) -> None:
    await OrderIntake(engine).accept(an_order(payment=PaymentStatus.PAID, paid_total=eur(8490)))
    async with engine.begin() as connection:
        booked = await connection.scalar(text("SELECT amount_minor FROM money"))
    assert booked == 8490


def _of(status: FulfilmentStatus, command_id: str, refused: str) -> OrderRecord:
    box = PackedParcel(weight_g=700, length_mm=300, width_mm=200, height_mm=100)
    part = FulfilmentRecord(
        number=1, reference=f"{ID}/f1", location="berlin", status=status,
        lines=(LineRef(line_id="l1", sku="TEE-RED", quantity=2),),
        parcels=(ParcelRecord(parcel_id=f"{ID}/f1/p1", packed=box),),
    )  # fmt: skip
    settled = (Settled(command_id=command_id, refused=refused),)
    return a_record(1, OrderStatus.FULFILLING, fulfilments=(part,), settled=settled)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("cancel", "channel_cancel_too_late"),
        ("fix_address", "channel_address_too_late"),
        ("hold", "refunded_at_channel"),
    ],
)
async def test_a_channel_that_comes_after_the_goods_have_left_makes_one_task(
    engine: AsyncEngine, name: str, kind: str
) -> None:
    await OrderIntake(engine).accept(an_order())
    heard = await Inbox(engine).put("channel:demo", "order", "e1", b"{}", order_id=ID)
    book = PostgresOrderBook(engine)
    for _ in range(2):
        await book.record(_of(FulfilmentStatus.HANDED_OVER, f"{heard.event_id}:{name}", LEFT))
    (task,) = await Tasks(engine).open()
    assert (task.kind, task.order_id, task.inbox_id) == (kind, ID, heard.event_id)


@pytest.mark.parametrize(
    ("source", "status", "signal", "refused"),
    [
        ("operator", FulfilmentStatus.HANDED_OVER, ":cancel", LEFT),
        ("channel:demo", FulfilmentStatus.HANDED_OVER, ":cancel", ""),
        ("channel:demo", FulfilmentStatus.HANDED_OVER, ":payment_changed", LEFT),
        ("channel:demo", FulfilmentStatus.HANDED_OVER, "", LEFT),
        ("channel:demo", FulfilmentStatus.RECALLED, ":cancel", "too_late: the order is cancelled"),
    ],
)
async def test_nothing_else_that_is_settled_makes_a_task(
    engine: AsyncEngine, source: str, status: FulfilmentStatus, signal: str, refused: str
) -> None:
    await OrderIntake(engine).accept(an_order())
    heard = await Inbox(engine).put(source, "order", "e1", b"{}", order_id=ID)
    await PostgresOrderBook(engine).record(_of(status, f"{heard.event_id}{signal}", refused))
    assert await Tasks(engine).open() == ()
