"""Each payment is captured or cancelled once, whatever gets lost."""

import asyncio

import pytest

from adapters.channels.shopify.outbound import ShopifyChannel
from domain.errors import Refused, Unavailable
from domain.orders import PaymentStatus
from domain.payments import (
    CancelRequest,
    CaptureDeclined,
)
from tests.adapters.conftest import Held, Meanwhile, World, euros, eventually
from tests.adapters.shopify_outbound.asking import (
    bought,
    cancel_of,
    capture_of,
    notice_of,
    payload,
)
from tests.passing_time import Clock


async def test_an_authorised_payment_is_captured_once_in_full(
    world: World, channel: ShopifyChannel
) -> None:
    order = await bought(world)
    captured = await channel.capture(capture_of(order), order)
    assert not isinstance(captured, CaptureDeclined)
    assert captured.amount == euros("48.55") == order.totals.total
    assert await channel.capture(capture_of(order), order) == captured
    entries = await world.journal(order.channel_order_id, "captured")
    assert [entry["data"]["amount"] for entry in entries] == ["48.55"]
    assert captured.ref.endswith(f"/{entries[0]['ref']}")


async def test_another_generation_finds_the_same_capture(
    world: World, channel: ShopifyChannel
) -> None:
    order = await bought(world)
    first = await channel.capture(capture_of(order), order)
    assert await channel.capture(capture_of(order, 2), order) == first
    assert len(await world.journal(order.channel_order_id, "captured")) == 1


@pytest.mark.parametrize("status", [None, 502])
async def test_a_capture_whose_answer_was_lost_is_found_and_not_repeated(
    world: World, channel: ShopifyChannel, status: int | None
) -> None:
    order = await bought(world)
    lost = {} if status is None else {"status": status}
    await world.fault("shopify", "orderCapture", "lost", match=order.channel_order_id, **lost)
    with pytest.raises(Unavailable) as caught:
        await channel.capture(capture_of(order), order)
    assert caught.value.fate_unknown
    await world.calls_are_over()
    captured = await channel.capture(capture_of(order), order)
    assert not isinstance(captured, CaptureDeclined)
    assert captured.amount == euros("48.55")
    assert len(await world.journal(order.channel_order_id, "captured")) == 1


async def test_a_gateway_that_declines_is_a_value_and_takes_nothing(
    world: World, channel: ShopifyChannel
) -> None:
    order = await bought(world)
    await world.fault(
        "shopify", "orderCapture", "refuse", match=order.channel_order_id, message="Card declined"
    )
    assert await channel.capture(capture_of(order), order) == CaptureDeclined(reason="declined")
    assert await world.journal(order.channel_order_id, "captured") == []


async def test_nothing_to_capture_is_declined_and_money_there_already_is_captured(
    world: World, channel: ShopifyChannel
) -> None:
    voided = await bought(world, financial_status="voided")
    said = await channel.capture(capture_of(voided), voided)
    assert said == CaptureDeclined(reason="no_authorisation")
    paid = await bought(world, financial_status="paid")
    captured = await channel.capture(capture_of(paid), paid)
    assert not isinstance(captured, CaptureDeclined)
    assert captured.amount == euros("48.55")
    assert await world.journal(paid.channel_order_id, "captured") == []


async def test_two_workers_at_once_capture_once(
    world: World, channel: ShopifyChannel, meanwhile: Meanwhile, clock: Clock
) -> None:
    order = await bought(world)
    meanwhile("mutation Capture(", held := Held())
    one, other = (asyncio.ensure_future(channel.capture(capture_of(order), order)) for _ in "12")
    await held.begun.wait()
    await eventually(world.taken_up, capture_of(order).key, 2)
    held.go.set()
    await asyncio.wait((one, other), return_when=asyncio.FIRST_COMPLETED)
    clock.forward(channel.deed_s)
    said = await asyncio.gather(one, other, return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in said) == ["Captured", "Unavailable"]
    assert len(await world.journal(order.channel_order_id, "captured")) == 1


async def test_cancelling_releases_what_was_only_authorised(
    world: World, channel: ShopifyChannel
) -> None:
    order = await bought(world)
    cancelled = await channel.cancel(cancel_of(order), order)
    assert cancelled.refunded is None
    assert len(await world.journal(order.channel_order_id, "voided")) == 1
    assert await world.journal(order.channel_order_id, "refunded") == []
    entries = await world.journal(order.channel_order_id, "cancelled")
    assert [(e["data"]["reason"], e["data"]["restock"]) for e in entries] == [("CUSTOMER", False)]


async def test_cancelling_refunds_what_was_paid_and_a_repeat_says_the_same(
    world: World, channel: ShopifyChannel
) -> None:
    order = await bought(world, financial_status="paid")
    cancelled = await channel.cancel(cancel_of(order, "fraud"), order)
    assert cancelled.refunded == euros("48.55")
    assert await channel.cancel(cancel_of(order, "fraud"), order) == cancelled
    entries = await world.journal(order.channel_order_id, "refunded")
    assert [entry["data"]["amount"] for entry in entries] == ["48.55"]
    assert len(await world.journal(order.channel_order_id, "cancelled")) == 1


async def test_of_a_refund_only_what_our_books_had_captured_is_told(
    world: World, channel: ShopifyChannel
) -> None:
    base = payload(financial_status="paid")
    mugs, voucher = base["line_items"][0], base["line_items"][1] | {"requires_shipping": False}
    order = await bought(world, financial_status="paid", line_items=[mugs, voucher])
    assert order.totals.total < euros("48.55"), "nobody sends the voucher"
    answer = await channel.cancel(cancel_of(order), order)
    assert (answer.refunded, order.paid_total) == (euros("48.55"), euros("48.55"))
    waiting = order.model_copy(update={"payment": PaymentStatus.PENDING})
    assert (await channel.cancel(cancel_of(order), waiting)).refunded is None
    taken = cancel_of(order).model_copy(update={"captured": euros("48.55")})
    assert (await channel.cancel(taken, order)).refunded == euros("48.55")


async def test_an_order_that_the_shop_cancelled_itself_is_cancelled(
    world: World, channel: ShopifyChannel
) -> None:
    order = await bought(world)
    await channel.cancel(cancel_of(order), order)
    again = CancelRequest(
        order_id=order.order_id, key=f"{order.order_id}/cancel/2", channel="demo", reason="other"
    )
    assert (await channel.cancel(again, order)).refunded is None
    assert len(await world.journal(order.channel_order_id, "cancelled")) == 1


async def test_a_cancellation_whose_answer_was_lost_refunds_once(
    world: World, channel: ShopifyChannel
) -> None:
    order = await bought(world, financial_status="paid")
    await world.fault("shopify", "orderCancel", "lost", match=order.channel_order_id)
    with pytest.raises(Unavailable) as caught:
        await channel.cancel(cancel_of(order), order)
    assert caught.value.fate_unknown
    await world.calls_are_over()
    assert (await channel.cancel(cancel_of(order), order)).refunded == euros("48.55")
    assert len(await world.journal(order.channel_order_id, "refunded")) == 1


async def test_a_shipped_order_is_not_cancelled(world: World, channel: ShopifyChannel) -> None:
    order = await bought(world)
    await channel.tell_shipped(notice_of(order, 3, 2), order)
    with pytest.raises(Refused) as caught:
        await channel.cancel(cancel_of(order), order)
    assert caught.value.code == "invalid"
    assert await world.journal(order.channel_order_id, "cancelled") == []
    assert await world.journal(order.channel_order_id, "voided") == []
