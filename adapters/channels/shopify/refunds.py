"""Gives a customer the money for returned pieces back through Shopify."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

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
)
from domain.errors import Refused, Unavailable
from domain.money import Money
from domain.orders import Order
from domain.payments import Refunded, RefundLine, RefundRequest
from domain.refunds import NotRefundable, in_presentment, refund_share, still_due

_LINE_GID = "gid://shopify/LineItem/"
_IN_PROGRESS = "currently in progress"
"""How Shopify says that it still works on the same key; its refund errors carry no code."""
_OURS = re.compile(r"(?:Return \S+|Cancelled) \[\S+/\S+\]")
"""The notes that we write; staff made every other refund."""


@dataclass(frozen=True)
class _Made:
    """A refund in Shopify with all of its lines."""

    refund: Refund
    lines: tuple[RefundedLine, ...]

    @property
    def note(self) -> str:
        return self.refund.note or ""


class Refunds:
    """One refund in Shopify for each of ours, known by the key in its note."""

    def __init__(self, graphql: Graphql) -> None:
        self._graphql = graphql

    async def find(
        self, order_gid: str, request: RefundRequest, order: Order, until: float | None
    ) -> Refunded | None:
        made = await self._made(order_gid, until)
        return await self._found(order_gid, made, request, order, until)

    async def refund(
        self, order_gid: str, request: RefundRequest, order: Order, until: float
    ) -> Refunded:
        """Refund what the pieces cost and tell the customer; nothing that left is restocked.

        What never left is cancelled, so that Shopify no longer waits for it. Pieces that staff
        refunded by hand are done, as far as they can be told from others (see `_by_hand`).

        https://shopify.dev/docs/api/admin-graphql/2026-07/mutations/refundCreate
        """
        made = await self._made(order_gid, until)
        found = await self._found(order_gid, made, request, order, until)
        if found is not None:
            return found
        before = _pieces(made, order)
        due = still_due(order, request.lines, before, _by_hand(made, request))
        already = _count(request.lines) - _count(due)
        request = request.model_copy(update={"lines": due})
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
        refund = await self._give_back(asked, request.key, until)
        if amount.currency != order.totals.total.currency:
            made = await self._made_since(order_gid, until)
        return _refunded(refund, already, _room(paid, order, made, refund))

    async def _give_back(self, asked: dict[str, Any], key: str, until: float) -> Refund:
        """What Shopify answers to the one call that cannot be taken back."""
        answer = await self._graphql.tell(REFUND, RefundAnswer, until=until, input=asked, key=key)
        said = answer.refund_create
        if any(_IN_PROGRESS in error.message for error in said.user_errors):
            raise Unavailable(SYSTEM, "in_progress", fate_unknown=True)
        if said.user_errors:
            raise refused(said.user_errors)
        if said.refund is None:
            raise Unavailable(SYSTEM, "unreadable_answer", fate_unknown=True)
        return said.refund

    async def _made_since(self, order_gid: str, until: float) -> list[_Made]:
        """At another rate than ours, a refund of another return meanwhile leaves less room.

        Where looking fails, the refund is made all the same.
        """
        try:
            return await self._made(order_gid, until)
        except Unavailable as error:
            error.fate_unknown = True
            raise

    async def _found(
        self,
        order_gid: str,
        made: list[_Made],
        request: RefundRequest,
        order: Order,
        until: float | None,
    ) -> Refunded | None:
        """Our refund, if Shopify has it: what it lacks of the pieces had been refunded by hand."""
        mark = _mark(request.key)
        ours = next((one for one in made if one.note.endswith(mark)), None)
        if ours is None:
            return None
        given = sum(line.quantity for line in ours.lines)
        paid = await paid_order(self._graphql, order_gid, until)
        already = max(_count(request.lines) - given, 0)
        return _refunded(ours.refund, already, _room(paid, order, made, ours.refund))

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

    async def _made(self, order_gid: str, until: float | None) -> list[_Made]:
        answer = await self._graphql.ask(REFUNDS, RefundsAnswer, until=until, id=order_gid)
        if answer.order is None:
            raise Refused(SYSTEM, "order_not_found")
        made = []
        for refund in answer.order.refunds:
            lines = refund.refund_line_items.nodes
            if refund.refund_line_items.page_info.has_next_page:
                lines = await self._all_lines(refund.id, until)
            made.append(_Made(refund, lines))
        return made

    async def _all_lines(self, refund_gid: str, until: float | None) -> tuple[RefundedLine, ...]:
        found: list[RefundedLine] = []
        after: str | None = None
        while True:
            answer = await self._graphql.ask(
                REFUND_LINES, RefundLinesAnswer, until=until, id=refund_gid, after=after
            )
            if answer.refund is None:
                return tuple(found)
            page = answer.refund.refund_line_items
            found += page.nodes
            after = page.page_info.next(after)
            if after is None:
                return tuple(found)


def _count(lines: tuple[RefundLine, ...]) -> int:
    return sum(line.quantity for line in lines)


def _note(request: RefundRequest) -> str:
    what = f"Return {request.return_id}" if request.return_id else "Cancelled"
    return f"{what} {_mark(request.key)}"


def _mark(key: str) -> str:
    return f"[{key}]"


def _refunded(refund: Refund, already: int, room: Money) -> Refunded:
    """Shopify converts by the rate of the day: what it gave back may be more than it took.

    https://help.shopify.com/en/manual/international/pricing/refunds
    """
    said = refund.total_refunded_set.shop
    return Refunded(
        amount=min(said, room),
        ref=refund.id,
        already=already,
        given=said if said > room else None,
    )


def _room(paid: PaidOrder, order: Order, made: list[_Made], refund: Refund) -> Money:
    """What our books hold of the order's money beside our other refunds; staff's are not in them.

    They hold what we took of it, or what the order was worth when it came to us paid.
    """
    others = [one for one in made if one.refund.id != refund.id and _OURS.fullmatch(one.note)]
    worth = order.paid_total or order.totals.total
    taken = Money.sum((one.amount_set.shop for one in paid.taken()), worth.currency)
    given = (one.refund.total_refunded_set.shop for one in others)
    left = min(taken, worth) - Money.sum(given, worth.currency)
    return max(left, Money.zero(worth.currency))


def _pieces(made: list[_Made], order: Order) -> dict[str, int]:
    """How many pieces of our lines were refunded already, by whomever."""
    pieces = _by_line(line for one in made for line in one.lines)
    return {
        line.line_id: min(pieces[line.line_id], line.quantity)
        for line in order.lines
        if pieces[line.line_id] > 0
    }


def _by_hand(made: list[_Made], request: RefundRequest) -> Counter[str]:
    """Which of these very pieces staff refunded, as far as their refunds say so.

    What never left is what they cancelled. What came back is in a refund whose note names the
    return: any other may be for pieces that the customer keeps, or for another return.
    """
    staff = [one for one in made if not _OURS.fullmatch(one.note)]
    if request.return_id:
        named = re.compile(rf"(?<![\w-]){re.escape(request.return_id)}(?![\w-])")
        return _by_line(line for one in staff if named.search(one.note) for line in one.lines)
    lines = (line for one in staff for line in one.lines)
    return _by_line(line for line in lines if line.restock_type == "CANCEL")


def _by_line(lines: Iterable[RefundedLine]) -> Counter[str]:
    pieces: Counter[str] = Counter()
    for line in lines:
        pieces[line.line_item.id.removeprefix(_LINE_GID)] += line.quantity
    return pieces


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
        Refused: `more_than_captured`, or `paid_in_another_currency`: an order that did not say
            what its customer saw.
    """
    shares: list[dict[str, str]] = []
    due = amount
    for taken in paid.taken():
        paid_in = taken.amount_set.presentment.currency
        if paid_in != amount.currency:
            raise Refused(SYSTEM, "paid_in_another_currency", f"{amount}, of {paid_in}")
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
