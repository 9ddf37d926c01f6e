"""`kill -9` of the worker at each activity: before, around and after its effect."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Literal

import pytest

from tests.crash.catalogue import CHIME, FAR, KIT, LATE, NEAR
from tests.crash.clerks import bring, check_out, hold, order_goods, send_over, take_in
from tests.crash.deeds import (
    AT_SILENT_CARRIERS,
    AT_SILENT_WAREHOUSES,
    BACK,
    FOUND_SHORT,
    HOME_AGAIN,
    ON_THE_WAY,
    OURS,
    PARTLY_BACK,
    RESERVED,
    TO_ANOTHER_COUNTRY,
    Deeds,
    deaths,
)
from tests.crash.failpoints import Fault
from tests.crash.operators import send_all_back, tell_all, until_fulfilments
from tests.crash.orders import FoundShort, Placed
from tests.crash.queueing import in_queue, split_with, wait_for_goods, waiting_for
from tests.crash.soundness import assert_sound
from tests.crash.world import World

pytestmark = [pytest.mark.crash, pytest.mark.timeout(900)]

WORKERS = 4
ADDRESS = {
    "name": "Ada King",
    "lines": ["Mariahilfer Straße 10"],
    "city": "Wien",
    "postal_code": "1070",
    "country": "AT",
}


def deaths_at(world: World, deeds: Deeds, skip: int = 0) -> list[Fault]:
    """Each at an order of its own: the next ones placed, but for the first few of them."""
    return deaths(deeds, world.till.upcoming + skip)


def place(world: World, plan: list[Fault]) -> list[Placed]:
    """Those for whom a worker dies are split, and what it reserves for them is in their carts.

    Half of the others are split, too.
    """
    unlucky = [world.till.next(split=True) for _ in plan]
    for order, fault in zip(unlucky, plan, strict=True):
        if fault.activity == "reserve":
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
    plan = deaths_at(world, ON_THE_WAY)
    unpacked = deaths_at(world, AT_SILENT_WAREHOUSES, skip=len(plan))
    unscanned = deaths_at(world, AT_SILENT_CARRIERS, skip=len(plan + unpacked))
    for fault in unpacked:
        world.fault("warehouse", "webhook", "drop", match=fault.order, times=1)
    for fault in unscanned:
        world.fault("easypost", "webhook", "drop", match=fault.order)
    plan += unpacked + unscanned
    with dying(world, plan):
        orders = place(world, plan)
        world.until_arrived(orders)
    world.mend()
    world.shipped += orders
    assert_sound(world)


def test_workers_killed_while_goods_are_short(world: World) -> None:
    """Pickers find less than the record says; orders wait for goods, and then get them.

    Some have the last pieces in their carts. Some are given their goods, which a purchase order
    brings bit by bit, before their workflow has heard that they wait; the others, one of them for
    a bundle, by a transfer.
    """
    picks = deaths_at(world, FOUND_SHORT)
    last = deaths_at(world, RESERVED, skip=len(picks))
    unheard = deaths_at(world, RESERVED, skip=len(picks + last))
    heard = deaths_at(world, RESERVED, skip=len(picks + last + unheard))
    with dying(world, picks + last + unheard + heard) as fired:
        bought = order_goods(world, LATE[0], 3, "leeds")
        bring(world, LATE[1], "leeds", 3)
        moved = send_over(world, LATE[1], 3, "leeds", "berlin")
        short = [_found_short(world, n) for n in range(len(picks))]
        lucky = [_with_the_last(world, LATE[0], "leeds") for _ in last]
        early = [waiting_for(world, LATE[0]) for _ in unheard]
        late = [waiting_for(world, sku) for sku in (LATE[1], LATE[1], CHIME)]
        _, queued = early
        world.until("it has its place in the queue", (fired / unheard[-1].name).exists)
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
    """Packed orders whose capture fails for now get an address in another country."""
    plan = deaths_at(world, TO_ANOTHER_COUNTRY)
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
