"""Gets an order's money in Shopify, and gives it back where the whole order is cancelled."""

import asyncio
from collections.abc import Awaitable, Callable

from adapters.channels.shopify.graphql import SYSTEM, Graphql, UserError
from adapters.channels.shopify.operations import CANCEL, CANCELLATION, CAPTURE, PAYMENT
from adapters.channels.shopify.wire import (
    CancelAnswer,
    CancellationAnswer,
    CancelledOrder,
    CaptureAnswer,
    PaidOrder,
    PaymentAnswer,
    Transaction,
)
from adapters.http import short_code
from domain.errors import Refused, Unavailable
from domain.money import Money
from domain.payments import Captured, CaptureDeclined, ChannelCancelled

STAFF_NOTE_LIMIT = 255
Started = Callable[[str], Awaitable[None]]
"""Keeps the id of a job that was started."""

_POLL_FIRST_S, _POLL_LAST_S = 0.2, 2.0
_REASONS = {
    "customer": "CUSTOMER",
    "requested": "CUSTOMER",
    "declined": "DECLINED",
    "payment": "DECLINED",
    "fraud": "FRAUD",
    "inventory": "INVENTORY",
    "stock": "INVENTORY",
    "staff": "STAFF",
}


async def paid_order(graphql: Graphql, order_gid: str, until: float | None) -> PaidOrder:
    """The order's transactions and whether it is cancelled.

    Raises:
        Refused: `order_not_found`.
    """
    answer = await graphql.ask(PAYMENT, PaymentAnswer, until=until, id=order_gid)
    if answer.order is None:
        raise Refused(SYSTEM, "order_not_found")
    return answer.order


def refused(errors: tuple[UserError, ...]) -> Refused:
    return Refused(SYSTEM, errors[0].short(), "; ".join(error.message for error in errors))


class Payments:
    """Captures what is authorised, once, and cancels orders."""

    def __init__(self, graphql: Graphql) -> None:
        self._graphql = graphql

    async def find_captured(self, order_gid: str, until: float | None) -> Captured | None:
        return _captured(await paid_order(self._graphql, order_gid, until))

    async def capture(self, order_gid: str, until: float) -> Captured | CaptureDeclined:
        """Capture every authorisation that is still open, each in full.

        https://shopify.dev/docs/api/admin-graphql/2026-07/mutations/orderCapture
        """
        order = await paid_order(self._graphql, order_gid, until)
        found = _captured(order)
        if found is not None:
            return found
        opened = _open_authorisations(order)
        if not opened:
            reason = "order_cancelled" if order.cancelled_at else "no_authorisation"
            return CaptureDeclined(reason=reason)
        made = order.taken()
        for authorisation in opened:
            answer = await self._capture(order_gid, authorisation, until)
            if isinstance(answer, CaptureDeclined):
                return answer
            made.append(answer)
        return _sum_of(made)

    async def _capture(
        self, order_gid: str, authorisation: Transaction, until: float
    ) -> Transaction | CaptureDeclined:
        amount = _outstanding(authorisation)
        asked = {
            "id": order_gid,
            "parentTransactionId": authorisation.id,
            "amount": amount.decimal(),
            "currency": amount.currency,
        }
        answer = await self._graphql.tell(CAPTURE, CaptureAnswer, until=until, input=asked)
        errors = answer.order_capture.user_errors
        if errors:
            # An error about a field is ours; one about none is what the gateway said.
            if any(error.field for error in errors if error.field != ("base",)):
                raise refused(errors)
            return CaptureDeclined(reason=short_code(errors[0].code or "") or "declined")
        made = answer.order_capture.transaction
        if made is None or made.undecided:
            raise Unavailable(SYSTEM, "capture_pending", fate_unknown=True)
        if not made.succeeded:
            return CaptureDeclined(reason=short_code(made.error_code or "") or "declined")
        return made

    async def find_cancelled(
        self, order_gid: str, job_gid: str | None, until: float | None = None
    ) -> ChannelCancelled | None:
        """The cancellation, if it is done; `job_gid` is Shopify's job for it, if one was started.

        Raises:
            Unavailable: `cancel_pending`: the job is not over.
        """
        if job_gid is None:
            return _cancelled(order_gid, await paid_order(self._graphql, order_gid, until))
        answer = await self._look_at_job(order_gid, job_gid, until)
        found = _cancelled(order_gid, answer.order)
        if found is None and answer.job is not None and not answer.job.done:
            raise Unavailable(SYSTEM, "cancel_pending", fate_unknown=True)
        return found

    async def cancel(
        self, order_gid: str, reason: str, note: str, started: Started, until: float
    ) -> ChannelCancelled:
        """Cancel, refund what was captured, release what was not, and tell the customer.

        Shopify does it in a job of its own, whose id goes to `started`; we look until it is over.
        https://shopify.dev/docs/api/admin-graphql/2026-07/mutations/orderCancel
        """
        found = await self.find_cancelled(order_gid, None, until)
        if found is not None:
            return found
        answer = await self._graphql.tell(
            CANCEL,
            CancelAnswer,
            until=until,
            orderId=order_gid,
            reason=_REASONS.get(reason, "OTHER"),
            staffNote=note[:STAFF_NOTE_LIMIT],
        )
        said = answer.order_cancel
        if said.order_cancel_user_errors:
            found = await self.find_cancelled(order_gid, None, until)  # somebody was faster
            if found is not None:
                return found
            raise refused(said.order_cancel_user_errors)
        if said.job is None:
            raise Unavailable(SYSTEM, "unreadable_answer", fate_unknown=True)
        await started(said.job.id)
        return await self._wait_cancelled(order_gid, said.job.id, until)

    async def _wait_cancelled(self, order_gid: str, job_gid: str, until: float) -> ChannelCancelled:
        pause_s, was_over = _POLL_FIRST_S, False
        while True:
            answer = await self._look_at_job(order_gid, job_gid, until)
            found = _cancelled(order_gid, answer.order)
            if found is not None:
                return found
            if was_over:
                raise Refused(SYSTEM, "cancel_failed")
            # One more look after the job's end, lest the order was read just before it.
            was_over = answer.job is None or answer.job.done
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _POLL_LAST_S)

    async def _look_at_job(
        self, order_gid: str, job_gid: str, until: float | None
    ) -> CancellationAnswer:
        """Look; where that fails, the cancellation that was asked for goes on without us."""
        try:
            return await self._graphql.ask(
                CANCELLATION, CancellationAnswer, until=until, id=order_gid, job=job_gid
            )
        except Unavailable as error:
            error.fate_unknown = True
            raise


def _captured(order: PaidOrder) -> Captured | None:
    """All the money is there; None if an authorisation is still open.

    Raises:
        Unavailable: a capture is under way.
    """
    if any(made.kind == "CAPTURE" and made.undecided for made in order.transactions):
        raise Unavailable(SYSTEM, "capture_pending", fate_unknown=True)
    taken = order.taken()
    return _sum_of(taken) if taken and not _open_authorisations(order) else None


def _open_authorisations(order: PaidOrder) -> list[Transaction]:
    """Those of which nothing was captured yet and which are not void."""
    return [
        made
        for made in order.transactions
        if made.kind == "AUTHORIZATION"
        and made.succeeded
        and _outstanding(made).amount_minor > 0
        and not any(child.succeeded for child in order.children(made, "CAPTURE", "VOID"))
    ]


def _outstanding(authorisation: Transaction) -> Money:
    """What may be captured, in the currency that the customer pays."""
    return (authorisation.total_unsettled_set or authorisation.amount_set).presentment


def _sum_of(made: list[Transaction]) -> Captured:
    amounts = [transaction.amount_set.shop for transaction in made]
    return Captured(
        amount=Money.sum(amounts, amounts[0].currency),
        ref=",".join(transaction.id for transaction in made),
    )


def _cancelled(order_gid: str, order: PaidOrder | CancelledOrder | None) -> ChannelCancelled | None:
    if order is None or order.cancelled_at is None:
        return None
    refunded = order.total_refunded_set.shop
    return ChannelCancelled(refunded=refunded if refunded.amount_minor else None, ref=order_gid)
