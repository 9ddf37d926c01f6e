"""A sound world passes; each bug that is planted is found by exactly the invariant it breaks."""

import io

import pytest
from rich.console import Console

from starter.audit.command import show
from tests.audit import by_hand, goods_gone_wrong, supply_gone_wrong
from tests.audit.goods_gone_wrong import Plant
from tests.audit.small_world import SmallWorld


async def test_a_sound_world_passes_and_says_what_was_looked_at(world: SmallWorld) -> None:
    report = await world.audit()
    assert report.findings == ()
    assert report.looks == 1
    looked = {one.invariant: one.looked for one in report.checked}
    assert looked["stock_counters"] == 5
    assert looked["open_orders_wait"] == 2
    assert looked["accepted_orders_exist"] == looked["announced_orders_exist"] == 7
    assert looked["labels_bought"] == looked["bought_labels_used"] == 5
    assert looked["channel_told"] == looked["shop_told_once"] == 5
    assert looked["captures_agree"] == 7
    assert looked["inbox_delivered"] == 7
    assert looked["reservations_decided"] == 8
    assert looked["shipped_parts_left"] == 5
    assert looked["orders_shipped_whole"] == looked["shop_lines_agree"] == 4
    assert looked["cancelled_lines_refunded"] == looked["nobody_waits_beside_stock"] == 1
    assert looked["short_picks_follow_release"] == 2
    assert looked["parked_rows_have_tasks"] == 0
    skipped = {one.invariant for one in report.checked if one.skipped}
    assert skipped == {"orders_run", "orders_never_fail", "ended_orders_rest", "returns_run"}
    shown = io.StringIO()
    show(report, Console(file=shown, width=200))
    assert "every invariant holds; 1 look" in shown.getvalue()
    assert "nothing" in shown.getvalue()


async def lost_order(world: SmallWorld) -> None:
    await world.plant(
        "INSERT INTO inbox (source, kind, event_key, order_id, body, delivered_at) VALUES "
        "('api', 'order_created', 'k', 'api-77', '{}', now())"
    )


async def announced_order_lost(world: SmallWorld) -> None:
    world.sold("1099")


async def left_in_the_inbox(world: SmallWorld) -> None:
    await world.plant(
        "INSERT INTO inbox (source, kind, event_key, order_id, body, received_at, not_before) "
        "VALUES ('api', 'hold', 'k', 'demo-1003', '{}', now() - interval '1 h', "
        "now() - interval '1 h')"
    )


async def parked_and_forgotten(world: SmallWorld) -> None:
    await world.plant(
        "INSERT INTO inbox (source, kind, event_key, body, parked_at) VALUES "
        "('api', 'hold', 'k', '{}', now())"
    )


async def event_twice(world: SmallWorld) -> None:
    await world.plant(
        "ALTER TABLE inbox DROP CONSTRAINT inbox_source_event_key_key",
        "INSERT INTO inbox (source, kind, event_key, order_id, body, delivered_at) "
        "SELECT source, kind, event_key, order_id, body, now() FROM inbox LIMIT 1",
    )


async def address_missing(world: SmallWorld) -> None:
    await world.plant(
        "INSERT INTO addresses (order_id, version, source, address) "
        "VALUES ('demo-1003', 3, 'operator', '{}')"
    )


async def waits_on_nothing(world: SmallWorld) -> None:
    await world.plant(
        "UPDATE orders SET wait_owner = NULL, wait_what = NULL WHERE order_id = 'demo-1003'"
    )


async def illegal_path(world: SmallWorld) -> None:
    await world.plant(
        "UPDATE journal SET code = 'status_delivered', entry = 9 "
        "WHERE order_id = 'demo-1001' AND code = 'status_reserved'"
    )


async def status_not_journalled(world: SmallWorld) -> None:
    await world.plant(
        "DELETE FROM journal WHERE order_id = 'demo-1001' AND code = 'status_delivered'"
    )


async def illegal_return(world: SmallWorld) -> None:
    await world.plant("DELETE FROM journal WHERE code = 'return_inspected'")


async def return_not_journalled(world: SmallWorld) -> None:
    await world.plant("DELETE FROM journal WHERE code = 'return_closed'")


async def left_and_still_at_work(world: SmallWorld) -> None:
    await world.plant(
        "INSERT INTO fulfilments (order_id, number, reference, location, status, lines) "
        "VALUES ('demo-1001', 2, 'demo-1001/f2', 'berlin', 'requested', '[]')"
    )


async def left_before_its_order(world: SmallWorld) -> None:
    await world.plant(
        "UPDATE journal SET code = 'packed' WHERE order_id = 'demo-1005' AND code = 'handed_over' "
        "AND entry = 2"
    )


async def second_live_label(world: SmallWorld) -> None:
    await world.plant(
        "DROP INDEX labels_one_live",
        "INSERT INTO labels SELECT 'shp_demo-1001b', parcel_id, carrier, tracking_number, "
        "label_url, tracking_url, cost_minor, currency, exponent, false FROM labels "
        "WHERE shipment_ref = 'shp_demo-1001'",
    )


async def second_label_bought(world: SmallWorld) -> None:
    world.bought(f"{world.delivered}/f1", "shp_second", "T-second", 2)


async def label_of_a_cancelled_order(world: SmallWorld) -> None:
    await world.plant("UPDATE labels SET voided = false WHERE shipment_ref = 'shp_voided'")


GIVEN_UP = "UPDATE labels SET voided = false, given_up = true WHERE shipment_ref = 'shp_voided'"
NOT_VOIDED_LINE = (
    "INSERT INTO journal (order_id, seq, entry, at, by, code, data) VALUES ('demo-1002', 1, 99, "
    "now(), 'ann', 'label_not_voided', "
    '\'{"tracking_number": "T-voided", "label": "demo-1002/f1/p1/label/1"}\')'
)
NOT_VOIDED_TASK = (
    "INSERT INTO tasks (kind, key, order_id, message) VALUES ('label_not_voided', "
    "'label_not_voided:demo-1002/f1/p1/label/1', 'demo-1002', 'reclaim it')"
)


async def given_up_in_silence(world: SmallWorld) -> None:
    await world.plant(GIVEN_UP, NOT_VOIDED_TASK)


async def given_up_and_nobodys_task(world: SmallWorld) -> None:
    await world.plant(GIVEN_UP, NOT_VOIDED_LINE)


async def another_label_of_it_was_journalled(world: SmallWorld) -> None:
    await world.plant(GIVEN_UP, NOT_VOIDED_LINE.replace("T-voided", "T-other"), NOT_VOIDED_TASK)


async def not_voided_but_not_given_up(world: SmallWorld) -> None:
    await world.plant(
        "UPDATE labels SET voided = false WHERE shipment_ref = 'shp_voided'",
        NOT_VOIDED_LINE,
        NOT_VOIDED_TASK,
    )


async def live_though_our_rows_say_voided(world: SmallWorld) -> None:
    await label_kept_at_the_carrier(world)
    await world.plant(NOT_VOIDED_LINE, NOT_VOIDED_TASK)


async def label_kept_at_the_carrier(world: SmallWorld) -> None:
    world.journal = [one for one in world.journal if one["effect"] != "label_refunded"]


async def label_never_bought(world: SmallWorld) -> None:
    world.journal = [one for one in world.journal if one["ref"] != "shp_demo-1001"]


async def not_recalled(world: SmallWorld) -> None:
    world.journal = [one for one in world.journal if one["effect"] != "recalled"]


async def handed_over_unasked(world: SmallWorld) -> None:
    world.did("warehouse", "handed_over", "ful-other", "demo-1001/f2")


async def fate_open_for_ever(world: SmallWorld) -> None:
    await world.plant(
        "INSERT INTO effects (key, system, fence, state, updated_at) VALUES "
        "('demo-1004/r-r1/refund', 'shopify', 1, 'unknown', now() - interval '1 h')"
    )


async def totals_wrong(world: SmallWorld) -> None:
    await world.plant(
        "UPDATE orders SET totals = jsonb_set(totals, '{total,amount_minor}', '3491') "
        "WHERE order_id = 'demo-1001'"
    )


async def other_currency(world: SmallWorld) -> None:
    await world.plant("UPDATE money SET currency = 'USD' WHERE key = 'demo-1001/authorised'")


async def refunded_too_much(world: SmallWorld) -> None:
    await world.plant(
        "INSERT INTO money (key, order_id, kind, amount_minor, currency, exponent) "
        "VALUES ('x', 'demo-1001', 'refunded', 5000, 'EUR', 2)"
    )
    world.did("shopify", "refunded", "x", None, order="1001", amount="50.00", currency="EUR")


async def cancelled_and_kept(world: SmallWorld) -> None:
    await world.plant("DELETE FROM money WHERE order_id = 'demo-1002' AND kind = 'refunded'")
    world.journal = [
        one for one in world.journal if not (one["effect"] == "refunded" and one["order"] == "1002")
    ]


async def return_never_paid(world: SmallWorld) -> None:
    await world.plant("UPDATE money SET return_id = NULL WHERE return_id = 'r1'")


async def paid_before_it_came(world: SmallWorld) -> None:
    await world.plant(
        "UPDATE returns SET inspected = '[]', status = 'requested'",
        "DELETE FROM journal WHERE code LIKE 'return\\_%'",
    )


async def captured_twice(world: SmallWorld) -> None:
    world.did("shopify", "captured", "again", None, order="1001", amount="34.90", currency="EUR")


async def captured_less(world: SmallWorld) -> None:
    await world.plant(
        "UPDATE money SET amount_minor = 3489 WHERE order_id = 'demo-1001' AND kind = 'captured'"
    )


async def refund_never_made(world: SmallWorld) -> None:
    world.journal = [one for one in world.journal if one["ref"] != "9"]


async def channel_never_told(world: SmallWorld) -> None:
    await world.plant("DELETE FROM effects WHERE key = 'demo-1001/f1/tell-shipped'")


async def channel_told_twice(world: SmallWorld) -> None:
    world.did("shopify", "fulfilled", "again", None, order="1001", fulfilment_id="again",
              tracking_numbers=["T-demo-1001"], lines=[])  # fmt: skip


async def channel_told_before_it_left(world: SmallWorld) -> None:
    world.did("shopify", "fulfilled", "early", None, order="1003", fulfilment_id="early",
              tracking_numbers=["T-1003"], lines=[])  # fmt: skip


PLANTED: list[tuple[Plant, str, str]] = [
    *goods_gone_wrong.PLANTED,
    *supply_gone_wrong.PLANTED,
    *by_hand.PLANTED,
    (lost_order, "accepted_orders_exist", "api-77"),
    (announced_order_lost, "announced_orders_exist", "1099"),
    (left_in_the_inbox, "inbox_delivered", ""),
    (parked_and_forgotten, "parked_rows_have_tasks", ""),
    (event_twice, "inbox_events_once", "channel:demo event-1001"),
    (address_missing, "address_versions_dense", "demo-1003"),
    (waits_on_nothing, "open_orders_wait", "demo-1003"),
    (illegal_path, "order_paths_legal", "demo-1001"),
    (status_not_journalled, "order_status_journalled", "demo-1001"),
    (illegal_return, "return_paths_legal", "r1"),
    (return_not_journalled, "return_status_journalled", "r1"),
    (left_and_still_at_work, "fulfilments_fit_order", "demo-1001"),
    (left_before_its_order, "fulfilments_fit_order", "demo-1005"),
    (second_live_label, "one_live_label", "demo-1001/f1/p1"),
    (second_label_bought, "one_label_bought", "demo-1001/f1/p1"),
    (label_of_a_cancelled_order, "cancelled_no_live_label", "demo-1002"),
    (not_voided_but_not_given_up, "cancelled_no_live_label", "demo-1002"),
    (given_up_in_silence, "given_up_labels_told", "shp_voided"),
    (given_up_and_nobodys_task, "given_up_labels_told", "shp_voided"),
    (another_label_of_it_was_journalled, "given_up_labels_told", "shp_voided"),
    (live_though_our_rows_say_voided, "bought_labels_used", "shp_voided"),
    (label_kept_at_the_carrier, "bought_labels_used", "shp_voided"),
    (label_never_bought, "labels_bought", "shp_demo-1001"),
    (not_recalled, "warehouse_agrees", "demo-1002/f1 ful-demo-1002"),
    (handed_over_unasked, "warehouse_agrees", "demo-1001/f2"),
    (fate_open_for_ever, "effects_settled", "demo-1004/r-r1/refund"),
    (totals_wrong, "totals_add_up", "demo-1001"),
    (other_currency, "money_in_order_currency", "demo-1001/authorised"),
    (refunded_too_much, "refunds_within_captured", "demo-1001"),
    (cancelled_and_kept, "cancelled_keeps_no_money", "demo-1002"),
    (return_never_paid, "refunded_returns_paid", "r1"),
    (paid_before_it_came, "refunded_returns_paid", "r1"),
    (captured_twice, "captured_once", "1001 at the shop"),
    (captured_less, "captures_agree", "demo-1001"),
    (refund_never_made, "refunds_agree", "demo-1004"),
    (channel_never_told, "channel_told", "demo-1001/f1/p1"),
    (channel_told_twice, "shop_told_once", "1001 T-demo-1001"),
    (channel_told_before_it_left, "shop_told_once", "1003 T-1003"),
]


@pytest.mark.parametrize(
    ("plant", "invariant", "subject"), PLANTED, ids=[plant.__name__ for plant, *_ in PLANTED]
)
async def test_a_planted_bug_is_found_by_the_invariant_that_it_breaks(
    world: SmallWorld, plant: Plant, invariant: str, subject: str
) -> None:
    await plant(world)
    report = await world.audit()
    assert report.broken == {invariant}
    assert report.looks > 1
    found = next(one for one in report.checked if one.findings).smallest
    assert found is not None
    assert subject in found.subject
    assert found.expected != found.found


async def test_every_invariant_of_tables_and_journal_is_seen_to_fail(world: SmallWorld) -> None:
    report = await world.audit()
    checked = {one.invariant for one in report.checked if not one.skipped}
    assert checked == {invariant for _, invariant, _ in PLANTED}


async def capture_settled_by_the_cancel(world: SmallWorld) -> None:
    await world.plant(
        "UPDATE effects SET state = 'unknown', updated_at = now() - interval '1 h' "
        "WHERE key = 'demo-1002/capture/1'"
    )


async def refused_and_never_done(world: SmallWorld) -> None:
    await world.plant(
        "INSERT INTO effects (key, system, fence, state, updated_at) VALUES "
        "('demo-1004/r-r1/refund', 'shopify', 1, 'intended', now() - interval '1 h')"
    )


async def wrong_totals_that_were_found(world: SmallWorld) -> None:
    await totals_wrong(world)
    await world.plant(
        "UPDATE verdicts SET outcome = 'problems', data_problems = '[{}]' "
        "WHERE order_id = 'demo-1001'"
    )


async def overruled_below_nothing(world: SmallWorld) -> None:
    """A line of fewer than no pieces, of an order that left and of one at work; nobody sends it.

    What it would cost is more than PostgreSQL's own whole numbers can be.
    """
    for order_id in (world.delivered, world.packing):
        await world.plant(
            "INSERT INTO order_lines SELECT order_id, 99, 'odd', sku, title, -1000000000, "
            "999999999999999999, 0, 0, currency, exponent FROM order_lines "
            "WHERE order_id = :order_id AND line_no = 1",
            "UPDATE verdicts SET outcome = 'problems', data_problems = '[{}]' "
            "WHERE order_id = :order_id",
            order_id=order_id,
        )


async def cancelled_by_its_shop(world: SmallWorld) -> None:
    await cancelled_and_kept(world)
    await world.plant(
        "INSERT INTO journal (order_id, seq, entry, at, by, code) "
        "VALUES ('demo-1002', 1, 99, now(), 'channel', 'cancelling')"
    )


async def to_be_looked_at_later(world: SmallWorld) -> None:
    await left_in_the_inbox(world)
    await world.plant(
        "UPDATE inbox SET not_before = now() + interval '1 s' WHERE delivered_at IS NULL"
    )


async def being_bought(world: SmallWorld) -> None:
    world.bought(f"{world.packing}/f1", "shp_new", "T-new")


async def being_captured(world: SmallWorld) -> None:
    world.did("shopify", "captured", "c", None, order="1003", amount="34.90", currency="EUR")


async def announced_but_waiting_in_the_inbox(world: SmallWorld) -> None:
    world.sold("1099")
    await world.plant(
        "INSERT INTO inbox (source, kind, event_key, order_id, body) VALUES "
        "('channel:demo', 'order_created', 'event-1099', 'demo-1099', '{}')"
    )


async def never_arrived(world: SmallWorld) -> None:
    world.sold("1099")
    world.webhooks[-1]["arrived"] = False


async def nothing_to_send(world: SmallWorld) -> None:
    world.sold("1099")
    lines = [{"id": 1, "requires_shipping": False}]
    world.journal[-1]["data"]["payload"]["line_items"] = lines


async def given_up_by_an_operator(world: SmallWorld) -> None:
    await label_kept_at_the_carrier(world)
    await world.plant(GIVEN_UP, NOT_VOIDED_LINE, NOT_VOIDED_TASK)


async def given_up_unseen(world: SmallWorld) -> None:
    """The carrier's answer was lost when it was bought: we have no row of it."""
    await label_kept_at_the_carrier(world)
    await world.plant(
        NOT_VOIDED_LINE, NOT_VOIDED_TASK, "DELETE FROM labels WHERE shipment_ref = 'shp_voided'"
    )


async def another_bought_beside_one_given_up(world: SmallWorld) -> None:
    world.bought(f"{world.delivered}/f1", "shp_first", "T-first", 0)
    await world.plant(
        NOT_VOIDED_LINE.replace("1002", "1001").replace("label/1", "label/0"),
        NOT_VOIDED_TASK.replace("1002", "1001").replace("label/1", "label/0"),
    )


SOUND = (
    *goods_gone_wrong.SOUND,
    *supply_gone_wrong.SOUND,
    *by_hand.SOUND,
    given_up_by_an_operator,
    given_up_unseen,
    another_bought_beside_one_given_up,
    capture_settled_by_the_cancel,
    refused_and_never_done,
    wrong_totals_that_were_found,
    overruled_below_nothing,
    cancelled_by_its_shop,
    to_be_looked_at_later,
    being_bought,
    being_captured,
    announced_but_waiting_in_the_inbox,
    never_arrived,
    nothing_to_send,
)


@pytest.mark.parametrize("may_be", SOUND, ids=[plant.__name__ for plant in SOUND])
async def test_what_may_rightly_be_is_not_accused(world: SmallWorld, may_be: Plant) -> None:
    await may_be(world)
    report = await world.audit()
    assert report.findings == ()


async def test_a_line_in_the_making_is_left_out(world: SmallWorld) -> None:
    path = world.write()
    path.write_text(path.read_text() + '{"seq": 999, "at": "2026-0')
    report = await world.audit(journal=path)
    assert report.findings == ()


async def test_the_customers_own_currency_is_compared_by_the_shops_rate(
    world: SmallWorld,
) -> None:
    payload = world.journal[0]["data"]["payload"]
    payload["presentment_currency"] = "GBP"
    payload["total_price_set"] = {"presentment_money": {"amount": "30.01"}}
    captured = next(one for one in world.journal if one["effect"] == "captured")
    captured["data"] |= {"amount": "30.01", "currency": "GBP"}
    assert (await world.audit()).findings == ()
    captured["data"]["amount"] = "29.99"
    report = await world.audit()
    assert report.broken == {"captures_agree"}
    assert report.findings[0].expected == "29.99 GBP at the shop"
