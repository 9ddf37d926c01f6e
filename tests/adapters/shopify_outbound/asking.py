"""Orders that the shop sold, and what its channel is asked of them."""

from itertools import count
from typing import Any

from adapters.channels.shopify.order import to_order
from domain.fulfilments import ShippedNotice, ShippedParcel
from domain.orders import LineRef, Order
from domain.payments import (
    CancelRequest,
    CaptureRequest,
    RefundLine,
    RefundRequest,
)
from tests.adapters.conftest import World
from tests.simulators.payloads import ORDER, graphql

_IDS = count(820_982_911_946_154_508)


def payload(**changes: Any) -> dict[str, Any]:
    """Three mugs and two bowls with discount, tax and shipping: 39.00 + 4.90 - 2.00 + 6.65."""
    own_id = next(_IDS)
    mugs = {
        "id": own_id + 10**15,
        "sku": "MUG",
        "name": "Mug",
        "quantity": 3,
        "current_quantity": 3,
        "price": "10.00",
        "requires_shipping": True,
        "grams": 300,
        "discount_allocations": [{"amount": "2.00"}],
        "tax_lines": [{"title": "VAT", "price": "5.00"}],
    }
    bowls = mugs | {
        "id": own_id + 2 * 10**15,
        "sku": "BOWL",
        "name": "Bowl",
        "quantity": 2,
        "current_quantity": 2,
        "price": "4.50",
        "discount_allocations": [],
        "tax_lines": [{"title": "VAT", "price": "1.65"}],
    }
    return {
        "id": own_id,
        "name": f"#{own_id % 10_000}",
        "email": "erika@example.org",
        "currency": "EUR",
        "presentment_currency": "EUR",
        "created_at": "2026-07-01T10:00:00+02:00",
        "updated_at": "2026-07-01T10:00:00+02:00",
        "financial_status": "authorized",
        "line_items": [mugs, bowls],
        "shipping_lines": [{"title": "Post", "price": "4.90", "discounted_price": "4.90"}],
        "taxes_included": False,
        "total_discounts": "2.00",
        "total_tax": "6.65",
        "total_price": "48.55",
        "shipping_address": {
            "name": "Erika Mustermann",
            "address1": "Sendlinger Str. 8",
            "city": "München",
            "zip": "80331",
            "country_code": "DE",
            "phone": "+4989123456",
        },
    } | changes


async def bought(world: World, locations: tuple[int, ...] = (1, 1), **changes: Any) -> Order:
    """The lines are to be sent from these of the shop's locations."""
    made = payload(**changes)
    places = {str(line["id"]): n for line, n in zip(made["line_items"], locations, strict=False)}
    await world.tell("shopify/orders", {"order": made, "locations": places})
    return to_order("demo", made)


def capture_of(order: Order, generation: int = 1) -> CaptureRequest:
    key = f"{order.order_id}/capture/{generation}"
    return CaptureRequest(order_id=order.order_id, key=key, channel="demo")


def notice_of(
    order: Order, *quantities: int, parcel: int = 1, parcels: tuple[int, ...] = ()
) -> ShippedNotice:
    lines = tuple(
        LineRef(line_id=line.line_id, sku=line.sku, quantity=quantity)
        for line, quantity in zip(order.lines, quantities, strict=True)
        if quantity
    )
    return ShippedNotice(
        order_id=order.order_id,
        key=f"{order.order_id}/f1/p{parcel}/told/1",
        channel="demo",
        lines=lines,
        parcels=tuple(
            ShippedParcel(
                carrier="DHL",
                tracking_number=f"TRACK{order.channel_order_id}-{number}",
                tracking_url=f"https://track.example/{number}",
            )
            for number in (parcels or (parcel,))
        ),
    )


def rest_of(order: Order, *quantities: int) -> RefundRequest:
    """What is not sent any more, after the rest has left."""
    key = f"{order.order_id}/refund-rest"
    return refund_of(order, "", *quantities).model_copy(update={"key": key, "return_id": ""})


def cancel_of(order: Order, reason: str = "requested") -> CancelRequest:
    key = f"{order.order_id}/cancel/1"
    return CancelRequest(order_id=order.order_id, key=key, channel="demo", reason=reason)


def refund_of(order: Order, name: str, *quantities: int) -> RefundRequest:
    lines = tuple(
        RefundLine(line_id=line.line_id, quantity=quantity)
        for line, quantity in zip(order.lines, quantities, strict=True)
        if quantity
    )
    return RefundRequest(
        order_id=order.order_id,
        key=f"{order.order_id}/{name}/refund/1",
        channel="demo",
        return_id=f"{order.order_id}-{name}",
        lines=lines,
    )


async def sent(world: World, order: Order) -> list[dict[str, int]]:
    """What Shopify holds as sent, one entry a fulfilment."""
    names = {int(line.line_id): line.sku for line in order.lines}
    return [
        {names[line["line_item_id"]]: line["quantity"] for line in entry["data"]["lines"]}
        for entry in await world.journal(order.channel_order_id, "fulfilled")
    ]


def cancelled_line(line: int, quantity: int, location: int) -> dict[str, object]:
    return {
        "line_item_id": line,
        "quantity": quantity,
        "restock_type": "CANCEL",
        "location_id": location,
    }


async def in_shop(world: World, order: Order) -> dict[str, Any]:
    answer = await graphql(world.control, ORDER, id=f"gid://shopify/Order/{order.channel_order_id}")
    return dict(answer["data"]["order"])
