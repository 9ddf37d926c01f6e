"""What goes back to the customer for returned pieces: exact, and never more than they cost."""

from collections import Counter
from collections.abc import Iterable, Mapping

from domain.money import Money, apportion
from domain.orders import Order, OrderLine
from domain.payments import RefundLine


class NotRefundable(ValueError):
    """Pieces that the order does not have (any more); `line_id` and `reason` say which and why."""

    def __init__(self, line_id: str, reason: str) -> None:
        super().__init__(f"line {line_id}: {reason}")
        self.line_id = line_id
        self.reason = reason


def line_totals(order: Order) -> dict[str, Money]:
    """What the customer paid for each line, shipping and duties aside, never below zero.

    A discount on the whole order that its lines do not carry is spread over them by their value.
    """
    paid = [_paid(line, tax_included=order.totals.tax_included) for line in order.lines]
    carried = Money.sum((line.discount for line in order.lines), order.totals.total.currency)
    loose = order.totals.discounts - carried
    values = [max(amount.amount_minor, 0) for amount in paid]
    if loose.amount_minor <= 0 or not any(values):
        loose = Money.zero(loose.currency)
    shares = apportion(loose, values)
    zero = Money.zero(loose.currency)
    return {
        line.line_id: max(amount - share, zero)
        for line, amount, share in zip(order.lines, paid, shares, strict=True)
    }


def _paid(line: OrderLine, *, tax_included: bool) -> Money:
    net = line.unit_price * line.quantity - line.discount
    return net if tax_included else net + line.tax


def refund_share(order: Order, lines: Iterable[RefundLine], before: Mapping[str, int]) -> Money:
    """What these pieces cost, in the shop's currency; `before` counts the pieces refunded already.

    Each piece has its own fixed share of its line, so that returns one by one, in any grouping,
    sum to the line's total and never to more.

    Raises:
        NotRefundable: an unknown line, no piece at all, or more than the order has left.
    """
    totals = line_totals(order)
    by_id = {line.line_id: line for line in order.lines}
    wanted: Counter[str] = Counter()
    for returned in lines:
        if returned.line_id not in by_id:
            raise NotRefundable(returned.line_id, "unknown")
        if returned.quantity <= 0:
            raise NotRefundable(returned.line_id, "not_positive")
        wanted[returned.line_id] += returned.quantity
    amount = Money.zero(order.totals.total.currency)
    for line_id, quantity in wanted.items():
        line, gone = by_id[line_id], before.get(line_id, 0)
        if gone + quantity > line.quantity:
            raise NotRefundable(line_id, "more_than_left")
        pieces = apportion(totals[line_id], [1] * line.quantity)[gone : gone + quantity]
        amount += Money.sum(pieces, amount.currency)
    return amount


def still_due(
    order: Order,
    lines: Iterable[RefundLine],
    before: Mapping[str, int],
    settled: Mapping[str, int],
) -> tuple[RefundLine, ...]:
    """These pieces without those that somebody else has refunded.

    `settled` counts by line those of these very pieces that others are known to have given back;
    `before` counts all that was given back of the line. Ours are refunded once each: where too
    few are left of a line, others gave the rest back as well.
    """
    bought = {line.line_id: line.quantity for line in order.lines}
    wanted: Counter[str] = Counter()
    for line in lines:
        wanted[line.line_id] += line.quantity
    due = {}
    for line_id, quantity in wanted.items():
        gone = before.get(line_id, 0)
        excess = gone + quantity - bought.get(line_id, 0)
        due[line_id] = quantity - min(max(excess, settled.get(line_id, 0), 0), gone)
    return tuple(RefundLine(line_id=n, quantity=many) for n, many in due.items() if many > 0)


def in_presentment(order: Order, amount: Money, before: Money) -> Money:
    """`amount`, which follows `before` already refunded, in the currency that the customer paid.

    At the order's own rate, rounded down cumulatively: refunds together are never off by more
    than one minor unit and never above their share of what was paid.
    """
    paid, total = order.presentment_total, order.totals.total
    if paid is None or paid.currency == total.currency or total.amount_minor <= 0:
        return amount
    gone = before.amount_minor * paid.amount_minor // total.amount_minor
    due = (before + amount).amount_minor * paid.amount_minor // total.amount_minor
    return Money(amount_minor=due - gone, currency=paid.currency)
