"""Money that a shop gets after all is over, and after it was written off or cancelled."""

from datetime import UTC, datetime
from typing import Any

import pytest

from domain.ids import OrderId, ReturnId
from domain.lifecycles import OrderStatus, ReturnStatus
from domain.money import Money
from domain.orders import LineRef
from domain.records import (
    PAID_AFTER_ALL,
    WRITTEN_OFF,
    JournalEntry,
    MoneyRecord,
    OrderRecord,
    ReturnRecord,
)
from domain.returns import ReturnLine, ReturnReason
from domain.verbs import BY_CHANNEL
from storage.tasks import Task
from tests.starter.world import World, eventually, shop_order

WORDS = (
    "the customer paid what was written off or cancelled: give the money for {} cancelled pieces"
    " and {} returns by hand"
)


async def ended(world: World, payment: str) -> OrderId:
    """An order whose workflow has ended, before its last words."""
    own_id = world.own_id()
    order_id = OrderId(f"demo-{own_id}")
    await world.shop_says("orders/create", shop_order(own_id, financial_status=payment))

    async def started() -> Any:
        found = await world.wired.progress.of_order(order_id)
        return found is not None and found.seq > 0

    await eventually(started)
    await world.client.get_workflow_handle(f"order:{order_id}").terminate()
    return order_id


async def closed(world: World, *codes: str, cancelled: int, returned: bool = False) -> str:
    """An authorised order that is over; its journal says so."""
    order_id = await ended(world, "authorized")
    own_id = order_id.removeprefix("demo-")
    said = tuple(JournalEntry(at=datetime.now(UTC), by="ann", code=code) for code in codes)
    lines = (LineRef(line_id="11", sku="MUG", quantity=cancelled),) if cancelled else ()
    await world.wired.order_book.record(
        OrderRecord(order_id=order_id, seq=1_000, status=OrderStatus.CLOSED, wait=None, holds=(),
                    address_version=1, cancelled_lines=lines, journal=said)
    )  # fmt: skip
    if returned:
        line = ReturnLine(line_id="11", sku="MUG", quantity=1, reason=ReturnReason.UNWANTED)
        forgone = JournalEntry(at=datetime.now(UTC), by="holdfast", code=WRITTEN_OFF)
        await world.wired.order_book.record_return(
            ReturnRecord(return_id=ReturnId(f"r{own_id}"), order_id=order_id, seq=1, wait=None,
                         status=ReturnStatus.CLOSED, location="berlin", lines=(line,),
                         journal=(forgone,))
        )  # fmt: skip
    return order_id


async def cancelled_by(world: World, by: str, *, moved: tuple[MoneyRecord, ...] = ()) -> str:
    """An order that nobody had paid for, or whose payment came back with its cancel."""
    order_id = await ended(world, "pending")
    said = (JournalEntry(at=datetime.now(UTC), by=by, code="cancelling"),)
    await world.wired.order_book.record(
        OrderRecord(order_id=order_id, seq=1_000, status=OrderStatus.CANCELLED, wait=None,
                    holds=(), address_version=1, journal=said, money=moved)
    )  # fmt: skip
    return order_id


async def pays(world: World, order_id: str) -> tuple[Task, ...]:
    """The shop says that it is paid; answers with the tasks that come of it."""
    own_id = order_id.removeprefix("demo-")
    paid = shop_order(own_id, updated_at="2026-11-20T12:00:00Z", financial_status="paid")
    said = await world.shop_says("orders/paid", paid)

    async def settled() -> Any:
        state = await world.wired.inbox.state(said.json()["event"])
        return state and state.settled_at

    await eventually(settled)
    return await world.wired.tasks.open()


async def journal(world: World, order_id: str) -> list[tuple[str, dict[str, Any]]]:
    events = (await world.api("GET", f"/api/orders/{order_id}/events")).json()
    return [(event["code"], event["data"]) for event in events]


@pytest.mark.parametrize(
    ("cancelled", "returned"), [(1, False), (0, True), (1, True)], ids=["rest", "return", "both"]
)
async def test_somebody_is_asked_to_give_back_what_a_closed_order_was_paid_for_nothing(
    world: World, cancelled: int, returned: bool
) -> None:
    order_id = await closed(world, WRITTEN_OFF, cancelled=cancelled, returned=returned)
    (task,) = await pays(world, order_id)
    assert (task.kind, task.order_id) == (PAID_AFTER_ALL, order_id)
    assert task.message == WORDS.format(cancelled, int(returned))
    said = await journal(world, order_id)
    assert (PAID_AFTER_ALL, {"pieces": cancelled, "returns": int(returned)}) in said


@pytest.mark.parametrize(
    ("codes", "cancelled"), [((WRITTEN_OFF,), 0), (("partly_cancelled",), 1)], ids=["sent", "paid"]
)
async def test_nobody_is_asked_where_nothing_was_paid_for_nothing(
    world: World, codes: tuple[str, ...], cancelled: int
) -> None:
    order_id = await closed(world, *codes, cancelled=cancelled)
    assert await pays(world, order_id) == ()
    assert [code for code, _ in await journal(world, order_id)][-1] == "payment_changed_refused"


async def test_somebody_is_asked_to_give_back_what_a_cancelled_order_was_paid(world: World) -> None:
    order_id = await cancelled_by(world, "ann")
    (task,) = await pays(world, order_id)
    pieces = sum(line["quantity"] for line in shop_order("1")["line_items"])
    assert (task.kind, task.order_id) == (PAID_AFTER_ALL, order_id)
    assert task.message == WORDS.format(pieces, 0)
    assert (PAID_AFTER_ALL, {"pieces": pieces, "returns": 0}) in await journal(world, order_id)


async def test_a_channel_gives_back_itself_what_it_cancelled(world: World) -> None:
    assert await pays(world, await cancelled_by(world, BY_CHANNEL)) == ()


async def test_nobody_is_asked_where_the_cancel_gave_the_payment_back(world: World) -> None:
    paid = Money(amount_minor=25_00, currency="EUR")
    moved = tuple(
        MoneyRecord(key=kind, kind=kind, amount=paid) for kind in ("captured", "refunded")
    )
    assert await pays(world, await cancelled_by(world, "ann", moved=moved)) == ()
