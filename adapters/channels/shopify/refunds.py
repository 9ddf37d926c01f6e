"""Gives a customer the money for returned pieces back through Shopify."""

from collections import Counter

from adapters.channels.shopify.fulfilment_orders import (
    UNSENT,
    refund_lines,
    shipped_order,
    unsent,
)
from adapters.channels.shopify.graphql import SYSTEM, Graphql
from adapters.channels.shopify.operations import REFUND, REFUND_LINES, REFUNDS
from adapters.channels.shopify.payments import paid_order, refused
from adapters.channels.shopify.wire import (
    PaidOrder,
    Refund,
    RefundAnswer,
    RefundedLine,
    RefundLinesAnswer,
    RefundsAnswer,
    RefundWithLines,
)
from domain.errors import Refused, Unavailable
from domain.money import Money
from domain.orders import Order
from domain.payments import Refunded, RefundLine, RefundRequest
from domain.refunds import NotRefundable, in_presentment, refund_share, still_due

_LINE_GID = "gid://shopify/LineItem/"
_IN_PROGRESS = "currently in progress"
"""How Shopify says that it still works on the same key; its refund errors carry no code."""


class Refunds:
    """One refund in Shopify for each of ours, known by the key in its note."""

    def __init__(self, graphql: Graphql) -> None:
        self._graphql = graphql

    async def find(self, order_gid: str, key: str, until: float | None) -> Refunded | None:
        return _ours(await self._refunds(order_gid, until), key)

    async def refund(
        self, order_gid: str, request: RefundRequest, order: Order, until: float
    ) -> Refunded:
        """Refund what the pieces cost and tell the customer; nothing that left is restocked.

        What never left is cancelled, so that Shopify no longer waits for it. Pieces that staff
        refunded by hand are done.

        https://shopify.dev/docs/api/admin-graphql/2026-07/mutations/refundCreate
        """
        refunds = await self._refunds(order_gid, until)
        found = _ours(refunds, request.key)
        if found is not None:
            return found
        before = await self._pieces(refunds, order, until)
        asked_for = request.lines
        request = request.model_copy(update={"lines": still_due(order, asked_for, before)})
        already = _count(asked_for) - _count(request.lines)
        amount = _amount(request, order, before)
        if not request.lines:
            return Refunded(amount=amount, ref="", already=already)
        lines = await self._lines(order_gid, request, until)
        paid = await paid_order(self._graphql, order_gid, until)
        asked = {
            "orderId": order_gid,
            "note": _note(request),
            "notify": True,
            "currency": amount.currency,
            "refundLineItems": lines,
            "transactions": _shares(paid, order_gid, amount),
        }
        answer = await self._graphql.tell(
            REFUND, RefundAnswer, until=until, input=asked, key=request.key
        )
        said = answer.refund_create
        if any(_IN_PROGRESS in error.message for error in said.user_errors):
            raise Unavailable(SYSTEM, "in_progress", fate_unknown=True)
        if said.user_errors:
            raise refused(said.user_errors)
        if said.refund is None:
            raise Unavailable(SYSTEM, "unreadable_answer", fate_unknown=True)
        return _refunded(said.refund).model_copy(update={"already": already})

    async def _lines(
        self, order_gid: str, request: RefundRequest, until: float
    ) -> list[dict[str, object]]:
        wanted: Counter[str] = Counter()
        for line in request.lines:
            wanted[f"{_LINE_GID}{line.line_id}"] += line.quantity
        if request.return_id:
            return refund_lines((), wanted)
        order = await shipped_order(self._graphql, order_gid, until)
        return refund_lines(await unsent(self._graphql, order, UNSENT, until), wanted)

    async def _refunds(self, order_gid: str, until: float | None) -> tuple[RefundWithLines, ...]:
        answer = await self._graphql.ask(REFUNDS, RefundsAnswer, until=until, id=order_gid)
        if answer.order is None:
            raise Refused(SYSTEM, "order_not_found")
        return answer.order.refunds

    async def _pieces(
        self, refunds: tuple[RefundWithLines, ...], order: Order, until: float
    ) -> dict[str, int]:
        """How many pieces of our lines were refunded already, by whomever."""
        pieces: Counter[str] = Counter()
        for refund in refunds:
            lines: list[RefundedLine] = list(refund.refund_line_items.nodes)
            if refund.refund_line_items.page_info.has_next_page:
                lines = await self._all_lines(refund.id, until)
            for line in lines:
                pieces[line.line_item.id.removeprefix(_LINE_GID)] += line.quantity
        return {
            line.line_id: min(pieces[line.line_id], line.quantity)
            for line in order.lines
            if pieces[line.line_id] > 0
        }

    async def _all_lines(self, refund_gid: str, until: float) -> list[RefundedLine]:
        found: list[RefundedLine] = []
        after: str | None = None
        while True:
            answer = await self._graphql.ask(
                REFUND_LINES, RefundLinesAnswer, until=until, id=refund_gid, after=after
            )
            if answer.refund is None:
                return found
            page = answer.refund.refund_line_items
            found += page.nodes
            after = page.page_info.end_cursor
            if not page.page_info.has_next_page:
                return found


def _count(lines: tuple[RefundLine, ...]) -> int:
    return sum(line.quantity for line in lines)


def _note(request: RefundRequest) -> str:
    what = f"Return {request.return_id}" if request.return_id else "Cancelled"
    return f"{what} {_mark(request.key)}"


def _mark(key: str) -> str:
    return f"[{key}]"


def _ours(refunds: tuple[RefundWithLines, ...], key: str) -> Refunded | None:
    made = (refund for refund in refunds if (refund.note or "").endswith(_mark(key)))
    return next((_refunded(refund) for refund in made), None)


def _refunded(refund: Refund) -> Refunded:
    return Refunded(amount=refund.total_refunded_set.shop, ref=refund.id)


def _amount(request: RefundRequest, order: Order, before: dict[str, int]) -> Money:
    """What is due for the pieces, in the currency that the customer paid."""
    try:
        share = refund_share(order, request.lines, before)
    except NotRefundable as error:
        raise Refused(SYSTEM, error.reason, str(error)) from error
    gone = [RefundLine(line_id=line_id, quantity=count) for line_id, count in before.items()]
    return in_presentment(order, share, refund_share(order, gone, {}))


def _shares(paid: PaidOrder, order_gid: str, amount: Money) -> list[dict[str, str]]:
    """Take the amount from the order's captures and sales, oldest first.

    Raises:
        Refused: `more_than_captured`.
    """
    shares: list[dict[str, str]] = []
    due = amount
    for taken in paid.taken():
        given_back = (
            made.amount_set.presentment
            for made in paid.children(taken, "REFUND")
            if made.succeeded or made.undecided
        )
        left = taken.amount_set.presentment - Money.sum(given_back, amount.currency)
        part = min(due, left)
        if part.amount_minor > 0:
            due -= part
            shares.append(
                {
                    "orderId": order_gid,
                    "parentId": taken.id,
                    "amount": part.decimal(),
                    "gateway": taken.gateway or "",
                    "kind": "REFUND",
                }
            )
    if due.amount_minor > 0:
        raise Refused(SYSTEM, "more_than_captured", f"{due} of {amount} cannot be refunded")
    return shares
