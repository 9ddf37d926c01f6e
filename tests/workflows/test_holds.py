"""What a hold stops: the next try of whatever cannot be taken back; and whom a held order waits on.

Before the first try of each step it is looked at in `test_verbs_at_each_step`.
"""

import pytest

from domain.errors import Unavailable
from domain.lifecycles import OrderStatus
from domain.orders import PaymentStatus
from domain.records import OrderRecord
from domain.waits import Owner
from tests.workflows.at_once import at_once
from tests.workflows.lives import Start
from tests.workflows.soundness import see_cancelled, see_delivered
from tests.workflows.test_two_parcels import in_two_boxes
from tests.workflows.world import BOX, GOOD_ADDRESS, World, an_order

STEPS = ("request_packing", "capture", "buy_label", "hand_over")
"""What cannot be taken back, or not without a trace."""
FOR_EVER = 10**6
TOO_LATE = "too_late: the goods have been handed over to the carrier"
RELEASED = "goes on by itself when its holds are released"


def waits(record: OrderRecord) -> tuple[Owner, str, str]:
    assert record.wait is not None
    return record.wait.owner, record.wait.what, record.wait.next_action


# -- what it stops


@pytest.mark.parametrize("step", STEPS)
@at_once
async def test_a_retry_of_what_was_refused_does_not_pass_a_hold(
    begin: Start, world: World, step: str
) -> None:
    world.refuse(step)
    life = await begin(an_order(f"held-{step}".replace("_", "-")))
    await life.until_waiting(f"refused:outside:{step}_no")
    await life.ask("hold", reason="fraud", command_id="h")
    await life.ask("retry")
    held = await life.until_waiting("hold:fraud")
    assert waits(held) == (Owner.OPERATOR, "hold:fraud", RELEASED)
    assert (held.attention, world.done(step)) == ("", [])
    await life.ask("release", hold_id="h")
    await see_delivered(life)


@pytest.mark.parametrize("step", STEPS)
@at_once
async def test_a_hold_stops_the_next_try_of_what_is_down(
    begin: Start, world: World, step: str
) -> None:
    world.fail(step, Unavailable("outside", "down"), times=FOR_EVER)
    life = await begin(an_order(f"down-{step}".replace("_", "-")))
    await world.reaches(step)
    await life.ask("hold", reason="fraud", command_id="h")
    await life.until_waiting("hold:fraud")
    world.faults[step].clear()
    tries = world.calls[step]
    await life.ask("hold", reason="look_twice", command_id="h-2")
    await life.ask("release", hold_id="h")
    await life.until_waiting("hold:look_twice")
    assert (world.calls[step], world.done(step)) == (tries, [])
    await life.ask("release", hold_id="h-2")
    await see_delivered(life)


@pytest.mark.parametrize("step", STEPS)
@at_once
async def test_what_was_done_unheard_before_the_hold_is_done_once(
    begin: Start, world: World, step: str
) -> None:
    world.packing = "later" if step == "request_packing" else "at once"
    lost = Unavailable("outside", "lost", fate_unknown=True)
    world.fail(step, lost, times=FOR_EVER, after=True)
    life = await begin(an_order(f"lost-{step}".replace("_", "-")))
    await world.reaches(step)
    await life.ask("hold", reason="fraud", command_id="h")
    await life.until_waiting("hold:fraud")
    world.faults[step].clear()
    await life.ask("release", hold_id="h")
    if step == "request_packing":
        await life.until_waiting("packing")
        await life.packed()
    await see_delivered(life)
    assert len(world.done(step)) == 1


@pytest.mark.parametrize("verb", ["hold", "fix_address"])
@at_once
async def test_a_try_that_fails_once_it_is_unwanted_is_nobodys_to_mend(
    begin: Start, world: World, verb: str
) -> None:
    """It would be tried again, so nothing was refused."""
    gate = world.block("buy_label")
    world.faults["buy_label"][0].error = Unavailable("outside", "down")
    order = an_order(f"unwanted-{verb}".replace("_", "-"))
    world.addresses[order.order_id, 2] = GOOD_ADDRESS
    life = await begin(order)
    await world.reaches("buy_label")
    berlin = {"country": "DE", "postal_code": "10117"}
    fields = {"address_version": 2, "destination": berlin}
    await life.ask(verb, command_id="h", **({"reason": "fraud"} if verb == "hold" else fields))
    await life.state()
    gate.set()
    if verb == "hold":
        await life.until_waiting("hold:fraud")
        await life.ask("release", hold_id="h")
    await see_delivered(life)
    assert "refused" not in world.journal(life.id)


@at_once
async def test_a_hold_between_two_labels_stops_the_second(begin: Start, world: World) -> None:
    gate = world.block("buy_label", after=True)
    life = await in_two_boxes(begin, world, "held-two")
    await world.reaches("buy_label")
    await life.ask("hold", reason="fraud", command_id="h")
    gate.set()
    await life.until_waiting("hold:fraud")
    assert world.done("buy_label") == [f"{life.id}/f1/p1/label/1"]
    await life.ask("release", hold_id="h")
    await life.until_waiting("delivery")
    assert len(world.done("buy_label")) == 2


@at_once
async def test_a_hold_on_a_capture_does_not_keep_what_has_left_from_paying(
    begin: Start, world: World
) -> None:
    """One share's capture is stopped by a hold; another, found gone, takes the money instead."""
    world.stock = {("MUG", "berlin"): 500, ("BOWL", "leeds"): 500}
    world.parts_max, world.packing = 2, "later"
    world.fail("capture", Unavailable("outside", "down"), times=FOR_EVER)
    life = await begin(an_order("held-elsewhere", also=("BOWL",)))
    await life.until(lambda r: [str(f.status) for f in r.fulfilments] == ["accepted"] * 2)
    await life.tell(
        "warehouse_said", reference=f"{life.id}/f1", status="packed", parcels=[BOX.model_dump()]
    )
    await world.reaches("capture")
    await life.ask("hold", reason="fraud", command_id="h")
    await life.until_waiting("hold:fraud")
    world.faults["capture"].clear()
    world.left.add(f"{life.id}/f2")
    await life.tell("cancel", command_id="c")
    await life.until(lambda r: [entry.kind for entry in r.money] == ["captured", "refunded"])


@at_once
async def test_a_hold_ends_when_the_goods_have_left_in_spite_of_it(
    begin: Start, world: World
) -> None:
    lost = Unavailable("outside", "lost", fate_unknown=True)
    world.fail("hand_over", lost, times=FOR_EVER, after=True)
    life = await begin(an_order("held-gone"))
    await world.reaches("hand_over")
    await life.ask("hold", reason="fraud", command_id="h")
    await life.until_waiting("hold:fraud")
    await life.tell("warehouse_said", reference=f"{life.id}/f1", status="handed_over")
    assert (await life.until_status(OrderStatus.SHIPPED)).holds == ()
    (line,) = (n for r in world.records[life.id] for n in r.journal if n.code == "released")
    assert (line.why, line.data) == (TOO_LATE, {"hold_id": "h"})
    await see_delivered(life)


# -- whom it waits on


@at_once
async def test_a_hold_of_an_operator_presses_more_than_a_payment(
    begin: Start, world: World
) -> None:
    life = await begin(an_order("presses-1", payment=PaymentStatus.PENDING))
    pending = await life.until_waiting("hold:payment")
    by_itself = "goes on by itself when the channel says that it is authorised or paid"
    assert waits(pending) == (Owner.CUSTOMER, "hold:payment", by_itself)
    await life.ask("hold", reason="fraud", command_id="h")
    assert waits(await life.until_waiting("hold:fraud"))[0] is Owner.OPERATOR
    await life.ask("release", hold_id="h")
    again = await life.until_waiting("hold:payment")
    assert again.wait == pending.wait
    await life.tell("payment_changed", payment=PaymentStatus.AUTHORISED)
    await see_delivered(life)
    assert len(world.done("capture")) == 1


@at_once
async def test_a_hold_of_an_operator_presses_more_than_a_declined_capture(
    begin: Start, world: World
) -> None:
    world.declined = 2
    life = await begin(an_order("presses-2"))
    declined = await life.until_waiting("hold:payment")
    owner, _, by_itself = waits(declined)
    assert owner is Owner.CUSTOMER
    assert by_itself == (
        "goes on by itself when the channel says that it is paid; retry asks for the money again"
    )
    await life.ask("hold", reason="fraud", command_id="h")
    assert waits(await life.until_waiting("hold:fraud")) == (Owner.OPERATOR, "hold:fraud", RELEASED)
    await life.ask("release", hold_id="h")
    assert (await life.until_waiting("hold:payment")).wait == declined.wait
    await life.ask("hold", reason="fraud", command_id="h-2")
    await life.ask("retry")
    await life.until(lambda r: [hold.hold_id for hold in r.holds] == ["h-2"])
    assert len(world.done("capture")) == 1
    await life.ask("release", hold_id="h-2")
    await life.until_waiting("hold:payment")
    await life.tell("payment_changed", payment=PaymentStatus.PAID)
    await see_delivered(life)


@at_once
async def test_of_two_checks_the_one_that_still_holds_is_waited_for(
    begin: Start, world: World
) -> None:
    """Either of them may be overruled, and stays so when the other is made again."""
    malformed = GOOD_ADDRESS.model_copy(update={"postal_code": "1"})
    life = await begin(an_order("two-checks", sku="CUP", address=malformed))
    held = await life.until_waiting("hold:address")
    assert [hold.hold_id for hold in held.holds] == ["address", "data"]
    await life.ask("release", hold_id="address")
    await life.until_waiting("hold:data")
    await life.ask("retry")
    await life.until(lambda _: len(world.done("validate")) == 2)
    held = await life.until_waiting("hold:data")
    assert [hold.hold_id for hold in held.holds] == ["data"]
    world.stock["CUP", "berlin"] = 2
    await life.ask("retry")
    await life.until_waiting("delivery")
    assert world.last(life.id).holds == ()
    assert len(world.done("validate")) == 3


@at_once
async def test_a_check_that_is_mended_holds_no_more(begin: Start, world: World) -> None:
    malformed = GOOD_ADDRESS.model_copy(update={"postal_code": "1"})
    life = await begin(an_order("mended", sku="CUP", address=malformed))
    await life.until_waiting("hold:address")
    world.stock["CUP", "berlin"] = 2
    await life.ask("retry")
    held = await life.until(lambda record: len(record.holds) == 1)
    assert [hold.hold_id for hold in held.holds] == ["address"]
    await life.ask("release", hold_id="address")
    await life.until_waiting("delivery")


@at_once
async def test_what_was_overruled_holds_at_another_address(begin: Start, world: World) -> None:
    malformed = GOOD_ADDRESS.model_copy(update={"postal_code": "1"})
    life = await begin(an_order("overruled-anew", sku="CUP", address=malformed))
    world.addresses[life.id, 2] = malformed
    await life.until_waiting("hold:address")
    await life.ask("release", hold_id="address")
    await life.until_waiting("hold:data")
    await life.ask(
        "fix_address", address_version=2, destination={"country": "DE", "postal_code": "1"}
    )
    held = await life.until_waiting("hold:address")
    assert [hold.hold_id for hold in held.holds] == ["address", "data"]


@pytest.mark.parametrize("reason", ["payment", "address"])
@at_once
async def test_a_hold_of_an_operator_is_an_operators_whatever_its_reason(
    begin: Start, world: World, reason: str
) -> None:
    gate = world.block("request_packing")
    life = await begin(an_order(f"named-{reason}"))
    await world.reaches("request_packing")
    await life.ask("hold", reason=reason, command_id="h")
    gate.set()
    held = await life.until_waiting(f"hold:{reason}")
    assert waits(held) == (Owner.OPERATOR, f"hold:{reason}", RELEASED)
    await life.ask("release", hold_id="h")
    await see_delivered(life)


@at_once
async def test_more_reasons_than_a_search_attribute_holds_end_no_order(begin: Start) -> None:
    bad = GOOD_ADDRESS.model_copy(update={"postal_code": "1"})
    life = await begin(an_order("reasons", address=bad))
    await life.until_waiting("hold:address")
    for n in range(40):
        await life.ask("hold", reason=f"r{n:063}", by="ann")
    await life.ask("cancel")
    await see_cancelled(life)
