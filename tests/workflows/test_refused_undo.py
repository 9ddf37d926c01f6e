"""An undo that an outside system refuses for good: which a person may go on without, and how."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from domain.errors import Refused, Unavailable
from domain.fulfilments import Label
from domain.lifecycles import FulfilmentStatus, OrderStatus
from domain.records import JournalEntry
from domain.waits import Owner
from tests.workflows.at_once import at_once
from tests.workflows.lives import Life, Start
from tests.workflows.soundness import assert_sound, see_cancelled, see_delivered
from tests.workflows.world import BOX, GOOD_ADDRESS, Fault, World, an_order

FOR_EVER = 1_000_000
NOT_VOIDED = "refused:outside:void_label_no"
FIX = {"address_version": 2, "destination": {"country": "DE", "postal_code": "10119"}}


async def labelled(begin: Start, world: World, own_id: str) -> Life:
    """The parcel has its label, the goods are here, and the carrier voids nothing."""
    order = an_order(own_id)
    world.addresses[order.order_id, 2] = GOOD_ADDRESS.model_copy(update={"postal_code": "10119"})
    refuse_for_ever(world, "void_label")
    gate = world.block("buy_label")
    life = await begin(order)
    await world.reaches("buy_label")
    await life.ask("hold", reason="fraud", command_id=f"{own_id}-hold")
    gate.set()
    await life.until_waiting("hold:fraud")
    return life


def refuse_for_ever(world: World, step: str) -> None:
    world.fail(step, Refused("outside", f"{step}_no"), times=FOR_EVER)


def given_up(life: Life) -> tuple[Label, ...]:
    parcels = [p for part in life.world.last(life.id).fulfilments for p in part.parcels]
    return tuple(label for parcel in parcels for label in parcel.given_up_labels)


def lines(life: Life, code: str) -> list[JournalEntry]:
    records = life.world.records[life.id]
    return [entry for record in records for entry in record.journal if entry.code == code]


async def as_signal(life: Life, **fields: object) -> None:
    await life.tell("cancel", **fields)


async def as_update(life: Life, **fields: object) -> None:
    assert await life.ask("cancel", **fields) == "accepted"


# -- the label


@pytest.mark.parametrize("say", [as_signal, as_update])
@at_once
async def test_a_second_cancel_goes_on_without_the_void(
    begin: Start, world: World, say: Callable[..., Awaitable[None]]
) -> None:
    life = await labelled(begin, world, f"unvoided-{say.__name__.replace('_', '-')}")
    await life.tell("cancel", command_id="c1", by="ann")
    parked = await life.until_waiting(NOT_VOIDED)
    assert parked.status is OrderStatus.CANCELLING
    assert parked.wait is not None
    assert parked.wait.owner is Owner.OPERATOR
    assert "to go on without it" in parked.wait.next_action
    number = life.tracking_number
    await say(life, command_id="c2", by="bob")
    await see_cancelled(life)
    assert [await life.settled(c) for c in ("c1", "c2")] == ["", ""]
    (line,) = lines(life, "label_not_voided")
    assert (line.by, line.command_id) == ("bob", "c2")
    assert line.data == {"tracking_number": number, "label": f"{life.id}/f1/p1/label/1"}
    assert [label.tracking_number for label in given_up(life)] == [number]
    (parcel,) = world.last(life.id).fulfilments[0].parcels
    assert (parcel.label, parcel.voided_labels) == (None, ())
    assert "label_voided" not in world.journal(life.id)
    assert len(world.done("recall")) == len(world.done("release_stock")) == 1


@at_once
async def test_a_retry_still_voids_it(begin: Start, world: World) -> None:
    life = await labelled(begin, world, "unvoided-retried")
    await life.ask("cancel")
    await life.until_waiting(NOT_VOIDED)
    world.faults["void_label"].clear()
    await life.ask("retry")
    await see_cancelled(life)
    assert given_up(life) == ()
    assert lines(life, "label_not_voided") == []


@at_once
async def test_what_was_said_before_the_refusal_gives_nothing_up(
    begin: Start, world: World
) -> None:
    life = await labelled(begin, world, "unvoided-early")
    gate = asyncio.Event()
    world.faults["void_label"] = [Fault(Refused("outside", "void_label_no"), gate)]
    await life.ask("cancel", command_id="c1")
    await world.reaches("void_label")
    await life.ask("cancel", command_id="c2")
    gate.set()
    await life.until_waiting(NOT_VOIDED)
    assert given_up(life) == ()
    await life.ask("retry")
    await see_cancelled(life)


@at_once
async def test_the_same_command_and_the_channels_word_give_nothing_up(
    begin: Start, world: World
) -> None:
    life = await labelled(begin, world, "unvoided-again")
    await life.ask("cancel", command_id="c1")
    await life.until_waiting(NOT_VOIDED)
    await life.ask("cancel", command_id="c1")
    await life.tell("cancel", command_id="shop", by="channel")
    assert (await life.state()).attention == NOT_VOIDED
    world.faults["void_label"].clear()
    await life.ask("retry")
    await see_cancelled(life)
    assert given_up(life) == ()
    assert await life.settled("shop") == ""


@at_once
async def test_a_cancellation_in_temporal_insists_too(begin: Start, world: World) -> None:
    life = await labelled(begin, world, "unvoided-temporal")
    await life.ask("cancel")
    await life.until_waiting(NOT_VOIDED)
    await life.handle.cancel()
    await see_cancelled(life)
    assert len(given_up(life)) == 1
    assert lines(life, "label_not_voided")[0].by == "temporal"


@at_once
async def test_a_label_whose_answer_was_lost_is_given_up_by_its_key(
    begin: Start, world: World
) -> None:
    refuse_for_ever(world, "void_label")
    world.block("buy_label", after=True)
    life = await begin(an_order("unvoided-unheard"))
    await world.reaches("buy_label")
    await life.ask("cancel")
    await life.until_waiting(NOT_VOIDED)
    await life.ask("cancel")
    assert (await life.result()).status == "cancelled"
    (line,) = lines(life, "label_not_voided")
    assert line.data == {"tracking_number": "", "label": f"{life.id}/f1/p1/label/1"}


@at_once
async def test_each_label_is_given_up_by_a_cancel_of_its_own(begin: Start, world: World) -> None:
    world.packing = "later"
    refuse_for_ever(world, "void_label")
    refuse_for_ever(world, "hand_over")
    life = await begin(an_order("unvoided-two"))
    await life.until_waiting("packing")
    await life.packed(BOX, BOX)
    await life.until_waiting("refused:outside:hand_over_no")
    await life.ask("cancel")
    await life.until_waiting(NOT_VOIDED)
    await life.ask("cancel")
    await life.until_told("label_not_voided")
    await life.until_waiting(NOT_VOIDED)
    assert len(given_up(life)) == 1
    await life.ask("cancel")
    await see_cancelled(life)
    assert len(given_up(life)) == 2


@at_once
async def test_goods_that_left_with_a_label_that_was_given_up_keep_it(
    begin: Start, world: World
) -> None:
    life = await labelled(begin, world, "unvoided-left")
    await life.tell("cancel", command_id="c1")
    await life.until_waiting(NOT_VOIDED)
    number = life.tracking_number
    world.left.add(f"{life.id}/f1")
    await life.tell("cancel", command_id="c2")
    await see_delivered(life)
    assert life.tracking_number == number
    assert given_up(life) == ()
    assert (await life.settled("c2")).startswith("too_late")


@at_once
async def test_goods_that_leave_end_the_wait_for_the_void(begin: Start, world: World) -> None:
    life = await labelled(begin, world, "unvoided-scanned")
    await life.tell("cancel", command_id="c1")
    await life.until_waiting(NOT_VOIDED)
    await life.tell("warehouse_said", reference=f"{life.id}/f1", status="handed_over")
    await see_delivered(life)
    assert (await life.settled("c1")).startswith("too_late")


# -- the label of another address


async def readdressed(begin: Start, world: World, own_id: str) -> Life:
    life = await labelled(begin, world, own_id)
    await life.tell("fix_address", command_id="f1", **FIX)
    await life.until_waiting(NOT_VOIDED)
    return life


@at_once
async def test_an_address_fixed_again_goes_on_with_a_new_label(begin: Start, world: World) -> None:
    life = await readdressed(begin, world, "readdress-unvoided")
    await life.ask("fix_address", command_id="f2", **FIX)
    assert [await life.settled(c) for c in ("f1", "f2")] == ["", ""]
    await life.ask("release", hold_id="readdress-unvoided-hold")
    await see_delivered(life)
    assert len(given_up(life)) == 1
    assert world.done("buy_label") == [f"{life.id}/f1/p1/label/{n}" for n in (1, 2)]
    assert lines(life, "label_not_voided")[0].command_id == "f2"


@at_once
async def test_a_cancel_ends_an_address_fix_that_is_stuck(begin: Start, world: World) -> None:
    life = await readdressed(begin, world, "readdress-cancelled")
    await life.ask("cancel", command_id="c1")
    await see_cancelled(life)
    assert world.calls["void_label"] == 1
    assert len(given_up(life)) == 1


@at_once
async def test_the_channels_new_address_gives_nothing_up(begin: Start, world: World) -> None:
    life = await readdressed(begin, world, "readdress-channel")
    await life.tell("fix_address", command_id="f2", by="channel", **FIX)
    assert (await life.state()).attention == NOT_VOIDED
    await life.ask("fix_address", command_id="f3", **FIX)
    assert [await life.settled(c) for c in ("f1", "f2", "f3")] == ["", "", ""]


@at_once
async def test_goods_that_leave_while_the_label_is_voided_for_an_address(
    begin: Start, world: World
) -> None:
    life = await readdressed(begin, world, "readdress-left")
    await life.tell("warehouse_said", reference=f"{life.id}/f1", status="handed_over")
    await see_delivered(life)
    assert (await life.settled("f1")).startswith("too_late")
    assert world.last(life.id).address_version == 1


@at_once
async def test_a_rejection_goes_elsewhere_without_the_void(begin: Start, world: World) -> None:
    world.stock = {("MUG", "berlin"): 600, ("MUG", "leeds"): 400}
    life = await labelled(begin, world, "rejected-unvoided")
    reference = f"{life.id}/f1"
    await life.tell("warehouse_said", reference=reference, status="rejected", reason="damaged")
    await life.until_waiting(NOT_VOIDED)
    await life.ask("fix_address", command_id="f1", **FIX)
    assert await life.settled("f1") == ""
    await life.ask("release", hold_id="rejected-unvoided-hold")
    await see_delivered(life)
    assert [part.location for part in world.last(life.id).fulfilments] == ["berlin", "leeds"]


# -- what nobody may go on without


@pytest.mark.parametrize(
    ("step", "first"),
    [
        ("recall", "the warehouse must recall the goods first, or hand them over"),
        ("release_stock", "the stock must be given back first"),
        ("cancel_at_channel", "the channel must cancel first and give the money back"),
    ],
)
@at_once
async def test_a_second_cancel_does_not_help_against_the_others(
    begin: Start, world: World, step: str, first: str
) -> None:
    refuse_for_ever(world, step)
    world.fail("hand_over", Unavailable("outside", "down"), times=FOR_EVER)
    life = await begin(an_order(f"undo-{step.replace('_', '-')}"))
    await world.reaches("hand_over")
    await life.tell("cancel", command_id="c1")
    parked = await life.until_waiting(f"refused:outside:{step}_no")
    assert parked.wait is not None
    assert parked.wait.next_action == "nothing happens by itself: retry"
    assert (await life.refused("cancel")).startswith(f"not_now: {first}; retry")
    await life.tell("cancel", command_id="c2")
    assert (await life.settled("c2")).startswith(f"not_now: {first}")
    await life.tell("cancel", command_id="shop", by="channel")
    world.faults[step].clear()
    await life.ask("retry")
    await see_cancelled(life)
    assert [await life.settled(c) for c in ("c1", "shop")] == ["", ""]


@at_once
async def test_nothing_that_is_said_goes_on_without_the_recall_for_an_address(
    begin: Start, world: World
) -> None:
    refuse_for_ever(world, "recall")
    world.fail("hand_over", Unavailable("outside", "down"), times=FOR_EVER)
    order = an_order("undo-readdress")
    world.addresses[order.order_id, 2] = GOOD_ADDRESS.model_copy(update={"postal_code": "10119"})
    life = await begin(order)
    await world.reaches("hand_over")
    await life.tell("fix_address", command_id="f1", **FIX)
    await life.until_waiting("refused:outside:recall_no")
    await life.ask("fix_address", command_id="f2", **FIX)
    await life.ask("cancel", command_id="c1")
    assert (await life.refused("cancel")).startswith("not_now: the warehouse must recall")
    assert (await life.state()).attention == "refused:outside:recall_no"
    world.faults["recall"].clear()
    await life.ask("retry")
    await see_cancelled(life)
    assert await life.settled("c1") == ""


@at_once
async def test_goods_that_leave_while_the_recall_is_refused_are_shipped(
    begin: Start, world: World
) -> None:
    refuse_for_ever(world, "recall")
    world.fail("hand_over", Unavailable("outside", "down"), times=FOR_EVER)
    life = await begin(an_order("undo-left"))
    await world.reaches("hand_over")
    await life.tell("cancel", command_id="c1")
    await life.until_waiting("refused:outside:recall_no")
    await life.tell("cancel", command_id="shop", by="channel")
    await life.tell("warehouse_said", reference=f"{life.id}/f1", status="handed_over")
    await see_delivered(life)
    for command in ("c1", "shop"):
        assert (await life.settled(command)).startswith("too_late")
    assert world.last(life.id).fulfilments[0].status is FulfilmentStatus.DELIVERED


# -- money whose answer was lost


@at_once
async def test_a_capture_whose_answer_never_came_is_booked_with_its_refund(
    begin: Start, world: World
) -> None:
    world.block("capture", after=True)
    life = await begin(an_order("undo-capture"))
    await world.reaches("capture")
    assert world.last(life.id).money == ()
    await life.ask("cancel")
    await see_cancelled(life)
    money = world.last(life.id).money
    assert [(entry.kind, entry.amount.amount_minor) for entry in money] == [
        ("captured", 3_500),
        ("refunded", 3_500),
    ]
    await assert_sound(life)
