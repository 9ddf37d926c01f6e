"""What people did by hand, and what left on its own: sound where the journal says so."""

from typing import Any

from tests.audit.goods_gone_wrong import Plant
from tests.audit.small_world import SmallWorld

_LINE = (
    "INSERT INTO journal (order_id, return_id, seq, entry, at, by, code, data) "
    "VALUES (:order_id, :return_id, 1, 99, now(), 'ann', :code, CAST(:data AS jsonb))"
)

_IN_DOUBT = (
    "INSERT INTO effects (key, system, fence, state, updated_at) VALUES "
    "(:key, 'shopify', 2, 'unknown', now() - interval '1 h') "
    "ON CONFLICT (key) DO UPDATE SET state = 'unknown', updated_at = excluded.updated_at"
)


async def _say(world: SmallWorld, code: str, order_id: str, **more: str | None) -> None:
    said = {"return_id": None, "data": "{}", **more}
    await world.plant(_LINE, order_id=order_id, code=code, **said)


def _refund(world: SmallWorld, own_id: str) -> dict[str, Any]:
    """What the shop gave back for its order, the first time."""
    return next(
        one for one in world.journal if one["effect"] == "refunded" and one["order"] == own_id
    )


async def left_unlabelled_in_silence(world: SmallWorld) -> None:
    """Its label was voided, and then its goods were gone; its shop heard of no number."""
    await world.plant("UPDATE labels SET voided = true WHERE shipment_ref = 'shp_demo-1001'")
    world.did("easypost", "label_refunded", "shp_demo-1001", f"{world.delivered}/f1/p1/label/1",
              tracking_code="T-demo-1001")  # fmt: skip
    for one in world.journal:
        if one["effect"] == "fulfilled" and one["order"] == "1001":
            one["data"]["tracking_numbers"] = []


async def left_unlabelled(world: SmallWorld) -> None:
    await left_unlabelled_in_silence(world)
    reference = f"{world.delivered}/f1"
    await _say(
        world, "left_without_label", world.delivered, data=f'{{"fulfilment": "{reference}"}}'
    )


async def rest_refunded_by_hand(world: SmallWorld) -> None:
    """With its pieces, so that they are cancelled at the shop as well."""
    await world.plant("DELETE FROM money WHERE order_id = 'demo-1006' AND kind = 'refunded'")
    await _say(world, "not_refunded", world.partly_cancelled)


async def rest_not_refunded_yet(world: SmallWorld) -> None:
    await rest_refunded_by_hand(world)
    world.journal.remove(_refund(world, "1006"))


async def rest_paid_back_without_its_pieces(world: SmallWorld) -> None:
    """What was written off was paid after all."""
    await world.plant("DELETE FROM money WHERE order_id = 'demo-1006' AND kind = 'refunded'")
    _refund(world, "1006")["data"]["lines"] = []
    await _say(world, "written_off", world.partly_cancelled)


async def written_off(world: SmallWorld) -> None:
    """What was delivered was never paid."""
    await world.plant("DELETE FROM money WHERE order_id = 'demo-1001' AND kind = 'captured'")
    world.journal = [one for one in world.journal if one["ref"] != "c-demo-1001"]
    await _say(world, "written_off", world.delivered)


async def closed_with_its_capture_in_doubt(world: SmallWorld) -> None:
    """Its answer was lost, then it was refused, and nobody wrote the money off."""
    await written_off(world)
    await world.plant(
        "DELETE FROM journal WHERE code = 'written_off'",
        "UPDATE orders SET status = 'closed', wait_owner = NULL, wait_what = NULL "
        "WHERE order_id = 'demo-1001'",
        "INSERT INTO journal (order_id, seq, entry, at, by, code) "
        "VALUES ('demo-1001', 1, 98, now(), 'holdfast', 'status_closed')",
        _IN_DOUBT,
        key="demo-1001/capture/1",
    )


async def written_off_with_its_capture_in_doubt(world: SmallWorld) -> None:
    await closed_with_its_capture_in_doubt(world)
    await _say(world, "written_off", world.delivered)


async def capture_in_doubt_though_a_return_was_written_off(world: SmallWorld) -> None:
    """What a return pays nothing of says nothing of the order's own money."""
    await closed_with_its_capture_in_doubt(world)
    await _say(world, "written_off", world.delivered, return_id="r2")


async def refund_given_up_in_doubt(world: SmallWorld) -> None:
    """Its answer was lost, then it was refused: it is given by hand."""
    await return_refunded_by_hand(world)
    await world.plant(
        "UPDATE journal SET code = 'not_refunded', "
        'data = \'{"deed": "demo-1004/r-r1/refund", "pieces": 1}\' '
        "WHERE code = 'refunded_already'",
        _IN_DOUBT,
        key="demo-1004/r-r1/refund",
    )


async def another_refund_in_doubt(world: SmallWorld) -> None:
    await refund_given_up_in_doubt(world)
    await world.plant(_IN_DOUBT, key="demo-1004/r-r2/refund")


async def paid_after_all_in_silence(world: SmallWorld) -> None:
    """Its shop has said so, and was answered."""
    await written_off(world)
    world.did("shopify", "order_changed", "1001", None, order="1001",
              changes={"financial_status": "paid"})  # fmt: skip
    world.says("1001", "orders/paid")


async def paid_after_all(world: SmallWorld) -> None:
    await paid_after_all_in_silence(world)
    await world.plant(
        "INSERT INTO money (key, order_id, kind, amount_minor, currency, exponent) "
        "VALUES ('demo-1001/paid', 'demo-1001', 'captured', 3490, 'EUR', 2)"
    )
    await _say(world, "paid_after_all", world.delivered)


async def paid_for_though_cancelled(world: SmallWorld) -> None:
    """Nobody had paid when it was cancelled; somebody is asked to give it back now."""
    await paid_for_though_cancelled_and_given_back(world)
    world.journal.remove(_refund(world, "1002"))


async def paid_for_though_cancelled_and_given_back(world: SmallWorld) -> None:
    """By hand: we book no money that others give."""
    await world.plant("DELETE FROM money WHERE order_id = 'demo-1002' AND kind = 'refunded'")
    await _say(world, "paid_after_all", world.cancelled)


async def paid_after_all_and_not_heard_of(world: SmallWorld) -> None:
    await paid_after_all_in_silence(world)
    del world.webhooks[-1]


async def paid_after_all_and_not_read_yet(world: SmallWorld) -> None:
    await paid_after_all_in_silence(world)
    await world.plant(
        "INSERT INTO inbox (source, kind, event_key, order_id, body) VALUES "
        "('channel:demo', 'order_paid', 'paid-1001', 'demo-1001', '{}')"
    )


async def said_again_that_it_is_authorised(world: SmallWorld) -> None:
    """Before it was captured; the shop's staff saved the order as it was."""
    world.did("shopify", "order_changed", "1001", None, order="1001",
              changes={"financial_status": "authorized"})  # fmt: skip
    made = next(n for n, one in enumerate(world.journal) if one["order"] == "1001")
    world.journal.insert(made + 1, world.journal.pop())


async def captured_while_news_of_it_is_on_its_way(world: SmallWorld) -> None:
    """What we took ourselves we need not be told."""
    await world.plant("DELETE FROM money WHERE order_id = 'demo-1001' AND kind = 'captured'")
    world.says("1001", "orders/paid")
    del world.webhooks[-1]


async def return_refunded_by_hand(world: SmallWorld) -> None:
    await world.plant("DELETE FROM money WHERE return_id = 'r1'")
    await _say(world, "refunded_already", world.returned, return_id="r1")


async def return_refunded_at_another_rate(world: SmallWorld) -> None:
    """The shop gave more than it had taken: our books hold what it took."""
    _refund(world, "1004")["data"]["amount"] = "35.50"
    await _say(world, "refunded_more", world.returned, return_id="r1")


async def refunded_more_and_not_booked(world: SmallWorld) -> None:
    """However much it gave, what was due is booked."""
    await world.plant("DELETE FROM money WHERE return_id = 'r1'")
    _refund(world, "1004")["data"]["amount"] = "35.50"
    await _say(world, "refunded_more", world.returned, return_id="r1")


async def never_cancelled_though_more_was_refunded(world: SmallWorld) -> None:
    await _say(world, "refunded_more", world.partly_cancelled)
    _refund(world, "1006")["data"]["lines"] = []


async def return_given_up_and_refunded_by_hand(world: SmallWorld) -> None:
    await return_refunded_by_hand(world)
    _refund(world, "1004")["data"]["amount"] = "15.00"
    await world.plant("UPDATE journal SET code = 'not_refunded' WHERE code = 'refunded_already'")


async def return_of_what_was_written_off(world: SmallWorld) -> None:
    await return_refunded_by_hand(world)
    world.journal.remove(_refund(world, "1004"))
    await world.plant("UPDATE journal SET code = 'written_off' WHERE code = 'refunded_already'")


async def return_refunded_by_hand_in_another(world: SmallWorld) -> None:
    """What another return's journal says excuses nothing."""
    await return_refunded_by_hand(world)
    await world.plant("UPDATE journal SET return_id = 'r2' WHERE code = 'refunded_already'")


async def refunded_and_not_booked(world: SmallWorld) -> None:
    """What another order's journal says excuses nothing."""
    await return_refunded_by_hand(world)
    world.did("shopify", "refunded", "10", None, order="1001", amount="15.00", currency="EUR")


async def booked_and_not_refunded(world: SmallWorld) -> None:
    """By hand more may be given than we book, never less."""
    await _say(world, "not_refunded", world.partly_cancelled)
    _refund(world, "1006")["data"]["amount"] = "15.00"


async def never_cancelled_at_its_shop(world: SmallWorld) -> None:
    """A return that was refunded by hand excuses nothing."""
    await _say(world, "not_refunded", world.partly_cancelled, return_id="r2")
    _refund(world, "1006")["data"]["lines"] = []


PLANTED: list[tuple[Plant, str, str]] = [
    (paid_after_all_in_silence, "captures_agree", "demo-1001"),
    (closed_with_its_capture_in_doubt, "effects_settled", "demo-1001/capture/1"),
    (
        capture_in_doubt_though_a_return_was_written_off,
        "effects_settled",
        "demo-1001/capture/1",
    ),
    (another_refund_in_doubt, "effects_settled", "demo-1004/r-r2/refund"),
    (captured_while_news_of_it_is_on_its_way, "captures_agree", "demo-1001"),
    (left_unlabelled_in_silence, "one_live_label", "demo-1001/f1/p1"),
    (return_refunded_by_hand_in_another, "refunded_returns_paid", "r1"),
    (refunded_more_and_not_booked, "refunded_returns_paid", "r1"),
    (never_cancelled_though_more_was_refunded, "shop_lines_agree", "demo-1006 line l2"),
    (refunded_and_not_booked, "refunds_agree", "demo-1001"),
    (booked_and_not_refunded, "refunds_agree", "demo-1006"),
    (never_cancelled_at_its_shop, "shop_lines_agree", "demo-1006 line l2"),
]
SOUND = (
    written_off,
    written_off_with_its_capture_in_doubt,
    refund_given_up_in_doubt,
    said_again_that_it_is_authorised,
    paid_after_all,
    paid_for_though_cancelled,
    paid_for_though_cancelled_and_given_back,
    paid_after_all_and_not_heard_of,
    paid_after_all_and_not_read_yet,
    left_unlabelled,
    rest_refunded_by_hand,
    rest_not_refunded_yet,
    rest_paid_back_without_its_pieces,
    return_refunded_by_hand,
    return_refunded_at_another_rate,
    return_given_up_and_refunded_by_hand,
    return_of_what_was_written_off,
)
