"""What checking an order finds of its totals, whatever its channel wrote into them."""

from datetime import UTC, datetime
from typing import Any

import pytest

from domain.addresses import Address
from domain.money import AMOUNT_LIMIT_MINOR, Money
from domain.orders import Order, OrderLine, PaymentStatus, Totals
from domain.validation import validate

MOST = Money(amount_minor=AMOUNT_LIMIT_MINOR, currency="EUR")


def eur(minor: int) -> Money:
    return Money(amount_minor=minor, currency="EUR")


def order(line: dict[str, Any] | None = None, **totals: Any) -> Order:
    """One piece for ten euros, but for what is said of its line and its totals."""
    bought = OrderLine(
        line_id="1", sku="MUG", quantity=1, unit_price=eur(1000), discount=eur(0), tax=eur(0)
    )
    names = ("discounts", "shipping", "duties", "tips", "rounding", "tax")
    parts = dict.fromkeys(names, eur(0)) | {"lines": eur(1000), "total": eur(1000)} | totals
    return Order(
        channel="shop",
        channel_order_id="1",
        number="#1",
        placed_at=datetime(2026, 7, 1, tzinfo=UTC),
        lines=(bought.model_copy(update=line or {}),),
        address=Address(),
        totals=Totals(**parts, tax_included=True),
        payment=PaymentStatus.PAID,
    )


def found_in(bought: Order) -> list[tuple[str, str]]:
    found = validate(bought, frozenset({"MUG"})).data_problems
    return [(problem.field, problem.reason) for problem in found]


def test_totals_that_add_up_are_in_order() -> None:
    assert found_in(order()) == []
    assert found_in(order(shipping=eur(1))) == [("totals.total", "sum")]


def test_what_would_pay_the_customer_is_a_problem_of_the_order() -> None:
    assert found_in(order(discounts=eur(1000), total=eur(0))) == []
    assert found_in(order(discounts=eur(1001), total=eur(-1))) == [("totals.total", "negative")]


def test_what_tries_the_shop_out_is_a_question_to_somebody() -> None:
    assert found_in(order().model_copy(update={"test": True})) == [("test", "true")]


def test_nothing_paid_or_weighed_is_below_zero() -> None:
    bought = order({"weight_g": -1})
    assert found_in(bought) == [("lines.0.weight_g", "negative")]
    assert found_in(order().model_copy(update={"paid_total": eur(0)})) == []
    assert found_in(order().model_copy(update={"paid_total": eur(-1)})) == [
        ("paid_total", "negative")
    ]


def test_parts_that_sum_to_more_than_an_amount_can_be_are_a_problem_of_the_order() -> None:
    assert found_in(order(shipping=MOST, total=MOST)) == [("totals.total", "sum")]


@pytest.mark.parametrize("part", ["discounts", "shipping", "duties", "tips", "rounding", "tax"])
def test_a_part_in_another_currency_is_a_problem_of_the_order(part: str) -> None:
    yen = Money(amount_minor=0, currency="JPY")
    assert found_in(order(**{part: yen})) == [("totals", "currencies")]


@pytest.mark.parametrize("part", ["unit_price", "discount", "tax"])
def test_a_line_in_another_currency_is_a_problem_of_the_order(part: str) -> None:
    yen = Money(amount_minor=0, currency="JPY")
    assert found_in(order({part: yen})) == [("totals", "currencies")]
