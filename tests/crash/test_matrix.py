"""`kill -9` of the worker at each activity: before, around and after its effect."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from itertools import chain
from pathlib import Path

import pytest

from tests.crash.failpoints import Fault, Moment
from tests.crash.orders import Placed, line_id
from tests.crash.soundness import assert_sound
from tests.crash.world import World, patiently

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


def test_workers_killed_while_they_ask_a_silent_warehouse(world: World) -> None:
    plan = deaths_at(world, {"warehouse.look": OURS})
    for fault in plan:
        world.fault("warehouse", "webhook", "drop", match=fault.order, times=1)
    with dying(world, plan):
        orders = world.place(6)
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
        _tell_all(world, orders, "address", {"address": ADDRESS})
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
        _tell_all(world, orders, "cancel", {"reason": "requested"})
        world.until_all(orders, "cancelled")
    world.mend()
    world.cancelled += orders
    assert_sound(world)


def test_workers_killed_while_goods_come_back(world: World) -> None:
    plan = deaths_at(world, HOME_AGAIN)
    with dying(world, plan):
        orders = world.place(len(plan) + 2)
        with ThreadPoolExecutor(len(orders)) as desk:
            returning = [desk.submit(_send_back, world, order) for order in orders]
            world.until("all returns asked for", lambda: all(f.done() for f in returning))
            asked = [future.result() for future in returning]

        def closed() -> bool:
            rows = world.rows(
                "SELECT return_id FROM returns WHERE return_id = ANY (%s) AND status = 'closed'",
                asked,
            )
            return len(rows) == len(asked)

        world.until("all returns closed", closed)
    world.shipped += orders
    world.returned += orders
    assert_sound(world)


def readdressed(world: World) -> set[str]:
    return {entry["order"] for entry in world.journal() if entry["effect"] == "readdressed"}


def until_fulfilments(world: World, orders: list[Placed], status: str) -> None:
    ids = [order.order_id for order in orders]

    def there() -> bool:
        query = "SELECT 1 FROM fulfilments WHERE order_id = ANY (%s) AND status = %s"
        return len(world.rows(query, ids, status)) == len(ids)

    world.until(f"all {status}", there)


def _tell_all(world: World, orders: list[Placed], verb: str, body: dict[str, object]) -> None:
    """Operators at work, several at a time; 202: heard, and will be done."""
    with ThreadPoolExecutor(8) as desk:
        said = [
            desk.submit(world.api, "POST", f"/orders/{order.order_id}/{verb}", body)
            for order in orders
        ]
        world.until(f"all told to {verb}", lambda: all(future.done() for future in said))
    answers = {future.result().status_code: future.result().text for future in said}
    assert answers.keys() <= {200, 202}, answers


def _send_back(world: World, order: Placed) -> str:
    """Everything comes back, is put on the shelf and refunded; in a thread of its own."""
    path = f"/orders/{order.order_id}"
    patiently(lambda: world.statuses([order])[order.order_id] == "delivered")
    lines = [
        {"line_id": str(line_id(order, place)), "quantity": quantity}
        for place, quantity in enumerate(order.pieces.values())
    ]
    wanted = [{**line, "reason": "unwanted"} for line in lines]
    answer = world.api("POST", f"{path}/returns", {"lines": wanted})
    assert answer.status_code in (201, 202), answer.text
    query = "SELECT return_id, status FROM returns WHERE order_id = %s"
    patiently(lambda: world.rows(query, order.order_id))
    return_id: str = world.rows(query, order.order_id)[0]["return_id"]
    answer = world.api("POST", f"/returns/{return_id}/receive")
    assert answer.status_code in (200, 202), answer.text
    patiently(lambda: world.rows(query, order.order_id)[0]["status"] == "received")
    found = [
        {
            "line_id": line["line_id"],
            "restock": line["quantity"],
            "discard": 0,
            "refund": line["quantity"],
        }
        for line in lines
    ]
    answer = world.api("POST", f"/returns/{return_id}/inspect", {"lines": found})
    assert answer.status_code in (200, 202), answer.text
    return return_id
