"""What crosses on the way: answers, rejections and goods that leave meanwhile."""

from domain.errors import Refused
from domain.lifecycles import FulfilmentStatus, OrderStatus
from domain.orders import PaymentStatus
from domain.waits import Owner
from tests.workflows.at_once import at_once
from tests.workflows.lives import Life, Start
from tests.workflows.soundness import assert_sound, see_cancelled, see_delivered
from tests.workflows.test_split_orders import BERLIN, fulfilments, pack, split
from tests.workflows.world import GOOD_ADDRESS, World, an_order

F = FulfilmentStatus
HERE = {("MUG", "berlin"): 600, ("MUG", "leeds"): 400}


async def reject(life: Life, number: int = 1, found: int | None = None) -> None:
    """The warehouse will not pack it, or found only so many mugs."""
    short = {"sku": "MUG", "found": found, "reason": "mismatch"}
    await life.tell(
        "warehouse_said",
        reference=f"{life.id}/f{number}",
        status="rejected",
        reason="damaged" if found is None else "short",
        short=[] if found is None else [short],
    )


@at_once
async def test_a_label_that_is_bought_after_the_rejection_is_voided(
    begin: Start, world: World
) -> None:
    world.stock = dict(HERE)
    gate = world.block("buy_label", after=True)
    life = await begin(an_order("crossed-label"))
    await world.reaches("buy_label")
    await reject(life)
    gate.set()
    await see_delivered(life)
    assert fulfilments(world.last(life.id)) == [("berlin", F.REJECTED), ("leeds", F.DELIVERED)]


@at_once
async def test_a_rejection_is_overtaken_by_the_goods_that_left(begin: Start, world: World) -> None:
    world.stock = dict(HERE)
    world.fail("hand_over", Refused("warehouse", "busy"))
    life = await begin(an_order("crossed-rejection"))
    await life.until_waiting("refused:warehouse:busy")
    assert world.goods_leave(f"{life.id}/f1", 1)
    await reject(life)
    await see_delivered(life)
    assert fulfilments(world.last(life.id)) == [("berlin", F.DELIVERED)]
    assert world.done("release_stock") == []


@at_once
async def test_a_packed_share_rejected_while_the_address_is_checked_is_taken_back_once(
    begin: Start, world: World
) -> None:
    world.stock = dict(HERE)
    order = an_order("crossed-address")
    world.addresses[order.order_id, 2] = GOOD_ADDRESS
    world.fail("buy_label", Refused("carrier", "no_such_street"))
    life = await begin(order)
    await life.until_waiting("refused:carrier:no_such_street")
    gate = world.block("validate")
    world.reached["validate"].clear()
    await life.tell("fix_address", address_version=2, destination=BERLIN)
    await world.reaches("validate")
    await reject(life)
    gate.set()
    await see_delivered(life)
    assert fulfilments(world.last(life.id)) == [("berlin", F.REJECTED), ("leeds", F.DELIVERED)]
    assert world.done("release_stock") == [f"{life.id}/reserve/1/1"]


@at_once
async def test_what_is_packed_leaves_while_the_rest_waits_for_stock(
    begin: Start, world: World
) -> None:
    world.packing = "later"
    life = await split(begin, world, "crossed-stock")
    await life.until(lambda r: [f.status for f in r.fulfilments] == [F.ACCEPTED, F.ACCEPTED])
    await life.ask("hold", reason="fraud", command_id="h")
    await pack(life, 1)
    await life.until(lambda r: r.fulfilments[0].status is F.PACKED)
    world.stock["BOWL", "leeds"] = -1  # what is given back is gone again
    await life.ask("fix_address", address_version=2, destination=BERLIN)
    await life.until(lambda _: bool(world.waiting))
    await life.ask("release", hold_id="h")
    record = await life.until_status(OrderStatus.PARTLY_SHIPPED)
    assert fulfilments(record) == [("berlin", F.HANDED_OVER), ("leeds", F.RECALLED)]


@at_once
async def test_a_short_pick_that_crosses_a_cancel_corrects_the_record(
    begin: Start, world: World
) -> None:
    world.packing = "later"
    life = await begin(an_order("crossed-short"))
    await life.until_waiting("packing")
    gate = world.block("recall")
    await life.tell("cancel", command_id="c")
    await world.reaches("recall")
    await reject(life, found=1)
    await life.until_told("status_cancelling")
    await life.state()
    gate.set()
    assert (await life.result()).status == "cancelled"
    assert world.done("short_pick") == [f"{life.id}/reserve/1/1"]
    assert world.done("release_stock") == []
    assert world.stock == {("MUG", "berlin"): 1}
    await assert_sound(life)


@at_once
async def test_a_cancel_during_two_hand_overs_that_both_come_through_is_too_late(
    begin: Start, world: World
) -> None:
    world.packing = "later"
    world.fail("hand_over", Refused("warehouse", "busy"))
    life = await split(begin, world, "crossed-cancel")
    await life.until(lambda r: [f.status for f in r.fulfilments] == [F.ACCEPTED, F.ACCEPTED])
    await pack(life, 1)
    await life.until(lambda r: r.attention == "refused:warehouse:busy")
    gate = world.block("hand_over", after=True)
    await pack(life, 2)
    await life.until(lambda _: world.hanging == 1)
    await life.tell("cancel", command_id="c")
    await life.state()  # it has heard
    assert world.goods_leave(f"{life.id}/f1", 1)
    await life.tell("warehouse_said", reference=f"{life.id}/f1", status="handed_over")
    gate.set()
    assert (await life.settled("c")).startswith("too_late")
    assert (await life.until_status(OrderStatus.SHIPPED)).cancelled_lines == ()
    await life.until(lambda _: len(world.done("tell_shipped")) == 2)


@at_once
async def test_goods_that_left_with_their_old_papers_need_no_label(
    begin: Start, world: World
) -> None:
    order = an_order("crossed-papers")
    world.addresses[order.order_id, 2] = GOOD_ADDRESS
    world.fail("buy_label", Refused("carrier", "no_such_street"))
    life = await begin(order)
    await life.until_waiting("refused:carrier:no_such_street")
    world.left.add(f"{life.id}/f1")
    await life.tell("fix_address", address_version=2, destination=BERLIN)
    await life.until_status(OrderStatus.SHIPPED)
    await life.tell("cancel", command_id="c")
    assert (await life.settled("c")).startswith("too_late")
    assert world.done("buy_label") == []
    assert world.last(life.id).money[0].kind == "captured"


@at_once
async def test_a_share_that_waits_for_the_till_hears_its_rejection(
    begin: Start, world: World
) -> None:
    world.stock["BOWL", "newark"] = 0
    world.fail("capture", Refused("shop", "locked"))
    life = await split(begin, world, "crossed-till", PaymentStatus.AUTHORISED)
    await life.until_waiting("refused:shop:locked")
    record = await life.until(
        lambda r: {f.wait.what for f in r.fulfilments if f.wait} > {"capture"}
    )
    waiting = next(f for f in record.fulfilments if f.wait and f.wait.what == "capture")
    assert waiting.wait is not None
    assert waiting.wait.owner is Owner.CHANNEL
    await reject(life, waiting.number)
    await life.until_told("rejected")
    await life.until(lambda _: len(world.waiting) == 1)
    await life.ask("cancel")
    await see_cancelled(life)
