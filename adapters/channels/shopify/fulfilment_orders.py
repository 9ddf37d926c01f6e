"""What of an order Shopify still wants sent, and from which of its locations."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from adapters.channels.shopify.graphql import SYSTEM, Graphql
from adapters.channels.shopify.operations import FULFILMENT_ORDER_LINES, SHIPMENTS
from adapters.channels.shopify.wire import (
    FulfilmentOrderLine,
    FulfilmentOrderLinesAnswer,
    ShipmentsAnswer,
    ShippedOrder,
)
from domain.errors import Refused

OPEN = frozenset({"OPEN", "IN_PROGRESS"})
"""It may be fulfilled now."""
UNSENT = OPEN | {"ON_HOLD", "SCHEDULED", "INCOMPLETE"}
"""Its pieces are still to be sent: also those that a fulfilment service gave back.

https://shopify.dev/docs/api/admin-graphql/2026-07/mutations/fulfillmentOrderClose
"""


@dataclass(frozen=True)
class Unsent:
    """A fulfilment order: the lines of which pieces remain, and where Shopify sends it from."""

    id: str
    status: str
    location: str | None
    lines: tuple[FulfilmentOrderLine, ...]


async def shipped_order(graphql: Graphql, order_gid: str, until: float | None) -> ShippedOrder:
    answer = await graphql.ask(SHIPMENTS, ShipmentsAnswer, until=until, id=order_gid)
    if answer.order is None:
        raise Refused(SYSTEM, "order_not_found")
    return answer.order


async def unsent(
    graphql: Graphql, order: ShippedOrder, statuses: frozenset[str], until: float
) -> list[Unsent]:
    """Its fulfilment orders with one of these statuses.

    https://shopify.dev/docs/api/admin-graphql/2026-07/objects/FulfillmentOrder
    """
    return [
        Unsent(made.id, made.status, made.location, tuple(await _lines(graphql, made.id, until)))
        for made in order.fulfillment_orders.nodes
        if made.status in statuses
    ]


async def _lines(graphql: Graphql, made: str, until: float) -> list[FulfilmentOrderLine]:
    found: list[FulfilmentOrderLine] = []
    after: str | None = None
    while True:
        answer = await graphql.ask(
            FULFILMENT_ORDER_LINES, FulfilmentOrderLinesAnswer, until=until, id=made, after=after
        )
        if answer.fulfillment_order is None:
            return found
        page = answer.fulfillment_order.line_items
        found += [line for line in page.nodes if line.remaining_quantity > 0]
        after = page.page_info.next(after)
        if after is None:
            return found


def shares(orders: Sequence[Unsent], wanted: Counter[str]) -> list[dict[str, object]]:
    """Exactly the wanted pieces by their line's id, out of as few fulfilment orders as may be.

    Shopify makes one fulfilment only of fulfilment orders at the same location.

    Raises:
        Refused: `not_fulfillable`: Shopify has not so many pieces open; `at_several_locations`: it
            has, but not at one of its locations, to which somebody must move them first.
    """
    places = dict.fromkeys(order.location for order in orders)
    together = [[order for order in orders if order.location == place] for place in places]
    for chosen in [*([order] for order in orders), *together]:
        found, missing = _taken(chosen, wanted)
        if not missing:
            return found
    _, missing = _taken(orders, wanted)
    if missing:
        raise Refused(SYSTEM, "not_fulfillable", f"not open in Shopify: {dict(missing)}")
    raise Refused(SYSTEM, "at_several_locations", f"move to one: {', '.join(map(str, places))}")


def refund_lines(orders: Sequence[Unsent], wanted: Counter[str]) -> list[dict[str, object]]:
    """The wanted pieces, cancelled where these fulfilment orders still want them sent.

    That needs a location to put them back at: where Shopify would have sent them from. Pieces that
    it does not want sent any more (staff were quicker), or of a location that is gone, are only
    refunded; so is what comes back, which is put on our shelves and not on Shopify's.

    https://shopify.dev/docs/api/admin-graphql/2026-07/input-objects/RefundLineItemInput
    """
    left = Counter(wanted)
    entries: Counter[tuple[str, str]] = Counter()
    for order in orders:
        for line in order.lines if order.location else ():
            many = min(left[line.line_item.id], line.remaining_quantity)
            left[line.line_item.id] -= many
            entries[line.line_item.id, order.location or ""] += many
    back: list[dict[str, object]] = [
        {"lineItemId": line, "quantity": many, "restockType": "CANCEL", "locationId": place}
        for (line, place), many in (+entries).items()
    ]
    return back + [
        {"lineItemId": line, "quantity": many, "restockType": "NO_RESTOCK"}
        for line, many in (+left).items()
    ]


def _taken(
    orders: Sequence[Unsent], wanted: Counter[str]
) -> tuple[list[dict[str, object]], Counter[str]]:
    """Pieces of each fulfilment order, and what is missing of those wanted."""
    missing = Counter(wanted)
    found: list[dict[str, object]] = []
    for order in orders:
        taken = []
        for line in order.lines:
            quantity = min(missing[line.line_item.id], line.remaining_quantity)
            if quantity > 0:
                missing[line.line_item.id] -= quantity
                taken.append({"id": line.id, "quantity": quantity})
        if taken:
            found.append({"fulfillmentOrderId": order.id, "fulfillmentOrderLineItems": taken})
    return found, +missing
