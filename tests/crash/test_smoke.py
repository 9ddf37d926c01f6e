"""One crash run with many orders: workers die at points chosen by a seed, and no order notices."""

import asyncio
import random
from itertools import chain

import pytest

from tests.crash.failpoints import Fault, Moment
from tests.crash.operators import send_all_back, tell_all
from tests.crash.orders import Placed
from tests.crash.people import Person, personal_values
from tests.crash.soundness import assert_sound
from tests.crash.temporal import everything_kept
from tests.crash.world import World
from tests.workflows.histories import occurring

ORDERS = 40
DEATHS = 6
RETURNS = 2
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
REFUSALS = (
    ("warehouse", "request", "no_such_street"),
    ("easypost", "buy", "ADDRESS.VERIFY.FAILURE"),
    ("shopify", "fulfillmentCreate", "user_error"),
)
"""Each once, in words that say all about the customer: system, call, and the code we keep."""
NEWCOMER = Person(9_876)
"""Lives at the address that an operator puts in for a refused one."""
HOLD_NOTE = "called back, the old lady is in hospital"


@pytest.mark.timeout(240)
def test_forty_orders_arrive_once_each_while_workers_die(world: World) -> None:
    chance = random.Random(SEED)  # the same deaths in every run
    moments = list(chain.from_iterable([(p, m) for m in POINTS[p]] for p in POINTS))
    unlucky = chance.sample(range(ORDERS), DEATHS)
    plan = [
        Fault(point, moment, f"demo-{world.till.first + n}")
        for n, (point, moment) in zip(unlucky, chance.sample(moments, DEATHS), strict=True)
    ]
    lucky = [n for n in range(ORDERS) if n not in unlucky]
    with world.round(plan, workers=3):
        orders = world.place(ORDERS)
        world.until_all(orders, "delivered", "closed")
    world.shipped += orders
    assert_sound(world)
