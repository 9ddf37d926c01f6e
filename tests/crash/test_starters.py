"""`kill -9` of the starter at each deed of people about goods, and at what it does by itself."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.crash.catalogue import ABROAD, LATE, LOCATIONS
from tests.crash.clerks import (
    bring,
    check_out,
    count,
    hold,
    order_goods,
    say,
    send_over,
    take_in,
)
from tests.crash.failpoints import Fault
from tests.crash.orders import Placed
from tests.crash.queueing import in_queue, waiting_for
from tests.crash.soundness import assert_sound
from tests.crash.world import World

pytestmark = [pytest.mark.crash, pytest.mark.timeout(300)]

AROUND_BOOKING = ("supplies.open", "supplies.receive", "supplies.count", "inventory.receive")
AROUND_A_TRANSFER = ("supplies.open", "supplies.dispatch", "supplies.receive")
OF_ITS_OWN_ACCORD = ("inventory.expire", "sourcing_batch.assign")
HELD = ("sourcing.reserve",)
TAKEN_IN = Fault("inbox.put", "after", "api")
"""Between the order's row in the inbox and the order: whoever sends it hears nothing."""
NEWARK = next(one for one in LOCATIONS if one.location == "newark")


def deaths_at(*points: str) -> list[Fault]:
    """Before and after each, whatever it is about."""
    return [Fault(point, moment) for point in points for moment in ("before", "after")]


def test_goods_are_booked_once_whoever_dies_over_them(world: World) -> None:
    """Orders wait for goods; clerks say the same again until they are answered."""
    lamp, bell = LATE
    with world.round([]), ThreadPoolExecutor(1) as shop:
        lamps = [waiting_for(world, lamp) for _ in range(3)]
        _until_queued(world, {order.order_id for order in lamps})
        carted = world.till.next(split=True)
        with world.dead("starter"):
            with world.starters([*deaths_at(*HELD), TAKEN_IN]):
                hold(world, carted)
                checking_out = shop.submit(check_out, world, carted)
                world.until("the order is in", lambda: _is_ours(world, carted))
            with world.starters(deaths_at(*AROUND_BOOKING)):
                bought = order_goods(world, lamp, 3, "leeds")
                take_in(world, bought, 1)
                take_in(world, bought, 2)
                count(world, ABROAD, "newark", missing=3)
                bring(world, bell, "leeds", 2)
            with world.starters(deaths_at(*AROUND_A_TRANSFER)):
                moved = send_over(world, bell, 2, "leeds", "berlin")
                bells = [waiting_for(world, bell) for _ in range(2)]
                _until_queued(world, {order.order_id for order in bells})
                take_in(world, moved, 1)
                take_in(world, moved, 1)
        world.until("the shop has been answered", checking_out.done)
        checking_out.result()
        world.until_arrived([*lamps, *bells, carted])
    world.shipped += [*lamps, *bells, carted]
    _assert_said_once(world, bought.supply_id, "opened", "received", "received")
    _assert_said_once(world, moved.supply_id, "opened", "dispatched", "received", "received")
    assert_sound(world)


def test_starters_killed_while_they_give_goods_to_those_who_wait(world: World) -> None:
    """A cart's time is over, and a location ships to where it did not."""
    bell = LATE[1]
    with world.round([]):
        bring(world, bell, "berlin", 1)
        left_behind = world.till.take((bell, 1))
        hold(world, left_behind)
        first, second = waiting_for(world, bell), waiting_for(world, ABROAD)
        _until_queued(world, {first.order_id, second.order_id})
        hold(world, left_behind, for_s=1)
        with world.dead("starter"):
            world.until("the cart's time is over", lambda: _is_over(world))
            assert in_queue(world) == {first.order_id, second.order_id}
            with world.starters(deaths_at(*OF_ITS_OWN_ACCORD), OMS_SWEEP_S="0.5"):
                world.until("it has expired", lambda: in_queue(world) == {second.order_id})
                serves_all = NEWARK.model_copy(update={"serves": ()}).model_dump(mode="json")
                del serves_all["location"]
                say(world, f"/locations/{NEWARK.location}", serves_all, method="PUT")
                world.until("it is sourced again", lambda: not in_queue(world))
        world.until_arrived([first, second])
    world.shipped += [first, second]
    assert_sound(world)


def _until_queued(world: World, ids: set[str]) -> None:
    world.until("all wait in the queue", lambda: ids <= in_queue(world))


def _is_ours(world: World, order: Placed) -> bool:
    return world.statuses([order])[order.order_id] != "missing"


def _is_over(world: World) -> bool:
    over = "SELECT 1 FROM reservations WHERE state = 'reserved' AND expires_at <= now()"
    return bool(world.rows(over))


def _assert_said_once(world: World, supply_id: str, *deeds: str) -> None:
    """Whatever was said again, it was done once; and the document is closed."""
    rows = world.rows("SELECT deed FROM supply_deeds WHERE supply_id = %s ORDER BY at", supply_id)
    assert [row["deed"] for row in rows] == list(deeds)
    state = world.rows("SELECT state FROM supplies WHERE supply_id = %s", supply_id)
    assert state == [{"state": "closed"}]
