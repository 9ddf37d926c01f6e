"""The port `Channel` on Shopify's GraphQL Admin API: each deed once, by our key."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from pydantic import TypeAdapter

from adapters.channels.reading import Unreadable
from adapters.channels.shopify.fetched import to_order_from_graphql
from adapters.channels.shopify.graphql import PATIENCE_S, SYSTEM, Graphql
from adapters.channels.shopify.operations import ORDER, SENT
from adapters.channels.shopify.payments import Payments
from adapters.channels.shopify.refunds import Refunds
from adapters.channels.shopify.shipments import Shipments
from adapters.channels.shopify.wire import FetchedAnswer, SentAnswer
from adapters.http import OutsideHttp
from domain.errors import Refused
from domain.fulfilments import ShippedNotice, Told
from domain.money import Money
from domain.orders import Order, PaymentStatus
from domain.payments import (
    CancelRequest,
    Captured,
    CaptureDeclined,
    CaptureRequest,
    ChannelCancelled,
    Refunded,
    RefundRequest,
)
from storage.effects import Begun, Effects

API_VERSION = "2026-07"
CALLS_A_DEED = 3
"""It looks twice and acts. More pages, more fulfilment orders and Shopify's own jobs must fit into
the same time, which whoever tries again after a lost answer waits for."""
CALLS_A_REFUND = 6
"""Of what is not sent, at another currency: it asks for the refunds, the order to be sent, what
remains of that, and the payment, acts, and asks for the refunds again."""
CALLS_A_LOOK = 2
"""For a refund: the refunds, and the payment."""
TRY_S = 170.0
"""An activity may take 180 s (workflows/outside.py); the rest is for our own rows."""

_CAPTURE: TypeAdapter[Captured | CaptureDeclined] = TypeAdapter(Captured | CaptureDeclined)
_TOLD: TypeAdapter[Told] = TypeAdapter(Told)
_CANCELLED: TypeAdapter[ChannelCancelled] = TypeAdapter(ChannelCancelled)
_REFUNDED: TypeAdapter[Refunded] = TypeAdapter(Refunded)


def shopify_http(base_url: str, token: str, *, call_s: float) -> OutsideHttp:
    """Speak to the shop at `base_url`, which is without the path (https://x.myshopify.com)."""
    return OutsideHttp(
        SYSTEM,
        f"{base_url.rstrip('/')}/admin/api/{API_VERSION}/",
        call_s=call_s,
        explain=_explain,
        headers={"X-Shopify-Access-Token": token},
    )


def _explain(content: object) -> tuple[str, str]:
    """Errors outside of GraphQL are a text or a list; they have no codes."""
    return "", str(content.get("errors", "")) if isinstance(content, dict) else ""


def _deed_s(calls: int, call_s: float) -> float:
    """Time for so many calls; less, where a repeat would outlive its activity.

    A repeat waits for as long as a deed takes, looks, and acts.
    """
    look_s = CALLS_A_LOOK * (call_s + PATIENCE_S)
    return min(calls * call_s, (TRY_S - look_s) / 2)


class ShopifyChannel:
    """The port `Channel` for the shop that `http` speaks to (see `shopify_http`).

    Shopify takes a key for refunds only. So every deed is looked for before it is done, by what
    only it leaves behind: a capture of the authorisation, a fulfilment with the tracking number
    (without a number, a new one of just these pieces), the order's cancellation, a refund whose
    note ends with our key. `channel` is our id of the shop. One deed may take `deed_s`, a refund
    `refund_s`, and a repeat twice that and a look.
    """

    def __init__(self, http: OutsideHttp, effects: Effects, channel: str) -> None:
        graphql = Graphql(http)
        self.deed_s = _deed_s(CALLS_A_DEED, http.call_s)
        self.refund_s = _deed_s(CALLS_A_REFUND, http.call_s)
        self._graphql = graphql
        self._effects = effects
        self._channel = channel
        self._payments = Payments(graphql)
        self._shipments = Shipments(graphql)
        self._refunds = Refunds(graphql)

    async def capture(self, request: CaptureRequest, order: Order) -> Captured | CaptureDeclined:
        gid = _gid(order.channel_order_id)

        async def act(begun: Begun) -> Captured | CaptureDeclined:
            return await self._payments.capture(gid, begun.until)

        async def look(_begun: Begun) -> Captured | CaptureDeclined | None:
            return await self._payments.find_captured(gid, None)

        return await self._effects.once(
            request.key, SYSTEM, call_s=self.deed_s, act=act, look=look, model=_CAPTURE
        )

    async def tell_shipped(self, notice: ShippedNotice, order: Order) -> Told:
        gid = _gid(order.channel_order_id)

        async def act(begun: Begun) -> Told:
            note = partial(self._effects.note_ref, begun.key, begun.fence)
            return await self._shipments.tell(gid, notice, note, begun.until)

        async def look(begun: Begun) -> Told | None:
            return await self._shipments.find(gid, notice, begun.outside_ref, None)

        return await self._effects.once(
            notice.key, SYSTEM, call_s=self.deed_s, act=act, look=look, model=_TOLD
        )

    async def cancel(self, request: CancelRequest, order: Order) -> ChannelCancelled:
        gid = _gid(order.channel_order_id)

        async def act(begun: Begun) -> ChannelCancelled:
            note = f"{request.reason} [{request.key}]"
            started = partial(self._effects.note_ref, begun.key, begun.fence)
            return await self._payments.cancel(gid, request.reason, note, started, begun.until)

        async def look(begun: Begun) -> ChannelCancelled | None:
            return await self._payments.find_cancelled(gid, begun.outside_ref)

        answer = await self._effects.once(
            request.key, SYSTEM, call_s=self.deed_s, act=act, look=look, model=_CANCELLED
        )
        ours = _ours(answer.refunded, request, order)
        more = ours is not None and answer.refunded is not None and answer.refunded > ours
        given = answer.refunded if more else None
        return answer.model_copy(update={"refunded": ours, "given": given})

    async def refund(self, request: RefundRequest, order: Order) -> Refunded:
        gid = _gid(order.channel_order_id)

        async def act(begun: Begun) -> Refunded:
            return await self._refunds.refund(gid, request, order, begun.until)

        async def look(_begun: Begun) -> Refunded | None:
            return await self._refunds.find(gid, request, order, None)

        return await self._effects.once(
            request.key, SYSTEM, call_s=self.refund_s, act=act, look=look, model=_REFUNDED
        )

    async def fetch(self, channel_order_id: str) -> Order | None:
        """Ask for the order, page by page of its lines.

        https://shopify.dev/docs/api/admin-graphql/2026-07/queries/order
        """
        if not (channel_order_id.isascii() and channel_order_id.isdigit()):
            return None
        lines: list[Mapping[str, Any]] = []
        after: str | None = None
        while True:
            answer = await self._graphql.ask(
                ORDER, FetchedAnswer, until=None, id=_gid(channel_order_id), after=after
            )
            if answer.order is None:
                return None
            page = answer.order.line_items
            lines += page.nodes
            after = page.page_info.next(after)
            if after is None:
                break
        try:
            return to_order_from_graphql(self._channel, answer.order.model_extra or {}, lines)
        except Unreadable as error:
            raise Refused(SYSTEM, "unreadable_order", str(error)) from error

    async def all_sent(self, channel_order_id: str) -> bool:
        """Ask how the shop shows it.

        https://shopify.dev/docs/api/admin-graphql/2026-07/enums/OrderDisplayFulfillmentStatus
        """
        if not (channel_order_id.isascii() and channel_order_id.isdigit()):
            return False
        answer = await self._graphql.ask(SENT, SentAnswer, until=None, id=_gid(channel_order_id))
        return answer.order is not None and answer.order.display_fulfillment_status == "FULFILLED"


def _ours(refunded: Money | None, request: CancelRequest, order: Order) -> Money | None:
    """What came back of the money in our books.

    Shopify gives back all that was paid, at the rate of the day, and also what was paid of a
    payment that we wait for: that was never captured by our books.
    """
    if refunded is None or (request.captured is None and order.payment is PaymentStatus.PENDING):
        return None
    if request.captured is None and order.payment is PaymentStatus.AUTHORISED:
        return refunded
    held = request.captured or order.paid_total or order.totals.total
    return max(min(refunded, held), Money.zero(refunded.currency))


def _gid(channel_order_id: str) -> str:
    return f"gid://shopify/Order/{channel_order_id}"
