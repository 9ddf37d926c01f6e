"""Money is exact: parsed strictly, added within one currency, split without loss."""

import json
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.currencies import EXPONENTS
from domain.money import AMOUNT_LIMIT_MINOR, CurrencyMismatch, InvalidMoney, Money, apportion

AMOUNTS = st.integers(-AMOUNT_LIMIT_MINOR, AMOUNT_LIMIT_MINOR)
MONEY = st.builds(
    Money, amount_minor=AMOUNTS, currency=st.sampled_from(["EUR", "JPY", "KWD", "CLF"])
)
WEIGHTS = st.lists(st.integers(0, 10**12), min_size=1, max_size=12)


def euros(amount_minor: int) -> Money:
    return Money(amount_minor=amount_minor, currency="EUR")


def test_the_currencies_are_those_of_iso_4217() -> None:
    counts = {n: sum(1 for e in EXPONENTS.values() if e == n) for n in set(EXPONENTS.values())}
    assert counts == {0: 17, 2: 139, 3: 7, 4: 2}
    assert not {"XAU", "XXX", "XTS", "HRK", "BGN", "ANG", "ZWL", "SLL"} & set(EXPONENTS)


@pytest.mark.parametrize(
    ("text", "currency", "amount_minor"),
    [
        ("12.30", "EUR", 1230),
        ("12.3", "EUR", 1230),
        ("12", "EUR", 1200),
        ("-0.01", "USD", -1),
        ("-0", "EUR", 0),
        ("12.3000000", "EUR", 1230),
        ("100.00", "JPY", 100),
        ("1.234", "KWD", 1234),
        ("0.0001", "CLF", 1),
        ("9999999999999999.99", "EUR", AMOUNT_LIMIT_MINOR),
    ],
)
def test_a_plain_decimal_is_read_exactly(text: str, currency: str, amount_minor: int) -> None:
    assert Money.parse(text, currency) == Money(amount_minor=amount_minor, currency=currency)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " 1",
        "1 ",
        "1\n",
        "+1",
        "--1",
        ".5",
        "5.",
        "1.2.3",
        "1,000.00",
        "1,50",
        "1_000",
        "1e3",
        "1E+1000000",
        "NaN",
        "Infinity",
        "-inf",
        "0x10",
        "\u0661\u0662",
        "\uff11\uff12",
        "12.345",
        "0.001",
        "12.30000000000000000000000000000000000000001",
        "1" * 19,
        "99999999999999999.00",
        "1" * 1_000_000,
        "€12",
        "\x00",
    ],
)
def test_a_text_that_is_no_amount_in_euros_is_refused(text: str) -> None:
    with pytest.raises(InvalidMoney) as refusal:
        Money.parse(text, "EUR")
    assert str(refusal.value).startswith("amount: ")
    assert len(str(refusal.value)) < 150


def test_a_refusal_names_the_shape_and_not_a_huge_or_hostile_text() -> None:
    with pytest.raises(InvalidMoney, match=r"^amount: a text of 5000 characters is not a plain"):
        Money.parse("9" * 5000, "EUR")
    with pytest.raises(InvalidMoney, match=r"^amount: '12\.345' has more than the 2 decimals"):
        Money.parse("12.345", "EUR")


@pytest.mark.parametrize("currency", ["", "eur", "EURO", "XAU", "XXX", "BTC", "E" * 100_000])
def test_an_unknown_currency_is_refused(currency: str) -> None:
    with pytest.raises(InvalidMoney, match=r"^currency: ") as refusal:
        Money.parse("1", currency)
    assert len(str(refusal.value)) < 150
    with pytest.raises(ValidationError):
        Money(amount_minor=1, currency=currency)


@given(MONEY)
def test_what_is_written_is_read_back(money: Money) -> None:
    assert Money.parse(money.decimal(), money.currency) == money
    assert Money.model_validate_json(money.model_dump_json()) == money


@given(AMOUNTS, st.sampled_from(sorted(EXPONENTS)))
def test_a_written_amount_is_the_amount(amount_minor: int, currency: str) -> None:
    money = Money(amount_minor=amount_minor, currency=currency)
    assert Fraction(money.decimal()) == Fraction(amount_minor, 10**money.exponent)
    assert money.format() == f"{money.decimal()} {currency}"


def test_amounts_are_written_with_the_decimals_of_their_currency() -> None:
    assert euros(-5).format() == "-0.05 EUR"
    assert Money(amount_minor=1000, currency="JPY").format() == "1000 JPY"
    assert Money(amount_minor=7, currency="KWD").format() == "0.007 KWD"


def test_the_exponent_is_written_and_read_back_or_done_without() -> None:
    assert json.loads(euros(1230).model_dump_json()) == {
        "amount_minor": 1230,
        "currency": "EUR",
        "exponent": 2,
    }
    assert Money.model_validate({"amount_minor": 1230, "currency": "EUR"}) == euros(1230)


@pytest.mark.parametrize(
    "data",
    [
        {"amount_minor": 1, "currency": "EUR", "exponent": 3},
        {"amount_minor": 1, "currency": "EUR", "exponent": None},
        {"amount_minor": 1.0, "currency": "EUR"},
        {"amount_minor": "1", "currency": "EUR"},
        {"amount_minor": True, "currency": "EUR"},
        {"amount_minor": 10**18, "currency": "EUR"},
        {"amount_minor": float("nan"), "currency": "EUR"},
    ],
)
def test_an_amount_that_is_not_whole_minor_units_of_ours_is_refused(data: object) -> None:
    with pytest.raises(ValidationError):
        Money.model_validate(data)


def test_arithmetic_is_exact_within_one_currency() -> None:
    assert euros(3) + euros(4) == euros(7)
    assert euros(3) - euros(4) == euros(-1)
    assert -euros(3) == euros(-3)
    assert euros(3) * 4 == euros(12)
    assert Money.sum([euros(1), euros(2)], "EUR") == euros(3)
    assert Money.sum([], "EUR") == Money.zero("EUR")
    assert euros(1) < euros(2) <= euros(2) < euros(3) > euros(2) >= euros(2)


def test_currencies_do_not_mix() -> None:
    dollar = Money(amount_minor=1, currency="USD")
    for mix in (
        lambda: euros(1) + dollar,
        lambda: euros(1) - dollar,
        lambda: euros(1) < dollar,
        lambda: euros(1) <= dollar,
        lambda: euros(1) > dollar,
        lambda: euros(1) >= dollar,
        lambda: Money.sum([dollar], "EUR"),
    ):
        with pytest.raises(CurrencyMismatch, match=r"^EUR and USD do not mix$"):
            mix()
    assert euros(1) != dollar


def test_a_sum_that_would_not_fit_is_refused() -> None:
    with pytest.raises(ValidationError):
        euros(AMOUNT_LIMIT_MINOR) + euros(1)


@pytest.mark.parametrize(
    ("total", "weights", "parts"),
    [
        (100, [1, 1, 1], [34, 33, 33]),
        (-100, [1, 1, 1], [-34, -33, -33]),
        (101, [0, 0], [51, 50]),
        (100, [1, 2, 0], [33, 67, 0]),
        (5, [3, 3, 1], [2, 2, 1]),
        (1, [1, 3, 3], [0, 1, 0]),
        (0, [1, 2], [0, 0]),
        (7, [5], [7]),
        (0, [], []),
    ],
)
def test_a_total_is_split_by_the_largest_remainders(
    total: int, weights: list[int], parts: list[int]
) -> None:
    assert [part.amount_minor for part in apportion(euros(total), weights)] == parts


@given(MONEY, WEIGHTS)
def test_parts_always_sum_to_the_whole(total: Money, weights: list[int]) -> None:
    parts = apportion(total, weights)
    assert len(parts) == len(weights)
    assert Money.sum(parts, total.currency) == total


@given(MONEY, WEIGHTS)
def test_no_part_is_a_whole_unit_from_its_fair_share(total: Money, weights: list[int]) -> None:
    shares = weights if any(weights) else [1] * len(weights)
    for part, share in zip(apportion(total, weights), shares, strict=True):
        assert abs(part.amount_minor - Fraction(total.amount_minor * share, sum(shares))) < 1


@given(MONEY, WEIGHTS)
def test_a_refund_is_split_as_its_charge_was(total: Money, weights: list[int]) -> None:
    assert apportion(-total, weights) == [-part for part in apportion(total, weights)]


@pytest.mark.parametrize("weights", [[1, -1], []])
def test_weights_that_cannot_split_a_total_are_refused(weights: list[int]) -> None:
    with pytest.raises(ValueError, match=r"^weights: "):
        apportion(euros(100), weights)
