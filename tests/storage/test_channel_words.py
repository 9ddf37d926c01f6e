"""What a channel does by itself: money given back, and words that come after hand-over."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.fulfilments import PackedParcel
from domain.ids import ReturnId
from domain.lifecycles import FulfilmentStatus, OrderStatus, ReturnStatus
from domain.orders import LineRef, MoneyBack, Order, PaymentStatus
from domain.records import FulfilmentRecord, OrderRecord, ParcelRecord, ReturnRecord, Settled
from domain.returns import InspectedLine, ReturnLine, ReturnReason
from storage.effects import Effects
from storage.engine import create_engine
from storage.inbox import Inbox
from storage.intake import OrderIntake
from storage.orders import PostgresOrderBook
from storage.tasks import Tasks
from tests.storage.orderbook import ID, NOON, a_record, an_order, eur

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
    ("name", "kind"),
    [("cancel", "channel_cancel_too_late"), ("fix_address", "channel_address_too_late")],
)
async def test_what_a_channel_gets_for_the_rest_alone_makes_a_task_for_what_has_left(
    engine: AsyncEngine, name: str, kind: str
) -> None:
    await OrderIntake(engine).accept(an_order())
    heard = await Inbox(engine).put("channel:demo", "order", "e1", b"{}", order_id=ID)
    done = _of(FulfilmentStatus.HANDED_OVER, f"{heard.event_id}:{name}", "")
    await PostgresOrderBook(engine).record(done)
    (task,) = await Tasks(engine).open()
    assert (task.kind, task.inbox_id) == (kind, heard.event_id)
    assert "a part" in task.message


@pytest.mark.parametrize(
    ("source", "status", "signal", "refused"),
    [
        ("operator", FulfilmentStatus.HANDED_OVER, ":cancel", LEFT),
        ("channel:demo", FulfilmentStatus.HANDED_OVER, ":hold", ""),
        ("channel:demo", FulfilmentStatus.RECALLED, ":cancel", ""),
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


def _with_fewer(pieces: int) -> Order:
    """The order as its shop tells it when so many of its two pieces are no longer wanted."""
    order, left = an_order(), 2 - pieces
    tax = eur(479 * left // 2)
    line = order.lines[0].model_copy(update={"quantity": left, "tax": tax})
    goods = {"lines": eur(1500 * left), "tax": tax, "total": eur(1500 * left + 490)}
    return order.model_copy(
        update={
            "lines": (line,) if left else (),
            "totals": order.totals.model_copy(update=goods),
            "channel_updated_at": NOON + timedelta(pieces),
        }
    )


def _line(quantity: int) -> LineRef:
    return LineRef(line_id="l1", sku="TEE-RED", quantity=quantity)


async def _one_left_and_one_cancelled(engine: AsyncEngine, *, written: bool) -> None:
    part = FulfilmentRecord(number=1, reference=f"{ID}/f1", location="berlin", lines=(_line(1),),
                            status=FulfilmentStatus.HANDED_OVER)  # fmt: skip
    cancelled = (_line(1),) if written else ()
    status = OrderStatus.SHIPPED if written else OrderStatus.CANCELLING
    record = a_record(1, status, fulfilments=(part,), cancelled_lines=cancelled)
    await PostgresOrderBook(engine).record(record)
    await Effects(engine).begin(f"{ID}/refund-rest", "shopify", 10)


async def _one_came_back(engine: AsyncEngine, *, written: bool) -> None:
    line = ReturnLine(line_id="l1", sku="TEE-RED", quantity=1, reason=ReturnReason.UNWANTED)
    found = InspectedLine(line_id="l1", sku="TEE-RED", restock=1, discard=0, refund=1)
    status = ReturnStatus.INSPECTED if written else ReturnStatus.RECEIVED
    book = PostgresOrderBook(engine)
    await book.record(a_record(1, OrderStatus.DELIVERED))
    await book.record_return(
        ReturnRecord(return_id=ReturnId("r1"), order_id=ID, seq=1, status=status, wait=None,
                     location="berlin", lines=(line,), inspected=(found,) if written else ())
    )  # fmt: skip
    await Effects(engine).begin(f"{ID}/r-r1/refund", "shopify", 10)


@pytest.mark.parametrize("written", [True, False], ids=["written down", "still being done"])
@pytest.mark.parametrize("did", [_one_left_and_one_cancelled, _one_came_back])
async def test_what_we_refunded_at_a_channel_is_no_change_of_its_own(
    engine: AsyncEngine, did: Callable[..., Awaitable[None]], *, written: bool
) -> None:
    intake = OrderIntake(engine)
    await intake.accept(an_order())
    await did(engine, written=written)
    ours = await intake.reconcile(_with_fewer(1), "e1")
    assert ours is not None
    assert ours.differs == ()
    theirs = await intake.reconcile(_with_fewer(2), "e2")
    assert theirs is not None
    assert theirs.differs == ("lines", "totals")


async def test_a_piece_that_the_channel_took_out_by_itself_is_its_change(
    engine: AsyncEngine,
) -> None:
    intake = OrderIntake(engine)
    await intake.accept(an_order())
    theirs = await intake.reconcile(_with_fewer(1), "e1")
    assert theirs is not None
    assert theirs.differs == ("lines", "totals")


async def test_money_of_a_cancel_that_is_under_way_is_not_the_channels_doing(
    engine: AsyncEngine,
) -> None:
    intake = OrderIntake(engine)
    await intake.accept(an_order(payment=PaymentStatus.PAID))
    await _one_left_and_one_cancelled(engine, written=True)
    said = an_order(payment=PaymentStatus.PAID, money_back=MoneyBack.PARTLY)
    changes = await intake.reconcile(said, "e1")
    assert changes is not None
    assert changes.money_back is None
