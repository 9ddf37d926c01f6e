"""What must hold after every round, by the simulators' journals and by our own rows."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from domain.ids import cart_id
from tests.crash.catalogue import HOMES, LATE, PRICE, STOCK_EACH
from tests.crash.orders import Placed, cart_of
from tests.crash.world import World

Entry = dict[str, Any]
Effects = dict[str, Counter[str]]

OF_EACH_PART = ("packed", "label_bought", "handed_over", "fulfilled")
ALL = (
    *OF_EACH_PART,
    "accepted",
    "captured",
    "recalled",
    "rejected",
    "cancelled",
    "refunded",
    "label_refunded",
    "voided",
)


def assert_sound(world: World) -> None:
    """Every order that this run has ended is where it belongs, and nothing was done twice."""
    journal = world.journal()
    effects, left = _effects(journal), _left(journal)
    for order in world.shipped:
        _assert_sent(world, order, effects)
        assert left[order.order_id] == order.pieces, (order, left[order.order_id])
    for order in world.partly:
        _assert_partly_sent(order, effects)
        assert left[order.order_id] in _shares(order), (order, left[order.order_id])
    for order in world.cancelled:
        _assert_taken_back(order, effects)
    _assert_no_second_effect(journal)
    _assert_stock(world, left)
    _assert_rows(world, journal)
    _assert_money(world, left)
    world.assert_audit_clean()


def _effects(journal: list[Entry]) -> Effects:
    """How often each effect came to pass, by our id of the order."""
    counted: Effects = defaultdict(Counter)
    for entry in journal:
        order = entry["order"]
        if order is not None:
            ours = f"demo-{order}" if entry["system"] == "shopify" else order
            counted[ours][entry["effect"]] += 1
    return counted


def _left(journal: list[Entry]) -> dict[str, Counter[str]]:
    """The pieces that the warehouses gave to the carrier, by order."""
    asked = {e["ref"]: e["data"]["request"]["lines"] for e in journal if e["effect"] == "accepted"}
    left: dict[str, Counter[str]] = defaultdict(Counter)
    for entry in journal:
        if entry["effect"] == "handed_over":
            for line in asked[entry["ref"]]:
                left[entry["order"]][line["sku"]] += line["quantity"]
    return left


def _shares(order: Placed) -> list[dict[str, int]]:
    """What each of its locations sends of it."""
    return [
        {sku: many for sku, many in order.pieces.items() if HOMES[sku] == home}
        for home in {HOMES[sku] for sku in order.pieces}
    ]


def _assert_sent(world: World, order: Placed, effects: Effects) -> None:
    had = effects[order.order_id]
    again = sum(short.order == order for short in world.short)
    expected = dict.fromkeys(OF_EACH_PART, order.parts) | {
        "accepted": order.parts + again,
        "rejected": again,
        "captured": int(order.authorised),
        "refunded": int(order.authorised and order in world.returned),
    }
    assert _only(had) == _only(expected), (order, had)


def _assert_partly_sent(order: Placed, effects: Effects) -> None:
    """Of its two parts one left, the other was taken back when it had its label."""
    had = effects[order.order_id]
    once = ("handed_over", "fulfilled", "captured", "recalled", "label_refunded", "refunded")
    expected = dict.fromkeys(once, 1) | {"accepted": 2, "packed": 2, "label_bought": 2}
    assert _only(had) == expected, (order, had)


def _assert_taken_back(order: Placed, effects: Effects) -> None:
    had = effects[order.order_id]
    assert had["cancelled"] == 1, (order, had)
    assert had["handed_over"] == had["fulfilled"] == 0, (order, had)
    assert had["label_bought"] == had["label_refunded"], (order, had)
    assert had["captured"] == had["refunded"], (order, had)
    assert had["accepted"] == had["recalled"], (order, had)


def _only(had: dict[str, int]) -> dict[str, int]:
    return {effect: had[effect] for effect in ALL if had.get(effect)}


def _assert_no_second_effect(journal: Iterable[Entry]) -> None:
    """Each deed happens once a part: parts here have one parcel and no second label."""
    times = Counter(
        (entry["system"], entry["effect"], entry["order"], _of_what(entry))
        for entry in journal
        if entry["effect"] in ALL
    )
    twice = {deed: n for deed, n in times.items() if n > 1}
    assert not twice, f"done twice: {twice}"


def _of_what(entry: Entry) -> str:
    """The part, where the deed is about a part; shops know parts by tracking numbers alone."""
    if entry["system"] == "shopify":
        return str(entry["data"].get("tracking_numbers", ""))
    return str(entry["key"])


def _assert_stock(world: World, left: dict[str, Counter[str]]) -> None:
    """On hand is what was there and came, less what left.

    Nothing stays reserved, waited for or on its way, and orders got what their carts held.
    """
    expected = Counter({(sku, HOMES[sku]): STOCK_EACH for sku in HOMES if sku not in LATE})
    expected.update(world.moved)
    damaged = Counter(world.damaged)
    for pieces in left.values():
        expected.subtract({(sku, HOMES[sku]): many for sku, many in pieces.items()})
    for order in world.returned:  # a customer sends one parcel, to where the first line came from
        to = HOMES[next(iter(order.pieces))]
        expected.update({(sku, to): many for sku, many in order.pieces.items()})
    for short in world.short:
        if short.reason == "damaged":
            damaged[short.sku, HOMES[short.sku]] += short.missing
        else:
            expected[short.sku, HOMES[short.sku]] -= short.missing
    levels = world.rows("SELECT sku, location, on_hand, reserved, damaged, incoming FROM stock")
    for level in levels:
        at = level["sku"], level["location"]
        counted = level["on_hand"], level["reserved"], level["damaged"], level["incoming"]
        assert counted == (expected[at], 0, damaged[at], 0), (level, expected[at], damaged[at])
    unknown = {at for at in expected if expected[at]} - {(n["sku"], n["location"]) for n in levels}
    assert not unknown, f"stock that is nowhere: {unknown}"
    ledger = world.rows(
        "SELECT s.sku, s.location FROM stock s JOIN stock_movements m USING (sku, location) "
        "GROUP BY s.sku, s.location, s.on_hand, s.reserved, s.damaged "
        "HAVING s.on_hand <> sum(m.on_hand_delta) OR s.reserved <> sum(m.reserved_delta) "
        "OR s.damaged <> sum(m.damaged_delta)"
    )
    assert not ledger, f"counters are not the ledger's fold: {ledger}"
    waiting = world.rows("SELECT key FROM stock_waiting")
    assert not waiting, f"still in the queue for goods: {waiting}"
    taken_over = world.rows(
        "SELECT DISTINCT order_id FROM stock_movements "
        "WHERE kind = 'released' AND reason = 'ordered'"
    )
    carts = {cart_id(cart_of(order)) for order in world.carts}
    assert {row["order_id"] for row in taken_over} == carts


def _assert_rows(world: World, journal: list[Entry]) -> None:
    ids = [order.order_id for order in (*world.shipped, *world.partly, *world.cancelled)]
    undone = world.rows(
        "SELECT key, state FROM effects WHERE state NOT IN ('done', 'withdrawn') "
        # the warehouse's own word or a scan may say it first: then nobody asks for the answer
        "AND key NOT LIKE '%%/hand-over/%%' AND split_part(key, '/', 1) = ANY (%s)",
        ids,
    )
    assert not undone, f"deeds without an end: {undone}"
    back = world.rows(
        "SELECT key, state FROM effects WHERE state <> 'withdrawn' "
        "AND key ~ '/f[0-9]+(/p[0-9]+/label/[0-9]+)?$' AND (split_part(key, '/', 1) = ANY (%s) "
        "OR split_part(key, '/', 1) || '/' || split_part(key, '/', 2) = ANY (%s))",
        [order.order_id for order in world.cancelled],
        [entry["key"] for entry in journal if entry["effect"] == "recalled"],
    )
    assert not back, f"taken back, and not written down as such: {back}"
    parked = world.rows(
        "SELECT source, kind, order_id, last_error FROM inbox WHERE parked_at NOTNULL"
    )
    assert not parked, f"inbox rows that nobody could deliver: {parked}"


def _assert_money(world: World, left: dict[str, Counter[str]]) -> None:
    """We kept the price of what left and did not come back."""
    money = world.rows(
        "SELECT order_id, sum(CASE kind WHEN 'captured' THEN amount_minor "
        "WHEN 'refunded' THEN -amount_minor END)::int AS kept FROM money GROUP BY order_id"
    )
    kept = {row["order_id"]: row["kept"] for row in money}
    returned = {order.order_id for order in world.returned}
    for order in (*world.shipped, *world.partly, *world.cancelled):
        sold = 0 if order.order_id in returned else left[order.order_id].total()
        expected = 100 * PRICE * sold if order.authorised else 0
        assert kept.get(order.order_id, 0) == expected, (order, kept.get(order.order_id), expected)
