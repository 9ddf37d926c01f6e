"""The starter, Temporal or PostgreSQL dies in a burst of orders; a worker freezes and wakes."""

import base64
import json
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import psutil
import pytest

from starter.local.ports import answers
from tests.crash.catalogue import CHANNEL
from tests.crash.failpoints import Fault
from tests.crash.operators import tell_all
from tests.crash.orders import Placed
from tests.crash.soundness import assert_sound
from tests.crash.world import CALL_S, World, written_so_far

pytestmark = [pytest.mark.crash, pytest.mark.timeout(900)]

BURST = 24
BEING_SENT = ("fulfilling", "partly_shipped", "shipped", "delivered", "closed")
OPEN = ("intended", "unknown")
"""States of a deed about which nothing is known to be done."""


def test_what_a_killed_starter_had_answered_exists(world: World) -> None:
    """The shop takes orders before, while and after the starter dies."""
    first, dead = world.till.upcoming, Event()
    with world.round([], workers=1), ThreadPoolExecutor(1) as shop:
        burst = shop.submit(_place_until, dead, world)
        try:
            world.until("some are in", lambda: len(_answered(world, first)) >= BURST // 4)
            with world.dead("starter"):
                heard, taken_in = _answered(world, first), _taken_in(world)
                dead.set()
                world.shipped += burst.result()
        finally:
            dead.set()
        assert heard <= taken_in, f"answered 2xx, and lost: {heard - taken_in}"
        world.until_arrived(world.shipped)
    assert_sound(world)


def _place_until(dead: Event, world: World) -> list[Placed]:
    orders = world.place(BURST // 4)
    while not dead.is_set():
        orders += world.place()
    return [*orders, *world.place()]


def test_orders_are_taken_in_while_temporal_is_down(world: World) -> None:
    with world.round([], workers=1):
        early = world.place(4)
        world.until_all(early, *BEING_SENT)
        with world.dead("temporal"):
            orders = world.place(BURST)
            world.until("every webhook answered", lambda: _all_answered(world))
            assert {order.own_id for order in orders} <= _taken_in(world)
            assert not answers(world.stack.temporal.port)
        world.until_arrived(early + orders)
    world.shipped += early + orders
    assert_sound(world)


def test_postgresql_killed_in_the_middle(world: World) -> None:
    with world.round([], workers=2):
        orders = world.place(BURST)

        def under_way() -> bool:
            statuses = world.statuses(orders).values()
            return sum(status in BEING_SENT for status in statuses) >= BURST // 4

        world.until("some are being packed", under_way)
        with world.dead("postgres"):
            late = world.place(4)
        world.until_arrived(orders + late)
    world.shipped += orders + late
    assert_sound(world)


def test_workers_that_wake_after_their_time_change_nothing(world: World) -> None:
    first = world.till.upcoming
    plan = [
        Fault("channel.capture", "begun", f"demo-{first}", action="stop"),
        Fault("carrier.buy", "done", f"demo-{first + 1}", action="stop"),
    ]
    with world.round(plan) as fired:
        orders = world.place(8)
        frozen = [_frozen(world, fired / fault.name) for fault in plan]
        world.hire("successor")
        world.until_arrived(orders)
        before = _deeds(world)
        ended = _wake(world, frozen, plan, fired)
        world.dismiss("successor")
        assert not _changed(world, before), ended
        more = world.place(4)
        world.until_arrived(more)
    world.shipped += orders + more
    assert_sound(world)


def test_a_worker_that_wakes_and_writes_past_its_fence_is_found_out(world: World) -> None:
    """Two bought a label, froze, and their orders were cancelled: one has its fence broken."""
    orders = [world.till.next(split=False) for _ in range(2)]
    plan = [
        Fault("carrier.buy", "done", orders[0].order_id, action="stop"),
        Fault("carrier.buy", "done", orders[1].order_id, action="trespass"),
    ]
    with world.round(plan) as fired:
        for order in orders:  # whoever takes over from the first frozen must not get too far
            world.fault("warehouse", "hand_over", "down", match=f"{order.order_id}/")
            world.send(order)
        frozen = [_frozen(world, fired / fault.name) for fault in plan]
        _until_given_up(world, frozen)  # else they undo on waking, and heal what they broke
        tell_all(world, orders, "cancel", {"reason": "requested"})
        world.hire("successor")
        world.until_all(orders, "cancelled")
        before = _deeds(world)
        _wake(world, frozen, plan, fired)
        world.dismiss("successor")
        overwritten = f"{orders[1].order_id}/f1/p1/label/1"
        assert [deed["key"] for deed in _changed(world, before)] == [overwritten]
    world.mend()
    world.cancelled += orders
    with pytest.raises(AssertionError, match="taken back, and not written down as such"):
        assert_sound(world)
    world.rows("UPDATE effects SET state = 'withdrawn' WHERE key = %s RETURNING 1", overwritten)
    assert_sound(world)  # nothing else was wrong


def _frozen(world: World, fired: Path) -> int:
    """The id of the process in which the fault fired, once it stands still."""
    world.until(f"{fired.name} fired", lambda: fired.exists() and fired.read_text())
    pid = int(fired.read_text())
    world.until(f"{pid} is frozen", lambda: _is_stopped(pid))
    return pid


def _until_given_up(world: World, frozen: list[int]) -> None:
    """Until Temporal hands them nothing more."""
    port = world.stack.temporal.port
    world.until(
        "Temporal has given up the frozen",
        lambda: not any(_is_connected(pid, port) for pid in frozen),
    )


def _wake(world: World, frozen: list[int], plan: list[Fault], fired: Path) -> list[str]:
    """Returns how the calls that were frozen ended."""
    for pid in frozen:
        os.kill(pid, signal.SIGCONT)
    ended = [fired / f"{fault.name}.ended" for fault in plan]
    world.until("what was frozen has ended", lambda: all(path.exists() for path in ended))
    return [path.read_text() for path in ended]


def _deeds(world: World) -> list[Any]:
    """What was done, and what is written down about it."""
    effects = world.rows("SELECT key, fence, state, outside_ref, result FROM effects ORDER BY key")
    stock = world.rows("SELECT * FROM stock ORDER BY sku, location")
    return [*effects, *stock, *world.journal()]


def _changed(world: World, before: list[Any]) -> list[Any]:
    return [deed for deed in _deeds(world) if deed not in before and not _was_open(deed, before)]


def _was_open(deed: Any, before: list[Any]) -> bool:
    # A hand-over that the warehouse's own word has overtaken stays open until who asked for it
    # comes back, and closes it under its own fence. One of an order that was taken back stays open
    # for good: who was given it while frozen tries it, and hears that there is nothing to hand
    # over. That there was one, or none, is in the journal.
    return "/hand-over/" in deed.get("key", "") and any(
        was.get("key") == deed["key"]
        and was.get("state") in OPEN
        and (deed["state"] in OPEN or (deed["state"] == "done" and was["fence"] == deed["fence"]))
        for was in before
    )


def _answered(world: World, first: int) -> set[int]:
    """The shop's ids, from `first` on, of orders whose webhook was answered 2xx."""
    queued: dict[str, int] = {}
    done: set[int] = set()
    for entry in written_so_far(world.stack.state / "simulators" / "webhooks.jsonl"):
        if "queued" in entry and entry["queued"]["system"] == "shopify":
            body = json.loads(base64.b64decode(entry["queued"]["body"]))
            queued[entry["queued"]["id"]] = body["id"]
        elif entry.get("done") in queued and entry["arrived"]:
            done.add(queued[entry["done"]])
    return {own_id for own_id in done if own_id >= first}


def _taken_in(world: World) -> set[int]:
    """What the inbox keeps: whatever else is down, it comes to its workflow some time."""
    rows = world.rows("SELECT order_id FROM inbox WHERE kind = 'order_created'")
    return {int(row["order_id"].removeprefix(f"{CHANNEL}-")) for row in rows}


def _all_answered(world: World) -> bool:
    url = f"{world.stack.simulators_url}/control/state"
    state: dict[str, Any] = httpx.get(url, timeout=CALL_S).json()
    webhooks = state["webhooks"]
    assert webhooks["given_up"] == 0, webhooks
    return bool(webhooks["pending"] == 0)


def _is_stopped(pid: int) -> bool:
    """Whether SIGSTOP holds the process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return fields[0] == "T"


def _is_connected(pid: int, port: int) -> bool:
    """Whether the other end, too, holds a connection of the process to this port for alive."""
    open_ones = psutil.Process(pid).net_connections("tcp")
    return any(
        one.raddr and one.raddr.port == port and one.status == psutil.CONN_ESTABLISHED
        for one in open_ones
    )
