"""One crash run with many orders: workers die at points chosen by a seed, and no order notices."""

import random
from itertools import chain

import pytest

from tests.crash.failpoints import Fault, Moment
from tests.crash.soundness import assert_sound
from tests.crash.world import World

ORDERS = 40
DEATHS = 6
SEED = 20260701
OURS: tuple[Moment, ...] = ("before", "after")
OUTSIDE: tuple[Moment, ...] = ("before", "begun", "done", "after")
POINTS: dict[str, tuple[Moment, ...]] = {
    "order_book.save_verdict": OURS,
    "inventory.reserve": OURS,
    "warehouse.request": OUTSIDE,
    "channel.capture": OUTSIDE,
    "carrier.buy": OUTSIDE,
    "warehouse.hand_over": OUTSIDE,
    "inventory.ship": OURS,
    "channel.tell_shipped": OUTSIDE,
}


@pytest.mark.timeout(240)
def test_forty_orders_arrive_once_each_while_workers_die(world: World) -> None:
    chance = random.Random(SEED)  # the same deaths in every run
    moments = list(chain.from_iterable([(p, m) for m in POINTS[p]] for p in POINTS))
    unlucky = chance.sample(range(ORDERS), DEATHS)
    plan = [
        Fault(point, moment, f"demo-{world.till.first + n}")
        for n, (point, moment) in zip(unlucky, chance.sample(moments, DEATHS), strict=True)
    ]
    with world.round(plan, workers=3):
        orders = world.place(ORDERS)
        world.until_all(orders, "delivered", "closed")
    world.shipped += orders
    assert_sound(world)
