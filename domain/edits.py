"""What a channel changed in an order that we have, beyond what we did to it there ourselves."""

from collections.abc import Iterable, Mapping

from domain.orders import Order, OrderLine
from domain.payments import RefundLine
from domain.refunds import refund_share

# What a refund of pieces takes along: its discount and its tax, and so the totals of them.
_GOES_ALONG = {"quantity", "discount", "tax"}
# A webhook says what a piece weighs; an order that was fetched does not.
_NOT_BOUGHT = {"weight_g"}
_TOTALS_GO_ALONG = {"lines", "discounts", "tax", "total"}


def edits(was: Order, now: Order, refunded: Mapping[str, int]) -> Iterable[str]:
    """`lines` and `totals`, where the channel now says other than `was`.

    A channel counts refunded pieces out of their line and their money out of the totals. `refunded`
    counts by line those that we refunded or are just refunding there: that many at most may be
    missing, as the channel may have spoken before the last of them. Of the total what they cost
    may be missing, give or take a minor unit for each, as each side rounds its own way.
    """
    gone = _gone(was, now)
    if gone is None or any(many > refunded.get(line_id, 0) for line_id, many in gone.items()):
        yield "lines"
        if was.totals != now.totals:
            yield "totals"
    elif _totals_differ(was, now, gone):
        yield "totals"


def _gone(was: Order, now: Order) -> dict[str, int] | None:
    """By line the pieces that are missing now; None if the lines differ in more than that."""
    if was.lines == now.lines:
        return {}
    left = {line.line_id: line for line in now.lines}
    if len(left) < len(now.lines) or not left.keys() <= {line.line_id for line in was.lines}:
        return None
    gone: dict[str, int] = {}
    for line in was.lines:
        rest = left.get(line.line_id)
        if rest is not None and not _same(line, rest):
            return None
        many = line.quantity - (rest.quantity if rest else 0)
        if many < 0:
            return None
        gone[line.line_id] = many
    return gone


def _same(line: OrderLine, rest: OrderLine) -> bool:
    left_out = _NOT_BOUGHT if line.quantity == rest.quantity else _NOT_BOUGHT | _GOES_ALONG
    return line.model_dump(exclude=left_out) == rest.model_dump(exclude=left_out)


def _totals_differ(was: Order, now: Order, gone: Mapping[str, int]) -> bool:
    pieces = sum(gone.values())
    if not pieces or was.totals.total.currency != now.totals.total.currency:
        return was.totals != now.totals
    if was.totals.model_dump(exclude=_TOTALS_GO_ALONG) != now.totals.model_dump(
        exclude=_TOTALS_GO_ALONG
    ):
        return True
    taken = [RefundLine(line_id=n, quantity=many) for n, many in gone.items() if many]
    missing = was.totals.total - now.totals.total - refund_share(was, taken, {})
    return abs(missing.amount_minor) > pieces
