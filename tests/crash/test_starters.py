"""`kill -9` of the starter at each deed of people about goods, and at what it does by itself."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import pytest

from domain.ids import cart_id
from tests.crash.catalogue import ABROAD, LATE, LOCATIONS
from tests.crash.clerks import (
    Document,
    bring,
    check_out,
    count,
    hold,
    order_goods,
    send_over,
    take_in,
)
from tests.crash.failpoints import Fault
from tests.crash.orders import Placed, cart_of
from tests.crash.queueing import in_queue, waiting_for
from tests.crash.saying import say
from tests.crash.soundness import assert_sound
from tests.crash.world import World

pytestmark = [pytest.mark.crash, pytest.mark.timeout(900)]

AROUND_BOOKING = ("supplies.open", "supplies.receive", "supplies.count")
AROUND_A_TRANSFER = (
    "inventory.receive",
    "supplies.open",
    "supplies.dispatch",
    "supplies.receive",
)
OF_ITS_OWN_ACCORD = ("inventory.expire", "sourcing_batch.assign")
TAKEN_IN = Fault("inbox.put", "after", "api")
"""Between the order's row in the inbox and the order: whoever sends it hears nothing."""
NEWARK = next(one for one in LOCATIONS if one.location == "newark")


def deaths_at(*points: str, about: str = "") -> list[Fault]:
    """Before and after each."""
    return [Fault(point, moment, about) for point in points for moment in ("before", "after")]


def test_goods_are_booked_once_whoever_dies_over_them(world: World) -> None:
    """Starters die over deeds of clerks, who say them again, and over what they do by themselves.

    All the while a shop waits for its answer: until its first request is taken for dead.
    """
    lamp, bell = LATE
    with world.round([]), ThreadPoolExecutor(1) as shop:
        lamps = [waiting_for(world, lamp) for _ in range(3)]
        _until_queued(world, lamps)
        carted = world.till.next(split=True)
        with world.dead("starter"):
            held = deaths_at("sourcing.reserve", about=cart_id(cart_of(carted)))
            with world.starters([*held, TAKEN_IN]):
                hold(world, carted)
                answered = shop.submit(check_out, world, carted)
                world.until("the order is ours", lambda: _is_ours(world, carted))
            with world.starters(deaths_at(*AROUND_BOOKING)):
                _buy_and_count(world, lamp, len(lamps))
            with world.starters(deaths_at(*AROUND_A_TRANSFER)):
                bells = _transfer(world, bell)
            with world.starters([], OMS_SWEEP_S="3600"):
                late = _wait_behind_a_cart(world, bell)
            world.until("the cart's time is over", lambda: _is_over(world))
            with world.starters(deaths_at(*OF_ITS_OWN_ACCORD), OMS_SWEEP_S="0.5"):
                _serve(world, *late)
        world.until("the shop has its answer", answered.done)
        answered.result()
        orders = [*lamps, carted, *bells, *late]
        world.until_arrived(orders)
    world.shipped += orders
    assert_sound(world)


def _buy_and_count(world: World, sku: str, many: int) -> None:
    bought = order_goods(world, sku, many, "leeds")
    take_in(world, bought, 1)
    take_in(world, bought, many - 1)
    _assert_said_once(world, bought, "opened", "received", "received")
    count(world, ABROAD, NEWARK.location, missing=3)
    differed = world.rows("SELECT quantity FROM stock_discrepancies WHERE sku = %s", ABROAD)
    assert differed == [{"quantity": -3}]


def _transfer(world: World, sku: str) -> list[Placed]:
    """Orders that wait for what is on its way, until it comes bit by bit."""
    bring(world, sku, "leeds", 2)
    moved = send_over(world, sku, 2, "leeds", "berlin")
    orders = [waiting_for(world, sku) for _ in range(2)]
    _until_queued(world, orders)
    take_in(world, moved, 1)
    take_in(world, moved, 1)
    _assert_said_once(world, moved, "opened", "dispatched", "received", "received")
    return orders


def _wait_behind_a_cart(world: World, sku: str) -> tuple[Placed, Placed]:
    """One waits for what a cart holds for a second more, one for what lies abroad."""
    bring(world, sku, "berlin", 1)
    left_behind = world.till.take((sku, 1))
    hold(world, left_behind)
    orders = waiting_for(world, sku), waiting_for(world, ABROAD)
    _until_queued(world, orders)
    hold(world, left_behind, for_s=1)
    return orders


def _serve(world: World, behind_the_cart: Placed, of_abroad: Placed) -> None:
    """The cart's time is over; and Newark ships to where it did not."""
    world.until("goods are given", lambda: in_queue(world) == {of_abroad.order_id})
    serves_all = NEWARK.model_copy(update={"serves": ()}).model_dump(mode="json")
    del serves_all["location"]
    say(world, f"/locations/{NEWARK.location}", serves_all, method="PUT")
    world.until("it is sourced again", lambda: not in_queue(world))


def _until_queued(world: World, orders: Iterable[Placed]) -> None:
    ids = {order.order_id for order in orders}
    world.until("all wait in the queue", lambda: ids <= in_queue(world))


def _is_ours(world: World, order: Placed) -> bool:
    return world.statuses([order])[order.order_id] != "missing"


def _is_over(world: World) -> bool:
    over = "SELECT 1 FROM reservations WHERE state = 'reserved' AND expires_at <= now()"
    return bool(world.rows(over))


def _assert_said_once(world: World, document: Document, *deeds: str) -> None:
    """However often it was said, it was done once; and nothing more is to come."""
    said = "SELECT deed FROM supply_deeds WHERE supply_id = %s ORDER BY at"
    assert [row["deed"] for row in world.rows(said, document.supply_id)] == list(deeds)
    state = "SELECT state FROM supplies WHERE supply_id = %s"
    assert world.rows(state, document.supply_id) == [{"state": "closed"}]
