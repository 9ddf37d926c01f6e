"""What the shop's staff refunded by hand is told apart and not refunded again."""

from typing import Any
from uuid import uuid4

import pytest

from adapters.channels.shopify.outbound import ShopifyChannel
from domain.errors import Unavailable
from domain.orders import Order
from tests.adapters.conftest import World, euros
from tests.adapters.shopify_outbound.asking import (
    bought,
    in_shop,
    notice_of,
    payload,
    refund_of,
    rest_of,
)
from tests.simulators.payloads import REFUND, graphql


async def test_what_staff_refunded_by_hand_is_not_refunded_again(
    channel: ShopifyChannel, world: World
) -> None:
    """Two of the mugs: of a return of two, one is left to refund; then none."""
    order = await bought(world, financial_status="paid")
    await by_hand(world, order, "22.00", mugs(order, 2))
    refunded = await channel.refund(refund_of(order, "r1", 2, 0), order)
    assert (refunded.amount, refunded.already) == (euros("11.00"), 1)
    nothing = await channel.refund(refund_of(order, "r2", 2, 0), order)
    assert (nothing.amount, nothing.already) == (euros("0.00"), 2)
    assert len(await world.journal(order.channel_order_id, "refunded")) == 2


def mugs(order: Order, quantity: int, restock: str = "NO_RESTOCK") -> dict[str, Any]:
    return {
        "lineItemId": f"gid://shopify/LineItem/{order.lines[0].line_id}",
        "quantity": quantity,
        "restockType": restock,
        "locationId": "gid://shopify/Location/346779380",
    }


async def by_hand(
    world: World, order: Order, amount: str, *lines: dict[str, Any], note: str | None = None
) -> None:
    """What the shop's staff do in Shopify's admin; with a restock type `CANCEL` it never left."""
    shop = await in_shop(world, order)
    paid = next(one for one in shop["transactions"] if one["kind"] == "SALE")
    share = {
        "orderId": shop["id"],
        "parentId": paid["id"],
        "amount": amount,
        "gateway": "bogus",
        "kind": "REFUND",
    }
    asked = {
        "orderId": shop["id"],
        "note": note,
        "currency": (order.presentment_total or order.totals.total).currency,
        "transactions": [share],
        "refundLineItems": list(lines),
    }
    answer = await graphql(world.control, REFUND, input=asked, key=f"staff-{uuid4()}")
    assert answer["data"]["refundCreate"]["userErrors"] == []


async def refunded_pieces(world: World, order: Order) -> list[int]:
    return [
        sum(line["quantity"] for line in entry["data"]["lines"])
        for entry in await world.journal(order.channel_order_id, "refunded")
    ]


async def test_a_piece_that_staff_cancelled_and_refunded_is_not_refunded_as_the_rest(
    channel: ShopifyChannel, world: World
) -> None:
    """Though as many pieces of its line are left to refund: they have been sent."""
    order = await bought(world, financial_status="paid")
    await channel.tell_shipped(notice_of(order, 2, 2), order)
    await by_hand(world, order, "11.00", mugs(order, 1, "CANCEL"))
    nothing = await channel.refund(rest_of(order, 1, 0), order)
    assert (nothing.amount, nothing.already) == (euros("0.00"), 1)
    assert await refunded_pieces(world, order) == [1]


async def test_of_the_rest_only_what_staff_left_is_refunded(
    channel: ShopifyChannel, world: World
) -> None:
    order = await bought(world, financial_status="paid")
    await channel.tell_shipped(notice_of(order, 1, 2), order)
    await by_hand(world, order, "11.00", mugs(order, 1, "CANCEL"))
    refunded = await channel.refund(rest_of(order, 2, 0), order)
    assert (refunded.amount, refunded.already) == (euros("11.00"), 1)
    assert await refunded_pieces(world, order) == [1, 1]


async def test_what_staff_refunded_of_the_pieces_that_were_sent_is_not_of_the_rest(
    channel: ShopifyChannel, world: World
) -> None:
    order = await bought(world, financial_status="paid")
    await channel.tell_shipped(notice_of(order, 2, 2), order)
    await by_hand(world, order, "5.00", mugs(order, 1), note="broken, kept")
    refunded = await channel.refund(rest_of(order, 1, 0), order)
    assert (refunded.amount, refunded.already) == (euros("11.00"), 0)
    assert await refunded_pieces(world, order) == [1, 1]


async def test_a_return_that_staff_refunded_under_its_name_is_not_refunded_again(
    channel: ShopifyChannel, world: World
) -> None:
    order = await bought(world, financial_status="paid")
    asked = refund_of(order, "r1", 1, 0)
    await by_hand(world, order, "11.00", mugs(order, 1), note=f"{asked.return_id}: paid by phone")
    nothing = await channel.refund(asked, order)
    assert (nothing.amount, nothing.already) == (euros("0.00"), 1)
    for name in ("r11", "r2"):
        refunded = await channel.refund(refund_of(order, name, 1, 0), order)
        assert (refunded.amount, refunded.already) == (euros("11.00"), 0)
    assert await refunded_pieces(world, order) == [1, 1, 1]


async def test_a_refund_by_hand_without_a_name_may_be_for_goods_that_are_kept(
    channel: ShopifyChannel, world: World
) -> None:
    order = await bought(world, financial_status="paid")
    await by_hand(world, order, "11.00", mugs(order, 1), note="broken, kept")
    refunded = await channel.refund(refund_of(order, "r1", 1, 0), order)
    assert (refunded.amount, refunded.already) == (euros("11.00"), 0)


async def test_our_refund_of_the_rest_is_not_taken_for_one_by_hand(
    channel: ShopifyChannel, world: World
) -> None:
    order = await bought(world, financial_status="paid")
    await channel.refund(rest_of(order, 1, 0), order)
    again = rest_of(order, 1, 0).model_copy(update={"key": f"{order.order_id}/refund-rest/2"})
    refunded = await channel.refund(again, order)
    assert (refunded.amount, refunded.already) == (euros("11.00"), 0)


async def test_a_refund_found_again_says_what_staff_had_refunded(
    channel: ShopifyChannel, world: World
) -> None:
    order = await bought(world, financial_status="paid")
    await by_hand(world, order, "11.00", mugs(order, 1, "CANCEL"))
    await world.fault("shopify", "refundCreate", "lost", match=order.channel_order_id)
    with pytest.raises(Unavailable):
        await channel.refund(rest_of(order, 2, 0), order)
    await world.calls_are_over()
    refunded = await channel.refund(rest_of(order, 2, 0), order)
    assert (refunded.amount, refunded.already) == (euros("11.00"), 1)
    assert await refunded_pieces(world, order) == [1, 1]


async def test_a_refund_of_more_lines_than_a_page_is_found_whole(
    channel: ShopifyChannel, world: World
) -> None:
    base = payload()
    mug = base["line_items"][0] | {"quantity": 1, "current_quantity": 1}
    lines = [mug | {"id": mug["id"] + n * 10**14} for n in range(7)]
    order = await bought(
        world, line_items=lines, financial_status="paid", total_price="109.90", total_tax="35.00"
    )
    await world.fault("shopify", "refundCreate", "lost", match=order.channel_order_id)
    with pytest.raises(Unavailable):
        await channel.refund(refund_of(order, "r1", *[1] * 7), order)
    await world.calls_are_over()
    refunded = await channel.refund(refund_of(order, "r1", *[1] * 7), order)
    assert refunded.already == 0
    assert await refunded_pieces(world, order) == [7]
