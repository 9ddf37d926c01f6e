"""The order's money on its way in: taken once, before the first goods leave."""

from collections.abc import Awaitable, Callable

from activities.channel import ChannelActivities
from domain.ids import effect_key
from domain.orders import PaymentStatus
from domain.payments import Captured, CaptureDeclined, CaptureRequest
from domain.validation import HoldReason
from domain.waits import Owner
from workflows.outside import CHANNEL
from workflows.state import OrderState
from workflows.strand import Overtaken, Strand


class Till:
    """Takes an authorised payment; whoever is packed first pays for the whole order."""

    def __init__(self, state: OrderState) -> None:
        self._state = state
        self._captures = 1
        self._at_it = False

    async def take_payment(self, strand: Strand, may_go_on: Callable[[], Awaitable[None]]) -> None:
        """Capture what is authorised, unless that was done or another fulfilment is at it."""
        while self._state.payment is PaymentStatus.AUTHORISED and not self._state.captured:
            await may_go_on()
            if self._at_it:
                await strand.until(lambda: not self._at_it, Owner.CHANNEL, "capture")
                continue
            self._at_it = True
            try:
                await self._capture(strand)
            finally:
                self._at_it = False

    async def _capture(self, strand: Strand) -> None:
        try:
            answer = await strand.attempt(
                ChannelActivities.capture,
                CaptureRequest(
                    order_id=self._state.order.order_id,
                    key=effect_key(self._state.order.order_id, "capture", self._captures),
                    channel=self._state.order.channel,
                ),
                CHANNEL,
                summary="capture the payment",
                overtaken=self._paid_while_refused(strand),
            )
        except Overtaken:
            return
        match answer:
            case Captured(amount=amount, ref=ref):
                self._state.book("captured", amount, ref)
            case CaptureDeclined(reason=reason):
                # only a refused deed is another deed: an unheard one keeps its key
                self._captures += 1
                await self._until_payable(strand, reason)

    def _paid_while_refused(self, strand: Strand) -> Callable[[], bool]:
        """Our capture in flight makes the channel say `paid` too: that must not stop it."""
        return lambda: bool(strand.attention) and self._state.payment is PaymentStatus.PAID

    async def _until_payable(self, strand: Strand, reason: str) -> None:
        """The customer must mend the payment at the channel; `retry` asks for the money again."""
        self._state.hold_for_system(HoldReason.PAYMENT, (f"payment: {reason}",))
        try:
            await strand.until_or_retry(
                lambda: (
                    HoldReason.PAYMENT not in self._state.holds
                    or self._state.payment is PaymentStatus.PAID
                ),
                Owner.CUSTOMER,
                "hold:payment",
            )
        finally:
            # also where the wait makes way: whoever comes back asks for the money anew
            self._state.lift(HoldReason.PAYMENT)
