"""Money that was written off: nothing of it is paid back, and what comes after all is told of."""

import asyncio
from typing import Any

import pytest
from temporalio.client import WorkflowHandle

from domain.errors import Refused, Unavailable
from domain.lifecycles import OrderStatus, ReturnStatus
from domain.orders import PaymentStatus
from domain.records import (
    LEFT_WITHOUT_LABEL,
    NOT_REFUNDED,
    PAID_AFTER_ALL,
    UNPAID,
    WRITTEN_OFF,
    JournalEntry,
    ReturnRecord,
)
from domain.verbs import BY_CHANNEL
from tests.workflows.at_once import at_once
from tests.workflows.lives import Life, Start
from tests.workflows.soundness import see_cancelled
from tests.workflows.test_found_gone import (
    arrive,
    close,
    gone_while_capture_is_refused,
    with_the_first_share_gone,
)
from tests.workflows.test_split_orders import pack, split_unpaid
from tests.workflows.world import World, an_order


async def written_off(begin: Start, world: World, own_id: str) -> Life:
    """All of it has left, was never paid and has arrived."""
    world.declined = 10**6
    life = await gone_while_capture_is_refused(begin, world, own_id)
    await life.until_told(UNPAID)
    await life.ask("cancel", unpaid=True)
    await arrive(life)
    await life.until_waiting("return_window")
    return life


async def rest_cancelled(begin: Start, world: World, own_id: str) -> Life:
    """Berlin's share was found gone; with its money written off, the other one is cancelled."""
    life = await with_the_first_share_gone(begin, world, own_id)
    await life.tell("cancel")
    await life.until_told(UNPAID)
    await life.ask("cancel", unpaid=True)
    await life.until_status(OrderStatus.SHIPPED)
    return life


async def unpaid(begin: Start, world: World, own_id: str) -> Life:
    """All of it has left and has arrived; the shop cannot get the money, and pays none back."""
    world.declined = 10**6
    world.fail("refund", Refused("shop", "more_than_captured"), times=10**6)
    life = await gone_while_capture_is_refused(begin, world, own_id)
    await life.until_told(UNPAID)
    await life.until(
        lambda r: [f.wait and f.wait.what for f in r.fulfilments] == [LEFT_WITHOUT_LABEL]
    )
    await arrive(life)
    await life.until_status(OrderStatus.DELIVERED)
    return life


async def reject_what_has_left(life: Life) -> None:
    """The warehouse says that it has not packed the first share, whose goods are gone."""
    life.world.left.add(f"{life.id}/f1")
    await life.tell("warehouse_said", reference=f"{life.id}/f1", status="rejected")


async def bring_back(life: Life) -> ReturnRecord:
    await receive_back(life)
    return await _inspected(life)


async def receive_back(life: Life) -> None:
    back = await life.ask_back(1)
    await back.execute_update("received", {})


async def _inspected(life: Life) -> ReturnRecord:
    await _inspect(life)
    return await _ended(life)


async def _inspect(life: Life, refund: int = 1) -> None:
    line = {"line_id": "L1", "sku": "MUG", "restock": 1, "discard": 0, "refund": refund}
    await _return_of(life).execute_update("inspected", {"lines": [line]})


async def _ended(life: Life) -> ReturnRecord:
    record = await life.until_return(ReturnStatus.CLOSED)
    await _return_of(life).result()
    return record


def _return_of(life: Life) -> WorkflowHandle[Any, Any]:
    return life.env.client.get_workflow_handle(f"return:{life.id}.r1")


def told_by(life: Life, code: str) -> list[JournalEntry]:
    return [line for r in life.world.records[life.id] for line in r.journal if line.code == code]


def told_by_return(life: Life, code: str) -> list[JournalEntry]:
    records = life.world.return_records[f"{life.id}.r1"]
    return [line for r in records for line in r.journal if line.code == code]


async def pay_after_all(life: Life) -> None:
    """The shop says so, and the order has heard it and done what comes of it."""
    await life.tell("payment_changed", payment=PaymentStatus.PAID)
    await life.until_told("payment")
    await life.state()


async def told_once(life: Life) -> dict[str, Any]:
    """What the one line says of money that came after all."""
    await life.until_told(PAID_AFTER_ALL)
    (line,) = told_by(life, PAID_AFTER_ALL)
    return dict(line.data)


# -- what comes back


@at_once
async def test_what_comes_back_of_goods_that_nobody_paid_is_not_paid_back(
    begin: Start, world: World
) -> None:
    life = await written_off(begin, world, "off-1")
    record = await bring_back(life)
    assert (record.money, record.attention, world.calls["refund"]) == ((), "", 0)
    (forgone,) = told_by_return(life, WRITTEN_OFF)
    assert forgone.data["pieces"] == 1
    await close(life)


@at_once
async def test_a_return_asked_for_before_the_write_off_pays_nothing_back_either(
    begin: Start, world: World
) -> None:
    life = await unpaid(begin, world, "before-1")
    await receive_back(life)
    await life.ask("cancel", unpaid=True, by="u-1")
    await life.until_return_told("moneywrittenoff")
    record = await _inspected(life)
    assert (record.money, record.attention, world.calls["refund"]) == ((), "", 0)
    (heard,), (forgone,) = (told_by_return(life, c) for c in ("moneywrittenoff", WRITTEN_OFF))
    assert (heard.by, forgone.data["pieces"]) == ("u-1", 1)
    await close(life)


@at_once
async def test_a_refund_that_is_parked_when_the_money_is_written_off_need_not_be_given_up(
    begin: Start, world: World
) -> None:
    life = await unpaid(begin, world, "before-2")
    await receive_back(life)
    await _inspect(life)
    await life.until_return_waits("refused:shop:more_than_captured")
    await life.ask("cancel", unpaid=True)
    record = await _ended(life)
    assert (record.money, record.attention) == ((), "")
    assert [line.data["pieces"] for line in told_by_return(life, WRITTEN_OFF)] == [1]
    assert told_by_return(life, NOT_REFUNDED) == []
    await close(life)


@at_once
async def test_a_refund_in_flight_when_the_money_is_written_off_is_waited_for(
    begin: Start, world: World
) -> None:
    """It was paid at the shop after all, and we have not heard: what it gave back is booked."""
    life = await unpaid(begin, world, "before-3")
    world.faults["refund"].clear()
    lost = Unavailable("shop", "lost", fate_unknown=True)
    world.fail("refund", lost, times=10**6, after=True)
    await receive_back(life)
    await _inspect(life)
    await world.reaches("refund")
    await life.ask("cancel", unpaid=True)
    await life.until_return_told("moneywrittenoff")
    world.faults["refund"].clear()
    record = await _ended(life)
    assert [entry.kind for entry in record.money] == ["refunded"]
    await life.until_waiting("return_window")
    await pay_after_all(life)
    assert told_by(life, PAID_AFTER_ALL) == []


@at_once
async def test_a_return_that_ends_as_the_money_is_written_off_keeps_no_order_open(
    begin: Start, world: World
) -> None:
    """The word for it may find its workflow closed."""
    life = await unpaid(begin, world, "before-4")
    back = await life.ask_back(1)
    await asyncio.gather(back.terminate("the customer rang"), life.ask("cancel", unpaid=True))
    await life.until_told("return_broken_off")
    await close(life)


@at_once
async def test_a_return_of_what_was_paid_after_all_is_paid_back(begin: Start, world: World) -> None:
    life = await written_off(begin, world, "off-2")
    await pay_after_all(life)
    record = await bring_back(life)
    assert [entry.kind for entry in record.money] == ["refunded"]
    assert told_by(life, PAID_AFTER_ALL) == []


# -- what comes after all


@pytest.mark.parametrize("stands", ["shipped", "arrived"])
@at_once
async def test_who_pays_after_all_for_what_was_cancelled_is_told_of(
    begin: Start, world: World, stands: str
) -> None:
    life = await rest_cancelled(begin, world, f"off-3-{stands}")
    if stands == "arrived":
        await arrive(life)
        await life.until_waiting("return_window")
    await pay_after_all(life)
    await life.tell("payment_changed", payment=PaymentStatus.PAID)
    await life.state()
    assert await told_once(life) == {"pieces": 1, "returns": 0}


@at_once
async def test_who_pays_while_the_rest_is_still_taken_back_gets_it_refunded(
    begin: Start, world: World
) -> None:
    """The refund itself sees to it, and nobody need be asked."""
    life = await split_unpaid(begin, world, "off-4")
    await reject_what_has_left(life)
    await life.until_told(UNPAID)
    gate = world.block("recall")
    await life.ask("cancel", unpaid=True)
    await world.reaches("recall")
    await pay_after_all(life)
    gate.set()
    record = await life.until_status(OrderStatus.SHIPPED)
    assert [entry.kind for entry in record.money] == ["refunded"]
    assert told_by(life, PAID_AFTER_ALL) == []


@at_once
async def test_who_pays_after_all_for_what_comes_back_unpaid_is_told_of(
    begin: Start, world: World
) -> None:
    """The return began as one of unpaid goods, and does not hear of the money."""
    life = await written_off(begin, world, "off-5")
    await receive_back(life)
    await pay_after_all(life)
    assert await told_once(life) == {"pieces": 0, "returns": 1}
    assert (await _inspected(life)).money == ()


@at_once
async def test_who_pays_after_all_is_told_of_what_was_coming_back_when_it_was_written_off(
    begin: Start, world: World
) -> None:
    life = await unpaid(begin, world, "off-7")
    await life.ask_back(1)
    await life.ask("cancel", unpaid=True)
    await life.until_return_told("moneywrittenoff")
    await pay_after_all(life)
    assert await told_once(life) == {"pieces": 0, "returns": 1}


@at_once
async def test_nobody_is_told_of_a_return_that_nothing_was_to_be_paid_back_for(
    begin: Start, world: World
) -> None:
    life = await written_off(begin, world, "off-8")
    await receive_back(life)
    await _inspect(life, refund=0)
    await _ended(life)
    await life.until_waiting("return_window")
    await pay_after_all(life)
    assert told_by(life, PAID_AFTER_ALL) == []


@pytest.mark.parametrize("by", ["ann", BY_CHANNEL])
@at_once
async def test_who_pays_while_the_channel_cancels_is_told_of(
    begin: Start, world: World, by: str
) -> None:
    """What came before a channel's own cancel went back with it."""
    life = await begin(an_order(f"off-9-{by}", payment=PaymentStatus.PENDING))
    await life.until_waiting("hold:payment")
    gate = world.block("cancel_at_channel", after=True)
    await life.tell("cancel", by=by)
    await world.reaches("cancel_at_channel")
    await pay_after_all(life)
    gate.set()
    await see_cancelled(life)
    told = [dict(line.data) for line in told_by(life, PAID_AFTER_ALL)]
    assert told == ([{"pieces": 2, "returns": 0}] if by == "ann" else [])


# -- what cannot be written off yet


@at_once
async def test_while_another_share_waits_for_the_money_a_cancel_goes_before_the_write_off(
    begin: Start, world: World
) -> None:
    life = await split_unpaid(begin, world, "off-6")
    await pack(life, 2)
    await life.until_waiting("hold:payment")
    await reject_what_has_left(life)
    await life.until_status(OrderStatus.PARTLY_SHIPPED)
    refusal = await life.refused("cancel", unpaid=True)
    assert refusal == (
        "not_now: goods that are still here wait for the money too: cancel without unpaid first"
    )
    await life.tell("cancel")
    await life.until_told(UNPAID)
    await life.ask("cancel", unpaid=True)
    record = await life.until_status(OrderStatus.SHIPPED)
    assert [line.line_id for line in record.cancelled_lines] == ["L2"]
