"""`kill -9` of the worker at each activity: before, around and after its effect."""

from contextlib import AbstractContextManager
from itertools import chain
from pathlib import Path
from typing import Literal

import pytest

from tests.crash.catalogue import CHIME, FAR, KIT, LATE, NEAR
from tests.crash.clerks import bring, check_out, hold, order_goods, send_over, take_in
from tests.crash.failpoints import Fault, Moment, not_fired
from tests.crash.operators import send_all_back, tell_all, until_fulfilments
from tests.crash.orders import FoundShort, Placed
from tests.crash.queueing import in_queue, split_with, wait_for_goods, waiting_for
from tests.crash.soundness import assert_sound
from tests.crash.world import World

pytestmark = [pytest.mark.crash, pytest.mark.timeout(400)]

WORKERS = 4
Moments = tuple[Moment, ...]
OURS: Moments = ("before", "after")
OUTSIDE: Moments = ("before", "begun", "done", "after")

ON_THE_WAY = {
    "order_book.save_verdict": OURS,
    "inventory.reserve": OURS,
    "warehouse.request": OUTSIDE,
    "channel.capture": OUTSIDE,
    "order_book.record": OURS,
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
PARTLY_BACK = {"channel.refund": OUTSIDE}
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


def deaths_at(world: World, points: dict[str, Moments], skip: int = 0) -> list[Fault]:
    """One death at each moment of each point, each at an order of its own: the next ones placed.

    The first ones placed may be left out.
    """
    moments = chain.from_iterable([(p, m) for m in points[p]] for p in points)
    first = world.till.upcoming + skip
    return [Fault(point, moment, f"demo-{first + n}") for n, (point, moment) in enumerate(moments)]


def place(world: World, plan: list[Fault]) -> list[Placed]:
    """Those for whom a worker dies are split, and what it reserves for them is in their carts.

    Half of the others are split, too.
    """
    unlucky = [world.till.next(split=True) for _ in plan]
    for order, fault in zip(unlucky, plan, strict=True):
        if fault.point == "inventory.reserve":
            hold(world, order)
            check_out(world, order)
        else:
            world.send(order)
    return unlucky + world.place(4)


def dying(world: World, plan: list[Fault]) -> AbstractContextManager[Path]:
    """Nothing cached: a worker's orders would wait 10 s for it after each of its deaths."""
    return world.round(plan, WORKERS, cache=0)


def test_workers_killed_on_the_way_to_the_door(world: World) -> None:
    """Also with warehouses that report no packing, and carriers that report no scan at all."""
    plan = deaths_at(world, ON_THE_WAY | OF_THE_SILENT)
    for fault in plan:
        if fault.point == "warehouse.look":
            world.fault("warehouse", "webhook", "drop", match=fault.order, times=1)
        elif fault.point in OF_THE_SILENT:
            world.fault("easypost", "webhook", "drop", match=fault.order)
    with dying(world, plan):
        orders = place(world, plan)
        world.until_arrived(orders, within_s=300)
    world.mend()
    world.shipped += orders
    assert_sound(world)


def test_workers_killed_while_goods_are_short(world: World) -> None:
    """Pickers find less than the record says; orders wait for goods, and then get them.

    Some have the last pieces in their carts. Some are given their goods, which a purchase order
    brings bit by bit, before their workflow has heard that they wait; the others, one of them for
    a bundle, by a transfer.
    """
    picks = deaths_at(world, {"inventory.short_pick": (*OURS, *OURS)})
    last = deaths_at(world, {"inventory.reserve": OURS}, skip=len(picks))
    unheard = deaths_at(world, {"inventory.reserve": OURS}, skip=len(picks + last))
    heard = deaths_at(world, {"inventory.reserve": OURS}, skip=len(picks + last + unheard))
    with dying(world, picks + last + unheard + heard) as fired:
        bought = order_goods(world, LATE[0], 3, "leeds")
        bring(world, LATE[1], "leeds", 3)
        moved = send_over(world, LATE[1], 3, "leeds", "berlin")
        short = [_found_short(world, n) for n in range(len(picks))]
        lucky = [_with_the_last(world, LATE[0], "leeds") for _ in last]
        early = [waiting_for(world, LATE[0]) for _ in unheard]
        late = [waiting_for(world, sku) for sku in (LATE[1], LATE[1], CHIME)]
        world.until("workers have died for the early", lambda: not not_fired(unheard, fired))
        _, queued = early
        assert queued.order_id in in_queue(world) - wait_for_goods(world)
        take_in(world, bought, 1)
        take_in(world, bought, 2, damaged=1)
        ids = {order.order_id for order in late}
        world.until("the late wait", lambda: ids <= in_queue(world) & wait_for_goods(world))
        take_in(world, moved, 1)
        take_in(world, moved, 2)
        world.until_arrived(short + lucky + early + late)
    world.shipped += short + lucky + early + late
    assert_sound(world)


def _with_the_last(world: World, sku: str, location: str) -> Placed:
    """A split order whose cart holds the only piece there is."""
    bring(world, sku, location, 1)
    order = split_with(world, sku)
    hold(world, order)
    check_out(world, order)
    return order


def _found_short(world: World, n: int) -> Placed:
    """A split order of whose first SKU, of a bundle or two lines, one is missing or broken."""
    near = [(KIT, 2)] if n % 2 else [(NEAR[0], 1), (NEAR[0], 1)]
    order = world.till.take(*near, (FAR, 1))
    sku, asked = next(iter(order.pieces.items()))
    reason: Literal["mismatch", "damaged"] = "damaged" if n // len(OURS) else "mismatch"
    short = {"sku": sku, "found": asked - 1, "reason": reason}
    rejection = {"match": f"{order.order_id}/", "reason": "short", "short": [short]}
    world.control("warehouse/reject", rejection | {"when": "after_accepting"})
    world.short.append(FoundShort(order, sku, 1, reason))
    world.send(order)
    return order


def test_workers_killed_while_they_change_the_address(world: World) -> None:
    """Packed orders whose capture fails for now get another address."""
    plan = deaths_at(world, TO_ANOTHER_DOOR)
    world.fault("shopify", "orderCapture", "down")
    with dying(world, plan):
        orders = place(world, plan)
        until_fulfilments(world, orders, "packed")
        tell_all(world, orders, "address", {"address": ADDRESS})
        parts = {f"{order.order_id}/f{n + 1}" for order in orders for n in range(order.parts)}
        world.until("all papers corrected", lambda: parts <= readdressed(world))
        world.mend()
        world.until_arrived(orders)
    world.shipped += orders
    assert_sound(world)


def test_workers_killed_while_they_take_back(world: World) -> None:
    """Labelled orders are cancelled that can, all or in part, not be handed over for now."""
    rest = deaths_at(world, PARTLY_BACK)
    plan = deaths_at(world, BACK, skip=len(rest))
    with dying(world, rest + plan):
        partly = [world.till.next(split=True) for _ in rest]
        orders = [world.till.next(split=True) for _ in plan] + [world.till.next() for _ in range(4)]
        for order in partly:
            world.fault("warehouse", "hand_over", "down", match=f"{order.order_id}/f2")
        for order in orders:
            world.fault("warehouse", "hand_over", "down", match=f"{order.order_id}/")
        for order in partly + orders[1:]:
            world.send(order)
        hold(world, orders[0])
        check_out(world, orders[0])
        world.until_all(partly, "partly_shipped")
        until_fulfilments(world, orders, "labelled")
        tell_all(world, partly + orders, "cancel", {"reason": "requested"})
        world.until_all(orders, "cancelled")
        world.until_arrived(partly)
    world.mend()
    world.partly += partly
    world.cancelled += orders
    assert_sound(world)


def test_workers_killed_while_goods_come_back(world: World) -> None:
    """Of one home each: what comes back elsewhere would let later orders leave in one part."""
    plan = deaths_at(world, HOME_AGAIN)
    with dying(world, plan):
        orders = world.place(len(plan) + 2, split=False)
        send_all_back(world, orders)
    world.shipped += orders
    world.returned += orders
    assert_sound(world)


def readdressed(world: World) -> set[str]:
    """The parts whose papers bear another address."""
    return {entry["key"] for entry in world.journal() if entry["effect"] == "readdressed"}
