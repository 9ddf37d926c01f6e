"""The channel of orders that come through our own API: nobody outside holds their money.

What the other side of the API has authorised is taken as captured, refunded or let go when we say
so; the order's money ledger and journal are where that side reads it.
"""

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
from domain.refunds import refund_share
from storage.returns import Returns


class DirectChannel:
    """Implements `domain.ports.Channel`; the keys themselves are the references."""

    def __init__(self, returns: Returns) -> None:
        self._returns = returns

    async def capture(self, request: CaptureRequest, order: Order) -> Captured | CaptureDeclined:
        return Captured(amount=_worth(order), ref=request.key)

    async def tell_shipped(self, notice: ShippedNotice, order: Order) -> Told:  # noqa: ARG002 - the port's shape
        return Told(ref=notice.key)

    async def cancel(self, request: CancelRequest, order: Order) -> ChannelCancelled:
        paid = _worth(order) if order.payment is PaymentStatus.PAID else None
        return ChannelCancelled(refunded=request.captured or paid, ref=request.key)

    async def refund(self, request: RefundRequest, order: Order) -> Refunded:
        before = await self._returns.refunded_pieces(request.order_id, besides=request.return_id)
        return Refunded(amount=refund_share(order, request.lines, before), ref=request.key)

    async def fetch(self, channel_order_id: str) -> Order | None:  # noqa: ARG002 - the port's shape
        """Nobody else has the order."""
        return None

    async def all_sent(self, channel_order_id: str) -> bool:  # noqa: ARG002 - the port's shape
        """Nobody else sends it."""
        return False


def _worth(order: Order) -> Money:
    """What its customer pays: of a total below zero that somebody let pass, nothing."""
    total = order.totals.total
    return max(total, Money.zero(total.currency))
