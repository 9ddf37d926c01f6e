"""The judge believes only the world's journal and our books, and finds each thing that is wrong."""

from dataclasses import replace
from decimal import Decimal

import pytest

from demo.judge import Evidence, Expected, judge
from demo.repertoire import NOTHING_LEFT
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
MADE = _entry(
    "easypost",
    "shipment_created",
    shipment={"id": "shp_1", "to_address": {"country": "DE", "zip": "10117"}},
)
ELSEWHERE = _entry(
    "easypost",
    "shipment_created",
    shipment={"id": "shp_1", "to_address": {"country": "DE", "zip": "70173"}},
)
BOUGHT = _entry("easypost", "label_bought", tracking_code="T1", shipment_id="shp_1")
VOIDED = _entry("easypost", "label_refunded", tracking_code="T1")
HANDED_OVER = _entry("warehouse", "handed_over", parcels=[{"tracking_number": "T1"}])
TOLD = _entry("shopify", "fulfilled", tracking_numbers=["T1"])
CANCELLED = _entry("shopify", "cancelled")

GOOD = Evidence(
    status="closed",
    waits_on="",
    world=[ACCEPTED, MADE, _captured(), BOUGHT, HANDED_OVER, TOLD],
    movements={"MUG-BLUE": (-3, 0), "WHISK": (-1, 0)},
    live_numbers=("T1",),
)
TAKEN_BACK = Evidence(
    status="cancelled",
    waits_on="",
    world=[ACCEPTED, MADE, BOUGHT, VOIDED, CANCELLED],
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
        (
            [ACCEPTED, MADE, _captured(), BOUGHT, BOUGHT, HANDED_OVER, TOLD],
            "labels bought: 1",
        ),
        ([ACCEPTED, MADE, _captured(), BOUGHT, VOIDED, HANDED_OVER, TOLD], "one live label"),
        (
            [ACCEPTED, ELSEWHERE, _captured(), BOUGHT, HANDED_OVER, TOLD],
            "it goes to where the customer is",
        ),
        (
            [ACCEPTED, MADE, ACCEPTED, _captured(), BOUGHT, HANDED_OVER, TOLD],
            "1 warehouses take it on",
        ),
        ([ACCEPTED, MADE, _captured(), BOUGHT, HANDED_OVER, HANDED_OVER, TOLD], "handed over once"),
        ([ACCEPTED, MADE, _captured(), BOUGHT, TOLD], "handed over once"),
        (
            [ACCEPTED, MADE, _captured(), BOUGHT, HANDED_OVER, TOLD, TOLD],
            "the shop is told the number that left, once",
        ),
        (
            [ACCEPTED, MADE, _captured(), BOUGHT, HANDED_OVER],
            "the shop is told the number that left, once",
        ),
        (
            [ACCEPTED, MADE, _captured(), BOUGHT, HANDED_OVER, TOLD, CANCELLED],
            "the shop hears of the cancellation, once",
        ),
        ([ACCEPTED, MADE, BOUGHT, HANDED_OVER, TOLD], f"captured once: {TOTAL} {CURRENCY}"),
        (
            [ACCEPTED, MADE, _captured(), _captured(), BOUGHT, HANDED_OVER, TOLD],
            f"captured once: {TOTAL} {CURRENCY}",
        ),
        (
            [ACCEPTED, MADE, _captured(TOTAL - 1), BOUGHT, HANDED_OVER, TOLD],
            f"captured once: {TOTAL} {CURRENCY}",
        ),
        (
            [ACCEPTED, MADE, _captured(), BOUGHT, HANDED_OVER, TOLD, _refunded(1)],
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
        ([ACCEPTED, MADE, BOUGHT, CANCELLED], "no live label"),
        ([ACCEPTED, MADE, BOUGHT, VOIDED], "the shop hears of the cancellation, once"),
        ([ACCEPTED, MADE, BOUGHT, VOIDED, CANCELLED, _captured()], "the customer pays nothing"),
        ([ACCEPTED, MADE, BOUGHT, VOIDED, CANCELLED, HANDED_OVER], "never handed over"),
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
