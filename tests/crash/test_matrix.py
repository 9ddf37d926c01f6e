"""`kill -9` of the worker at each activity: before, around and after its effect."""

from contextlib import AbstractContextManager
from itertools import chain
from pathlib import Path

import pytest

from tests.crash.failpoints import Fault, Moment
from tests.crash.operators import send_all_back, tell_all, until_fulfilments
from tests.crash.soundness import assert_sound
from tests.crash.world import World

pytestmark = [pytest.mark.crash, pytest.mark.timeout(400)]

WORKERS = 4
Moments = tuple[Moment, ...]
OURS: Moments = ("before", "after")
OUTSIDE: Moments = ("before", "begun", "done", "after")

TO_THE_PARCEL = {
    "order_book.save_verdict": OURS,
    "inventory.reserve": OURS,
    "warehouse.request": OUTSIDE,
    "channel.capture": OUTSIDE,
    "order_book.record": OURS,
}
TO_THE_DOOR = {
    "carrier.buy": OUTSIDE,
    "warehouse.hand_over": OUTSIDE,
    "inventory.ship": OURS,
    "channel.tell_shipped": OUTSIDE,
}
OF_THE_SILENT = {
    "warehouse.look": OURS,
    # the activity `track`: what the carrier says may be lost, and so may that we kept it
    "carrier.track": OURS,
    "scans.keep": OURS,
}
TO_ANOTHER_DOOR = {"warehouse.readdress": OUTSIDE}
BACK = {
    "warehouse.recall": OUTSIDE,
    "carrier.void": OUTSIDE,
    "inventory.release": OURS,
    "channel.cancel": OUTSIDE,
}
HOME_AGAIN = {
    "inventory.restock": OURS,
    "channel.refund": OUTSIDE,
    "order_book.record_return": OURS,
}
ADDRESS = {
    "name": "Ada King",
    "lines": ["Friedrichstraße 10"],
    "city": "Berlin",
    "postal_code": "10117",
    "country": "DE",
}


def deaths_at(world: World, points: dict[str, Moments]) -> list[Fault]:
    """One death at each moment of each point, each at an order of its own: the next ones placed."""
    moments = chain.from_iterable([(p, m) for m in points[p]] for p in points)
    first = world.till.upcoming
    return [Fault(point, moment, f"demo-{first + n}") for n, (point, moment) in enumerate(moments)]


def dying(world: World, plan: list[Fault]) -> AbstractContextManager[Path]:
    """Nothing cached: a worker's orders would wait 10 s for it after each of its deaths."""
    return world.round(plan, WORKERS, cache=0)


@pytest.mark.parametrize("points", [TO_THE_PARCEL, TO_THE_DOOR], ids=["parcel", "door"])
def test_workers_killed_on_the_way_to(world: World, points: dict[str, Moments]) -> None:
    plan = deaths_at(world, points)
    with dying(world, plan):
        orders = world.place(len(plan) + 4)
        world.until_all(orders, "delivered", "closed")
    world.shipped += orders
    assert_sound(world)


def test_workers_killed_while_they_ask_who_is_silent(world: World) -> None:
    """Warehouses that report no packing, and carriers that report no scan at all."""
    plan = deaths_at(world, OF_THE_SILENT)
    for fault in plan:
        if fault.point == "warehouse.look":
            world.fault("warehouse", "webhook", "drop", match=fault.order, times=1)
        else:
            world.fault("easypost", "webhook", "drop", match=fault.order)
    with dying(world, plan):
        orders = world.place(len(plan) + 4)
        world.until_all(orders, "delivered", "closed")
    world.mend()
    world.shipped += orders
    assert_sound(world)


def test_workers_killed_while_they_change_the_address(world: World) -> None:
    """Packed orders whose capture fails for now get another address."""
    plan = deaths_at(world, TO_ANOTHER_DOOR)
    world.fault("shopify", "orderCapture", "down")
    with dying(world, plan):
        orders = world.place(8)
        until_fulfilments(world, orders, "packed")
        tell_all(world, orders, "address", {"address": ADDRESS})
        ids = {order.order_id for order in orders}
        world.until("all papers corrected", lambda: ids <= readdressed(world))
        world.mend()
        world.until_all(orders, "delivered", "closed")
    world.shipped += orders
    assert_sound(world)


def test_workers_killed_while_they_take_back(world: World) -> None:
    """Labelled orders that the warehouse cannot hand over for now are cancelled."""
    plan = deaths_at(world, BACK)
    world.fault("warehouse", "hand_over", "down")
    with dying(world, plan):
        orders = world.place(len(plan) + 4)
        until_fulfilments(world, orders, "labelled")
        tell_all(world, orders, "cancel", {"reason": "requested"})
        world.until_all(orders, "cancelled")
    world.mend()
    world.cancelled += orders
    assert_sound(world)


def test_workers_killed_while_goods_come_back(world: World) -> None:
    plan = deaths_at(world, HOME_AGAIN)
    with dying(world, plan):
        orders = world.place(len(plan) + 2)
        send_all_back(world, orders)
    world.shipped += orders
    world.returned += orders
    assert_sound(world)


def readdressed(world: World) -> set[str]:
    return {entry["order"] for entry in world.journal() if entry["effect"] == "readdressed"}
