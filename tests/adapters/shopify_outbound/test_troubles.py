"""What a shop that refuses, throttles or is down means; and an order fetched."""

from collections.abc import Awaitable, Callable

import pytest

from adapters.channels.shopify.order import to_order
from adapters.channels.shopify.outbound import ShopifyChannel, shopify_http
from domain.errors import Refused, Unavailable
from domain.orders import PaymentStatus
from domain.payments import (
    CaptureDeclined,
)
from storage.effects import Effects
from tests.adapters.conftest import CALL_S, World, euros
from tests.adapters.shopify_outbound.asking import (
    bought,
    cancel_of,
    capture_of,
    notice_of,
    payload,
    refund_of,
)


async def test_throttling_is_waited_out_and_the_deed_is_done_once(
    world: World, channel: ShopifyChannel
) -> None:
    order = await bought(world)
    await world.fault(
        "shopify", "orderCapture", "throttle", match=order.channel_order_id, seconds=1
    )
    assert not isinstance(await channel.capture(capture_of(order), order), CaptureDeclined)
    assert len(await world.journal(order.channel_order_id, "captured")) == 1


async def test_an_empty_bucket_gives_the_time_until_it_holds_the_call(
    world: World, channel: ShopifyChannel
) -> None:
    order = await bought(world)
    await world.tell("settings", {"shop_bucket_points": 1, "shop_restore_points": 10})
    try:
        with pytest.raises(Unavailable) as caught:
            await channel.capture(capture_of(order), order)
    finally:
        await world.tell("settings", {"shop_bucket_points": 20_000, "shop_restore_points": 20_000})
    assert caught.value.code == "throttled"
    assert caught.value.retry_after_s is not None
    assert channel.deed_s < caught.value.retry_after_s < 2 * channel.deed_s


@pytest.mark.parametrize("operation", ["order", "orderCapture"])
async def test_a_shop_that_is_down_is_tried_again_later(
    world: World, channel: ShopifyChannel, operation: str
) -> None:
    order = await bought(world)
    await world.fault("shopify", operation, "down", match=order.channel_order_id)
    with pytest.raises(Unavailable) as caught:
        await channel.capture(capture_of(order), order)
    assert caught.value.fate_unknown == (operation == "orderCapture")
    await world.calls_are_over()
    captured = await channel.capture(capture_of(order), order)
    assert not isinstance(captured, CaptureDeclined)
    assert len(await world.journal(order.channel_order_id, "captured")) == 1


@pytest.mark.parametrize(
    ("operation", "deed"),
    [("fulfillmentCreate", "tell"), ("refundCreate", "refund"), ("orderCancel", "cancel")],
)
async def test_what_shopify_refuses_is_refused_by_a_short_code(
    world: World, channel: ShopifyChannel, operation: str, deed: str
) -> None:
    order = await bought(world, financial_status="paid")
    await world.fault("shopify", operation, "refuse", message="No, Erika Mustermann")
    deeds: dict[str, Callable[[], Awaitable[object]]] = {
        "tell": lambda: channel.tell_shipped(notice_of(order, 1, 0), order),
        "refund": lambda: channel.refund(refund_of(order, "r1", 1, 0), order),
        "cancel": lambda: channel.cancel(cancel_of(order), order),
    }
    with pytest.raises(Refused) as caught:
        await deeds[deed]()
    assert caught.value.code == "refused"
    assert "Erika" not in str(caught.value)
    assert "Erika" in caught.value.detail


async def test_an_order_the_shop_does_not_have_and_a_wrong_token_are_refused(
    world: World, simulators_url: str, channel: ShopifyChannel, effects: Effects
) -> None:
    order = to_order("demo", payload())
    with pytest.raises(Refused) as caught:
        await channel.capture(capture_of(order), order)
    assert caught.value.code == "order_not_found"
    known = await bought(world)
    http = shopify_http(simulators_url, "shpat_wrong", call_s=CALL_S)
    try:
        with pytest.raises(Refused) as caught:
            await ShopifyChannel(http, effects, "demo").capture(capture_of(known), known)
    finally:
        await http.aclose()
    assert caught.value.code == "http_401"


async def test_a_missing_permission_is_refused_by_its_code(
    world: World, channel: ShopifyChannel
) -> None:
    order = await bought(world)
    await world.fault("shopify", "order", "refuse", match=order.channel_order_id)
    with pytest.raises(Refused) as caught:
        await channel.fetch(order.channel_order_id)
    assert caught.value.code == "access_denied"


async def test_a_fetched_order_is_the_order_of_the_webhook_without_its_weights(
    world: World, channel: ShopifyChannel
) -> None:
    order = await bought(world)
    fetched = await channel.fetch(order.channel_order_id)
    assert fetched is not None
    lines = tuple(line.model_copy(update={"weight_g": 0}) for line in order.lines)
    expected = order.model_copy(
        update={
            "lines": lines,
            "presentment_total": euros("48.55"),
            "channel_updated_at": fetched.channel_updated_at,
        }
    )
    assert fetched == expected
    assert fetched.totals.expected() == fetched.totals.total


async def test_a_fetched_order_shows_what_has_happened_since(
    world: World, channel: ShopifyChannel
) -> None:
    order = await bought(world)
    await channel.capture(capture_of(order), order)
    paid = await channel.fetch(order.channel_order_id)
    assert paid is not None
    assert paid.payment is PaymentStatus.PAID
    await channel.cancel(cancel_of(order), order)
    cancelled = await channel.fetch(order.channel_order_id)
    assert cancelled is not None
    assert (cancelled.cancelled, cancelled.cancel_reason) == (True, "customer")


async def test_an_order_the_shop_never_had_is_none(channel: ShopifyChannel) -> None:
    assert await channel.fetch("1") is None
    assert await channel.fetch("no-number") is None
