"""Refunds by pieces: exact to the minor unit, in whatever order the goods come back."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.addresses import Address
from domain.money import Money
from domain.orders import Order, OrderLine, PaymentStatus, Totals
from domain.payments import RefundLine
from domain.refunds import NotRefundable, in_presentment, line_totals, refund_share, still_due


def eur(minor: int) -> Money:
    return Money(amount_minor=minor, currency="EUR")


def line(line_id: str, quantity: int, price: int, discount: int = 0, tax: int = 0) -> OrderLine:
    return OrderLine(
        line_id=line_id,
        sku="MUG",
        quantity=quantity,
        unit_price=eur(price),
        discount=eur(discount),
        tax=eur(tax),
    )


def order(
    *lines: OrderLine,
    loose_discount: int = 0,
    shipping: int = 0,
    tax_included: bool = False,
    presentment: Money | None = None,
) -> Order:
    goods = sum(at.unit_price.amount_minor * at.quantity for at in lines)
    discounts = sum(at.discount.amount_minor for at in lines) + loose_discount
    tax = sum(at.tax.amount_minor for at in lines)
    total = goods - discounts + shipping + (0 if tax_included else tax)
    zero = eur(0)
    totals = Totals(
        lines=eur(goods),
        discounts=eur(discounts),
        shipping=eur(shipping),
        duties=zero,
        tips=zero,
        rounding=zero,
        tax=eur(tax),
        tax_included=tax_included,
        total=eur(total),
    )
    return Order(
        channel="shop",
        channel_order_id="1",
        number="#1",
        placed_at=datetime(2026, 7, 1, tzinfo=UTC),
        lines=lines,
        address=Address(),
        totals=totals,
        presentment_total=presentment,
        payment=PaymentStatus.PAID,
    )


def back(line_id: str, quantity: int) -> RefundLine:
    return RefundLine(line_id=line_id, quantity=quantity)


def test_a_piece_carries_its_discount_and_its_tax_but_no_shipping() -> None:
    bought = order(line("a", 2, 1000, discount=200, tax=342), shipping=490)
    assert refund_share(bought, [back("a", 1)], {}) == eur(1071)
    assert refund_share(bought, [back("a", 2)], {}) == eur(2142)


def test_tax_that_the_price_includes_is_not_refunded_twice() -> None:
    bought = order(line("a", 1, 1190, tax=190), tax_included=True)
    assert refund_share(bought, [back("a", 1)], {}) == eur(1190)


def test_three_pieces_for_ten_euros_come_back_one_by_one_as_ten_euros() -> None:
    bought = order(line("a", 3, 400, discount=200))
    shares = [refund_share(bought, [back("a", 1)], {"a": gone}) for gone in range(3)]
    assert shares == [eur(334), eur(333), eur(333)]


def test_a_discount_that_no_line_carries_is_spread_by_value() -> None:
    bought = order(line("a", 1, 3000), line("b", 1, 1000), loose_discount=400)
    assert line_totals(bought) == {"a": eur(2700), "b": eur(900)}


@pytest.mark.parametrize(
    ("lines", "before", "settled", "due"),
    [
        ([back("a", 2)], {}, {}, [back("a", 2)]),
        ([back("a", 1), back("a", 1)], {"a": 1}, {}, [back("a", 1)]),
        ([back("a", 2), back("b", 1)], {"a": 2}, {}, [back("b", 1)]),
        ([back("a", 3)], {"a": 1}, {}, [back("a", 2)]),
        ([back("x", 1), back("a", 4)], {}, {}, [back("x", 1), back("a", 4)]),
        ([back("a", 1)], {"a": 1}, {}, [back("a", 1)]),
        ([back("a", 1)], {"a": 1}, {"a": 1}, []),
        ([back("a", 2)], {"a": 1}, {"a": 1}, [back("a", 1)]),
        ([back("a", 1), back("b", 1)], {"a": 1}, {"a": 1}, [back("b", 1)]),
        ([back("a", 1)], {"a": 1}, {"a": 3}, []),
    ],
)
def test_what_others_refunded_is_due_no_more(
    lines: list[RefundLine],
    before: dict[str, int],
    settled: dict[str, int],
    due: list[RefundLine],
) -> None:
    """What was never bought stays, and is not refundable."""
    bought = order(line("a", 2, 1000), line("b", 1, 1000))
    assert still_due(bought, lines, before, settled) == tuple(due)


@pytest.mark.parametrize(
    ("lines", "before", "reason"),
    [
        ([back("x", 1)], {}, "unknown"),
        ([back("a", 0)], {}, "not_positive"),
        ([back("a", 3)], {}, "more_than_left"),
        ([back("a", 1), back("a", 2)], {}, "more_than_left"),
        ([back("a", 1)], {"a": 2}, "more_than_left"),
    ],
)
def test_what_the_order_has_not_left_is_not_refunded(
    lines: list[RefundLine], before: dict[str, int], reason: str
) -> None:
    with pytest.raises(NotRefundable) as caught:
        refund_share(order(line("a", 2, 1000)), lines, before)
    assert caught.value.reason == reason


ORDERS = st.builds(
    lambda parts, loose, shipping, included, presentment: order(
        *(line(str(n), *part) for n, part in enumerate(parts)),
        loose_discount=loose,
        shipping=shipping,
        tax_included=included,
        presentment=Money(amount_minor=presentment, currency="JPY"),
    ),
    st.lists(
        st.tuples(
            st.integers(1, 9), st.integers(0, 99_999), st.integers(0, 5_000), st.integers(0, 9_999)
        ),
        min_size=1,
        max_size=5,
    ),
    st.integers(0, 20_000),
    st.integers(0, 2_000),
    st.booleans(),
    st.integers(0, 10_000_000),
)


@given(ORDERS, st.data())
def test_pieces_sum_to_their_lines_however_they_are_grouped(
    bought: Order, data: st.DataObject
) -> None:
    before = dict.fromkeys((at.line_id for at in bought.lines), 0)
    left = {at.line_id: at.quantity for at in bought.lines}
    refunded, shown = eur(0), Money.zero("JPY")
    while any(left.values()):
        line_id = data.draw(st.sampled_from([name for name, count in left.items() if count]))
        quantity = data.draw(st.integers(1, left[line_id]))
        share = refund_share(bought, [back(line_id, quantity)], before)
        assert share >= eur(0)
        if bought.totals.total.amount_minor > 0:
            shown += in_presentment(bought, share, refunded)
        refunded += share
        before[line_id] += quantity
        left[line_id] -= quantity
    assert refunded == Money.sum(line_totals(bought).values(), "EUR")
    assert bought.presentment_total is not None
    total = bought.totals.total.amount_minor
    if total > 0:
        exact = refunded.amount_minor * bought.presentment_total.amount_minor
        assert shown.amount_minor == exact // total


@given(ORDERS)
def test_everything_back_is_never_more_than_the_goods_cost(bought: Order) -> None:
    everything = [back(at.line_id, at.quantity) for at in bought.lines]
    lines = Money.sum(line_totals(bought).values(), "EUR")
    assert refund_share(bought, everything, {}) == lines
    goods = bought.totals.total - bought.totals.shipping
    if all(
        at.unit_price.amount_minor * at.quantity >= at.discount.amount_minor for at in bought.lines
    ) and goods >= eur(0):
        assert lines <= goods
