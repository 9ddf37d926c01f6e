"""Activities at the channel that sold the order: its money, and what it must be told."""

from collections.abc import Mapping

from temporalio import activity

from domain.errors import Refused
from domain.fulfilments import ShippedNotice, Told
from domain.payments import (
    CancelRequest,
    Captured,
    CaptureDeclined,
    CaptureRequest,
    ChannelCancelled,
    Refunded,
    RefundRequest,
)
from domain.ports import Channel, OrderBook


class ChannelActivities:
    """`channels` has the channel of each channel id."""

    def __init__(self, channels: Mapping[str, Channel], book: OrderBook) -> None:
        self._channels = channels
        self._book = book

    @activity.defn(name="capture")
    async def capture(self, request: CaptureRequest) -> Captured | CaptureDeclined:
        return await self._of(request.channel).capture(
            request, await self._book.load(request.order_id)
        )

    @activity.defn(name="tell_shipped")
    async def tell_shipped(self, notice: ShippedNotice) -> Told:
        return await self._of(notice.channel).tell_shipped(
            notice, await self._book.load(notice.order_id)
        )

    @activity.defn(name="cancel_at_channel")
    async def cancel(self, request: CancelRequest) -> ChannelCancelled:
        return await self._of(request.channel).cancel(
            request, await self._book.load(request.order_id)
        )

    @activity.defn(name="refund")
    async def refund(self, request: RefundRequest) -> Refunded:
        return await self._of(request.channel).refund(
            request, await self._book.load(request.order_id)
        )

    def _of(self, channel: str) -> Channel:
        try:
            return self._channels[channel]
        except KeyError:
            raise Refused("channel", "not_configured", channel) from None
