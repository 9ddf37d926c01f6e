"""The judge believes only the world's journal and our books, and finds each thing that is wrong."""

from dataclasses import replace
from decimal import Decimal

import pytest

from demo.judge import Evidence, Expected, judge
from demo.scenarios import NOTHING_LEFT
from demo.shop import Customer, Sale, total_shown

BUYER = Customer("Ada Lovelace", "DE", ("Unter den Linden 77",), "Berlin", "", "10117")
SALE = Sale(1001, BUYER, (("MUG-BLUE", 2), ("WHISK", 1), ("MUG-BLUE", 1)))
TOTAL, CURRENCY = total_shown(SALE)


def _entry(system, effect, **data):
    return {"system": system, "effect": effect, "data": data}


def _captured(amount=TOTAL):
    return _entry("shopify", "captured", amount=str(amount), currency=CURRENCY)


def _refunded(amount):
    return _entry("shopify", "refunded", amount=str(amount), currency=CURRENCY)


ACCEPTED = _entry("warehouse", "accepted")
BOUGHT = _entry("easypost", "label_bought", tracking_code="T1")
VOIDED = _entry("easypost", "label_refunded", tracking_code="T1")
HANDED_OVER = _entry("warehouse", "handed_over", tracking_number="T1")
TOLD = _entry("shopify", "fulfilled", tracking_numbers=["T1"])
CANCELLED = _entry("shopify", "cancelled")

GOOD = Evidence(
    status="closed",
    waits_on="",
    world=[ACCEPTED, _captured(), BOUGHT, HANDED_OVER, TOLD],
    movements={"MUG-BLUE": (-3, 0), "WHISK": (-1, 0)},
    live_numbers=("T1",),
)
TAKEN_BACK = Evidence(
    status="cancelled",
    waits_on="",
    world=[ACCEPTED, BOUGHT, VOIDED, CANCELLED],
    movements={"MUG-BLUE": (0, 0), "WHISK": (0, 0)},
    live_numbers=(),
)


def _broken(found, expected=None, sale=SALE):
    return [fact.must for fact in judge(sale, expected or Expected(), found) if not fact.holds]


def test_an_order_that_went_well_is_found_so():
    assert _broken(GOOD) == []


def test_a_cancelled_order_that_left_nothing_is_found_so():
    assert _broken(TAKEN_BACK, NOTHING_LEFT) == []


@pytest.mark.parametrize(
    ("world", "must"),
    [
        ([ACCEPTED, _captured(), BOUGHT, BOUGHT, HANDED_OVER, TOLD], "at most 1 labels bought"),
        ([ACCEPTED, _captured(), BOUGHT, VOIDED, HANDED_OVER, TOLD], "one live label"),
        ([ACCEPTED, ACCEPTED, _captured(), BOUGHT, HANDED_OVER, TOLD], "1 warehouses take it on"),
        ([ACCEPTED, _captured(), BOUGHT, HANDED_OVER, HANDED_OVER, TOLD], "handed over once"),
        ([ACCEPTED, _captured(), BOUGHT, TOLD], "handed over once"),
        (
            [ACCEPTED, _captured(), BOUGHT, HANDED_OVER, TOLD, TOLD],
            "the shop is told the number that left, once",
        ),
        (
            [ACCEPTED, _captured(), BOUGHT, HANDED_OVER],
            "the shop is told the number that left, once",
        ),
        (
            [ACCEPTED, _captured(), BOUGHT, HANDED_OVER, TOLD, CANCELLED],
            "the shop hears of the cancellation, once",
        ),
        ([ACCEPTED, BOUGHT, HANDED_OVER, TOLD], f"captured once: {TOTAL} {CURRENCY}"),
        (
            [ACCEPTED, _captured(), _captured(), BOUGHT, HANDED_OVER, TOLD],
            f"captured once: {TOTAL} {CURRENCY}",
        ),
        (
            [ACCEPTED, _captured(TOTAL - 1), BOUGHT, HANDED_OVER, TOLD],
            f"captured once: {TOTAL} {CURRENCY}",
        ),
        (
            [ACCEPTED, _captured(), BOUGHT, HANDED_OVER, TOLD, _refunded(1)],
            "nothing refunded",
        ),
    ],
)
def test_what_the_world_did_wrong_is_found(world, must):
    assert must in _broken(replace(GOOD, world=world))


@pytest.mark.parametrize(
    ("change", "must"),
    [
        ({"status": "delivered"}, "ends as closed"),
        ({"live_numbers": ("T2",)}, "our books know the live labels"),
        ({"movements": {"MUG-BLUE": (-2, 0), "WHISK": (-1, 0)}}, "exactly these pieces left"),
        ({"movements": {"MUG-BLUE": (-3, 0), "WHISK": (-1, 1)}}, "nothing stays reserved"),
    ],
)
def test_what_our_books_have_wrong_is_found(change, must):
    assert any(found.startswith(must) for found in _broken(replace(GOOD, **change)))


@pytest.mark.parametrize(
    ("world", "must"),
    [
        ([ACCEPTED, BOUGHT, CANCELLED], "no live label"),
        ([ACCEPTED, BOUGHT, VOIDED], "the shop hears of the cancellation, once"),
        ([ACCEPTED, BOUGHT, VOIDED, CANCELLED, _captured()], "the customer pays nothing"),
        ([ACCEPTED, BOUGHT, VOIDED, CANCELLED, HANDED_OVER], "never handed over"),
    ],
)
def test_what_a_cancelled_order_left_behind_is_found(world, must):
    assert must in _broken(replace(TAKEN_BACK, world=world), NOTHING_LEFT)


def test_a_return_gives_back_pieces_and_money():
    expected = Expected(refunded_lines=(0,))
    came_back = {"MUG-BLUE": (-1, 0), "WHISK": (-1, 0)}
    refunded = replace(GOOD, world=[*GOOD.world, _refunded(Decimal("29.80"))], movements=came_back)
    assert _broken(refunded, expected) == []
    assert _broken(replace(refunded, world=GOOD.world), expected) == [
        "refunded, and no more than captured"
    ]
    kept = replace(refunded, movements=GOOD.movements)
    assert _broken(kept, expected) == ["exactly these pieces left our stock"]


def test_an_order_nobody_took_in_is_found():
    lost = Evidence("not in the books", "", [], {}, ())
    assert "ends as closed" in _broken(lost)
