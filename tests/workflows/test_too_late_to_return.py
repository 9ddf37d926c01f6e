"""What a return is told that comes too early or too late, also in the order's very last moment."""

from domain.errors import Unavailable
from domain.lifecycles import OrderStatus
from domain.policies import OrderPolicy
from domain.tracking import Course
from tests.workflows.at_once import at_once
from tests.workflows.lives import Life, Start
from tests.workflows.world import World, an_order

HOUR_S = 3_600.0
UNHURRIED = OrderPolicy(retry_initial_s=HOUR_S, retry_cap_s=HOUR_S)
"""A write that fails is tried again an hour later: until then the order has ended and is here."""


def back(life: Life, number: int) -> dict[str, object]:
    line = {"line_id": "L1", "sku": "MUG", "quantity": 1, "reason": "undeliverable"}
    return {"return_id": f"{life.id}.r{number}", "lines": [line]}


def lose_the_next_write(world: World) -> None:
    world.fail("record", Unavailable("postgres", "down"))


async def and_so_it_ends(life: Life, status: OrderStatus) -> None:
    await life.pass_time(HOUR_S + 1)
    assert (await life.result()).status == status


@at_once
async def test_before_it_arrives_it_is_too_early(begin: Start, world: World) -> None:
    life = await begin(an_order("words-early"))
    await life.until_waiting("delivery")
    early = "too_early: the order has not arrived yet"
    assert await life.refused("request_return", **back(life, 1)) == early
    await life.tell("request_return", command_id="r", **back(life, 1))
    assert await life.settled("r") == early


@at_once
async def test_an_order_that_closed_undelivered_had_no_window_to_name(
    begin: Start, world: World
) -> None:
    life = await begin(an_order("words-undelivered"), UNHURRIED)
    await life.until_waiting("delivery")
    await life.parcel(Course.RETURNED)
    await life.until_waiting("undelivered")
    goods = await life.ask_back(2)
    await life.until_waiting("return")
    await goods.signal("received", {})
    await life.until_return_waits("inspection")
    lose_the_next_write(world)
    line = {"line_id": "L1", "sku": "MUG", "restock": 2, "discard": 0, "refund": 2}
    await goods.signal("inspected", {"lines": [line]})
    await world.reaches("record")
    late = "too_late: the order is closed"
    assert await life.refused("request_return", **back(life, 2)) == late
    await and_so_it_ends(life, OrderStatus.CLOSED)


@at_once
async def test_a_cancelled_order_has_nothing_to_return(begin: Start, world: World) -> None:
    world.packing = "later"
    life = await begin(an_order("words-cancelled"), UNHURRIED)
    await life.until_waiting("packing")
    gate = world.block("cancel_at_channel")
    await life.ask("cancel")
    await world.reaches("cancel_at_channel")
    await life.until_told("recalled")
    lose_the_next_write(world)
    gate.set()
    await world.reaches("record")
    late = "too_late: the order is cancelled"
    assert await life.refused("request_return", **back(life, 1)) == late
    await and_so_it_ends(life, OrderStatus.CANCELLED)
