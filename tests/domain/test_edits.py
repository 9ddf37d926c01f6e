"""A channel's later word on an order: what we gave back ourselves is no edit, all else is one."""

from typing import Any

import pytest

from domain.edits import edits
from domain.money import apportion
from domain.orders import Order, OrderLine
from tests.storage.orderbook import an_order, eur

CUP = OrderLine(line_id="l1", sku="CUP", title="Cup", quantity=3, unit_price=eur(1000),
                discount=eur(100), tax=eur(463))  # fmt: skip
POT = OrderLine(line_id="l2", sku="POT", title="Pot", quantity=1, unit_price=eur(2500),
                discount=eur(0), tax=eur(399))  # fmt: skip
SHIPPING = 490


def of(*lines: OrderLine, **totals: int) -> Order:
    """The order as a channel tells it that has these lines left."""
    goods = sum(line.unit_price.amount_minor * line.quantity for line in lines)
    let_off = sum(line.discount.amount_minor for line in lines)
    order = an_order(lines=lines)
    says = {"lines": goods, "discounts": let_off, "shipping": SHIPPING,
            "tax": sum(line.tax.amount_minor for line in lines),
            "total": goods - let_off + SHIPPING, **totals}  # fmt: skip
    amounts = {name: eur(minor) for name, minor in says.items()}
    return order.model_copy(update={"totals": order.totals.model_copy(update=amounts)})


def less(line: OrderLine, pieces: int, **changes: Any) -> OrderLine:
    """What a channel tells of a line that has fewer pieces."""
    shares = [line.quantity - pieces, pieces]
    return line.model_copy(
        update={
            "quantity": line.quantity - pieces,
            "discount": apportion(line.discount, shares)[0],
            "tax": apportion(line.tax, shares)[0],
            **changes,
        }
    )


@pytest.mark.parametrize(
    ("now", "refunded"),
    [
        (of(CUP, POT), {}),
        (of(CUP, POT), {"l2": 1}),
        (of(CUP), {"l2": 1}),
        (of(less(CUP, 1), POT), {"l1": 1}),
        (of(less(CUP, 1), POT), {"l1": 2}),
        (of(less(CUP, 2)), {"l1": 2, "l2": 1}),
        (of(), {"l1": 3, "l2": 1}),
    ],
    ids=["as it was", "before our refund", "a line", "a piece", "between two refunds",
         "a line and two pieces", "everything"],
)  # fmt: skip
def test_pieces_that_we_refunded_are_no_edit(now: Order, refunded: dict[str, int]) -> None:
    assert tuple(edits(of(CUP, POT), now, refunded)) == ()


@pytest.mark.parametrize(
    ("now", "refunded", "said"),
    [
        (of(CUP), {}, ("lines", "totals")),
        (of(), {"l2": 1}, ("lines", "totals")),
        (of(less(CUP, 2), POT), {"l1": 1}, ("lines", "totals")),
        (of(less(CUP, 1), POT), {"l2": 1}, ("lines", "totals")),
        (of(CUP.model_copy(update={"quantity": 4}), POT), {"l1": 1}, ("lines", "totals")),
        (of(CUP, POT, less(POT, 0, line_id="l3")), {"l1": 1}, ("lines", "totals")),
        (of(less(CUP, 1, sku="MUG"), POT), {"l1": 1}, ("lines", "totals")),
        (of(less(CUP, 0, tax=eur(500)), POT), {"l2": 1}, ("lines", "totals")),
        (of(CUP, POT, total=5000), {"l1": 1}, ("totals",)),
        (of(CUP, total=2000), {"l2": 1}, ("totals",)),
        (of(CUP, shipping=0, total=2900), {"l2": 1}, ("totals",)),
    ],
    ids=["not ours", "more lines than ours", "more pieces than ours", "another line than ours",
         "more than were bought", "a line came in its place", "another article",
         "another tax on what is left", "money alone", "more money than ours",
         "shipping given back too"],
)  # fmt: skip
def test_whatever_else_changed_is_named(
    now: Order, refunded: dict[str, int], said: tuple[str, ...]
) -> None:
    assert tuple(edits(of(CUP, POT), now, refunded)) == said


def test_each_side_may_round_a_piece_its_own_way_and_no_more() -> None:
    was, now = of(CUP, POT), of(less(CUP, 1), POT)
    for off, said in ((1, ()), (-1, ()), (2, ("totals",)), (-2, ("totals",))):
        total = now.totals.total.amount_minor + off
        told = of(less(CUP, 1), POT, total=total)
        assert tuple(edits(was, told, {"l1": 1})) == said


@pytest.mark.parametrize("refunded", [0, 1])
def test_what_a_line_weighs_is_no_edit(refunded: int) -> None:
    """A webhook says it, an order that was fetched does not."""
    now = of(less(CUP, refunded, weight_g=380), POT)
    assert tuple(edits(of(CUP, POT), now, {"l1": refunded})) == ()
