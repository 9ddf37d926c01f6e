"""The order's money: taken once, before the first goods leave if they let us, and paid back."""

from collections.abc import Awaitable, Callable
from functools import partial

from activities.channel import ChannelActivities
from domain.ids import effect_key
from domain.orders import LineRef, PaymentStatus
from domain.payments import (
    CancelRequest,
    Captured,
    CaptureDeclined,
    CaptureRequest,
    RefundLine,
    RefundRequest,
)
from domain.records import PAID_AFTER_ALL, UNPAID, WRITTEN_OFF, HoldRecord
from domain.validation import HoldReason
from domain.verbs import BY_CHANNEL, Cancel
from domain.waits import Owner
from workflows.conduct import Conduct
from workflows.gate import Gate
from workflows.holds import RELEASED, hold_to_show, whom
from workflows.outside import CHANNEL
from workflows.parked import GO_ON
from workflows.refunds import outcome_of, pieces_of, tell_given
from workflows.state import OrderState
from workflows.strand import Overtaken, Strand

WRITE_OFF = "retry; or cancel it as unpaid, to go on without the money"
PAYABLE = "goes on by itself when the channel says that it is paid; retry asks for the money again"
CANCEL_FIRST = (
    "not_now: goods that are still here wait for the money too: cancel without unpaid first"
)
CHANNEL_FIRST = (
    "not_now: the channel must cancel first and give the money back; retry asks it again"
)
Declined = Callable[[Strand, str], Awaitable[None]]
"""What is done where the channel could not get the money, and why it could not."""


class Till:
    """Takes an authorised payment; whoever is packed first pays for the whole order."""

    def __init__(self, state: OrderState, conduct: Conduct) -> None:
        self._state = state
        self._conduct = conduct
        self._telling = conduct.telling
        self._captures = 1
        self._at_it: Strand | None = None
        self._collector: Strand | None = None
        self._written_off = False
        self.written_off_by = ""
        self.unpaid_returns: set[str] = set()
        """The returns that pay nothing back because there is nothing."""

    @property
    def owed(self) -> bool:
        """Whether money is authorised that was not taken, and that we still want."""
        authorised = self._state.payment is PaymentStatus.AUTHORISED
        return authorised and not self._state.captured and not self._written_off

    @property
    def lost(self) -> bool:
        """Whether the money was written off and has not come: nothing of it can be paid back."""
        return self._written_off and self._state.payment is not PaymentStatus.PAID

    @property
    def write_off_refusal(self) -> str:
        """Why no money may be written off; empty where goods left and the channel cannot get it."""
        if self.owed and self._collector is not None:
            if self._collector.retryable:
                return ""
            if self._at_it is not None and self._at_it.retryable:
                return CANCEL_FIRST
        return "nothing to write off: no money is waited for"

    def write_off(self, wanted: Cancel) -> None:
        """An operator knows that the money of what has left never comes."""
        self._written_off = True
        self.written_off_by = wanted.by
        self._telling.note(WRITTEN_OFF, verb=wanted)

    def hear_paid(self) -> None:
        """The channel has the money after all: what it paid for in vain somebody must give back."""
        pieces = sum(line.quantity for line in self._state.cancelled_lines)
        returns = len(self.unpaid_returns)
        if self._written_off and not self.lost and (pieces or returns):
            self._telling.note(PAID_AFTER_ALL, data={"pieces": pieces, "returns": returns})

    async def take_payment(self, strand: Strand, gate: Gate) -> None:
        """Capture what is authorised, unless that was done or another fulfilment is at it."""
        while self.owed:
            await gate.open()
            await self._in_turn(strand, self._until_payable, gate)

    def collect(self) -> None:
        """Of goods that left unpaid the money is taken beside all else, or written off."""
        if self.owed and self._collector is None:
            self._collector = self._conduct.strand(lambda: None)
            self._conduct.begin(self._collect(self._collector))

    async def _collect(self, strand: Strand) -> None:
        while self.owed:
            await self._in_turn(strand, self._until_collectable)
        strand.rest()

    async def _in_turn(self, strand: Strand, declined: Declined, gate: Gate | None = None) -> None:
        if self._at_it is not None:
            await strand.until(lambda: self._at_it is None, Owner.CHANNEL, "capture")
            return
        self._at_it = strand
        try:
            await self._capture(strand, declined, gate)
        finally:
            self._at_it = None

    async def _capture(self, strand: Strand, declined: Declined, gate: Gate | None) -> None:
        """A `gate` that shuts ends its turn; the next has the same key."""
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
                overtaken=partial(self._not_now, strand, gate),
                ways_on=WRITE_OFF if strand is self._collector else "",
            )
        except Overtaken:
            return
        match answer:
            case Captured(amount=amount, ref=ref):
                self._state.book("captured", amount, ref)
            case CaptureDeclined(reason=reason):
                # only a refused deed is another deed: an unheard one keeps its key
                self._captures += 1
                await declined(strand, reason)

    async def cancel(self, wanted: Cancel, strand: Strand) -> None:
        """Cancel at the channel, which lets go of the money, or gives back what was taken."""
        owes = self._state.payment is not PaymentStatus.PAID
        answer = await strand.attempt(
            ChannelActivities.cancel,
            CancelRequest(
                order_id=self._state.order.order_id,
                key=effect_key(self._state.order.order_id, "cancel"),
                channel=self._state.order.channel,
                reason=wanted.reason,
                captured=self._state.captured,
            ),
            CHANNEL,
            summary="cancel at the channel",
            interruptible=False,
            if_said_again=CHANNEL_FIRST,
        )
        if answer.refunded is not None:
            if self._state.payment is not PaymentStatus.PAID and not self._state.captured:
                # the capture's answer was lost: what came back had been taken
                self._state.book("captured", answer.refunded, "")
            self._state.book("refunded", answer.refunded, answer.ref)
        elif owes and self._state.payment is PaymentStatus.PAID and wanted.by != BY_CHANNEL:
            # paid between the channel's cancel and its answer, which knows nothing of it
            pieces = sum(line.quantity for line in self._state.order.lines)
            self._telling.note(PAID_AFTER_ALL, data={"pieces": pieces, "returns": 0})
        tell_given(answer.given, effect_key(self._state.order.order_id, "cancel"), self._telling)

    async def refund(self, lines: tuple[LineRef, ...], strand: Strand) -> None:
        """Pay back what will not be sent; an operator may go on without.

        Of money that was written off and never came there is nothing to pay back.
        """
        if self.lost:
            return
        request = RefundRequest(
            order_id=self._state.order.order_id,
            key=effect_key(self._state.order.order_id, "refund-rest"),
            channel=self._state.order.channel,
            lines=tuple(RefundLine(line_id=n.line_id, quantity=n.quantity) for n in lines),
        )
        refunding = strand.attempt(
            ChannelActivities.refund,
            request,
            CHANNEL,
            summary="refund what will not be sent",
            interruptible=False,
            if_said_again=GO_ON,
            ways_on="retry; or cancel again, to go on without it",
        )
        answer = await outcome_of(refunding, request, self._telling)
        if answer is not None and answer.already < pieces_of(request):
            self._state.book("refunded", answer.amount, answer.ref)

    def _not_now(self, strand: Strand, gate: Gate | None) -> bool:
        """Whether it is paid while parked, or held while not.

        Our capture in flight makes the channel say `paid` too: that must not stop it.
        """
        if strand.parked.attention:
            return not self.owed
        return gate is not None and gate.shut

    async def _until_payable(self, strand: Strand, reason: str) -> None:
        """The customer must mend the payment at the channel; `retry` asks for the money again."""
        self._state.hold_for_system(HoldReason.PAYMENT, (f"payment: {reason}",))
        retried = False
        try:
            while not retried and (hold := self._unpayable):
                retried = await strand.until_or_retry(
                    partial(self._presses_no_more, hold),
                    whom(hold),
                    f"hold:{hold.reason}",
                    since=hold.since,
                    next_action=PAYABLE if whom(hold) is Owner.CUSTOMER else RELEASED,
                )
        finally:
            # also where the wait makes way: whoever comes back asks for the money anew
            self._state.lift(HoldReason.PAYMENT)

    @property
    def _unpayable(self) -> HoldRecord | None:
        """The hold that presses most while the money cannot be got, an operator's perhaps."""
        payable = (
            HoldReason.PAYMENT not in self._state.holds or self._state.payment is PaymentStatus.PAID
        )
        return None if payable else hold_to_show(self._state.holds)

    def _presses_no_more(self, hold: HoldRecord) -> bool:
        return self._unpayable is not hold

    async def _until_collectable(self, strand: Strand, reason: str) -> None:
        """Nothing is left to hold: an operator gets the money, or gives it up."""
        self._telling.note(UNPAID, why=reason)
        await strand.until_or_retry(
            lambda: not self.owed,
            Owner.OPERATOR,
            UNPAID,
            next_action=f"goes on by itself when the channel says it is paid; or {WRITE_OFF}",
        )
