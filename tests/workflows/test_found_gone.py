"""Goods that were found gone before their time: unpaid, without a label, unheard of by the shop."""

import pytest

from domain.errors import Refused
from domain.lifecycles import FulfilmentStatus, OrderStatus, ReturnStatus
from domain.orders import PaymentStatus
from domain.payments import Refunded
from domain.records import LEFT_WITHOUT_LABEL, NOT_REFUNDED, UNPAID, WRITTEN_OFF
from domain.tracking import Course
from domain.waits import Owner
from tests.workflows.at_once import at_once
from tests.workflows.lives import DAY_S, Life, Start
from tests.workflows.test_split_orders import (
    BERLIN,
    fulfilments,
    pack,
    scan,
    split,
    split_unpaid,
    with_one_gone,
)
from tests.workflows.world import GOOD_ADDRESS, World, an_order, eur


async def gone_while_capture_is_refused(begin: Start, world: World, own_id: str) -> Life:
    """Packed, the capture parked; then a cancel, whose recall finds the goods gone."""
    world.fail("capture", Refused("shop", "locked"))
    life = await begin(an_order(own_id))
    await life.until_waiting("refused:shop:locked")
    world.left.add(f"{life.id}/f1")
    await life.tell("cancel", command_id="c")
    assert (await life.settled("c")).startswith("too_late")
    await life.until_status(OrderStatus.SHIPPED)
    return life


async def with_the_first_share_gone(begin: Start, world: World, own_id: str) -> Life:
    """Of two unpaid shares one is packed, its capture parked; and it has left unseen."""
    life = await split_unpaid(begin, world, own_id)
    world.fail("capture", Refused("shop", "locked"))
    await pack(life, 1)
    await life.until_waiting("refused:shop:locked")
    world.left.add(f"{life.id}/f1")
    return life


async def arrive(life: Life, number: int = 1) -> None:
    """Somebody found out that goods without a label are there."""
    await life.ask("retry", arrived=f"{life.id}/f{number}", by="u-1", command_id=f"there-{number}")


async def close(life: Life) -> None:
    await life.until_waiting("return_window")
    await life.pass_time(31 * DAY_S)
    assert (await life.result()).status == "closed"


@at_once
async def test_what_a_cancel_finds_gone_is_paid_all_the_same(begin: Start, world: World) -> None:
    life = await gone_while_capture_is_refused(begin, world, "gone-1")
    record = await life.until(lambda r: bool(r.money))
    assert [entry.kind for entry in record.money] == ["captured"]
    await life.until(lambda _: world.done("tell_shipped") == [f"{life.id}/f1/tell-shipped"])
    record = await life.until_waiting(LEFT_WITHOUT_LABEL)
    assert record.wait is not None
    assert record.wait.owner is Owner.OPERATOR
    assert f"retry with arrived {life.id}/f1" in record.wait.next_action
    await arrive(life)
    await close(life)
    assert world.journal(life.id).count(LEFT_WITHOUT_LABEL) == 1
    (said,) = (n for r in world.records[life.id] for n in r.journal if n.code == "taken_as_arrived")
    assert (said.by, said.command_id) == ("u-1", "there-1")


@at_once
async def test_a_new_address_that_finds_goods_gone_takes_the_payment(
    begin: Start, world: World
) -> None:
    """The readdress itself says so: the share goes on, and what it was to be paid is taken."""
    order = an_order("gone-2")
    world.addresses[order.order_id, 2] = GOOD_ADDRESS
    world.fail("capture", Refused("shop", "locked"))
    life = await begin(order)
    await life.until_waiting("refused:shop:locked")
    world.left.add(f"{life.id}/f1")
    await life.tell("fix_address", address_version=2, destination=BERLIN, command_id="f")
    await life.until_status(OrderStatus.SHIPPED)
    await life.until(lambda r: [entry.kind for entry in r.money] == ["captured"])
    await life.until_waiting(LEFT_WITHOUT_LABEL)


@at_once
async def test_a_declined_payment_of_goods_that_are_gone_is_an_operators(
    begin: Start, world: World
) -> None:
    """The shop hears of the goods meanwhile; `retry` is for the money, and says nothing of them."""
    world.declined = 1
    life = await gone_while_capture_is_refused(begin, world, "gone-3")
    record = await life.until_waiting(UNPAID)
    assert record.wait is not None
    assert record.wait.owner is Owner.OPERATOR
    assert record.holds == ()
    await life.until(lambda _: bool(world.done("tell_shipped")))
    await life.ask("retry")
    await life.until(lambda r: [entry.kind for entry in r.money] == ["captured"])
    assert (await life.until_waiting(LEFT_WITHOUT_LABEL)).status is OrderStatus.SHIPPED
    assert (await life.refused("retry")).startswith("nothing to retry")
    await arrive(life)
    await close(life)


@at_once
async def test_an_unpaid_order_does_not_close_until_the_channel_says_paid(
    begin: Start, world: World
) -> None:
    world.declined = 9
    life = await gone_while_capture_is_refused(begin, world, "gone-4")
    await life.until_waiting(UNPAID)
    await life.tell("payment_changed", payment=PaymentStatus.PAID)
    await life.until_waiting(LEFT_WITHOUT_LABEL)
    await arrive(life)
    await close(life)
    assert world.captured == {}


@at_once
async def test_the_rest_is_paid_back_only_once_all_is_paid(begin: Start, world: World) -> None:
    """One share is found gone by the cancel; the other's lines are refunded out of the capture."""
    world.packing = "later"
    life = await split(begin, world, "gone-5", PaymentStatus.AUTHORISED)
    await life.until(lambda r: len(r.fulfilments) == 2)
    world.fail("capture", Refused("shop", "locked"))
    await pack(life, 1)
    await life.until_waiting("refused:shop:locked")
    world.left.add(f"{life.id}/f1")
    await life.tell("cancel", command_id="c")
    assert await life.settled("c") == ""
    record = await life.until_status(OrderStatus.SHIPPED)
    assert [entry.kind for entry in record.money] == ["captured", "refunded"]


@at_once
async def test_goods_gone_before_they_were_packed_can_be_said_to_have_arrived(
    begin: Start, world: World
) -> None:
    """No parcel is known at all."""
    world.packing = "later"
    life = await begin(an_order("gone-6"))
    await life.until_waiting("packing")
    world.left.add(f"{life.id}/f1")
    await life.tell("cancel")
    await life.until_waiting(LEFT_WITHOUT_LABEL)
    assert len(world.captured) == 1
    await arrive(life)
    await close(life)


# -- what only people know


@pytest.mark.parametrize("shadow", [UNPAID, "refused:shop:deaf"])
@at_once
async def test_no_other_trouble_keeps_goods_from_being_said_to_have_arrived(
    begin: Start, world: World, shadow: str
) -> None:
    """A return of them is taken, though the order does not close before that trouble ends."""
    if shadow == UNPAID:
        world.declined = 10**6
    else:
        world.fail("tell_shipped", Refused("shop", "deaf"), times=10**6)
    life = await gone_while_capture_is_refused(begin, world, f"unseen-{shadow[:6]}")
    await life.until_told(UNPAID if shadow == UNPAID else "refused", times=1)
    await life.until_waiting(shadow)
    await life.ask("retry")
    await arrive(life)
    record = await life.until_status(OrderStatus.DELIVERED)
    assert record.wait is not None
    back = await life.ask_back(1)
    await back.terminate("the test is over")


@at_once
async def test_of_two_shares_without_a_label_one_arrives_at_a_time(
    begin: Start, world: World
) -> None:
    arrived, gone = FulfilmentStatus.DELIVERED, FulfilmentStatus.HANDED_OVER
    world.packing = "later"
    life = await split(begin, world, "unseen-two")
    await life.until(lambda r: [f.status for f in r.fulfilments] == [FulfilmentStatus.ACCEPTED] * 2)
    world.left |= {f"{life.id}/f{number}" for number in (1, 2)}
    await life.tell("cancel")
    await life.until_told(LEFT_WITHOUT_LABEL, times=2)
    nobody_asks = "nothing to answer: nobody asks where that fulfilment is"
    assert await life.refused("retry", arrived=f"{life.id}/f3") == nobody_asks
    await arrive(life)
    record = await life.until(lambda r: r.fulfilments[0].status is arrived)
    assert fulfilments(record) == [("berlin", arrived), ("leeds", gone)]
    await life.tell("retry", arrived=f"{life.id}/f1", command_id="again")
    assert await life.settled("again") == nobody_asks
    assert (await life.refused("retry")).startswith("nothing to retry")
    await arrive(life, 2)
    await close(life)


@at_once
async def test_what_a_carrier_still_follows_is_not_said_to_have_arrived(
    begin: Start, world: World
) -> None:
    life = await begin(an_order("unseen-seen"))
    await life.until_waiting("delivery")
    refusal = await life.refused("retry", arrived=f"{life.id}/f1")
    assert refusal == "nothing to answer: nobody asks where that fulfilment is"
    assert (await life.state()).status is OrderStatus.SHIPPED


# -- money that never comes


@at_once
async def test_an_operator_writes_off_what_nobody_will_pay(begin: Start, world: World) -> None:
    world.declined = 10**6
    life = await gone_while_capture_is_refused(begin, world, "unpaid-1")
    record = await life.until_waiting(UNPAID)
    assert record.wait is not None
    assert "cancel it as unpaid" in record.wait.next_action
    assert (await life.refused("cancel", by="u-1")).startswith("too_late")
    await life.ask("cancel", unpaid=True, by="u-1", command_id="w")
    assert await life.settled("w") == ""
    await life.until_waiting(LEFT_WITHOUT_LABEL)
    (line,) = (n for r in world.records[life.id] for n in r.journal if n.code == WRITTEN_OFF)
    assert (line.by, line.command_id) == ("u-1", "w")
    assert (await life.refused("cancel", unpaid=True)).startswith("nothing to write off")
    asked = world.calls["capture"]
    await arrive(life)
    await close(life)
    assert (world.captured, world.calls["capture"]) == ({}, asked)


@at_once
async def test_a_capture_that_is_refused_for_good_is_written_off_too(
    begin: Start, world: World
) -> None:
    world.fail("capture", Refused("shop", "locked"), times=10**6)
    life = await gone_while_capture_is_refused(begin, world, "unpaid-2")
    record = await life.until(lambda r: bool(r.wait and "as unpaid" in r.wait.next_action))
    assert record.attention == "refused:shop:locked"
    await life.ask("cancel", unpaid=True)
    record = await life.until_waiting(LEFT_WITHOUT_LABEL)
    assert (record.attention, record.money) == ("", ())


@at_once
async def test_of_a_split_order_that_is_written_off_the_rest_is_cancelled_unrefunded(
    begin: Start, world: World
) -> None:
    life = await with_the_first_share_gone(begin, world, "unpaid-3")
    await life.tell("cancel", command_id="c1", by="u-1")
    await life.until_waiting(UNPAID)
    await life.tell("cancel", command_id="c2", by="u-1")
    assert (await life.state()).status is OrderStatus.CANCELLING
    await life.tell("cancel", command_id="c3", by="u-1", unpaid=True)
    assert [await life.settled(f"c{number}") for number in (1, 2, 3)] == ["", "", ""]
    record = await life.until_status(OrderStatus.SHIPPED)
    assert [line.line_id for line in record.cancelled_lines] == ["L2"]
    assert (record.money, world.done("refund")) == ((), [])
    await arrive(life)
    await close(life)


@at_once
async def test_nothing_is_written_off_that_can_still_be_paid(begin: Start, world: World) -> None:
    gate = world.block("capture")
    life = await begin(an_order("unpaid-4"))
    await world.reaches("capture")
    nothing = "nothing to write off: no money is waited for"
    assert await life.refused("cancel", unpaid=True) == nothing
    gate.set()
    await life.until_waiting("delivery")
    assert await life.refused("cancel", unpaid=True) == nothing
    assert len(world.captured) == 1


# -- a shop that will not hear of it


@at_once
async def test_a_shop_that_will_not_hear_of_it_keeps_no_parcel_from_arriving(
    begin: Start, world: World
) -> None:
    """The return is asked for and ends; the order closes once its shop knows."""
    world.fail("tell_shipped", Refused("shopify", "locked"), times=2)
    life = await begin(an_order("deaf-1"))
    await life.until_waiting("refused:shopify:locked")
    await life.parcel(Course.DELIVERED)
    record = await life.until_status(OrderStatus.DELIVERED)
    part = record.fulfilments[0]
    assert part.wait is not None
    assert part.wait.what == "refused:shopify:locked"
    await bring_back(life)
    await life.ask("retry")
    await life.until_told("refused", times=2)
    await life.pass_time(31 * DAY_S)
    await life.state()
    assert world.last(life.id).status is OrderStatus.DELIVERED
    await life.ask("retry")
    assert (await life.result()).status == "closed"


@at_once
async def test_a_parcel_is_followed_on_once_the_shop_has_heard_after_all(
    begin: Start, world: World
) -> None:
    world.fail("tell_shipped", Refused("shopify", "locked"))
    life = await begin(an_order("deaf-2"))
    await life.until_waiting("refused:shopify:locked")
    await life.ask("retry")
    await life.until(lambda r: [f.wait and f.wait.what for f in r.fulfilments] == ["delivery"])
    await life.parcel(Course.DELIVERED)
    await close(life)


# -- what could not be delivered


@pytest.mark.parametrize("reason", ["unwanted", "undeliverable"])
@at_once
async def test_an_order_stays_open_until_what_was_undelivered_is_back(
    begin: Start, world: World, reason: str
) -> None:
    """A return of what arrived is none of what did not; after both, its window is open."""
    life = await split(begin, world, f"undelivered-{reason}")
    await life.until_status(OrderStatus.SHIPPED)
    await life.until(lambda _: len(world.done("tell_shipped")) == 2)
    await scan(life, 1, Course.DELIVERED)
    await scan(life, 2, Course.RETURNED)
    await life.until_waiting("undelivered")
    await bring_back(life)
    await life.until_waiting("undelivered")
    await bring_back(life, 2, "L2", "BOWL", reason)
    await close(life)


@at_once
async def test_of_a_line_that_went_in_two_the_reason_tells_which_piece_came_back(
    begin: Start, world: World
) -> None:
    world.stock = {("MUG", "berlin"): 1, ("MUG", "leeds"): 1}
    world.parts_max = 2
    life = await begin(an_order("undelivered-half", payment=PaymentStatus.PAID))
    await life.until_status(OrderStatus.SHIPPED)
    await scan(life, 1, Course.DELIVERED)
    await scan(life, 2, Course.RETURNED)
    await life.until_waiting("undelivered")
    await bring_back(life)
    record = await life.until_waiting("undelivered")
    assert record.status is OrderStatus.UNDELIVERED
    await bring_back(life, 2, reason="undeliverable")
    await close(life)


async def bring_back(
    life: Life,
    number: int = 1,
    line_id: str = "L1",
    sku: str = "MUG",
    reason: str = "unwanted",
) -> None:
    """One piece of a line comes back, is put on the shelf and paid back."""
    return_id = f"{life.id}.r{number}"
    line = {"line_id": line_id, "sku": sku, "quantity": 1, "reason": reason}
    await life.ask("request_return", return_id=return_id, lines=[line])
    await life.until(lambda _: bool(life.world.return_records[return_id]))
    back = life.env.client.get_workflow_handle(f"return:{return_id}")
    await back.execute_update("received", {})
    looked = {"line_id": line_id, "sku": sku, "restock": 1, "discard": 0, "refund": 1}
    await back.execute_update("inspected", {"lines": [looked]})
    await life.until_return(ReturnStatus.CLOSED, number)
    await back.result()


# -- a refund that its channel refuses


@at_once
async def test_a_refused_refund_of_a_return_is_given_up_by_an_operator(
    begin: Start, world: World
) -> None:
    world.fail("refund", Refused("shopify", "more_than_captured"), times=10**6)
    life = await begin(an_order("refund-1"))
    await life.until_waiting("delivery")
    await life.parcel(Course.DELIVERED)
    await life.until_waiting("return_window")
    back = await life.ask_back(1)
    await back.execute_update("received", {})
    assert (await life.refused_by(back, "cancel")).startswith("too_late")
    line = {"line_id": "L1", "sku": "MUG", "restock": 1, "discard": 0, "refund": 1}
    await back.execute_update("inspected", {"lines": [line]})
    parked = await life.until_return_waits("refused:shopify:more_than_captured")
    assert parked.wait is not None
    assert "or cancel the return, to go on without it" in parked.wait.next_action
    await back.execute_update("cancel", {"by": "u-1", "command_id": "c"})
    record = await life.until_return(ReturnStatus.CLOSED)
    assert record.money == ()
    told = [n for r in world.return_records[record.return_id] for n in r.journal]
    (given_up,) = (entry for entry in told if entry.code == NOT_REFUNDED)
    assert (given_up.by, given_up.data["pieces"]) == ("u-1", 1)


@at_once
async def test_a_refused_refund_of_the_rest_is_given_up_by_a_second_cancel(
    begin: Start, world: World
) -> None:
    life = await with_one_gone(begin, world, "refund-2")
    world.fail("refund", Refused("shopify", "more_than_captured"), times=10**6)
    await life.tell("cancel", command_id="c1")
    parked = await life.until_waiting("refused:shopify:more_than_captured")
    assert parked.wait is not None
    assert "or cancel again, to go on without it" in parked.wait.next_action
    await life.tell("cancel", command_id="c2", by="channel")
    await life.state()
    await life.tell("cancel", command_id="c3", by="u-1")
    record = await life.until_status(OrderStatus.SHIPPED)
    assert record.money == ()
    assert [line.line_id for line in record.cancelled_lines] == ["L2"]
    assert world.journal(life.id).count(NOT_REFUNDED) == 1
    assert await life.settled("c1") == await life.settled("c3") == ""


@at_once
async def test_what_the_shops_staff_refunded_by_hand_is_not_booked_again(
    begin: Start, world: World
) -> None:
    life = await with_one_gone(begin, world, "refund-3")
    done = Refunded(amount=eur(0), ref="", already=1)
    world.answers["refund", f"{life.id}/refund-rest"] = done
    await life.ask("cancel")
    record = await life.until_status(OrderStatus.SHIPPED)
    assert record.money == ()
    assert "refunded_already" in world.journal(life.id)
