"""What may happen to a parcel between the warehouse's door and the customer's."""

import pytest

from domain.errors import Refused, Unavailable
from domain.lifecycles import OrderStatus
from domain.policies import OrderPolicy
from domain.tracking import Course
from domain.waits import Owner
from tests.workflows.at_once import at_once
from tests.workflows.lives import DAY_S, Life, Start
from tests.workflows.soundness import assert_sound
from tests.workflows.world import World, an_order


async def shipped(begin: Start, own_id: str, policy: OrderPolicy | None = None) -> Life:
    life = await (begin(an_order(own_id), policy) if policy else begin(an_order(own_id)))
    await life.until_waiting("delivery")
    return life


def statuses(life: Life) -> list[str]:
    codes = life.world.journal(life.id)
    return [code.removeprefix("status_") for code in codes if code.startswith("status_")]


@pytest.mark.parametrize(
    ("course", "owner", "what"),
    [
        (Course.CUSTOMS, Owner.CUSTOMS, "customs_clearance"),
        (Course.EXCEPTION, Owner.OPERATOR, "carrier_exception"),
        (Course.RETURNING, Owner.CARRIER, "return_to_sender"),
    ],
)
@at_once
async def test_whom_a_parcel_on_its_way_waits_on(
    begin: Start, course: Course, owner: Owner, what: str
) -> None:
    life = await shipped(begin, f"way-{course}")
    await life.parcel(course)
    waiting = await life.until_waiting(what)
    assert waiting.wait is not None
    assert waiting.wait.owner is owner
    await life.parcel(Course.MOVING)
    await life.until_waiting("delivery")
    await life.parcel(Course.DELIVERED)
    await life.until_status(OrderStatus.DELIVERED)
    await assert_sound(life)


@at_once
async def test_repeated_and_late_scans_change_nothing(begin: Start) -> None:
    life = await shipped(begin, "way-late")
    for course in (Course.MOVING, Course.MOVING, Course.EXPECTED, Course.DELIVERED):
        await life.parcel(course)
    await life.until_status(OrderStatus.DELIVERED)
    for course in (Course.MOVING, Course.EXCEPTION, Course.RETURNED, Course.DELIVERED):
        await life.parcel(course)
    await life.tell("parcel_moved", tracking_number="", course="moving")
    await life.tell("parcel_moved", tracking_number="another", course="exception")
    await life.ask("request_return", return_id=f"{life.id}.r1", lines=[_line(1)])
    codes = life.world.journal(life.id)
    assert [code for code in codes if code.startswith("parcel_")] == [
        "parcel_moving",
        "parcel_delivered",
    ]
    assert statuses(life)[-1] == "delivered"


def _line(pieces: int) -> dict[str, object]:
    return {"line_id": "L1", "sku": "MUG", "quantity": pieces, "reason": "unwanted"}


@at_once
async def test_delivered_is_the_first_that_is_heard(begin: Start, world: World) -> None:
    world.block("hand_over")
    life = await begin(an_order("way-first"))
    await world.reaches("hand_over")
    await life.parcel(Course.DELIVERED)
    await life.until_waiting("return_window")
    assert statuses(life)[-2:] == ["shipped", "delivered"]
    await assert_sound(life)


@at_once
async def test_a_silent_carrier_is_asked(begin: Start, world: World) -> None:
    life = await shipped(begin, "way-silent")
    await life.pass_time(DAY_S + 1)
    await life.until(lambda _: world.calls["track"] == 1)
    world.scans = (life.scan(Course.CUSTOMS),)
    await life.pass_time(DAY_S + 1)
    await life.until_waiting("customs_clearance")
    world.scans = (life.scan(Course.DELIVERED),)
    await life.pass_time(DAY_S + 1)
    await life.until_status(OrderStatus.DELIVERED)
    assert world.calls["track"] == 3


@at_once
async def test_a_carrier_that_stays_silent_ends_with_an_operator(
    begin: Start, world: World
) -> None:
    life = await shipped(begin, "way-lost", OrderPolicy(tracking_checks_max=1))
    await life.pass_time(DAY_S + 1)
    waiting = await life.until_waiting("carrier_silent")
    assert waiting.wait is not None
    assert (waiting.wait.owner, waiting.wait.deadline) == (Owner.OPERATOR, None)
    await life.parcel(Course.DELIVERED)
    await life.until_status(OrderStatus.DELIVERED)
    assert world.calls["track"] == 1


@pytest.mark.parametrize("trouble", [Refused("carrier", "no"), Unavailable("carrier", "down")])
@at_once
async def test_the_carrier_speaks_while_it_cannot_be_asked(
    begin: Start, world: World, trouble: Exception
) -> None:
    life = await shipped(begin, f"way-{type(trouble).__name__}")
    world.fail("track", trouble, times=1_000_000)
    await life.pass_time(DAY_S + 1)
    await world.reaches("track")
    await life.parcel(Course.DELIVERED)
    await life.until_status(OrderStatus.DELIVERED)
    assert world.last(life.id).attention == ""


@at_once
async def test_a_carrier_that_refuses_to_be_asked_is_asked_once(begin: Start, world: World) -> None:
    """One follower each: a day later nobody else asks beside the one that is parked."""
    life = await shipped(begin, "way-one")
    world.fail("track", Refused("carrier", "no"), times=1_000_000)
    await life.pass_time(DAY_S + 1)
    await life.until_waiting("refused:carrier:no")
    await life.pass_time(2 * DAY_S)
    await life.parcel(Course.DELIVERED)
    await life.until_waiting("return_window")
    assert world.calls["track"] == 1


@at_once
async def test_a_parcel_that_came_back_waits_for_its_return(begin: Start) -> None:
    """Its goods may be announced long after a return window would have closed."""
    life = await shipped(begin, "back-1")
    await life.parcel(Course.RETURNING)
    await life.until_waiting("return_to_sender")
    await life.parcel(Course.RETURNED)
    waiting = await life.until_waiting("undelivered")
    assert waiting.status is OrderStatus.UNDELIVERED
    assert waiting.wait is not None
    assert waiting.wait.owner is Owner.OPERATOR
    await life.pass_time(40 * DAY_S)
    back = await life.ask_back(2)
    await life.until_waiting("return")
    await back.signal("received", {})
    line = {"line_id": "L1", "sku": "MUG", "restock": 2, "discard": 0, "refund": 2}
    await back.signal("inspected", {"lines": [line]})
    assert (await life.result()).status == "closed"
    assert life.world.stock["MUG", "berlin"] == 1_000
    assert statuses(life)[-2:] == ["undelivered", "closed"]


@at_once
async def test_an_undelivered_order_outlives_a_return_that_was_called_off(begin: Start) -> None:
    life = await shipped(begin, "back-2")
    await life.parcel(Course.RETURNED)
    await life.until_waiting("undelivered")
    back = await life.ask_back(2)
    await life.until_waiting("return")
    await back.signal("cancel", {})
    await life.until_waiting("undelivered")
    await life.ask_back(2, number=2)


@at_once
async def test_an_undelivered_order_outlives_a_return_that_was_terminated(begin: Start) -> None:
    """How far it came nobody knows: its pieces can be taken back by another."""
    life = await shipped(begin, "back-terminated")
    await life.parcel(Course.RETURNED)
    await life.until_waiting("undelivered")
    back = await life.ask_back(2)
    await life.until_waiting("return")
    await back.terminate("somebody did it in Temporal's UI")
    await life.until_told("return_broken_off")
    await life.until_waiting("undelivered")
    again = await life.ask_back(2, number=2)
    await again.signal("received", {})
    line = {"line_id": "L1", "sku": "MUG", "restock": 2, "discard": 0, "refund": 2}
    await again.signal("inspected", {"lines": [line]})
    assert (await life.result()).status == "closed"


@at_once
async def test_what_came_back_may_be_delivered_after_all(begin: Start) -> None:
    life = await shipped(begin, "back-3")
    await life.parcel(Course.RETURNED)
    await life.until_waiting("undelivered")
    await life.pass_time(20 * DAY_S)
    await life.parcel(Course.DELIVERED)
    await life.until_waiting("return_window")
    await life.pass_time(20 * DAY_S)
    assert await life.ask("request_return", return_id=f"{life.id}.r1", lines=[_line(1)])
    assert statuses(life)[-2:] == ["undelivered", "delivered"]
