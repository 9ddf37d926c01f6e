"""Shopify's webhooks: whose they are, what they are about, and the order in them."""

import base64
import contextlib
import copy
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.channels.reading import Unreadable, parse_body
from adapters.channels.shopify.inbound import event_of, own_order_id, verify
from adapters.channels.shopify.order import all_sent, needs_shipping, to_order
from domain.addresses import Address
from domain.money import Money
from domain.orders import MoneyBack, OrderLine, PaymentStatus, Totals
from domain.validation import validate

VENDOR = Path(__file__).parent / "shopify"
CANCELLED: Mapping[str, Any] = parse_body((VENDOR / "orders_cancelled.json").read_bytes())
BOBS: Mapping[str, Any] = parse_body((VENDOR / "order_450789469.json").read_bytes())

SECRET = "test_secret_key"
BODY = b'{"foo": "bar"}'
SIGNATURE = "B23tXN681gZ0qIWNRrgtzBE9XSDo5yaUu6wfmhu3a7g="


def usd(text: str) -> Money:
    return Money.parse(text, "USD")


def bag(shop: str, presentment: str | None = None, currency: str = "USD") -> dict[str, Any]:
    return {
        "shop_money": {"amount": shop, "currency_code": "USD"},
        "presentment_money": {"amount": presentment or shop, "currency_code": currency},
    }


def line(**changes: Any) -> dict[str, Any]:
    return {
        "id": 1,
        "sku": "MUG",
        "name": "Mug",
        "quantity": 2,
        "price": "10.00",
        "requires_shipping": True,
        "discount_allocations": [],
        "tax_lines": [],
    } | changes


def order(**changes: Any) -> dict[str, Any]:
    """The least that is an order: two mugs for 20.00 USD."""
    return {
        "id": 9_007_199_254_740_993,
        "name": "#1",
        "currency": "USD",
        "created_at": "2026-07-01T10:00:00+02:00",
        "total_price": "20.00",
        "financial_status": "paid",
        "line_items": [line()],
    } | changes


# Whose it is


def signed(secret: str, body: bytes = BODY) -> dict[str, str]:
    digest = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    return {"X-Shopify-Hmac-Sha256": base64.b64encode(digest).decode()}


def test_the_published_signature_is_taken_whatever_the_case_of_its_header() -> None:
    assert verify(BODY, {"X-Shopify-Hmac-Sha256": SIGNATURE}, [SECRET])
    assert verify(BODY, {"x-shopify-hmac-sha256": SIGNATURE}, [SECRET])


def test_while_secrets_rotate_both_are_valid_and_afterwards_only_the_new_one() -> None:
    assert verify(BODY, signed("old"), ["new", "old"])
    assert verify(BODY, signed("new"), ["new", "old"])
    assert not verify(BODY, signed("old"), ["new"])


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Shopify-Hmac-Sha256": ""},
        {"X-Shopify-Hmac-Sha256": SIGNATURE[:-1]},
        {"X-Shopify-Hmac-Sha256": SIGNATURE.lower()},
        {"X-Shopify-Hmac-Sha256": "schöne Grüße \udcff ☃"},
        {"X-Shopify-Hmac-Sha256": base64.b64decode(SIGNATURE).hex()},
    ],
)
def test_a_missing_or_wrong_signature_is_refused_and_never_raises(headers: dict[str, str]) -> None:
    assert not verify(BODY, headers, [SECRET])


def test_one_changed_byte_or_a_body_parsed_and_written_again_is_refused() -> None:
    assert not verify(BODY + b" ", signed(SECRET), [SECRET])
    assert not verify(b'{"foo":"bar"}', signed(SECRET), [SECRET])


def test_an_empty_secret_signs_nothing() -> None:
    assert not verify(BODY, signed(""), [""])
    assert not verify(BODY, signed(SECRET), [])


# Which event


def test_two_deliveries_of_one_event_have_one_key() -> None:
    first = {"X-Shopify-Topic": "orders/create", "X-Shopify-Event-Id": "e1"}
    again = first | {"X-Shopify-Webhook-Id": "w2"}
    assert event_of(first, BODY).event_key == event_of(again, b"other").event_key
    assert event_of(again, BODY).webhook_id == "w2"
    assert event_of(again, BODY).topic == "orders/create"


def test_one_event_told_under_two_topics_is_two() -> None:
    told = {"X-Shopify-Event-Id": "e1"}
    keys = {
        event_of(told | {"X-Shopify-Topic": topic}, BODY).event_key
        for topic in ("orders/create", "orders/paid")
    }
    assert len(keys) == 2


def test_without_an_event_id_the_webhook_id_counts_and_without_that_the_body() -> None:
    topic = {"X-Shopify-Topic": "orders/create"}
    assert event_of(topic | {"X-Shopify-Webhook-Id": "w1"}, BODY).event_key == "orders/create:w1"
    by_body = event_of(topic, BODY).event_key
    assert by_body == f"orders/create:sha256-{hashlib.sha256(BODY).hexdigest()}"
    assert by_body != event_of(topic, BODY + b" ").event_key


def test_a_huge_or_unprintable_event_id_makes_a_short_key() -> None:
    for hostile in ("x" * 10_000, "\x00", "é\udcff"):
        key = event_of({"X-Shopify-Event-Id": hostile}, BODY).event_key
        assert len(key) <= 200
        assert key.isascii()
        assert key.isprintable()


def test_the_order_is_found_in_every_kind_of_payload_and_stays_exact() -> None:
    assert own_order_id(order()) == "9007199254740993"
    assert own_order_id({"id": 7, "order_id": 820982911946154508}) == "820982911946154508"
    assert own_order_id({"order_edit": {"id": 7, "order_id": 5}}) == "5"
    for broken in ({}, {"id": None}, {"id": 1.5}, {"id": True}, {"id": -1}, {"id": "x"}, {"id": 0}):
        with pytest.raises(Unreadable, match=r"^id: "):
            own_order_id(broken)


# The vendor's own payloads


def test_shopifys_sample_of_a_cancelled_order_is_read_to_the_cent() -> None:
    read = to_order("shop1", CANCELLED)
    assert read.order_id == "shop1-820982911946154508"
    assert read.number == "#9999"
    assert read.placed_at == datetime(2022, 1, 1, tzinfo=UTC)
    assert (read.cancelled, read.cancel_reason) == (True, "customer")
    assert read.payment is PaymentStatus.PENDING
    assert (read.email, read.phone) == ("jon@example.com", "555-555-SHIP")
    pink = OrderLine(
        line_id="866550311766439020",
        sku="IPOD2008PINK",
        title="IPod Nano - 8GB",
        quantity=1,
        unit_price=usd("199.00"),
        discount=usd("0"),
        tax=usd("0"),
        weight_g=567,
    )
    assert read.lines == (pink, pink.model_copy(update={"line_id": "141249953214522974"}))
    assert read.totals == Totals(
        lines=usd("398.00"),
        discounts=usd("20.00"),
        shipping=usd("10.00"),
        duties=usd("0"),
        tips=usd("0"),
        rounding=usd("0"),
        tax=usd("0"),
        tax_included=False,
        total=usd("388.00"),
    )
    assert read.presentment_total == usd("388.00")
    assert read.address == Address(
        name="Steve Shipper",
        company="Shipping Company",
        lines=("123 Shipping Street",),
        city="Shippington",
        region="KY",
        postal_code="40003",
        country="US",
        phone="555-555-SHIP",
    )
    (problem,) = validate(read, frozenset({"IPOD2008PINK"})).data_problems
    assert (problem.field, problem.reason) == ("test", "true")


def test_shopifys_example_of_an_order_with_discount_and_tax_adds_up() -> None:
    read = to_order("shop1", BOBS)
    assert read.payment is PaymentStatus.PAID
    assert read.phone == "+557734881234"
    assert [(at.sku, at.discount, at.tax) for at in read.lines] == [
        ("IPOD2008GREEN", usd("3.34"), usd("3.98")),
        ("IPOD2008RED", usd("3.33"), usd("3.98")),
        ("IPOD2008BLACK", usd("3.33"), usd("3.98")),
    ]
    assert read.totals.total == usd("598.94") == read.totals.expected()
    assert read.totals.discounts == usd("10.00")


def test_of_an_edited_order_only_what_is_still_wanted_is_ours() -> None:
    edited = copy.deepcopy(dict(BOBS))
    for item, wanted in zip(edited["line_items"], (0, 1, 0), strict=True):
        item["current_quantity"] = wanted
    read = to_order("shop1", edited)
    assert [at.sku for at in read.lines] == ["IPOD2008RED"]
    assert read.totals.total == usd("199.65") == read.totals.expected()
    assert read.presentment_total == usd("199.65")


# What we decided


def test_a_partly_refunded_line_keeps_its_share_of_discount_and_tax() -> None:
    item = line(
        quantity=3,
        current_quantity=2,
        discount_allocations=[{"amount": "1.00"}],
        tax_lines=[{"price": "3.00"}],
    )
    read = to_order(
        "s",
        order(
            line_items=[item],
            total_price="32.00",
            current_total_price="21.33",
            current_total_discounts="0.67",
            current_total_tax="2.00",
        ),
    )
    assert read.lines[0].quantity == 2
    assert (read.lines[0].discount, read.lines[0].tax) == (usd("0.67"), usd("2.00"))
    assert read.totals.expected() == read.totals.total == usd("21.33")


def test_a_cancelled_order_keeps_what_was_ordered() -> None:
    item = line(current_quantity=0)
    read = to_order("s", order(line_items=[item], cancelled_at="2026-07-02T00:00:00Z"))
    assert read.cancelled
    assert read.lines[0].quantity == 2


def test_the_same_sku_twice_stays_two_lines() -> None:
    read = to_order("s", order(line_items=[line(), line(id=2)], total_price="40.00"))
    assert [(at.line_id, at.sku) for at in read.lines] == [("1", "MUG"), ("2", "MUG")]


def test_what_needs_no_shipping_leaves_with_its_price_discount_and_tax() -> None:
    card = line(
        id=2,
        sku="GIFT",
        quantity=1,
        price="50.00",
        requires_shipping=False,
        discount_allocations=[{"amount": "5.00"}],
        tax_lines=[{"price": "1.50"}],
    )
    payload = order(
        line_items=[line(), card],
        total_price="66.50",
        total_price_set=bag("66.50"),
        total_discounts="5.00",
        total_tax="1.50",
    )
    read = to_order("s", payload)
    assert [at.sku for at in read.lines] == ["MUG"]
    assert read.totals.total == usd("20.00") == read.totals.expected()
    assert (read.totals.discounts, read.totals.tax) == (usd("0"), usd("0"))
    assert read.presentment_total == usd("20.00")
    assert read.paid_total == usd("66.50")
    assert needs_shipping(payload)
    assert not needs_shipping(order(line_items=[card]))
    assert needs_shipping(order(line_items=[]))


@pytest.mark.parametrize(
    ("status", "said"),
    [("paid", None), ("partially_refunded", MoneyBack.PARTLY), ("refunded", MoneyBack.REFUNDED),
     ("voided", MoneyBack.VOIDED)],
)  # fmt: skip
def test_money_that_the_shop_gave_back_is_read(status: str, said: MoneyBack | None) -> None:
    read = to_order("s", order(financial_status=status))
    assert (read.money_back, read.paid_total) == (said, None)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([line(fulfillment_status="fulfilled")], True),
        ([line(fulfillment_status="fulfilled", fulfillable_quantity=0)], True),
        ([line(fulfillment_status="fulfilled", fulfillable_quantity=1)], False),
        ([line(fulfillment_status="partial")], False),
        ([line(fulfillment_status=None)], False),
        ([line(fulfillment_status="fulfilled"), line(id=2)], False),
        ([line(fulfillment_status="fulfilled"), line(id=2, current_quantity=0)], True),
        ([line(fulfillment_status="fulfilled", requires_shipping=False), line(id=2)], False),
        ([line(fulfillment_status="fulfilled", requires_shipping=False)], False),
        ([], False),
    ],
)
def test_an_order_is_sent_when_all_that_is_still_wanted_is(
    lines: list[dict[str, Any]], expected: bool
) -> None:
    assert all_sent(order(line_items=lines)) is expected


def test_a_tip_is_a_tip_and_not_a_line() -> None:
    tip = line(id=3, sku=None, quantity=1, price="4.00", tip={"payment_gateway": "x"})
    payload = order(line_items=[line(), tip], total_tip_received="4.00", total_price="24.00")
    read = to_order("s", payload)
    assert [at.sku for at in read.lines] == ["MUG"]
    assert read.totals.tips == usd("4.00")
    assert read.totals.expected() == read.totals.total == usd("24.00")


def test_taxes_that_prices_include_are_not_added_again() -> None:
    item = line(tax_lines=[{"price": "3.19"}])
    read = to_order("s", order(line_items=[item], taxes_included=True, total_tax="3.19"))
    assert read.totals.tax == usd("3.19")
    assert read.totals.expected() == read.totals.total == usd("20.00")


def test_duties_and_fees_are_duties_unless_the_prices_include_them() -> None:
    levied = {
        "original_total_duties_set": bag("2.50"),
        "original_total_additional_fees_set": bag("0.50"),
    }
    read = to_order("s", order(**levied, total_price="23.00"))
    assert read.totals.duties == usd("3.00")
    assert read.totals.expected() == read.totals.total
    included = to_order("s", order(**levied, duties_included=True, total_price="20.50"))
    assert included.totals.duties == usd("0.50")
    current = to_order("s", order(current_total_duties_set=bag("2.50"), total_price="22.50"))
    assert current.totals.duties == usd("2.50")


@pytest.mark.parametrize("total_price", ["20.00", "20.02"])
def test_cash_is_rounded_once_whether_or_not_the_total_says_so(total_price: str) -> None:
    rounding = {"total_cash_rounding_payment_adjustment_set": bag("0.02")}
    read = to_order("s", order(**rounding, total_price=total_price))
    assert read.totals.rounding == usd("0.02")
    assert read.totals.expected() == read.totals.total == usd("20.02")


@pytest.mark.parametrize("total_discounts", ["0.00", "6.00"])
def test_a_discount_on_shipping_counts_once_wherever_shopify_counts_it(
    total_discounts: str,
) -> None:
    shipping = {
        "price": "6.00",
        "discounted_price": "0.00",
        "discount_allocations": [{"amount": "6.00"}],
    }
    read = to_order("s", order(shipping_lines=[shipping], total_discounts=total_discounts))
    assert (read.totals.shipping, read.totals.discounts) == (usd("0"), usd("0"))
    assert read.totals.expected() == read.totals.total


def test_amounts_that_do_not_add_up_are_kept_for_validation_to_hold() -> None:
    read = to_order("s", order(total_price="19.99"))
    assert read.totals.total == usd("19.99")
    assert read.totals.expected() == usd("20.00")
    problems = validate(read, frozenset({"MUG"})).data_problems
    assert ("totals.total", "sum") in [(p.field, p.reason) for p in problems]


def test_the_shops_money_is_taken_and_the_customers_total_kept() -> None:
    item = line(price="8.50", price_set=bag("10.00", "8.50", "EUR"))
    payload = order(line_items=[item], total_price_set=bag("20.00", "17.00", "EUR"))
    read = to_order("s", payload)
    assert read.lines[0].unit_price == usd("10.00")
    assert read.totals.total == usd("20.00")
    assert read.presentment_total == Money.parse("17.00", "EUR")


def test_yen_and_dinars_have_their_own_exponents() -> None:
    yen = to_order("s", order(currency="JPY", line_items=[line(price="500")], total_price="1000"))
    assert yen.totals.total == Money(amount_minor=1000, currency="JPY")
    dinar = order(currency="KWD", line_items=[line(price="1.234")], total_price="2.468")
    assert to_order("s", dinar).totals.total == Money(amount_minor=2468, currency="KWD")


@pytest.mark.parametrize(
    ("status", "payment"),
    [
        ("authorized", PaymentStatus.AUTHORISED),
        ("paid", PaymentStatus.PAID),
        ("partially_refunded", PaymentStatus.PAID),
        ("pending", PaymentStatus.PENDING),
        ("partially_paid", PaymentStatus.PENDING),
        ("refunded", PaymentStatus.PENDING),
        ("voided", PaymentStatus.PENDING),
        (None, PaymentStatus.PENDING),
    ],
)
def test_nothing_counts_as_paid_unless_the_shop_has_the_money(
    status: str | None, payment: PaymentStatus
) -> None:
    assert to_order("s", order(financial_status=status)).payment is payment


def test_contacts_fall_back_from_the_order_to_the_parcel_to_the_customer() -> None:
    customer = {"email": "c@example.com", "phone": "3"}
    assert to_order("s", order(customer=customer)).email == "c@example.com"
    assert to_order("s", order(customer=customer)).phone == "3"
    shipping = {"shipping_address": {"phone": "2"}, "customer": customer}
    assert to_order("s", order(**shipping)).phone == "2"
    assert to_order("s", order(**shipping, phone="1")).phone == "1"
    deep = {"customer": {"default_address": {"phone": "4"}}}
    assert to_order("s", order(**deep)).phone == "4"
    assert to_order("s", order()).email == ""


def test_an_order_without_an_address_goes_nowhere_and_validation_says_so() -> None:
    read = to_order("s", order(shipping_address=None))
    assert read.address == Address()
    assert validate(read, frozenset({"MUG"})).address_problems


def test_what_a_database_cannot_hold_is_marked_and_nothing_else_changes() -> None:
    read = to_order("s", order(note="a\x00b\ud800c\nd", line_items=[line(sku="M\x00")]))
    assert read.note == "a\ufffdb\ufffdc\nd"
    assert read.lines[0].sku == "M\ufffd"


def test_unknown_fields_are_ignored() -> None:
    assert to_order("s", order(brand_new={"x": [1.5]})) == to_order("s", order())


# What cannot be read

BROKEN_BODIES = [
    (b"", "is not JSON"),
    (b"{", "is not JSON"),
    (b"\xff\xfe{\x00}\x00", "is not UTF-8"),
    (b'{"a": NaN}', "NaN"),
    (b'{"a": -Infinity}', "Infinity"),
    (b'{"a": 1e999}', "too large"),
    (b'{"a": ' + b"9" * 10_000 + b"}", "too large"),
    (b'{"a": 1, "a": 2}', "twice"),
    (b"[]", "is not a JSON object"),
    (b"null", "is not a JSON object"),
    (b'{"a":' * 65 + b"1" + b"}" * 65, "too deeply"),
    (b"[" * 100_000, "too deeply"),
]


@pytest.mark.parametrize(("raw", "reason"), BROKEN_BODIES)
def test_a_body_that_is_no_json_object_says_why(raw: bytes, reason: str) -> None:
    with pytest.raises(Unreadable) as caught:
        parse_body(raw)
    assert caught.value.field == "body"
    assert reason in caught.value.reason


def test_whole_numbers_past_two_to_the_53_stay_exact() -> None:
    assert parse_body(b'{"id": 18446744073709551615}')["id"] == 18_446_744_073_709_551_615


BROKEN_ORDERS: list[tuple[dict[str, Any], str, str]] = [
    ({"id": None}, "id", "is missing"),
    ({"id": 1.0}, "id", "is not a positive whole number"),
    ({"id": 10**30}, "id", "is not a positive whole number"),
    ({"currency": None}, "currency", "is missing"),
    ({"currency": "EURO"}, "currency", "is no active ISO 4217 currency"),
    ({"currency": ["USD"]}, "currency", "is not a text"),
    ({"created_at": None}, "created_at", "is missing"),
    ({"created_at": "yesterday"}, "created_at", "is not a time"),
    ({"created_at": "2026-07-01T10:00:00"}, "created_at", "has no offset from UTC"),
    ({"created_at": "0001-01-01T00:00:00+23:59"}, "created_at", "is out of range"),
    ({"updated_at": 1}, "updated_at", "is not a time"),
    ({"total_price": None}, "total_price", "is missing"),
    ({"total_price": 20.0}, "total_price", "is not a decimal text"),
    ({"total_price": "2e1"}, "total_price", "is no plain decimal amount of USD"),
    ({"total_price": "20.001"}, "total_price", "is no plain decimal amount of USD"),
    ({"total_price": "NaN"}, "total_price", "is no plain decimal amount of USD"),
    ({"total_price": "9" * 19}, "total_price", "is no plain decimal amount of USD"),
    ({"total_price_set": "20"}, "total_price_set", "is not an object"),
    ({"total_price_set": {"shop_money": {"amount": "20.00"}}},
     "total_price_set.shop_money.currency_code", "is missing"),
    ({"total_price_set": {"shop_money": {"amount": "20.00", "currency_code": "EUR"}}},
     "total_price_set.shop_money.currency_code", "is not the shop's currency"),
    ({"financial_status": "haunted"}, "financial_status", "is none that we know"),
    ({"taxes_included": "no"}, "taxes_included", "is neither true nor false"),
    ({"shipping_address": []}, "shipping_address", "is not an object"),
    ({"shipping_address": {"city": {}}}, "shipping_address.city", "is not a text"),
    ({"shipping_address": {"zip": "x" * 2001}}, "shipping_address.zip",
     "has more than 2000 characters"),
    ({"line_items": None}, "line_items", "is missing"),
    ({"line_items": {}}, "line_items", "is not a list"),
    ({"line_items": [None]}, "line_items[0]", "is not an object"),
    ({"line_items": [line()] * 1001}, "line_items", "has more than 1000 lines"),
    ({"line_items": [line(), line(id=None)]}, "line_items[1].id", "is missing"),
    ({"line_items": [line(quantity=None)]}, "line_items[0].quantity", "is missing"),
    ({"line_items": [line(quantity=1.5)]}, "line_items[0].quantity", "is not a whole number"),
    ({"line_items": [line(quantity=True)]}, "line_items[0].quantity", "is not a whole number"),
    ({"line_items": [line(quantity=10**6)]}, "line_items[0].quantity", "is more than 100000"),
    ({"line_items": [line(current_quantity=3)]}, "line_items[0].current_quantity",
     "is not between 0 and the quantity"),
    ({"line_items": [line(price=None)]}, "line_items[0].price", "is missing"),
    ({"line_items": [line(price="-")]}, "line_items[0].price", "is no plain decimal amount of USD"),
    ({"line_items": [line(requires_shipping=0)]}, "line_items[0].requires_shipping",
     "is neither true nor false"),
    ({"line_items": [line(tax_lines=[{}])]}, "line_items[0].tax_lines[0].price", "is missing"),
    ({"line_items": [line(discount_allocations=[{"amount": "x"}])]},
     "line_items[0].discount_allocations[0].amount", "is no plain decimal amount of USD"),
    ({"line_items": [line(grams="567")]}, "line_items[0].grams", "is not a whole number"),
    ({"line_items": [line(price="9" * 16), line(id=2, price="9" * 16)]}, "totals",
     "is out of range"),
    ({"line_items": [line(), line(sku="CUP")]}, "line_items[1].id", "is another line's too"),
    ({"line_items": [line(sku="x" * 501)]}, "line_items[0].sku", "has more than 500 characters"),
    ({"shipping_lines": [{}]}, "shipping_lines[0].price", "is missing"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "field", "reason"), BROKEN_ORDERS)
def test_an_order_that_cannot_be_read_names_the_field_and_the_reason(
    changes: dict[str, Any], field: str, reason: str
) -> None:
    if "current_quantity" in field:
        changes |= {"current_total_price": "20.00"}
    with pytest.raises(Unreadable) as caught:
        to_order("s", order(**changes))
    assert (caught.value.field, caught.value.reason) == (field, reason)


ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.sampled_from(["1.00", "USD", "paid", "2026-07-01T10:00:00Z", "-5", "99999999999999999"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=6,
)


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    found = []
    for name, inner in pairs:
        found.append((*path, name))
        if isinstance(inner, dict | list):
            found += _paths(inner, (*path, name))
    return found


PATHS = _paths(BOBS)


@given(st.lists(st.tuples(st.sampled_from(PATHS), ANY), min_size=1, max_size=4))
def test_no_payload_raises_anything_but_unreadable(
    changes: list[tuple[tuple[Any, ...], Any]],
) -> None:
    payload = copy.deepcopy(dict(BOBS))
    for path, value in changes:
        inner: Any = payload
        try:
            for name in path[:-1]:
                inner = inner[name]
            inner[path[-1]] = value
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took that place away
    with contextlib.suppress(Unreadable):
        to_order("s", payload).model_dump_json()


@given(st.binary(max_size=200) | ANY.map(lambda value: json.dumps(value).encode()))
def test_no_body_raises_anything_but_unreadable(raw: bytes) -> None:
    with contextlib.suppress(Unreadable):
        payload = parse_body(raw)
        own_order_id(payload)
        to_order("s", payload)
