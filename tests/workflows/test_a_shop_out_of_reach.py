"""What the customer may do while the shop cannot be told that the goods have left."""

import pytest

from domain.errors import Unavailable
from domain.lifecycles import OrderStatus, ReturnStatus
from domain.policies import OrderPolicy
from domain.tracking import Course
from tests.workflows.at_once import at_once
from tests.workflows.lives import DAY_S, POLICY, Life, Start
from tests.workflows.soundness import assert_sound
from tests.workflows.world import World, an_order

FOR_EVER = 10**6
RARELY = OrderPolicy(retry_initial_s=30 * DAY_S, retry_cap_s=30 * DAY_S)
"""However much time passes, few tries do."""
TOO_LATE = "too_late: returns could be asked for until"


def asked(life: Life, number: int) -> dict[str, object]:
    line = {"line_id": "L1", "sku": "MUG", "quantity": 1, "reason": "unwanted"}
    return {"return_id": f"{life.id}.r{number}", "lines": [line]}


async def delivered_unheard(
    begin: Start, world: World, own_id: str, step: str, policy: OrderPolicy = POLICY
) -> Life:
    world.fail(step, Unavailable("outside", "down"), times=FOR_EVER)
    life = await begin(an_order(own_id), policy)
    await world.reaches(step)
    await life.parcel(Course.DELIVERED)
    await life.until_status(OrderStatus.DELIVERED)
    return life


async def bring_back(life: Life, pieces: int) -> None:
    """They come back, are put on the shelf and paid back."""
    back = await life.ask_back(pieces)
    await back.signal("received", {})
    line = {"line_id": "L1", "sku": "MUG", "restock": pieces, "discard": 0, "refund": pieces}
    await back.signal("inspected", {"lines": [line]})
    await life.until_return(ReturnStatus.CLOSED)


@pytest.mark.parametrize("step", ["tell_shipped", "ship_stock"])
@at_once
async def test_what_the_customer_has_can_be_returned_whoever_has_not_heard_of_it(
    begin: Start, world: World, step: str
) -> None:
    """The return ends meanwhile; the order closes once all is told."""
    life = await delivered_unheard(begin, world, f"unheard-{step}", step)
    await bring_back(life, 1)
    await life.until_waiting("return_window")
    world.faults[step].clear()
    await life.until(lambda _: bool(world.done("tell_shipped")))
    await life.pass_time(31 * DAY_S)
    assert (await life.result()).status == "closed"


@at_once
async def test_the_window_counts_from_the_delivery_and_the_order_outlives_it_untold(
    begin: Start, world: World
) -> None:
    life = await delivered_unheard(begin, world, "unheard-long", "tell_shipped", RARELY)
    await life.until_waiting("return_window")
    await life.pass_time(31 * DAY_S)
    assert (await life.refused("request_return", **asked(life, 1))).startswith(TOO_LATE)
    assert (await life.state()).status is OrderStatus.DELIVERED
    world.faults["tell_shipped"].clear()
    await life.pass_time(30 * DAY_S)
    assert (await life.result()).status == "closed"
    await assert_sound(life)
    assert world.calls["track"] == 0


@at_once
async def test_what_came_back_unheard_waits_for_its_return(begin: Start, world: World) -> None:
    world.fail("tell_shipped", Unavailable("shop", "down"), times=FOR_EVER)
    life = await begin(an_order("unheard-back"))
    await world.reaches("tell_shipped")
    await life.parcel(Course.RETURNED)
    await life.until_waiting("undelivered")
    await bring_back(life, 2)
    assert (await life.state()).status is OrderStatus.UNDELIVERED
    world.faults["tell_shipped"].clear()
    assert (await life.result()).status == "closed"


@at_once
async def test_a_return_asked_for_in_the_breath_that_says_delivered_is_taken(
    begin: Start, world: World
) -> None:
    """Both come in one task of the workflow, before its life has heard of either."""
    life = await begin(an_order("breath"))
    await life.until_waiting("delivery")
    gate = world.block("record")
    world.reached["record"].clear()
    await life.tell("hold", reason="fraud", command_id="h")
    await world.reaches("record")
    await life.parcel(Course.DELIVERED)
    await life.tell("request_return", command_id="r", **asked(life, 1))
    gate.set()
    assert await life.settled("r") == ""
    await life.until_waiting("return")
