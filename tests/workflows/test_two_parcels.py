"""A fulfilment of several boxes: each has its label, all leave and are told of together."""

from domain.errors import Unavailable
from domain.lifecycles import OrderStatus
from domain.tracking import Course
from tests.workflows.at_once import at_once
from tests.workflows.lives import Life, Start
from tests.workflows.soundness import see_cancelled
from tests.workflows.world import BOX, World, an_order


async def in_two_boxes(begin: Start, world: World, own_id: str) -> Life:
    world.packing = "later"
    life = await begin(an_order(own_id))
    await life.until_waiting("packing")
    await life.packed(BOX, BOX)
    return life


def numbers(life: Life) -> list[str]:
    parcels = life.world.last(life.id).fulfilments[-1].parcels
    return [parcel.label.tracking_number for parcel in parcels if parcel.label]


@at_once
async def test_two_parcels_leave_together_and_both_must_arrive(begin: Start, world: World) -> None:
    world.fail("buy_label", Unavailable("carrier", "lost", fate_unknown=True), after=True)
    life = await in_two_boxes(begin, world, "two-1")
    await life.until_waiting("delivery")
    reference = f"{life.id}/f1"
    assert world.done("buy_label") == [f"{reference}/p1/label/1", f"{reference}/p2/label/1"]
    assert world.done("hand_over") == [f"{reference}/hand-over/1-1"]
    assert world.done("tell_shipped") == [f"{reference}/tell-shipped"]
    first, second = numbers(life)
    await life.tell("parcel_moved", tracking_number=first, course=Course.DELIVERED)
    await life.until_told("parcel_delivered")
    assert (await life.until_waiting("delivery")).status is OrderStatus.SHIPPED
    await life.tell("parcel_moved", tracking_number=second, course=Course.DELIVERED)
    await life.until_status(OrderStatus.DELIVERED)


@at_once
async def test_a_cancel_voids_both_labels_though_the_second_was_unheard(
    begin: Start, world: World
) -> None:
    world.faults["buy_label"] = []
    gate = world.block("buy_label")
    life = await in_two_boxes(begin, world, "two-2")
    await world.reaches("buy_label")
    world.block("buy_label", after=True)
    gate.set()
    await life.until(lambda _: len(world.done("buy_label")) == 2)
    await life.ask("cancel", reason="requested")
    await see_cancelled(life)
    assert world.live == {}
    reference = f"{life.id}/f1"
    assert world.done("void_label") == [
        f"{reference}/p2/label/1/void",
        f"{reference}/p1/label/1/void",
    ]
    assert world.done("hand_over") == []
