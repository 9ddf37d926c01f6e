"""An order that several locations send: each share has its own life, the order has one."""

import asyncio

import pytest

from domain.errors import Refused, Unavailable
from domain.lifecycles import FulfilmentStatus, OrderStatus
from domain.orders import Order, PaymentStatus
from domain.records import OrderRecord
from domain.tracking import Course
from domain.waits import Owner
from tests.workflows.at_once import at_once
from tests.workflows.lives import POLICY, Life, Start, say_packed
from tests.workflows.world import BOX, GOOD_ADDRESS, PATIENCE_S, World, an_order

BERLIN = {"country": "DE", "postal_code": "10117"}
F = FulfilmentStatus


def of_two(own_id: str, payment: PaymentStatus) -> Order:
    """A mug from Berlin and a bowl from Leeds; nobody has both."""
    return an_order(own_id, payment=payment, quantity=1, also=("BOWL",))


async def split(
    begin: Start, world: World, own_id: str, payment: PaymentStatus = PaymentStatus.PAID
) -> Life:
    world.stock = {("MUG", "berlin"): 500, ("BOWL", "leeds"): 500}
    world.parts_max = 2
    order = of_two(own_id, payment)
    world.addresses[order.order_id, 2] = GOOD_ADDRESS
    return await begin(order)


async def split_unpaid(begin: Start, world: World, own_id: str) -> Life:
    """Both locations have still to pack, and the channel cannot get the money."""
    world.packing = "later"
    world.declined = 10**6
    life = await split(begin, world, own_id, PaymentStatus.AUTHORISED)
    await life.until(lambda r: len(r.fulfilments) == 2)
    return life


def fulfilments(record: OrderRecord) -> list[tuple[str, FulfilmentStatus]]:
    return [(part.location, part.status) for part in record.fulfilments]


async def pack(life: Life, number: int) -> None:
    await say_packed(life.env.client, life.id, f"{life.id}/f{number}", (BOX,))


async def scan(life: Life, number: int, course: Course) -> None:
    label = life.world.last(life.id).fulfilments[number - 1].parcels[0].label
    assert label is not None
    await life.tell("parcel_moved", tracking_number=label.tracking_number, course=course)


async def with_one_gone(begin: Start, world: World, own_id: str) -> Life:
    """Berlin's share has left, Leeds still packs."""
    world.packing = "later"
    life = await split(begin, world, own_id)
    await life.until(lambda r: [f.status for f in r.fulfilments] == [F.ACCEPTED, F.ACCEPTED])
    await pack(life, 1)
    await life.until_status(OrderStatus.PARTLY_SHIPPED)
    return life


@at_once
async def test_two_locations_send_side_by_side_and_are_paid_once(
    begin: Start, world: World
) -> None:
    life = await split(begin, world, "split-1", PaymentStatus.AUTHORISED)
    await life.until_status(OrderStatus.SHIPPED)
    await life.until(lambda _: len(world.done("tell_shipped")) == 2)
    assert sorted(world.done("request_packing")) == [f"{life.id}/f1", f"{life.id}/f2"]
    assert len(world.done("capture")) == 1
    assert sorted(world.done("ship_stock")) == [f"{life.id}/reserve/1/{n}" for n in (1, 2)]
    await scan(life, 1, Course.DELIVERED)
    await life.until_told("parcel_delivered")
    assert world.last(life.id).status is OrderStatus.SHIPPED
    await scan(life, 2, Course.DELIVERED)
    await life.until_waiting("return_window")
    assert world.last(life.id).status is OrderStatus.DELIVERED
    assert world.stock == {("MUG", "berlin"): 499, ("BOWL", "leeds"): 499}


@at_once
async def test_one_share_leaves_while_the_other_is_packed(begin: Start, world: World) -> None:
    life = await with_one_gone(begin, world, "split-2")
    record = await life.until(
        lambda r: [f.wait and f.wait.what for f in r.fulfilments] == ["delivery", "packing"]
    )
    assert record.wait is not None
    assert record.wait.owner is Owner.WAREHOUSE
    await scan(life, 1, Course.DELIVERED)
    await life.until_told("parcel_delivered")
    assert world.last(life.id).status is OrderStatus.PARTLY_SHIPPED
    await pack(life, 2)
    await life.until_status(OrderStatus.SHIPPED)
    await scan(life, 2, Course.DELIVERED)
    await life.until_status(OrderStatus.DELIVERED)


@at_once
async def test_what_one_location_rejects_comes_from_a_third(begin: Start, world: World) -> None:
    world.rejecting = {"leeds"}
    world.stock["BOWL", "newark"] = 0
    life = await split(begin, world, "split-3")
    await life.until_waiting("another_location")
    record = await life.until_status(OrderStatus.PARTLY_SHIPPED)
    assert fulfilments(record)[1] == ("leeds", F.REJECTED)
    world.stock["BOWL", "newark"] = 7
    await life.ask("retry")
    world.rejecting = set()
    await life.until_status(OrderStatus.SHIPPED)
    assert world.done("release_stock")[0] == f"{life.id}/reserve/1/2"


@at_once
async def test_a_cancel_takes_every_share_back(begin: Start, world: World) -> None:
    world.packing = "later"
    life = await split(begin, world, "split-4")
    await life.until(lambda r: [f.status for f in r.fulfilments] == [F.ACCEPTED, F.ACCEPTED])
    await life.ask("cancel", reason="requested")
    assert (await life.result()).status == "cancelled"
    assert world.stock == {("MUG", "berlin"): 500, ("BOWL", "leeds"): 500}
    assert sorted(world.done("recall")) == [f"{life.id}/f{n}/recall" for n in (1, 2)]
    assert len(world.done("cancel_at_channel")) == 1


@at_once
async def test_a_cancel_after_one_share_left_cancels_and_refunds_the_other(
    begin: Start, world: World
) -> None:
    life = await with_one_gone(begin, world, "split-5")
    await life.ask("cancel", command_id="c", reason="requested")
    assert await life.settled("c") == ""
    record = await life.until_status(OrderStatus.SHIPPED)
    assert fulfilments(record) == [("berlin", F.HANDED_OVER), ("leeds", F.RECALLED)]
    assert [(line.sku, line.quantity) for line in record.cancelled_lines] == [("BOWL", 1)]
    assert [entry.kind for entry in record.money] == ["refunded"]
    assert world.done("refund") == [f"{life.id}/refund-rest"]
    assert world.done("cancel_at_channel") == []
    assert world.stock == {("MUG", "berlin"): 499, ("BOWL", "leeds"): 500}
    await scan(life, 1, Course.DELIVERED)
    await life.until_status(OrderStatus.DELIVERED)
    bowl = {"line_id": "L2", "sku": "BOWL", "quantity": 1, "reason": "unwanted"}
    refusal = await life.refused("request_return", return_id="r-1", lines=[bowl])
    assert refusal == "lines: more than was bought and not yet returned"


@at_once
async def test_a_cancel_that_finds_the_second_gone_too_comes_too_late(
    begin: Start, world: World
) -> None:
    life = await with_one_gone(begin, world, "split-6")
    world.left.add(f"{life.id}/f2")
    await life.tell("cancel", command_id="c", reason="requested")
    assert (await life.settled("c")).startswith("too_late")
    await life.until_status(OrderStatus.SHIPPED)
    assert world.done("refund") == []


@at_once
async def test_a_new_address_moves_only_what_is_still_here(begin: Start, world: World) -> None:
    life = await with_one_gone(begin, world, "split-7")
    first = world.label_versions.copy()
    await life.ask("fix_address", address_version=2, destination=BERLIN)
    await life.until(lambda r: fulfilments(r)[2:] == [("leeds", F.ACCEPTED)])
    await pack(life, 3)
    await life.until_status(OrderStatus.SHIPPED)
    assert set(first.values()) == {1}
    assert sorted(world.label_versions.values()) == [1, 2]
    assert world.last(life.id).address_version == 2


@at_once
async def test_a_hold_stops_every_share_before_its_next_deed(begin: Start, world: World) -> None:
    world.packing = "later"
    life = await split(begin, world, "split-8")
    await life.until(lambda r: [f.status for f in r.fulfilments] == [F.ACCEPTED, F.ACCEPTED])
    await life.ask("hold", reason="fraud", command_id="h")
    await pack(life, 1)
    await pack(life, 2)
    record = await life.until(
        lambda r: [f.wait and f.wait.what for f in r.fulfilments] == ["hold:fraud"] * 2
    )
    assert record.wait is not None
    assert record.wait.owner is Owner.OPERATOR
    assert world.done("buy_label") == []
    await life.ask("release", hold_id="h")
    await life.until_status(OrderStatus.SHIPPED)


@at_once
async def test_a_refused_share_waits_for_an_operator_while_the_other_goes(
    begin: Start, world: World
) -> None:
    world.packing = "later"
    life = await split(begin, world, "split-9")
    await life.until(lambda r: [f.status for f in r.fulfilments] == [F.ACCEPTED, F.ACCEPTED])
    world.fail("buy_label", Refused("carrier", "no_such_street"))
    await pack(life, 1)
    parked = await life.until(lambda r: bool(r.attention))
    assert parked.attention == "refused:carrier:no_such_street"
    await pack(life, 2)
    record = await life.until_status(OrderStatus.PARTLY_SHIPPED)
    assert record.wait is not None
    assert record.wait.owner is Owner.OPERATOR
    await life.ask("retry")
    await life.until_status(OrderStatus.SHIPPED)


@pytest.mark.parametrize("step", ["request_packing", "buy_label", "hand_over", "ship_stock"])
@at_once
async def test_each_deed_of_each_share_happens_once_though_its_answer_is_lost(
    begin: Start, world: World, step: str
) -> None:
    world.fail(step, Unavailable("outside", "lost", fate_unknown=True), times=2, after=True)
    life = await split(begin, world, f"split-lost-{step.replace('_', '-')}")
    await life.until_status(OrderStatus.SHIPPED)
    await life.until(lambda _: len(world.done("tell_shipped")) == 2)
    assert len(world.done(step)) == len(set(world.done(step))) == 2


@at_once
async def test_a_share_that_gets_through_leaves_the_others_note(begin: Start, world: World) -> None:
    world.packing = "later"
    life = await split(begin, world, "split-notes")
    await life.until(lambda r: [f.status for f in r.fulfilments] == [F.ACCEPTED, F.ACCEPTED])
    world.fail("buy_label", Unavailable("carrier", "down"), times=10**6)
    await pack(life, 1)
    await pack(life, 2)
    keys = {f"{life.id}/f{number}/p1/label/1" for number in (1, 2)}
    await _until_noted(world, keys)
    world.faults["buy_label"].clear()
    first = world.block("buy_label")
    await world.reaches("buy_label")
    await life.until_status(OrderStatus.PARTLY_SHIPPED)
    await _until_noted(world, {key for key in keys if key not in world.live})
    first.set()
    await life.until_status(OrderStatus.SHIPPED)
    await _until_noted(world, set())


async def _until_noted(world: World, deeds: set[str]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while {note.deed for note in world.retrying} != deeds:
            await world.news()


@at_once
async def test_a_short_pick_corrects_the_record_and_the_rest_comes_from_elsewhere(
    begin: Start, world: World
) -> None:
    world.packing = "later"
    world.stock = {("MUG", "berlin"): 2, ("MUG", "leeds"): 5}
    life = await begin(an_order("short-pick"))
    await life.until_waiting("packing")
    first = world.last(life.id).fulfilments[0]
    missing = {"sku": "MUG", "found": 1, "reason": "not_in_stock"}
    await life.tell(
        "warehouse_said",
        reference=first.reference,
        status="rejected",
        reason="short",
        short=[missing],
    )
    record = await life.until(lambda r: len(r.fulfilments) == 2)
    other = "leeds" if first.location == "berlin" else "berlin"
    assert [part.location for part in record.fulfilments] == [first.location, other]
    assert world.done("short_pick") == [f"{life.id}/reserve/1/1"]
    assert world.done("release_stock") == []
    await life.packed()
    await life.until_status(OrderStatus.SHIPPED)


@at_once
async def test_a_short_pick_that_lacks_nothing_is_a_plain_rejection(
    begin: Start, world: World
) -> None:
    """The record stays as it is: from the same place it would be rejected again and again."""
    world.packing = "later"
    world.stock = {("MUG", "berlin"): 5, ("MUG", "leeds"): 5}
    life = await begin(an_order("short-of-nothing"))
    await life.until_waiting("packing")
    first = world.last(life.id).fulfilments[0]
    enough = {"sku": "MUG", "found": 2, "reason": "mismatch"}
    await life.tell(
        "warehouse_said",
        reference=first.reference,
        status="rejected",
        reason="short",
        short=[enough, {"sku": "CAP", "found": 0, "reason": "mismatch"}],
    )
    record = await life.until(lambda r: len(r.fulfilments) == 2)
    assert record.fulfilments[1].location != first.location
    assert world.done("short_pick") == []
    assert world.done("release_stock") == [f"{life.id}/reserve/1/1"]
    await life.packed()
    await life.until_status(OrderStatus.SHIPPED)


@at_once
async def test_an_order_that_waits_is_sourced_anew_each_day_and_keeps_its_place(
    begin: Start, world: World
) -> None:
    world.stock = {("MUG", "berlin"): 0}
    life = await begin(an_order("short-daily"), POLICY.model_copy(update={"stock_check_s": 1}))
    await life.until_waiting("stock")
    world.stock["MUG", "berlin"] = 10
    world.answers.clear()
    await life.until_status(OrderStatus.SHIPPED)
    assert set(world.done("reserve")) == {f"{life.id}/reserve/1"}
    assert world.journal(life.id).count("short") == 1
    assert world.done("release_stock") == []
