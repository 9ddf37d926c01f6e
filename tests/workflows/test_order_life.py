"""An order's life from the till to the door, with nothing in its way."""

from domain.lifecycles import OrderStatus
from domain.orders import PaymentStatus
from domain.tracking import Course
from tests.workflows.at_once import at_once
from tests.workflows.lives import Start
from tests.workflows.world import World, an_order


@at_once
async def test_an_order_goes_from_received_to_closed(begin: Start, world: World) -> None:
    life = await begin(an_order("life-1"))
    await life.until_waiting("delivery")
    await life.parcel(Course.MOVING)
    await life.parcel(Course.DELIVERED)
    await life.until_status(OrderStatus.DELIVERED)
    await life.pass_time(31 * 86_400)
    outcome = await life.result()
    assert outcome.status == "closed"
    assert outcome.tracking_numbers == ("T1-demo-life-1",)
    assert [step for step, _ in world.deeds] == [
        "validate",
        "reserve",
        "request_packing",
        "capture",
        "buy_label",
        "hand_over",
        "ship_stock",
        "tell_shipped",
    ]
    statuses = [code for code in world.journal(life.id) if code.startswith("status_")]
    assert statuses == [
        "status_validated",
        "status_reserved",
        "status_fulfilling",
        "status_shipped",
        "status_delivered",
        "status_closed",
    ]
    assert world.last(life.id).wait is None


@at_once
async def test_a_paid_order_is_not_captured_again(begin: Start, world: World) -> None:
    life = await begin(an_order("life-2", payment=PaymentStatus.PAID))
    await life.until_waiting("delivery")
    assert world.done("capture") == []
