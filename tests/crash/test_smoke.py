"""One crash run with many orders: workers die at points chosen by a seed, and no order notices."""

import asyncio
import random
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from tests.crash.catalogue import NEAR
from tests.crash.deeds import ON_THE_WAY, deaths
from tests.crash.failpoints import Fault
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
BUGS = 3
"""Temporal keeps the last failure of a step: on a slow machine that may be another."""
SEED = 20260701
REFUSALS = (
    ("warehouse", "request", "no_such_street"),
    ("easypost", "buy", "address.verify.failure"),
    ("shopify", "fulfillmentCreate", "refused"),
)
"""Each in words that tell all about the customer: the system, its call, and its code."""
NEWCOMER = Person(9_876)
"""Lives at the address that an operator finds out for the one whom the carrier refused."""
ELSEWHERE = {
    "name": NEWCOMER.name,
    "lines": [NEWCOMER.street],
    "city": "Berlin",
    "postal_code": "10117",
    "country": "DE",
    "phone": NEWCOMER.phone,
}
HOLD_NOTE = "rang her up, the old lady has moved"


@pytest.mark.timeout(600)
def test_forty_orders_arrive_once_each_while_workers_die(world: World) -> None:
    chance, first = random.Random(SEED), world.till.upcoming  # the same deaths in every run
    unlucky = chance.sample(range(ORDERS), DEATHS)
    dying = chance.sample(deaths(ON_THE_WAY, 0), DEATHS)
    plan = [
        replace(death, order=f"demo-{first + n}") for n, death in zip(unlucky, dying, strict=True)
    ]
    whole = (n for n in range(0, ORDERS, 2) if n not in unlucky)
    refused = [next(whole) for _ in REFUSALS]
    buggy = [f"demo-{first + ORDERS + n}" for n in range(BUGS)]
    plan += [Fault("warehouse.request", "before", order, action="bug") for order in buggy]
    with world.round(plan, workers=3):
        faults = [
            _refuse(world, Person(first + n), *refusal)
            for n, refusal in zip(refused, REFUSALS, strict=True)
        ]
        orders = world.place(ORDERS)
        assert {orders[n].parts for n in refused} == {1}, "else each part wants its own retry"
        returned = [order for order in orders if order.parts == 1][-RETURNS:]
        world.returned += returned  # to where they came from, and at once: their window is short
        send_all_back(world, returned)
        _see_to(world, [orders[n] for n in refused], faults)
        world.until_arrived(orders)
        last = [world.till.take((NEAR[0], 1)) for _ in buggy]
        for order in last:
            world.send(order)  # once nobody dies any more, so that its bug is heard of
        world.until_arrived(last)
    orders += last
    world.shipped += orders
    assert_sound(world)
    kept = asyncio.run(everything_kept(world.stack.temporal.address))
    assert _all_workflows(world) == kept.keys()
    assert all("10117" in kept[f"order:{order.order_id}"] for order in orders), "all were read"
    for n, (_, _, code) in zip(refused, REFUSALS, strict=True):
        assert code in kept[f"order:{orders[n].order_id}"], "failures were read too"
    assert any("bug: RuntimeError" in kept[f"order:{order}"] for order in buggy)
    people = [*(order.person for order in orders), NEWCOMER]
    personal = {value for person in people for value in personal_values(person)}
    assert occurring({*personal, HOLD_NOTE}, "\n".join(kept.values())) == []


def _refuse(world: World, person: Person, system: str, call: str, code: str) -> str:
    """The vendor's words are about this person, who has the order of the same number.

    It refuses until the fault that this answers with is mended: the first refusal may be lost.
    """
    words = f"{person.name}, {person.street}, {person.phone}, {person.email}: {person.note}"
    match = f"{'#' if system == 'shopify' else 'demo-'}{person.number}"
    return world.fault(system, call, "refuse", match=match, code=code, message=words)


def _see_to(world: World, refused: list[Placed], faults: list[str]) -> None:
    """Operators resolve what the warehouse, the carrier and the shop have refused."""
    for order, fault, (system, _, code) in zip(refused, faults, REFUSALS, strict=True):
        why = f"refused:{system}:{code}"
        world.until(f"{order} is parked", partial(_is_parked, world, order, why))
        world.mend(fault)
    by_warehouse, by_carrier, by_shop = refused
    tell_all(world, [by_warehouse, by_shop], "retry", {})
    tell_all(world, [by_carrier], "hold", {"reason": "moved", "note": HOLD_NOTE})
    held = world.until("it is held", lambda: _order(world, by_carrier)["holds"])
    tell_all(world, [by_carrier], "address", {"address": ELSEWHERE})
    tell_all(world, [by_carrier], "release", {"hold_id": held[0]["hold_id"]})


def _is_parked(world: World, order: Placed, why: str) -> bool:
    return bool(_order(world, order)["attention"] == why)


def _order(world: World, order: Placed) -> dict[str, Any]:
    answer = world.api("GET", f"/orders/{order.order_id}")
    found: dict[str, Any] = answer.json() if answer.is_success else {"attention": None}
    return found


def _all_workflows(world: World) -> set[str]:
    rows = world.rows(
        "SELECT 'order:' || order_id AS id FROM orders "
        "UNION ALL SELECT 'return:' || return_id FROM returns"
    )
    return {row["id"] for row in rows}
