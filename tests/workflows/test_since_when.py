"""Since when something waits: since it began to wait for this, and not for another like it."""

from domain.errors import Refused, Unavailable
from domain.records import OrderRecord
from domain.waits import Wait
from tests.workflows.at_once import at_once
from tests.workflows.lives import Life, Start
from tests.workflows.soundness import see_delivered
from tests.workflows.test_holds import FOR_EVER
from tests.workflows.test_two_parcels import in_two_boxes
from tests.workflows.world import Fault, World, an_order

REFUSED = "refused:outside:buy_label_no"


def the_wait(record: OrderRecord) -> Wait:
    assert record.wait is not None
    return record.wait


@at_once
async def test_a_hold_waits_since_it_was_set_however_often_another_was(
    begin: Start, world: World
) -> None:
    world.fail("buy_label", Unavailable("outside", "down"), times=FOR_EVER)
    life = await begin(an_order("held-twice"))
    await world.reaches("buy_label")
    await life.ask("hold", reason="fraud", command_id="first")
    first = the_wait(await life.until_waiting("hold:fraud"))
    await life.ask("release", hold_id="first")
    await life.until_waiting("processing")
    await life.ask("hold", reason="fraud", command_id="second")
    again = await life.until_waiting("hold:fraud")
    assert the_wait(again).since > first.since
    assert the_wait(again).since >= again.holds[0].since
    world.faults["buy_label"].clear()
    await life.ask("release", hold_id="second")
    await see_delivered(life)


@at_once
async def test_another_warehouse_packs_since_it_was_asked(begin: Start, world: World) -> None:
    world.packing = "later"
    world.stock = {("MUG", "berlin"): 600, ("MUG", "leeds"): 400}
    life = await begin(an_order("packs-since"))
    first = the_wait(await life.until_waiting("packing"))
    reference = f"{life.id}/f1"
    await life.tell("warehouse_said", reference=reference, status="rejected", reason="no_room")
    second = await life.until(
        lambda now: len(now.fulfilments) > 1 and now.wait is not None and now.wait.what == "packing"
    )
    assert the_wait(second).since > first.since
    await life.packed()
    await see_delivered(life)


@at_once
async def test_each_refusal_waits_since_its_own_step_was_refused(
    begin: Start, world: World
) -> None:
    no = Refused("outside", "buy_label_no")
    world.faults["buy_label"] = [Fault(error=no), Fault(error=no), Fault(), Fault(error=no)]
    life = await in_two_boxes(begin, world, "refused-thrice")
    first = the_wait(await life.until_waiting(REFUSED))
    again = await retried(life)
    assert again.since == first.since
    other = await retried(life)
    assert other.since > first.since
    await life.ask("retry")
    await life.until_waiting("delivery")


async def retried(life: Life) -> Wait:
    """An operator tries again, and it is refused again."""
    seq = (await life.state()).seq
    await life.ask("retry")
    return the_wait(await life.until(lambda now: now.seq > seq and is_refused(now)))


def is_refused(record: OrderRecord) -> bool:
    return record.wait is not None and record.wait.what == REFUSED
