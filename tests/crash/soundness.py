"""What must hold after every round, by the simulators' journals and by our own rows."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from tests.crash.orders import LOCATIONS, STOCK_EACH, Placed
from tests.crash.world import World

SENT = {
    "accepted": 1,
    "packed": 1,
    "label_bought": 1,
    "handed_over": 1,
    "captured": 1,
    "fulfilled": 1,
}
NEVER_TWICE = (*SENT, "recalled", "rejected", "cancelled", "refunded", "label_refunded", "voided")


def assert_sound(world: World) -> None:
    """Every order that this run has ended is where it belongs, and nothing was done twice."""
    effects = _effects(world.journal())
    for order in world.shipped:
        _assert_sent(order, effects)
    for order in world.cancelled:
        _assert_taken_back(order, effects)
    _assert_no_second_effect(world.journal())
    _assert_stock(world)
    _assert_rows(world)
    world.assert_audit_clean()


def _effects(journal: list[dict[str, Any]]) -> dict[str, Counter[str]]:
    """How often each effect came to pass, by our id of the order."""
    counted: dict[str, Counter[str]] = defaultdict(Counter)
    for entry in journal:
        order = entry["order"]
        if order is not None:
            ours = f"demo-{order}" if entry["system"] == "shopify" else order
            counted[ours][entry["effect"]] += 1
    return counted


def _assert_sent(order: Placed, effects: dict[str, Counter[str]]) -> None:
    had = effects[order.order_id]
    expected = SENT if order.authorised else {**SENT, "captured": 0}
    assert {name: had[name] for name in SENT} == expected, (order, had)
    assert not had["cancelled"] + had["recalled"] + had["label_refunded"] + had["voided"], (
        order,
        had,
    )


def _assert_taken_back(order: Placed, effects: dict[str, Counter[str]]) -> None:
    had = effects[order.order_id]
    assert had["cancelled"] == 1, (order, had)
    assert had["handed_over"] == had["fulfilled"] == 0, (order, had)
    assert had["label_bought"] == had["label_refunded"], (order, had)
    assert had["captured"] == had["refunded"], (order, had)
    assert had["accepted"] == had["recalled"], (order, had)


def _assert_no_second_effect(journal: Iterable[dict[str, Any]]) -> None:
    """Orders here have one parcel and no other address, so each deed happens once an order."""
    times = Counter(
        (entry["system"], entry["effect"], entry["order"])
        for entry in journal
        if entry["effect"] in NEVER_TWICE
    )
    twice = {deed: n for deed, n in times.items() if n > 1}
    assert not twice, f"done twice: {twice}"


def _assert_stock(world: World) -> None:
    """On hand is what was there, less what left, plus what came back; nothing stays reserved."""
    gone: Counter[str] = Counter()
    for order in world.shipped:
        gone.update(order.pieces)
    for order in world.returned:
        gone.subtract(order.pieces)
    opening = STOCK_EACH * len(LOCATIONS)
    levels = world.rows(
        "SELECT sku, sum(on_hand)::int AS on_hand, sum(reserved)::int AS reserved "
        "FROM stock GROUP BY sku"
    )
    for level in levels:
        expected = opening - gone[level["sku"]]
        assert (level["on_hand"], level["reserved"]) == (expected, 0), (level, expected)
    ledger = world.rows(
        "SELECT s.sku, s.location FROM stock s JOIN stock_movements m USING (sku, location) "
        "GROUP BY s.sku, s.location, s.on_hand, s.reserved "
        "HAVING s.on_hand <> sum(m.on_hand_delta) OR s.reserved <> sum(m.reserved_delta)"
    )
    assert not ledger, f"counters are not the ledger's fold: {ledger}"


def _assert_rows(world: World) -> None:
    ids = [order.order_id for order in (*world.shipped, *world.cancelled)]
    undone = world.rows(
        "SELECT key, state FROM effects WHERE state NOT IN ('done', 'withdrawn') "
        # the warehouse's own word or a scan may say it first: then nobody asks for the answer
        "AND key NOT LIKE '%%/hand-over/%%' AND split_part(key, '/', 1) = ANY (%s)",
        ids,
    )
    assert not undone, f"deeds without an end: {undone}"
    back = world.rows(
        "SELECT key, state FROM effects WHERE state <> 'withdrawn' "
        "AND key ~ '/f[0-9]+(/p[0-9]+/label/[0-9]+)?$' AND split_part(key, '/', 1) = ANY (%s)",
        [order.order_id for order in world.cancelled],
    )
    assert not back, f"taken back, and not written down as such: {back}"
    parked = world.rows(
        "SELECT source, kind, order_id, last_error FROM inbox WHERE parked_at NOTNULL"
    )
    assert not parked, f"inbox rows that nobody could deliver: {parked}"
    money = world.rows(
        "SELECT order_id, sum(CASE kind WHEN 'captured' THEN amount_minor "
        "WHEN 'refunded' THEN -amount_minor END)::int AS kept "
        "FROM money WHERE order_id = ANY (%s) GROUP BY order_id",
        ids,
    )
    kept = {row["order_id"]: row["kept"] for row in money}
    returned = {order.order_id for order in world.returned}
    for order in world.shipped:
        owed = int(order.total.replace(".", "")) if order.authorised else None
        expected = 0 if order.order_id in returned and owed is not None else owed
        assert kept.get(order.order_id) == expected, (order, kept.get(order.order_id), expected)
    for order in world.cancelled:
        assert not kept.get(order.order_id), (order, kept.get(order.order_id))
