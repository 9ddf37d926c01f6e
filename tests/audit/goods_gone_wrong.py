"""Bugs to plant in stock, parts and sourcing, each with the invariant that finds it; and what is
odd there, and sound."""

from collections.abc import Awaitable, Callable

from tests.audit.small_world import SmallWorld

Plant = Callable[[SmallWorld], Awaitable[None]]

GIFT = '[{"line_id": "l2", "sku": "GIFT", "quantity": 1}]'
GIFT_UNIT = (
    '[{"line_id": "l2", "sku": "GIFT", "quantity": 1, "unit": '
    '[{"sku": "CUP", "quantity": 2}, {"sku": "POT", "quantity": 1}]}]'
)
TEES = '[{"line_id": "l1", "sku": "TEE-RED", "quantity": 2}]'
TEES_UNIT = TEES.replace("}]", ', "unit": [{"sku": "TEE-RED", "quantity": 1}]}]')


def entered(key: str, kind: str, sku: str = "TEE-RED", place: str = "berlin", **deltas: int) -> str:
    """A movement that no counter heard of; people's own are of no order."""
    order = "NULL" if kind in ("damaged", "received") else "'demo-1003'"
    columns = "".join(f", {name}_delta" for name in deltas)
    values = "".join(f", {many}" for many in deltas.values())
    return (
        f"INSERT INTO stock_movements (key, sku, location, kind, order_id{columns}) "  # noqa: S608
        f"VALUES ('{key}', '{sku}', '{place}', '{kind}', {order}{values})"
    )


def moved(key: str, kind: str, sku: str = "TEE-RED", place: str = "berlin", **deltas: int) -> str:
    """A movement and what the trigger would have made of it."""
    counters = {"safety": "safety_stock"}
    fold = ", ".join(
        f"{counters.get(name, name)} = {counters.get(name, name)} + {many}"
        for name, many in deltas.items()
    )
    return (
        f"WITH folded AS (UPDATE stock SET {fold} WHERE sku = '{sku}' AND location = '{place}') "  # noqa: S608
        + entered(key, kind, sku, place, **deltas)
    )


def promised(key: str, state: str, order: str = "demo-1003") -> str:
    return (
        "INSERT INTO reservations (key, base, part, order_id, location, state, lines, items) "  # noqa: S608
        f"VALUES ('{key}/1', '{key}', 1, '{order}', 'berlin', '{state}', '{TEES_UNIT}', "
        '\'[{"sku": "TEE-RED", "quantity": 2}]\')'
    )


def decided(key: str, order: str = "demo-1003", outcome: str = "reserved") -> str:
    return (
        "INSERT INTO sourcing_decisions (order_id, key, outcome, rules_version, decision, facts) "  # noqa: S608
        f"SELECT '{order}', '{key}', '{outcome}', rules_version, decision, facts "
        "FROM sourcing_decisions WHERE key = 'demo-1003/reserve/1'"
    )


# -- the ledger


async def oversold(world: SmallWorld) -> None:
    await world.plant(entered("a", "reserved", reserved=99), entered("b", "released", reserved=-99))


async def promised_though_damaged(world: SmallWorld) -> None:
    await world.plant(entered("a", "damaged", damaged=18), entered("b", "damaged", damaged=-18))


async def damaged_below_nothing(world: SmallWorld) -> None:
    await world.plant(entered("a", "damaged", damaged=-1), entered("b", "damaged", damaged=1))


async def holds_back_less_than_nothing(world: SmallWorld) -> None:
    await world.plant(entered("a", "safety", safety=-1), entered("b", "safety", safety=1))


async def came_in_unexpected(world: SmallWorld) -> None:
    await world.plant(entered("a", "unexpected", incoming=-1), entered("b", "expected", incoming=1))


async def counters_drifted(world: SmallWorld) -> None:
    await world.plant("UPDATE stock SET on_hand = on_hand + 1 WHERE sku = 'TEE-RED'")


async def damaged_drifted(world: SmallWorld) -> None:
    await world.plant(
        "UPDATE stock SET damaged = damaged - 1 WHERE sku = 'CUP' AND location = 'lyon'"
    )


async def incoming_drifted(world: SmallWorld) -> None:
    await world.plant("UPDATE stock SET incoming = incoming + 1 WHERE sku = 'POT'")


async def safety_drifted(world: SmallWorld) -> None:
    await world.plant("UPDATE stock SET safety_stock = 1 WHERE sku = 'POT'")


# -- reservations


async def reservation_forgotten(world: SmallWorld) -> None:
    await world.plant(
        'UPDATE reservations SET items = \'[{"sku": "TEE-RED", "quantity": 1}]\' '
        "WHERE order_id = 'demo-1003'"
    )


async def shipped_too_few(world: SmallWorld) -> None:
    await world.plant(
        "UPDATE reservations SET lines = jsonb_set(lines, '{0,unit,0,quantity}', '2') "
        "WHERE order_id = 'demo-1001'"
    )


async def bundle_shipped_without_its_pot(world: SmallWorld) -> None:
    await world.plant(
        "DELETE FROM stock_movements WHERE sku = 'POT' AND order_id = 'demo-1005' "
        "AND kind IN ('reserved', 'shipped')",
        "INSERT INTO stock_movements (key, sku, location, kind, on_hand_delta, reason) "
        "VALUES ('adjusted/lost#POT', 'POT', 'lyon', 'adjusted', -1, 'lost')",
    )


async def booked_out_for_nothing(world: SmallWorld) -> None:
    await world.plant(
        moved("reserved/x/1#TEE-RED", "reserved", reserved=2),
        moved("shipped/x/1#TEE-RED", "shipped", on_hand=-2, reserved=-2),
    )


async def corrected_before_its_release(world: SmallWorld) -> None:
    """The stock would have been promised again before the record was right."""
    await world.plant(
        "UPDATE stock_movements SET key = key || '-' WHERE kind = 'released' AND sku = 'CUP' "
        "AND reason = 'short_pick'",
        "INSERT INTO stock_movements (key, sku, location, kind, reserved_delta, order_id, reason) "
        "SELECT rtrim(key, '-'), sku, location, kind, reserved_delta, order_id, reason "
        "FROM stock_movements WHERE key LIKE 'released/%CUP-'",
        "DELETE FROM stock_movements WHERE key LIKE 'released/%CUP-'",
    )


async def promised_between_release_and_correction(world: SmallWorld) -> None:
    await world.plant(
        "CREATE TEMP TABLE late ON COMMIT DROP AS SELECT * FROM stock_movements "
        "WHERE kind = 'damaged' AND order_id IS NOT NULL",
        "DELETE FROM stock_movements WHERE kind = 'damaged' AND order_id IS NOT NULL",
        entered("a", "reserved", "CUP", "lyon", reserved=1),
        "INSERT INTO stock_movements (key, sku, location, kind, damaged_delta, order_id, reason) "
        "SELECT key, sku, location, kind, damaged_delta, order_id, reason FROM late",
        entered("b", "released", "CUP", "lyon", reserved=-1),
    )


async def short_pick_that_corrected_nothing(world: SmallWorld) -> None:
    await world.plant(
        "UPDATE stock_movements SET order_id = NULL WHERE kind IN ('adjusted', 'damaged')"
    )


async def correction_of_nothing(world: SmallWorld) -> None:
    await world.plant(moved("adjusted/y/1#TEE-RED", "adjusted", on_hand=-1))


# -- parts


async def fulfilled_without_stock(world: SmallWorld) -> None:
    await world.plant(
        "UPDATE reservations SET state = 'released' WHERE order_id = 'demo-1003'",
        moved("released/demo-1003/reserve/1/1#TEE-RED", "released", reserved=-2),
    )


async def reserved_twice(world: SmallWorld) -> None:
    await world.plant(
        promised("z", "reserved"),
        decided("z"),
        moved("reserved/z/1#TEE-RED", "reserved", reserved=2),
    )


async def reserved_at_another_place(world: SmallWorld) -> None:
    await world.plant("UPDATE fulfilments SET location = 'lyon' WHERE order_id = 'demo-1003'")


async def recalled_but_never_given_back(world: SmallWorld) -> None:
    await world.plant(
        "UPDATE fulfilments SET status = 'recalled' WHERE order_id = 'demo-1007' AND number = "
        "(SELECT number FROM fulfilments WHERE order_id = 'demo-1007' AND status = 'accepted')"
    )


async def shipped_without_leaving(world: SmallWorld) -> None:
    await world.plant(
        "UPDATE reservations SET state = 'shipped' WHERE order_id = 'demo-1003'",
        moved("shipped/demo-1003/reserve/1/1#TEE-RED", "shipped", on_hand=-2, reserved=-2),
    )


async def one_part_never_booked_out(world: SmallWorld) -> None:
    """Of a split order, the other one was."""
    await world.plant(
        "UPDATE reservations SET state = 'released' WHERE order_id = 'demo-1005' "
        "AND location = 'berlin'",
        "UPDATE stock_movements SET kind = 'released', on_hand_delta = 0, "
        "key = replace(key, 'shipped/', 'released/') "
        "WHERE order_id = 'demo-1005' AND kind = 'shipped' AND location = 'berlin'",
        "UPDATE stock SET on_hand = on_hand + 2 WHERE sku = 'TEE-RED' AND location = 'berlin'",
    )


async def a_line_left_behind(world: SmallWorld) -> None:
    await world.plant(
        "UPDATE order_lines SET quantity = 3, unit_price_minor = 1000 WHERE order_id = 'demo-1001'"
    )


async def cancelled_line_sent_all_the_same(world: SmallWorld) -> None:
    """It is on its way, and at the shop, where it was told of and given back, alike."""
    await world.plant(
        "UPDATE orders SET cancelled_lines = cancelled_lines || "
        """'[{"line_id": "l1", "sku": "TEE-RED", "quantity": 2}]' WHERE order_id = 'demo-1006'""",
        "UPDATE money SET amount_minor = 5500 WHERE order_id = 'demo-1006' AND kind = 'refunded'",
    )
    refund = next(
        one for one in world.journal if one["effect"] == "refunded" and one["order"] == "1006"
    )
    line = {"line_item_id": "l1", "quantity": 2, "restock_type": "CANCEL"}
    refund["data"] |= {"amount": "55.00", "lines": [*refund["data"]["lines"], line]}


async def a_piece_at_work_twice(world: SmallWorld) -> None:
    await world.plant(
        promised("z", "reserved"),
        decided("z"),
        moved("reserved/z/1#TEE-RED", "reserved", reserved=2),
        "INSERT INTO fulfilments (order_id, number, reference, location, status, lines) "
        "SELECT order_id, 2, 'demo-1003/f2', location, 'requested', lines FROM fulfilments "
        "WHERE order_id = 'demo-1003'",
    )


async def cancelled_and_not_refunded(world: SmallWorld) -> None:
    await world.plant("DELETE FROM money WHERE order_id = 'demo-1006' AND kind = 'refunded'")
    world.journal = [
        {**one, "data": {**one["data"], "amount": "0.00"}}
        if one["effect"] == "refunded" and one["order"] == "1006"
        else one
        for one in world.journal
    ]


async def refunded_for_less_than_it_cost(world: SmallWorld) -> None:
    await world.plant(
        "UPDATE money SET amount_minor = 2490 WHERE order_id = 'demo-1006' AND kind = 'refunded'"
    )
    for one in world.journal:
        if one["effect"] == "refunded" and one["order"] == "1006":
            one["data"]["amount"] = "24.90"


# -- sourcing and the queue


async def nobody_decided_it(world: SmallWorld) -> None:
    await world.plant("DELETE FROM sourcing_decisions WHERE order_id = 'demo-1001'")


async def nobody_knows_why_it_waits(world: SmallWorld) -> None:
    await world.plant("DELETE FROM sourcing_decisions WHERE key = 'demo-1007/reserve/2'")


async def decided_otherwise(world: SmallWorld) -> None:
    await world.plant(
        "UPDATE sourcing_decisions SET decision = "
        "jsonb_set(decision, '{plan,parts,0,location}', '\"wien\"') WHERE order_id = 'demo-1005'"
    )


async def decided_and_not_reserved(world: SmallWorld) -> None:
    await world.plant(decided("nobody/reserve/1"))


async def split_more_than_its_rules_allow(world: SmallWorld) -> None:
    """Two parts; and the order had one already that is counted with them."""
    await world.plant(
        "UPDATE sourcing_decisions SET facts = jsonb_set(facts, '{parts_standing}', '1') "
        "WHERE order_id = 'demo-1005'"
    )


async def split_though_it_ships_complete(world: SmallWorld) -> None:
    await world.plant(
        "UPDATE sourcing_rules SET document = document || '{\"ship_complete\": true}'"
    )


async def given_in_more_parts_than_it_waited_for(world: SmallWorld) -> None:
    await split_though_it_ships_complete(world)
    await world.plant(
        "UPDATE sourcing_decisions SET outcome = 'assigned' WHERE order_id = 'demo-1005'"
    )


async def sent_more_than_it_takes_on(world: SmallWorld) -> None:
    await world.plant(
        "UPDATE locations SET capacity_per_day = 1, weekdays = '{1,2,3,4,5,6,7}', "
        "changed_at = now() - interval '9 days' WHERE location = 'berlin'",
    )


async def reserved_for_ever(world: SmallWorld) -> None:
    await world.plant(
        promised("z", "reserved", "demo-1001"),
        decided("z", "demo-1001"),
        moved("reserved/z/1#TEE-RED", "reserved", reserved=2),
    )


CART_HOLDS = (
    promised("z", "reserved", "cart:1"),
    decided("z", "cart:1"),
    moved("reserved/z/1#TEE-RED", "reserved", reserved=2),
)


async def cart_held_for_ever(world: SmallWorld) -> None:
    await world.plant(
        *CART_HOLDS,
        "UPDATE reservations SET expires_at = now() - interval '1 h' WHERE base = 'z'",
    )


async def cancelled_waits_for_stock(world: SmallWorld) -> None:
    await world.plant(
        "INSERT INTO stock_waiting (order_id, key, lines, items, skus, ranked) VALUES "
        "('demo-1002', 'q', '[]', '[]', '{}', '{}')",
        decided("q", "demo-1002", "waiting"),
    )


POTS_IN = ("received/late#POT", "received", "POT", "lyon")


async def waits_beside_its_goods(world: SmallWorld) -> None:
    await world.plant(
        moved(*POTS_IN, on_hand=5), moved("received/late#CUP", "received", "CUP", "lyon", on_hand=5)
    )


async def waits_beside_goods_at_two_places(world: SmallWorld) -> None:
    """Neither has two gifts, and a gift is never parted."""
    two = GIFT_UNIT.replace('"GIFT", "quantity": 1', '"GIFT", "quantity": 2')
    items = '[{"sku": "CUP", "quantity": 4}, {"sku": "POT", "quantity": 2}]'
    await world.plant(
        f"UPDATE stock_waiting SET lines = '{two}', items = '{items}', parts_max = 2, "  # noqa: S608
        "ranked = '{berlin,lyon}'",
        "INSERT INTO stock (sku, location) VALUES ('CUP', 'berlin'), ('POT', 'berlin') "
        "ON CONFLICT DO NOTHING",
        moved("received/1#CUP", "received", "CUP", "berlin", on_hand=2),
        moved("received/1#POT", "received", "POT", "berlin", on_hand=1),
        "WITH folded AS (UPDATE stock SET on_hand = reserved + damaged + CASE sku WHEN 'CUP' "
        "THEN 2 ELSE 1 END WHERE location = 'lyon' AND sku IN ('CUP', 'POT') "
        "RETURNING sku, on_hand) INSERT INTO stock_movements (key, sku, location, kind, "
        "on_hand_delta) SELECT 'counted/1#' || f.sku, f.sku, 'lyon', 'counted', f.on_hand - "
        "(SELECT sum(on_hand_delta) FROM stock_movements m WHERE m.sku = f.sku "
        "AND m.location = 'lyon') FROM folded f",
    )


# -- the shop


async def told_of_all_lines_at_once(world: SmallWorld) -> None:
    """By the first of two parcels."""
    fulfilled = [one["data"] for one in world.journal if one["effect"] == "fulfilled"]
    first, second = [one for one in fulfilled if "1005" in one["fulfilment_id"]]
    first["lines"], second["lines"] = [*first["lines"], *second["lines"]], second["lines"]


async def refunded_but_still_to_be_sent(world: SmallWorld) -> None:
    for one in world.journal:
        if one["effect"] == "refunded" and one["order"] == "1006":
            one["data"]["lines"][0]["restock_type"] = "NO_RESTOCK"


async def second_parcel_never_told(world: SmallWorld) -> None:
    """The order's other one was told."""
    await world.plant("DELETE FROM effects WHERE key = 'demo-1005/f2/tell-shipped'")


async def a_part_handed_over_twice(world: SmallWorld) -> None:
    world.did("warehouse", "handed_over", "ful-other", "demo-1005/f2")


PLANTED: list[tuple[Plant, str, str]] = [
    (oversold, "stock_never_negative", "TEE-RED at berlin"),
    (promised_though_damaged, "stock_never_negative", "TEE-RED at berlin"),
    (damaged_below_nothing, "stock_never_negative", "TEE-RED at berlin"),
    (holds_back_less_than_nothing, "stock_never_negative", "TEE-RED at berlin"),
    (came_in_unexpected, "stock_never_negative", "TEE-RED at berlin"),
    (counters_drifted, "stock_counters", "TEE-RED at berlin"),
    (damaged_drifted, "stock_counters", "CUP at"),
    (incoming_drifted, "stock_counters", "POT at"),
    (safety_drifted, "stock_counters", "POT at"),
    (reservation_forgotten, "reservations_match", "TEE-RED at berlin"),
    (shipped_too_few, "shipped_as_promised", "demo-1001/reserve/1/1#TEE-RED"),
    (bundle_shipped_without_its_pot, "shipped_as_promised", "#POT"),
    (booked_out_for_nothing, "shipped_as_promised", "shipped/x/1#TEE-RED"),
    (corrected_before_its_release, "short_picks_follow_release", "#CUP"),
    (promised_between_release_and_correction, "short_picks_follow_release", "#CUP"),
    (short_pick_that_corrected_nothing, "short_picks_follow_release", "demo-1007/reserve/1/"),
    (correction_of_nothing, "short_picks_follow_release", "adjusted/y/1#TEE-RED"),
    (fulfilled_without_stock, "parts_match_fulfilments", "demo-1003 at berlin"),
    (reserved_twice, "parts_match_fulfilments", "demo-1003 at berlin"),
    (reserved_at_another_place, "parts_match_fulfilments", "demo-1003 at"),
    (recalled_but_never_given_back, "parts_match_fulfilments", "demo-1007 at berlin"),
    (shipped_without_leaving, "shipped_parts_left", "demo-1003 at berlin"),
    (one_part_never_booked_out, "shipped_parts_left", "demo-1005 at berlin"),
    (a_line_left_behind, "orders_shipped_whole", "demo-1001 line l1"),
    (cancelled_line_sent_all_the_same, "orders_shipped_whole", "demo-1006 line l1"),
    (a_piece_at_work_twice, "pieces_at_work_once", "demo-1003 line l1"),
    (cancelled_and_not_refunded, "cancelled_lines_refunded", "demo-1006"),
    (refunded_for_less_than_it_cost, "cancelled_lines_refunded", "demo-1006"),
    (nobody_decided_it, "reservations_decided", "demo-1001/reserve/1"),
    (nobody_knows_why_it_waits, "reservations_decided", "demo-1007/reserve/2"),
    (decided_otherwise, "reservations_decided", "demo-1005/reserve/1"),
    (decided_and_not_reserved, "reservations_decided", "nobody/reserve/1"),
    (split_more_than_its_rules_allow, "plans_within_rules", "demo-1005/reserve/1"),
    (split_though_it_ships_complete, "plans_within_rules", "demo-1005/reserve/1"),
    (given_in_more_parts_than_it_waited_for, "plans_within_rules", "demo-1005/reserve/1"),
    (sent_more_than_it_takes_on, "days_within_capacity", "berlin since "),
    (reserved_for_ever, "ended_orders_hold_no_stock", "demo-1001"),
    (cart_held_for_ever, "ended_orders_hold_no_stock", "cart:1"),
    (cancelled_waits_for_stock, "cancelled_no_reservation", "demo-1002"),
    (waits_beside_its_goods, "nobody_waits_beside_stock", "demo-1007/reserve/2"),
    (waits_beside_goods_at_two_places, "nobody_waits_beside_stock", "demo-1007/reserve/2"),
    (told_of_all_lines_at_once, "shop_lines_agree", "demo-1005 line"),
    (refunded_but_still_to_be_sent, "shop_lines_agree", "demo-1006 line l2"),
    (second_parcel_never_told, "channel_told", "demo-1005/f2/p1"),
    (a_part_handed_over_twice, "warehouse_agrees", "demo-1005/f2"),
]


# -- what may be


async def being_booked_out(world: SmallWorld) -> None:
    """The carrier was quick, and the channel is not: a part is there, and not told yet."""
    await world.plant(
        'UPDATE fulfilments SET wait = \'{"owner": "us", "what": "processing"}\' '
        "WHERE order_id = 'demo-1001'",
        "DELETE FROM effects WHERE key = 'demo-1001/f1/tell-shipped'",
    )
    world.journal = [
        one
        for one in world.journal
        if not (one["effect"] == "fulfilled" and one["order"] == "1001")
    ]


async def refused_when_told(world: SmallWorld) -> None:
    """An operator's turn: the parcel has arrived meanwhile."""
    await being_booked_out(world)
    await world.plant(
        "UPDATE fulfilments SET wait = "
        '\'{"owner": "operator", "what": "refused:shopify:not_fulfillable"}\' '
        "WHERE order_id = 'demo-1001'"
    )


async def given_back_once_its_label_is(world: SmallWorld) -> None:
    """The goods are recalled, the carrier refuses to void: their stock waits with them."""
    await recalled_but_never_given_back(world)
    await world.plant(
        'UPDATE fulfilments SET wait = \'{"owner": "operator", "what": "refused:x"}\' '
        "WHERE order_id = 'demo-1007' AND status = 'recalled'"
    )


async def assigned_and_not_heard_of_yet(world: SmallWorld) -> None:
    await reserved_twice(world)
    await world.plant(
        "INSERT INTO inbox (source, kind, event_key, order_id, body) VALUES "
        "('stock', 'stock_assigned', 'demo-1003/z', 'demo-1003', '{}')"
    )


async def partly_on_its_way(world: SmallWorld) -> None:
    """One half has left, the other is being packed again: nothing of it is told to be late."""
    await world.plant(
        "UPDATE orders SET status = 'partly_shipped', wait_owner = 'warehouse', "
        "wait_what = 'packing', wait_since = now() WHERE order_id = 'demo-1005'",
        "DELETE FROM journal WHERE order_id = 'demo-1005' "
        "AND code IN ('status_shipped', 'status_delivered', 'status_closed')",
        "DELETE FROM journal WHERE order_id = 'demo-1005' AND code = 'handed_over' AND entry = 2",
        "UPDATE fulfilments SET status = 'packed' WHERE order_id = 'demo-1005' AND number = 2",
        "DELETE FROM labels WHERE parcel_id = 'demo-1005/f2/p1'",
        "UPDATE reservations SET state = 'reserved' WHERE key = 'demo-1005/reserve/1/2'",
        "WITH undone AS (DELETE FROM stock_movements WHERE kind = 'shipped' "
        "AND key LIKE 'shipped/demo-1005/reserve/1/2#%' RETURNING *) "
        "UPDATE stock s SET on_hand = on_hand - u.on_hand_delta, "
        "reserved = reserved - u.reserved_delta FROM undone u "
        "WHERE (s.sku, s.location) = (u.sku, u.location)",
        "DELETE FROM effects WHERE key = 'demo-1005/f2/tell-shipped'",
    )
    gone = ("label_bought", "handed_over", "fulfilled")
    world.journal = [
        one
        for one in world.journal
        if not (one["effect"] in gone and "1005/f2" in f"{one['key']} {one['ref']}")
    ]


async def cart_that_may_become_an_order(world: SmallWorld) -> None:
    await world.plant(
        *CART_HOLDS,
        "UPDATE reservations SET expires_at = now() + interval '1 m' WHERE base = 'z'",
    )


async def full_for_today(world: SmallWorld) -> None:
    await waits_beside_its_goods(world)
    await world.plant(
        "UPDATE locations SET capacity_per_day = 1, changed_at = clock_timestamp() "
        "WHERE location = 'lyon'"
    )


async def full_before_it_took_on_less(world: SmallWorld) -> None:
    """The days on which somebody changed a location are not counted by what it is now."""
    await world.plant(
        "UPDATE locations SET capacity_per_day = 1, weekdays = '{1,2,3,4,5,6,7}', "
        "changed_at = clock_timestamp() WHERE location = 'berlin'",
    )


async def full_by_what_the_queue_gave(world: SmallWorld) -> None:
    await sent_more_than_it_takes_on(world)
    await world.plant(
        "UPDATE sourcing_decisions SET outcome = 'assigned' WHERE outcome = 'reserved'"
    )


async def split_as_the_rules_allowed_while_it_waited(world: SmallWorld) -> None:
    """Others are active by the time that its goods come; until it is sourced again it may be."""
    await world.plant(
        "INSERT INTO sourcing_rules (name, document, created_by) "
        "SELECT 'strict', jsonb_set(document, '{parts_max}', '1'), 'ann' FROM sourcing_rules",
        "INSERT INTO sourcing_decisions (id, order_id, key, outcome, rules_version, decision, "
        "facts) OVERRIDING SYSTEM VALUE SELECT -id, order_id, key, 'waiting', rules_version, "
        "jsonb_set(decision, '{plan}', 'null'), facts FROM sourcing_decisions "
        "WHERE order_id = 'demo-1005'",
        "UPDATE sourcing_decisions SET outcome = 'assigned', rules_version = 2 "
        "WHERE order_id = 'demo-1005' AND outcome = 'reserved'",
    )


async def served_by_the_queue(world: SmallWorld) -> None:
    """What it was given was shared out, not decided."""
    await world.plant(
        "UPDATE sourcing_decisions SET outcome = 'waiting', "
        "decision = jsonb_set(decision, '{plan}', 'null') WHERE order_id = 'demo-1005'"
    )


async def a_bundle_changed_since(world: SmallWorld) -> None:
    await world.plant("UPDATE bundle_components SET quantity = 7")


SOUND = (
    being_booked_out,
    refused_when_told,
    given_back_once_its_label_is,
    assigned_and_not_heard_of_yet,
    partly_on_its_way,
    cart_that_may_become_an_order,
    full_for_today,
    full_before_it_took_on_less,
    full_by_what_the_queue_gave,
    split_as_the_rules_allowed_while_it_waited,
    served_by_the_queue,
    a_bundle_changed_since,
)
