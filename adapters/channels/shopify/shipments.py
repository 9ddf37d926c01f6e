"""Tells Shopify which lines of an order left, and in which parcels."""

from collections import Counter
from collections.abc import Mapping, Sequence

from adapters.channels.shopify.graphql import SYSTEM, Graphql
from adapters.channels.shopify.operations import FULFIL, FULFILMENT_ORDER_LINES, SHIPMENTS
from adapters.channels.shopify.payments import refused
from adapters.channels.shopify.wire import (
    FulfilAnswer,
    FulfilmentOrderLine,
    FulfilmentOrderLinesAnswer,
    ShipmentsAnswer,
    ShippedOrder,
)
from domain.errors import Refused, Unavailable
from domain.fulfilments import ShippedNotice, ShippedParcel, Told

_FAILED = frozenset({"CANCELLED", "ERROR", "FAILURE"})
_OPEN = frozenset({"OPEN", "IN_PROGRESS"})

Lines = Mapping[str, Sequence[FulfilmentOrderLine]]
"""The lines of each open fulfilment order, by its id."""


class Shipments:
    """One fulfilment in Shopify for each of ours, known by its tracking numbers."""

    def __init__(self, graphql: Graphql) -> None:
        self._graphql = graphql

    async def find(self, order_gid: str, notice: ShippedNotice, until: float | None) -> Told | None:
        return _told(await self._shipped(order_gid, until), notice)

    async def tell(self, order_gid: str, notice: ShippedNotice, until: float) -> Told:
        """Fulfil exactly these pieces and tell the customer.

        https://shopify.dev/docs/api/admin-graphql/2026-07/mutations/fulfillmentCreate
        """
        order = await self._shipped(order_gid, until)
        found = _told(order, notice)
        if found is not None:
            return found
        wanted: Counter[str] = Counter()
        for line in notice.lines:
            wanted[f"gid://shopify/LineItem/{line.line_id}"] += line.quantity
        opened = [made.id for made in order.fulfillment_orders.nodes if made.status in _OPEN]
        lines = {made: await self._lines(made, until) for made in opened}
        asked = {
            "lineItemsByFulfillmentOrder": _shares(lines, wanted),
            "trackingInfo": _tracking(notice.parcels),
            "notifyCustomer": True,
        }
        answer = await self._graphql.tell(FULFIL, FulfilAnswer, until=until, fulfillment=asked)
        said = answer.fulfillment_create
        if said.user_errors:
            raise refused(said.user_errors)
        if said.fulfillment is None:
            raise Unavailable(SYSTEM, "unreadable_answer", fate_unknown=True)
        return Told(ref=said.fulfillment.id)

    async def _shipped(self, order_gid: str, until: float | None) -> ShippedOrder:
        answer = await self._graphql.ask(SHIPMENTS, ShipmentsAnswer, until=until, id=order_gid)
        if answer.order is None:
            raise Refused(SYSTEM, "order_not_found")
        return answer.order

    async def _lines(self, made: str, until: float) -> list[FulfilmentOrderLine]:
        """What of one fulfilment order is not fulfilled yet."""
        found: list[FulfilmentOrderLine] = []
        after: str | None = None
        while True:
            answer = await self._graphql.ask(
                FULFILMENT_ORDER_LINES,
                FulfilmentOrderLinesAnswer,
                until=until,
                id=made,
                after=after,
            )
            if answer.fulfillment_order is None:
                return found
            page = answer.fulfillment_order.line_items
            found += [line for line in page.nodes if line.remaining_quantity > 0]
            after = page.page_info.end_cursor
            if not page.page_info.has_next_page:
                return found


def _told(order: ShippedOrder, notice: ShippedNotice) -> Told | None:
    """Any of our numbers says that it is ours: a number is of one fulfilment alone."""
    ours = {parcel.tracking_number for parcel in notice.parcels}
    for made in order.fulfillments:
        numbers = {tracking.number for tracking in made.tracking_info}
        if made.status not in _FAILED and ours & numbers:
            return Told(ref=made.id)
    return None


def _tracking(parcels: Sequence[ShippedParcel]) -> dict[str, object]:
    """One company stands for all numbers, and `urls` for the numbers in their order.

    https://shopify.dev/docs/api/admin-graphql/2026-07/input-objects/FulfillmentTrackingInput
    """
    tracking: dict[str, object] = {"numbers": [parcel.tracking_number for parcel in parcels]}
    companies = {parcel.carrier for parcel in parcels}
    if len(companies) == 1:
        tracking["company"] = companies.pop()
    if all(parcel.tracking_url for parcel in parcels):
        tracking["urls"] = [parcel.tracking_url for parcel in parcels]
    return tracking


def _shares(lines: Lines, wanted: Counter[str]) -> list[dict[str, object]]:
    """Exactly the wanted pieces, out of one fulfilment order if one has them all.

    Shopify makes one fulfilment only of fulfilment orders at the same location.

    Raises:
        Refused: `not_fulfillable`: Shopify has not so many pieces open.
    """
    for made in lines:
        shares, missing = _taken({made: lines[made]}, wanted)
        if not missing:
            return shares
    shares, missing = _taken(lines, wanted)
    if missing:
        raise Refused(SYSTEM, "not_fulfillable", f"not open in Shopify: {dict(missing)}")
    return shares


def _taken(lines: Lines, wanted: Counter[str]) -> tuple[list[dict[str, object]], Counter[str]]:
    """Pieces of each fulfilment order, and what is missing of those wanted."""
    missing = Counter(wanted)
    shares: list[dict[str, object]] = []
    for made, open_lines in lines.items():
        taken = []
        for line in open_lines:
            quantity = min(missing[line.line_item.id], line.remaining_quantity)
            if quantity > 0:
                missing[line.line_item.id] -= quantity
                taken.append({"id": line.id, "quantity": quantity})
        if taken:
            shares.append({"fulfillmentOrderId": made, "fulfillmentOrderLineItems": taken})
    return shares, +missing
