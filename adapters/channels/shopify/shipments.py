"""Tells Shopify which lines of an order left, and in which parcels."""

import json
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

from adapters.channels.shopify.fulfilment_orders import (
    OPEN,
    UNSENT,
    shares,
    shipped_order,
    unsent,
)
from adapters.channels.shopify.graphql import SYSTEM, Graphql
from adapters.channels.shopify.operations import FULFIL, FULFILLED_LINES
from adapters.channels.shopify.payments import refused
from adapters.channels.shopify.wire import (
    FulfilAnswer,
    FulfilledLinesAnswer,
    ShippedOrder,
)
from domain.errors import Unavailable
from domain.fulfilments import ShippedNotice, ShippedParcel, Told

_FAILED = frozenset({"CANCELLED", "ERROR", "FAILURE"})

Note = Callable[[str], Awaitable[None]]
"""Keeps a text for the next attempt, before the decisive call."""


class Shipments:
    """One fulfilment in Shopify for each of ours, known by its tracking numbers.

    One without numbers is known by being new: an attempt notes which such fulfilments of the
    same pieces there are, and a repeat finds one more. Where staff made that one, the pieces are
    told as well. The one mistake left is not to tell: two shares of the very same pieces, both
    without a label, at the same time, and the call of one never reached Shopify.
    """

    def __init__(self, graphql: Graphql) -> None:
        self._graphql = graphql

    async def find(
        self, order_gid: str, notice: ShippedNotice, noted: str | None, until: float | None
    ) -> Told | None:
        """What an earlier attempt made; `noted` is what it noted, None if it never called."""
        order = await shipped_order(self._graphql, order_gid, until)
        if notice.parcels or noted is None:
            return _told(order, notice)
        before = json.loads(noted)
        made = await self._without_numbers(order, notice, until)
        return next((Told(ref=one) for one in made if one not in before), None)

    async def tell(self, order_gid: str, notice: ShippedNotice, note: Note, until: float) -> Told:
        """Fulfil exactly these pieces and tell the customer; what staff did by hand is done.

        https://shopify.dev/docs/api/admin-graphql/2026-07/mutations/fulfillmentCreate
        """
        order = await shipped_order(self._graphql, order_gid, until)
        found = _told(order, notice)
        if found is not None:
            return found
        wanted = _wanted(notice)
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
        else:
            await note(json.dumps(await self._without_numbers(order, notice, until)))
        answer = await self._graphql.tell(FULFIL, FulfilAnswer, until=until, fulfillment=asked)
        said = answer.fulfillment_create
        if said.user_errors:
            raise refused(said.user_errors)
        if said.fulfillment is None:
            raise Unavailable(SYSTEM, "unreadable_answer", fate_unknown=True)
        return Told(ref=said.fulfillment.id)

    async def _without_numbers(
        self, order: ShippedOrder, notice: ShippedNotice, until: float | None
    ) -> list[str]:
        """The fulfilments of exactly these pieces that bear no tracking number."""
        wanted = _wanted(notice)
        return [
            made.id
            for made in order.fulfillments
            if made.status not in _FAILED and not made.numbers
            if await self._pieces(made.id, until) == wanted
        ]

    async def _pieces(self, fulfilment_gid: str, until: float | None) -> Counter[str]:
        pieces: Counter[str] = Counter()
        after: str | None = None
        while True:
            answer = await self._graphql.ask(
                FULFILLED_LINES, FulfilledLinesAnswer, until=until, id=fulfilment_gid, after=after
            )
            if answer.fulfillment is None:
                return pieces
            page = answer.fulfillment.fulfillment_line_items
            for line in page.nodes:
                pieces[line.line_item.id] += line.quantity or 0
            after = page.page_info.next(after)
            if after is None:
                return pieces


def _wanted(notice: ShippedNotice) -> Counter[str]:
    wanted: Counter[str] = Counter()
    for line in notice.lines:
        wanted[f"gid://shopify/LineItem/{line.line_id}"] += line.quantity
    return wanted


def _told(order: ShippedOrder, notice: ShippedNotice) -> Told | None:
    """Any of our numbers says that it is ours: a number is of one fulfilment alone."""
    ours = {parcel.tracking_number for parcel in notice.parcels}
    for made in order.fulfillments:
        if made.status not in _FAILED and ours & made.numbers:
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
