"""Order ids are injective, bounded and readable; keys split cleanly."""

import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.ids import (
    InvalidEffectKey,
    InvalidOrderId,
    OrderId,
    ReturnId,
    effect_key,
    order_id,
    parse_order_id,
    return_workflow_id,
    workflow_id,
)

CHANNELS = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=12)
OWN_IDS = st.one_of(
    st.text("-~._/%: 09azAZé", min_size=1, max_size=12),
    st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=15),
).filter(str.strip)
ORDERS = st.tuples(CHANNELS, OWN_IDS)


@given(ORDERS)
def test_an_order_id_reads_back_into_its_channel_and_own_id(order: tuple[str, str]) -> None:
    assert parse_order_id(order_id(*order)) == order


@given(ORDERS, ORDERS)
def test_two_orders_never_share_an_id(one: tuple[str, str], other: tuple[str, str]) -> None:
    assume(one != other)
    assert order_id(*one) != order_id(*other)


@given(ORDERS)
def test_an_order_id_is_short_and_safe_in_a_key_and_an_address(order: tuple[str, str]) -> None:
    made = order_id(*order)
    assert len(made) <= 200
    assert set(made) <= set(string.ascii_letters + string.digits + "_.~%-")
    assert effect_key(made, "f1", "p1", "label", 1).split("/") == [made, "f1", "p1", "label", "1"]


@pytest.mark.parametrize(
    ("own_id", "expected"),
    [
        ("450789469", "shop1-450789469"),
        ("gid://shopify/Order/1", "shop1-gid%3A%2F%2Fshopify%2FOrder%2F1"),
        ("#1001", "shop1-%231001"),
        ("a-b_c.d~e", "shop1-a-b_c.d~e"),
        ("50%", "shop1-50%25"),
        ("é", "shop1-%C3%A9"),
        (" 7", "shop1-%207"),
    ],
)
def test_an_own_id_is_percent_encoded(own_id: str, expected: str) -> None:
    assert order_id("shop1", own_id) == expected


def test_composed_and_decomposed_letters_are_different_ids() -> None:
    assert order_id("shop", "\u00e9") != order_id("shop", "e\u0301")


@pytest.mark.parametrize(
    ("channel", "own_id", "field", "reason"),
    [
        ("", "1", "channel", "is empty"),
        ("Shop", "1", "channel", "must be lower-case letters a to z and digits"),
        ("sh-op", "1", "channel", "must be lower-case letters a to z and digits"),
        ("shop\n", "1", "channel", "must be lower-case letters a to z and digits"),
        ("\u0661", "1", "channel", "must be lower-case letters a to z and digits"),
        ("a" * 200, "1", "channel", "has 200 characters or more"),
        ("shop", "", "own_id", "is empty"),
        ("shop", "  ", "own_id", "is empty"),
        ("shop", "1\x00", "own_id", "holds a control character"),
        ("shop", "1\n2", "own_id", "holds a control character"),
        ("shop", "\ud800", "own_id", "holds half a surrogate pair, which is no character"),
        ("shop", "1" * 196, "own_id", "makes an id of more than 200 characters"),
        ("shop", "é" * 33, "own_id", "makes an id of more than 200 characters"),
        ("shop", "1" * 10_000_000, "own_id", "has 200 characters or more"),
    ],
)
def test_an_order_id_that_cannot_be_is_refused_by_field_and_reason(
    channel: str, own_id: str, field: str, reason: str
) -> None:
    with pytest.raises(InvalidOrderId) as refusal:
        order_id(channel, own_id)
    assert (refusal.value.field, refusal.value.reason) == (field, reason)


def test_an_order_id_of_200_characters_is_the_longest() -> None:
    assert len(order_id("shop", "1" * 195)) == 200


@pytest.mark.parametrize(
    "text",
    [
        "",
        "shop",
        "shop-",
        "-1",
        "Shop-1",
        "shop-a/b",
        "shop-a b",
        "shop-%2f",  # we write capitals: %2F
        "shop-%41",  # we never encode an A
        "shop-%",
        "shop-%4",
        "shop-%FF",  # not UTF-8
        "shop-%00",
        "shop-%ED%A0%80",  # a surrogate
        "shop-1\n",
        "shop-" + "1" * 196,
    ],
)
def test_an_order_id_that_we_never_make_is_not_read(text: str) -> None:
    with pytest.raises(InvalidOrderId) as refusal:
        parse_order_id(text)
    assert refusal.value.field == "order_id"


def test_workflows_are_named_for_what_they_run() -> None:
    assert workflow_id(order_id("shop", "1")) == "order:shop-1"
    assert return_workflow_id(ReturnId("r1")) == "return:r1"


@pytest.mark.parametrize(
    ("parts", "place"),
    [((), 1), (("",), 1), (("f1", "a/b"), 2), (("f1", "a b"), 2), (("x" * 255,), 1)],
)
def test_an_effect_key_that_would_not_split_is_refused(parts: tuple[str, ...], place: int) -> None:
    with pytest.raises(InvalidEffectKey) as refusal:
        effect_key(OrderId("shop-1"), *parts)
    assert refusal.value.part == place
