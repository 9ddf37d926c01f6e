"""A fulfilment of several boxes: each has its label, all leave and are told of together."""

import asyncio

import pytest

from domain.errors import Refused, Unavailable
from domain.lifecycles import FulfilmentStatus, OrderStatus
from domain.records import LEFT_WITHOUT_LABEL
from domain.tracking import Course
from tests.workflows.at_once import at_once
from tests.workflows.lives import Life, Start
from tests.workflows.soundness import assert_sound, see_cancelled
from tests.workflows.world import BOX, GOOD_ADDRESS, Fault, World, an_order

FIX = {"address_version": 2, "destination": {"country": "DE", "postal_code": "10119"}}
NOT_VOIDED = "refused:outside:void_label_no"
TOO_LATE = "too_late: the goods have been handed over to the carrier"


async def in_two_boxes(begin: Start, world: World, own_id: str) -> Life:
    world.packing = "later"
    order = an_order(own_id)
    world.addresses[order.order_id, 2] = GOOD_ADDRESS.model_copy(update={"postal_code": "10119"})
    life = await begin(order)
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


async def with_both_labels(begin: Start, world: World, own_id: str) -> Life:
    """And a hold that keeps them from being handed over."""
    gate = asyncio.Event()
    world.gates.append(gate)
    passes = asyncio.Event()
    passes.set()
    world.faults["buy_label"] = [Fault(gate=passes), Fault(gate=gate, after=True)]
    life = await in_two_boxes(begin, world, own_id)
    await life.until(lambda _: len(world.done("buy_label")) == 2)
    await life.ask("hold", reason="fraud", command_id="h")
    gate.set()
    await life.until_waiting("hold:fraud")
    assert len(numbers(life)) == 2
    return life


async def with_the_first_label_only(begin: Start, world: World, own_id: str) -> Life:
    """And a hold that keeps the second from being bought."""
    first = world.block("buy_label", after=True)
    life = await in_two_boxes(begin, world, own_id)
    await world.reaches("buy_label")
    await life.ask("hold", reason="fraud", command_id="h")
    first.set()
    await life.until_waiting("hold:fraud")
    return life


async def with_one_label_left(
    begin: Start, world: World, own_id: str, verb: str, **fields: object
) -> Life:
    """Both had their labels when something made them be voided: the carrier voids only one."""
    life = await with_both_labels(begin, world, own_id)
    passes = asyncio.Event()
    passes.set()
    world.faults["void_label"].append(Fault(gate=passes))
    world.fail("void_label", Refused("outside", "void_label_no"), times=10**6)
    await life.tell(verb, command_id="c", **fields)
    record = await life.until_waiting(NOT_VOIDED)
    assert record.fulfilments[0].status is FulfilmentStatus.LABELLED
    assert world.done("void_label") == [f"{life.id}/f1/p2/label/1/void"]
    return life


@pytest.mark.parametrize("seen_by", ["carrier", "warehouse"])
@pytest.mark.parametrize("verb", ["cancel", "fix_address"])
@at_once
async def test_boxes_that_leave_while_their_labels_are_voided_have_left(
    begin: Start, world: World, seen_by: str, verb: str
) -> None:
    fields = FIX if verb == "fix_address" else {}
    own_id = f"two-gone-{seen_by}-{verb}".replace("_", "-")
    life = await with_one_label_left(begin, world, own_id, verb, **fields)
    if seen_by == "carrier":
        (number,) = numbers(life)
        await life.tell("parcel_moved", tracking_number=number, course=Course.MOVING)
    else:
        await life.tell("warehouse_said", reference=f"{life.id}/f1", status="handed_over")
    record = await life.until_status(OrderStatus.SHIPPED)
    assert (await life.settled("c"), record.attention) == (TOO_LATE, "")
    assert LEFT_WITHOUT_LABEL in world.journal(life.id)
    await life.until(lambda _: len(world.done("tell_shipped")) == 1)
    assert world.done("recall") == []
    (number,) = numbers(life)
    await life.tell("parcel_moved", tracking_number=number, course=Course.DELIVERED)
    await life.until_waiting(LEFT_WITHOUT_LABEL)
    await life.ask("retry", arrived=f"{life.id}/f1")
    await life.until_status(OrderStatus.DELIVERED)


@at_once
async def test_a_cancel_between_two_labels_hears_the_first_ones_scan(
    begin: Start, world: World
) -> None:
    """The second label was never bought, and the first one's void is refused."""
    life = await with_the_first_label_only(begin, world, "two-gone-unlabelled")
    world.fail("void_label", Refused("outside", "void_label_no"), times=10**6)
    await life.tell("cancel", command_id="c")
    await life.until_waiting(NOT_VOIDED)
    (number,) = numbers(life)
    await life.tell("parcel_moved", tracking_number=number, course=Course.MOVING)
    record = await life.until_status(OrderStatus.SHIPPED)
    assert (await life.settled("c"), record.holds) == (TOO_LATE, ())


@at_once
async def test_a_new_address_buys_both_labels_again(begin: Start, world: World) -> None:
    life = await with_both_labels(begin, world, "two-moved")
    await move_both(life)
    reference = f"{life.id}/f1"
    assert len(world.done("void_label")) == 2
    assert world.done("hand_over") == [f"{reference}/hand-over/2-2"]
    assert (len(world.done("recall")), world.papers[reference]) == (0, 2)


@at_once
async def test_boxes_that_stay_packed_get_both_labels_for_a_new_address(
    begin: Start, world: World
) -> None:
    """One was bought, and the other's purchase is held: both bear the new address in the end."""
    life = await with_the_first_label_only(begin, world, "two-relabelled")
    await move_both(life)
    reference = f"{life.id}/f1"
    assert world.done("void_label") == [f"{reference}/p1/label/1/void"]
    assert world.done("buy_label") == [
        f"{reference}/p1/label/1",
        f"{reference}/p1/label/2",
        f"{reference}/p2/label/1",
    ]
    assert world.done("hand_over") == [f"{reference}/hand-over/2-1"]
    assert (len(world.done("recall")), world.papers[reference]) == (0, 2)


async def move_both(life: Life) -> None:
    """Their hold is released once they have another address, where both arrive."""
    await life.ask("fix_address", command_id="f", **FIX)
    assert await life.settled("f") == ""
    await life.ask("release", hold_id="h")
    await life.until_waiting("delivery")
    for number in numbers(life):
        await life.tell("parcel_moved", tracking_number=number, course=Course.DELIVERED)
    await life.until_status(OrderStatus.DELIVERED)
    await life.until(lambda _: bool(life.world.done("tell_shipped")))
    await assert_sound(life)


@at_once
async def test_a_warehouse_that_hands_over_what_it_will_not_recall_is_believed(
    begin: Start, world: World
) -> None:
    """All labels are void by then: no carrier can tell, and the cancel came too late."""
    life = await with_both_labels(begin, world, "two-unrecalled")
    world.fail("recall", Refused("outside", "recall_no"), times=10**6)
    await life.tell("cancel", command_id="c")
    record = await life.until_waiting("refused:outside:recall_no")
    assert record.fulfilments[0].status is FulfilmentStatus.PACKED
    await life.tell("warehouse_said", reference=f"{life.id}/f1", status="handed_over")
    await life.until_waiting(LEFT_WITHOUT_LABEL)
    assert (await life.settled("c"), world.last(life.id).status) == (TOO_LATE, OrderStatus.SHIPPED)


@at_once
async def test_what_was_recalled_has_not_left_whatever_is_said(begin: Start, world: World) -> None:
    """After a hand-over was tried the goods are recalled first, and then the labels voided."""
    world.refuse("hand_over")
    life = await in_two_boxes(begin, world, "two-recalled")
    await life.until_waiting("refused:outside:hand_over_no")
    world.refuse("void_label")
    await life.tell("cancel", command_id="c")
    record = await life.until_waiting(NOT_VOIDED)
    assert record.fulfilments[0].status is FulfilmentStatus.RECALLED
    await life.tell("warehouse_said", reference=f"{life.id}/f1", status="handed_over")
    await life.ask("retry")
    await see_cancelled(life)
