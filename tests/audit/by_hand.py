"""What people did by hand, and what left on its own: sound where the journal says so."""

from typing import Any

from tests.audit.goods_gone_wrong import Plant
from tests.audit.small_world import SmallWorld

_LINE = (
    "INSERT INTO journal (order_id, return_id, seq, entry, at, by, code, data) "
    "VALUES (:order_id, :return_id, 1, 99, now(), 'ann', :code, CAST(:data AS jsonb))"
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


async def return_refunded_by_hand(world: SmallWorld) -> None:
    await world.plant("DELETE FROM money WHERE return_id = 'r1'")
    await _say(world, "refunded_already", world.returned, return_id="r1")


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
    (left_unlabelled_in_silence, "one_live_label", "demo-1001/f1/p1"),
    (return_refunded_by_hand_in_another, "refunded_returns_paid", "r1"),
    (refunded_and_not_booked, "refunds_agree", "demo-1001"),
    (booked_and_not_refunded, "refunds_agree", "demo-1006"),
    (never_cancelled_at_its_shop, "shop_lines_agree", "demo-1006 line l2"),
]
SOUND = (
    left_unlabelled,
    rest_refunded_by_hand,
    rest_not_refunded_yet,
    rest_paid_back_without_its_pieces,
    return_refunded_by_hand,
    return_given_up_and_refunded_by_hand,
    return_of_what_was_written_off,
)
