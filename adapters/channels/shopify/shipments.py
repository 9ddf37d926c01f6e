"""Tells Shopify which lines of an order left, and in which parcels."""

from collections import Counter
from collections.abc import Sequence

from adapters.channels.shopify.fulfilment_orders import (
    OPEN,
    UNSENT,
    shares,
    shipped_order,
    unsent,
)
from adapters.channels.shopify.graphql import SYSTEM, Graphql
from adapters.channels.shopify.operations import FULFIL
from adapters.channels.shopify.payments import refused
from adapters.channels.shopify.wire import FulfilAnswer, ShippedOrder
from domain.errors import Unavailable
from domain.fulfilments import ShippedNotice, ShippedParcel, Told

_FAILED = frozenset({"CANCELLED", "ERROR", "FAILURE"})


class Shipments:
    """One fulfilment in Shopify for each of ours, known by its tracking numbers."""

    def __init__(self, graphql: Graphql) -> None:
        self._graphql = graphql

    async def find(self, order_gid: str, notice: ShippedNotice, until: float | None) -> Told | None:
        return _told(await shipped_order(self._graphql, order_gid, until), notice)

    async def tell(self, order_gid: str, notice: ShippedNotice, until: float) -> Told:
        """Fulfil exactly these pieces and tell the customer; what staff did by hand is done.

        https://shopify.dev/docs/api/admin-graphql/2026-07/mutations/fulfillmentCreate
        """
        order = await shipped_order(self._graphql, order_gid, until)
        found = _told(order, notice)
        if found is not None:
            return found
        wanted: Counter[str] = Counter()
        for line in notice.lines:
            wanted[f"gid://shopify/LineItem/{line.line_id}"] += line.quantity
        wanting = await unsent(self._graphql, order, UNSENT, until)
        known = bool(order.fulfillment_orders.nodes)
        if known and not any(n.line_item.id in wanted for one in wanting for n in one.lines):
            return Told(ref=order_gid, already=True)
        asked: dict[str, object] = {
            "lineItemsByFulfillmentOrder": shares([o for o in wanting if o.status in OPEN], wanted),
            "notifyCustomer": True,
        }
        if notice.parcels:
            asked["trackingInfo"] = _tracking(notice.parcels)
        answer = await self._graphql.tell(FULFIL, FulfilAnswer, until=until, fulfillment=asked)
        said = answer.fulfillment_create
        if said.user_errors:
            raise refused(said.user_errors)
        if said.fulfillment is None:
            raise Unavailable(SYSTEM, "unreadable_answer", fate_unknown=True)
        return Told(ref=said.fulfillment.id)


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
