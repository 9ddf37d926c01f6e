"""What people did by hand, and what left on its own: sound where the journal says so."""

from tests.audit.goods_gone_wrong import Plant, cancelled_and_not_refunded
from tests.audit.small_world import SmallWorld

_LINE = (
    "INSERT INTO journal (order_id, return_id, seq, entry, at, by, code, data) "
    "VALUES (:order_id, :return_id, 1, 99, now(), 'ann', :code, CAST(:data AS jsonb))"
)


async def _say(world: SmallWorld, code: str, order_id: str, **more: str | None) -> None:
    said = {"return_id": None, "data": "{}", **more}
    await world.plant(_LINE, order_id=order_id, code=code, **said)


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
    await cancelled_and_not_refunded(world)
    await _say(world, "not_refunded", world.partly_cancelled)


async def rest_written_off(world: SmallWorld) -> None:
    await cancelled_and_not_refunded(world)
    await _say(world, "written_off", world.partly_cancelled)


async def return_refunded_by_hand(world: SmallWorld) -> None:
    await world.plant("DELETE FROM money WHERE return_id = 'r1'")
    for one in world.journal:
        if one["effect"] == "refunded" and one["order"] == "1004":
            one["data"]["amount"] = "0.00"
    await _say(world, "refunded_already", world.returned, return_id="r1")


async def return_refunded_by_hand_in_another(world: SmallWorld) -> None:
    """What another return's journal says excuses nothing."""
    await return_refunded_by_hand(world)
    await world.plant("UPDATE journal SET return_id = 'r2' WHERE code = 'refunded_already'")


PLANTED: list[tuple[Plant, str, str]] = [
    (left_unlabelled_in_silence, "one_live_label", "demo-1001/f1/p1"),
    (return_refunded_by_hand_in_another, "refunded_returns_paid", "r1"),
]
SOUND = (left_unlabelled, rest_refunded_by_hand, rest_written_off, return_refunded_by_hand)
