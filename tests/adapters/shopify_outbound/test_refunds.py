"""What came back, or is not sent, is refunded once and line by line."""

import json
from typing import Any

import pytest

from adapters.channels.shopify.order import to_order
from adapters.channels.shopify.outbound import ShopifyChannel
from domain.edits import edits
from domain.errors import Refused, Unavailable
from domain.money import Money
from domain.orders import Order
from domain.payments import (
    CaptureDeclined,
)
from tests.adapters.conftest import World, euros
from tests.adapters.shopify_outbound.asking import (
    bought,
    cancelled_line,
    capture_of,
    notice_of,
    refund_of,
    rest_of,
)
from tests.simulators.simulator_process import until


async def test_returned_pieces_are_refunded_one_by_one_and_sum_to_their_lines(
    world: World, channel: ShopifyChannel
) -> None:
    order = await bought(world, financial_status="paid")
    first = await channel.refund(refund_of(order, "r1", 1, 0), order)
    second = await channel.refund(refund_of(order, "r2", 2, 1), order)
    third = await channel.refund(refund_of(order, "r3", 0, 1), order)
    # Mugs: 30.00 - 2.00 + 5.00; bowls: 9.00 + 1.65; the shipping stays paid.
    assert first.amount == euros("11.00")
    assert second.amount == euros("22.00") + euros("5.33")
    assert third.amount == euros("5.32")
    assert await channel.refund(refund_of(order, "r1", 1, 0), order) == first
    entries = await world.journal(order.channel_order_id, "refunded")
    assert [entry["data"]["amount"] for entry in entries] == ["11.00", "27.33", "5.32"]
    assert [entry["key"] for entry in entries] == [
        f"{order.order_id}/{name}/refund/1" for name in ("r1", "r2", "r3")
    ]
    restocks = {line["restock_type"] for entry in entries for line in entry["data"]["lines"]}
    assert restocks == {"NO_RESTOCK"}


async def as_told(world: World, order: Order) -> Order:
    """The order as the shop's next webhook tells it."""
    own_id, before = order.channel_order_id, len(world.receiver.of(order.channel_order_id))
    asked = {"order": int(own_id), "topic": "orders/updated"}
    await world.tell("shopify/webhooks", asked)
    await until(lambda: len(world.receiver.of(own_id)) > before)
    return to_order("demo", json.loads(world.receiver.of(own_id)[-1].body))


async def test_what_we_refund_is_no_edit_of_the_shops(
    world: World, channel: ShopifyChannel
) -> None:
    order = await bought(world, financial_status="paid")
    mugs, bowls = (line.line_id for line in order.lines)
    assert tuple(edits(order, await as_told(world, order), {})) == ()
    await channel.refund(refund_of(order, "r1", 1, 1), order)
    told = await as_told(world, order)
    assert [line.quantity for line in told.lines] == [2, 1]
    assert told.totals.total == euros("48.55") - euros("16.33")
    assert tuple(edits(order, told, {mugs: 1, bowls: 1})) == ()
    assert tuple(edits(order, told, {mugs: 1})) == ("lines", "totals")
    await channel.refund(rest_of(order, 2, 1), order)
    told = await as_told(world, order)
    assert told.lines == ()
    assert tuple(edits(order, told, {mugs: 3, bowls: 2})) == ()


async def test_what_the_shop_takes_out_besides_is_its_edit(
    world: World, channel: ShopifyChannel
) -> None:
    order = await bought(world, financial_status="paid")
    mugs, bowls = (line.line_id for line in order.lines)
    await channel.refund(refund_of(order, "r1", 1, 0), order)
    told = await as_told(world, order)
    assert tuple(edits(order, told, {mugs: 1})) == ()
    await channel.refund(refund_of(order, "by-hand", 0, 1), order)
    told = await as_told(world, order)
    assert tuple(edits(order, told, {mugs: 1})) == ("lines", "totals")
    assert tuple(edits(order, told, {mugs: 1, bowls: 1})) == ()


async def test_a_refund_whose_answer_was_lost_is_found_and_not_repeated(
    world: World, channel: ShopifyChannel
) -> None:
    order = await bought(world, financial_status="paid")
    await world.fault("shopify", "refundCreate", "lost", match=order.channel_order_id)
    with pytest.raises(Unavailable) as caught:
        await channel.refund(refund_of(order, "r1", 1, 1), order)
    assert caught.value.fate_unknown
    await world.calls_are_over()
    refunded = await channel.refund(refund_of(order, "r1", 1, 1), order)
    assert refunded.amount == euros("16.33")
    assert len(await world.journal(order.channel_order_id, "refunded")) == 1


async def test_after_capture_the_refund_goes_against_the_capture(
    world: World, channel: ShopifyChannel
) -> None:
    order = await bought(world)
    captured = await channel.capture(capture_of(order), order)
    assert not isinstance(captured, CaptureDeclined)
    await channel.refund(refund_of(order, "r1", 3, 2), order)
    entries = await world.journal(order.channel_order_id, "refunded")
    assert entries[0]["data"]["amount"] == "43.65"
    parents = [share["parent_id"] for share in entries[0]["data"]["transactions"]]
    assert [f"gid://shopify/OrderTransaction/{parent}" for parent in parents] == [captured.ref]


@pytest.mark.parametrize(
    ("quantities", "code"), [((4, 0), "more_than_left"), ((0, 1), "more_than_captured")]
)
async def test_what_was_not_bought_or_not_paid_is_not_refunded(
    world: World, channel: ShopifyChannel, quantities: tuple[int, int], code: str
) -> None:
    order = await bought(world)  # authorised, nothing captured
    with pytest.raises(Refused) as caught:
        await channel.refund(refund_of(order, "r1", *quantities), order)
    assert caught.value.code == code
    assert await world.journal(order.channel_order_id, "refunded") == []


async def test_a_customer_who_paid_in_another_currency_is_refunded_in_it(
    world: World, channel: ShopifyChannel
) -> None:
    def bag(shop: str, shown: str) -> dict[str, Any]:
        return {
            "shop_money": {"amount": shop, "currency_code": "EUR"},
            "presentment_money": {"amount": shown, "currency_code": "USD"},
        }

    order = await bought(
        world,
        presentment_currency="USD",
        total_price_set=bag("48.55", "97.10"),
    )
    assert order.presentment_total == Money.parse("97.10", "USD")
    captured = await channel.capture(capture_of(order), order)
    assert not isinstance(captured, CaptureDeclined)
    assert captured.amount == euros("48.55")
    refunded = await channel.refund(refund_of(order, "r1", 1, 0), order)
    assert refunded.amount == euros("11.00")
    entry = (await world.journal(order.channel_order_id, "refunded"))[0]["data"]
    assert (entry["amount"], entry["currency"]) == ("22.00", "USD")


async def test_what_is_not_sent_any_more_is_cancelled_where_shopify_would_have_sent_it_from(
    channel: ShopifyChannel, world: World
) -> None:
    order = await bought(world, locations=(1, 2), financial_status="paid")
    await channel.tell_shipped(notice_of(order, 2, 0), order)
    await world.fault("shopify", "refundCreate", "lost", match=order.channel_order_id)
    with pytest.raises(Unavailable):
        await channel.refund(rest_of(order, 1, 2), order)
    await world.calls_are_over()
    refunded = await channel.refund(rest_of(order, 1, 2), order)
    assert refunded.amount == euros("21.65")  # a third of 33.00, and 10.65
    (entry,) = await world.journal(order.channel_order_id, "refunded")
    mug, bowl = (int(line.line_id) for line in order.lines)
    assert entry["data"]["lines"] == [
        cancelled_line(mug, 1, 346_779_380),
        cancelled_line(bowl, 2, 346_779_381),
    ]
    told = await channel.tell_shipped(notice_of(order, 1, 0, parcel=2), order)
    assert told.already
    answer = await world.control.get("/control/state")
    (held,) = (
        one for one in answer.json()["shopify"]["orders"] if one["id"] == order.channel_order_id
    )
    assert held["fulfillment_status"] == "FULFILLED"


async def test_what_staff_have_sent_in_spite_of_a_cancel_is_refunded_all_the_same(
    channel: ShopifyChannel, world: World
) -> None:
    order = await bought(world, financial_status="paid")
    await channel.tell_shipped(notice_of(order, 2, 2), order)
    await channel.refund(rest_of(order, 3, 0), order)
    (entry,) = await world.journal(order.channel_order_id, "refunded")
    mug = int(order.lines[0].line_id)
    assert entry["data"]["lines"] == [
        cancelled_line(mug, 1, 346_779_380),
        {**cancelled_line(mug, 2, 0), "restock_type": "NO_RESTOCK", "location_id": None},
    ]


async def test_what_was_paid_in_a_currency_that_nobody_told_is_refused(
    world: World, channel: ShopifyChannel
) -> None:
    total = {
        "shop_money": {"amount": "48.55", "currency_code": "EUR"},
        "presentment_money": {"amount": "97.10", "currency_code": "USD"},
    }
    order = await bought(
        world, financial_status="paid", presentment_currency="USD", total_price_set=total
    )
    untold = order.model_copy(update={"presentment_total": None})
    with pytest.raises(Refused, match="paid_in_another_currency"):
        await channel.refund(refund_of(untold, "r1", 1, 0), untold)
    assert await world.journal(order.channel_order_id, "refunded") == []
