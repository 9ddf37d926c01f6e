"""The judge believes only the world's journal and our books, and finds each thing that is wrong."""

from dataclasses import replace
from decimal import Decimal

import pytest

from demo.decisions import Decided
from demo.judge import Evidence, Expected, judge
from demo.repertoire import NOTHING_LEFT, TWO_PARTS
from demo.shop import Customer, Sale, total_shown

BUYER = Customer("Ada Lovelace", "DE", ("Unter den Linden 77",), "Berlin", "", "10117")
SALE = Sale(1001, BUYER, (("MUG-BLUE", 2), ("WHISK", 1), ("MUG-BLUE", 1)))
TOTAL, CURRENCY = total_shown(SALE)


def _entry(system, effect, key="", **data):
    return {"system": system, "effect": effect, "key": key, "data": data}


def _captured(amount=TOTAL):
    return _entry("shopify", "captured", amount=str(amount), currency=CURRENCY)


def _refunded(amount):
    return _entry("shopify", "refunded", amount=str(amount), currency=CURRENCY)


def _accepted(part, location, **pieces):
    lines = [{"sku": sku.replace("_", "-"), "quantity": many} for sku, many in pieces.items()]
    return _entry("warehouse", "accepted", part, location=location, request={"lines": lines})


def _made(part, postal_code="10117"):
    place = {"country": "DE", "zip": postal_code}
    return _entry("easypost", "shipment_created", shipment={"id": part, "to_address": place})


def _bought(part, code):
    return _entry("easypost", "label_bought", tracking_code=code, shipment_id=part)


def _handed_over(part, code):
    return _entry("warehouse", "handed_over", part, parcels=[{"tracking_number": code}])


def _told(code, *lines):
    told = [{"line_item_id": int(SALE.line_id(n)), "quantity": many} for n, many in lines]
    return _entry("shopify", "fulfilled", tracking_numbers=[code], lines=told)


def _arrived(code):
    return _entry("easypost", "scan", tracking_code=code, status="delivered")


ACCEPTED = _accepted("f1", "berlin", MUG_BLUE=3, WHISK=1)
MADE, ELSEWHERE = _made("f1"), _made("f1", "70173")
BOUGHT = _bought("f1", "T1")
VOIDED = _entry("easypost", "label_refunded", tracking_code="T1")
HANDED_OVER = _handed_over("f1", "T1")
TOLD = _told("T1", (0, 2), (1, 1), (2, 1))
ARRIVED = _arrived("T1")
CANCELLED = _entry("shopify", "cancelled")

GOOD = Evidence(
    status="closed",
    waits_on="",
    world=[ACCEPTED, MADE, _captured(), BOUGHT, HANDED_OVER, TOLD, ARRIVED],
    movements={"MUG-BLUE": (-3, 0), "WHISK": (-1, 0)},
    corrected=frozenset(),
    live_numbers=("T1",),
    decided=Decided(("Berlin ships all 3 lines.",), ("berlin",)),
)
TAKEN_BACK = Evidence(
    status="cancelled",
    waits_on="",
    world=[ACCEPTED, MADE, BOUGHT, VOIDED, CANCELLED],
    movements={"MUG-BLUE": (0, 0), "WHISK": (0, 0)},
    corrected=frozenset(),
    live_numbers=(),
    decided=Decided(("Berlin ships all 3 lines.",)),
)
SPLIT = Evidence(
    status="closed",
    waits_on="",
    world=[
        _accepted("f1", "berlin", MUG_BLUE=3), _accepted("f2", "leeds", WHISK=1), _captured(),
        _made("f1"), _made("f2"), _bought("f1", "T1"), _bought("f2", "T2"),
        _handed_over("f2", "T2"), _handed_over("f1", "T1"),
        _told("T1", (0, 2), (2, 1)), _told("T2", (1, 1)), _arrived("T2"), _arrived("T1"),
    ],
    movements={"MUG-BLUE": (-3, 0), "WHISK": (-1, 0)},
    corrected=frozenset(),
    live_numbers=("T1", "T2"),
    decided=Decided(("Berlin ships 2 of 3 lines and Leeds ships 1.",), ("berlin", "leeds")),
)  # fmt: skip


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
            [ACCEPTED, MADE, _captured(), BOUGHT, BOUGHT, HANDED_OVER, TOLD, ARRIVED],
            "labels bought: 1",
        ),
        (
            [ACCEPTED, MADE, _captured(), BOUGHT, VOIDED, HANDED_OVER, TOLD, ARRIVED],
            "live labels: 1",
        ),
        (
            [ACCEPTED, ELSEWHERE, _captured(), BOUGHT, HANDED_OVER, TOLD, ARRIVED],
            "it goes to where the customer is",
        ),
        (
            [ACCEPTED, MADE, ACCEPTED, _captured(), BOUGHT, HANDED_OVER, TOLD, ARRIVED],
            "1 warehouses take it on",
        ),
        (
            [ACCEPTED, MADE, _captured(), BOUGHT, HANDED_OVER, HANDED_OVER, TOLD, ARRIVED],
            "handed over: 1",
        ),
        ([ACCEPTED, MADE, _captured(), BOUGHT, TOLD], "handed over: 1"),
        (
            [ACCEPTED, MADE, _captured(), BOUGHT, HANDED_OVER, TOLD, TOLD],
            "the shop is told each number that left, once",
        ),
        (
            [ACCEPTED, MADE, _captured(), BOUGHT, HANDED_OVER],
            "the shop is told each number that left, once",
        ),
        (
            [ACCEPTED, MADE, _captured(), BOUGHT, HANDED_OVER, TOLD, CANCELLED],
            "the shop hears of the cancellation, once",
        ),
        (
            [ACCEPTED, MADE, BOUGHT, HANDED_OVER, TOLD, ARRIVED],
            f"captured once: {TOTAL} {CURRENCY}",
        ),
        (
            [ACCEPTED, MADE, _captured(), _captured(), BOUGHT, HANDED_OVER, TOLD, ARRIVED],
            f"captured once: {TOTAL} {CURRENCY}",
        ),
        (
            [ACCEPTED, MADE, _captured(TOTAL - 1), BOUGHT, HANDED_OVER, TOLD, ARRIVED],
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
        ([ACCEPTED, MADE, BOUGHT, CANCELLED], "live labels: 0"),
        ([ACCEPTED, MADE, BOUGHT, VOIDED], "the shop hears of the cancellation, once"),
        ([ACCEPTED, MADE, BOUGHT, VOIDED, CANCELLED, _captured()], "the customer pays nothing"),
        ([ACCEPTED, MADE, BOUGHT, VOIDED, CANCELLED, HANDED_OVER], "handed over: 0"),
    ],
)
def test_what_a_cancelled_order_left_behind_is_found(world, must):
    assert must in _broken(replace(TAKEN_BACK, world=world), NOTHING_LEFT)


@pytest.mark.parametrize(
    ("decided", "must"),
    [
        (Decided(("Leeds ships all.",), ("leeds",)), "it left from where sourcing decided"),
        (Decided((), ("berlin",)), "why is on record"),
    ],
)
def test_an_order_that_went_where_nobody_decided_is_found(decided, must):
    assert _broken(replace(GOOD, decided=decided)) == [must]


def test_pieces_and_lines_that_did_not_leave_as_they_must_are_found():
    fewer = _accepted("f1", "berlin", MUG_BLUE=2, WHISK=1)
    rest = GOOD.world[1:]
    assert _broken(replace(GOOD, world=[fewer, *rest])) == ["exactly these pieces were packed"]
    told = _told("T1", (0, 2), (1, 1))
    world = [told if one is TOLD else one for one in GOOD.world]
    assert _broken(replace(GOOD, world=world)) == ["the shop is told which lines left, once"]
    lost = [one for one in GOOD.world if one is not ARRIVED]
    assert _broken(replace(GOOD, world=lost)) == ["what left arrives"]


def test_a_split_order_that_went_well_is_found_so():
    assert _broken(SPLIT, TWO_PARTS) == []


@pytest.mark.parametrize(
    ("change", "must"),
    [
        (lambda world: [*world, _captured()], f"captured once: {TOTAL} {CURRENCY}"),
        (lambda world: world[:-1], "what left arrives"),
        (
            lambda world: [one for one in world if one != _told("T2", (1, 1))],
            "the shop is told each number that left, once",
        ),
        (
            lambda world: [_accepted("f1", "leeds", MUG_BLUE=3), *world[1:]],
            "each part from another location",
        ),
        (lambda world: [one for one in world if one["key"] != "f2"], "handed over: 2"),
    ],
)
def test_a_part_that_went_wrong_is_found(change, must):
    assert must in _broken(replace(SPLIT, world=change(SPLIT.world)), TWO_PARTS)


def test_a_bundle_leaves_as_its_components():
    sale = replace(SALE, lines=(("COFFEE-SET", 2), ("MUG-BLUE", 1)))
    pieces = {"DRIPPER": 2, "FILTER-100": 2, "MUG-BLUE": 5}
    assert sale.pieces() == pieces
    world = [
        _accepted("f1", "berlin", **pieces), MADE,
        _captured(total_shown(sale)[0]), BOUGHT, HANDED_OVER, _told("T1", (0, 2), (1, 1)), ARRIVED,
    ]  # fmt: skip
    found = replace(GOOD, world=world, movements={sku: (-n, 0) for sku, n in pieces.items()})
    assert _broken(found, sale=sale) == []
    sold_as_one = replace(found, movements={"COFFEE-SET": (-2, 0), "MUG-BLUE": (-1, 0)})
    assert _broken(sold_as_one, sale=sale) == ["exactly these pieces left our stock"]


def test_a_gift_card_is_captured_with_the_goods_and_never_refunded_with_them():
    sale = replace(SALE, gift_card="50.00")
    total = TOTAL + 50
    assert total_shown(sale) == (total, CURRENCY)
    expected = Expected(returned_lines=(0,))
    came_back = {"MUG-BLUE": (-1, 0), "WHISK": (-1, 0)}
    paid = [_captured(total) if one["effect"] == "captured" else one for one in GOOD.world]
    found = replace(GOOD, movements=came_back, world=[*paid, _refunded("29.80")])
    assert _broken(found, expected, sale) == []
    goods_alone = replace(found, world=[*GOOD.world, _refunded("29.80")])
    assert _broken(goods_alone, expected, sale) == [f"captured once: {total} {CURRENCY}"]
    card_too = replace(found, world=[*paid, _refunded("79.80")])
    assert _broken(card_too, expected, sale) == ["refunded once: 29.80 EUR"]


def test_a_record_that_stays_wrong_is_found():
    zeroed = frozenset({("berlin", "WHISK", -1, 0)})
    must = "our record is corrected as was found"
    assert _broken(replace(GOOD, corrected=zeroed), Expected(corrected=zeroed)) == []
    assert _broken(GOOD, Expected(corrected=zeroed)) == [must]
    assert _broken(replace(GOOD, corrected=zeroed)) == [must]


def test_the_rest_of_an_order_is_refunded_and_stays():
    expected = Expected(cancelled_lines=(1,))
    rest = {
        "world": [
            _accepted("f1", "berlin", MUG_BLUE=3), MADE, _captured(), BOUGHT, HANDED_OVER,
            _told("T1", (0, 2), (2, 1)), ARRIVED, _refunded("13.50"),
        ],
        "movements": {"MUG-BLUE": (-3, 0), "WHISK": (0, 0)},
    }  # fmt: skip
    found = replace(GOOD, **rest)
    assert _broken(found, expected) == []
    unpaid = replace(found, world=found.world[:-1])
    assert _broken(unpaid, expected) == ["refunded once: 13.50 EUR"]
    assert "exactly these pieces left our stock" in _broken(
        replace(found, movements=GOOD.movements), expected
    )


def test_a_return_gives_back_pieces_and_money():
    expected = Expected(returned_lines=(0,))
    came_back = {"MUG-BLUE": (-1, 0), "WHISK": (-1, 0)}
    refunded = replace(GOOD, world=[*GOOD.world, _refunded(Decimal("29.80"))], movements=came_back)
    assert _broken(refunded, expected) == []
    assert _broken(replace(refunded, world=GOOD.world), expected) == ["refunded once: 29.80 EUR"]
    kept = replace(refunded, movements=GOOD.movements)
    assert _broken(kept, expected) == ["exactly these pieces left our stock"]


def test_an_order_nobody_took_in_is_found():
    lost = Evidence("not in the books", "", [], {}, frozenset(), (), Decided())
    assert "ends as closed" in _broken(lost)
