"""An order's date: by what was decided for it, or by the goods that it waits for; it moves."""

from collections.abc import AsyncIterator
from datetime import time
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.ids import order_id
from domain.promised import PromiseView
from domain.promises import delivery_date, ship_date
from domain.sourcing.rules import Tier, Zone
from domain.stock import ReservationRef, Reserved, Short
from storage.catalogue import Catalogue
from storage.engine import create_engine
from storage.intake import OrderIntake
from storage.queries import OrderQueries
from storage.supply import Supplies
from storage.supply_promises import Promises, WaitingView
from tests.storage.orderbook import an_order
from tests.storage.sourcingroom import LYON, Room, place, wanted
from tests.storage.supplyroom import came, goods, in_days

EVERY_DAY = (1, 2, 3, 4, 5, 6, 7)
DAILY = place("daily", "DE", "10115", weekdays=EVERY_DAY, handling_days=1)


@pytest.fixture
async def room(database_url: str) -> AsyncIterator[Room]:
    engine = create_engine(database_url, 10)
    made = Room(engine)
    await made.furnish(DAILY, LYON)
    yield made
    await engine.dispose()


async def supply(room: Room, *lines: tuple[str, int, int], to: str = "daily") -> str:
    opened = await Supplies(room.engine).open(goods(*lines, destination=to), f"{lines}{to}", "ann")
    return opened.supply_id


async def waits(room: Room, order: str, *lines: tuple[str, int], **more: Any) -> None:
    _, answer = await room.once(wanted(order, *lines, **more))
    assert isinstance(answer, Short)


async def promises(room: Room) -> dict[str, PromiseView]:
    found: tuple[WaitingView, ...] = await Promises(room.engine).queue()
    return {one.order_id: one.promise for one in found}


async def leaves(room: Room, order: str) -> int | None:
    """In how many days from today."""
    on = (await promises(room))[order].ship_on
    return (on - in_days(0)).days if on else None


def gets(promise: PromiseView) -> list[tuple[str, int, str]]:
    return [(one.sku, one.quantity, one.supply_id) for one in promise.pegs]


async def test_who_waits_is_promised_the_dated_goods_in_turn(room: Room) -> None:
    await room.activate(priorities={"vip": 9}, transit_days=3)
    await waits(room, "a-1", ("CUP", 4))
    await waits(room, "a-2", ("CUP", 2), channel="vip")
    early, late = await supply(room, ("CUP", 3, 5)), await supply(room, ("CUP", 4, 9))
    found = await promises(room)
    assert list(found) == ["a-2", "a-1"]
    assert gets(found["a-2"]) == [("CUP", 2, early)]
    assert gets(found["a-1"]) == [("CUP", 1, early), ("CUP", 3, late)]
    # a day of handling, then three of the carrier's
    assert found["a-1"].ship_on == in_days(10)
    assert found["a-1"].deliver_on == delivery_date(in_days(10), 3)
    assert (await leaves(room, "a-2"), await leaves(room, "a-1")) == (6, 10)


async def test_who_waits_for_a_full_locations_next_day_is_promised_that(room: Room) -> None:
    until_midnight = {"timezone": "UTC", "cut_off": time(23, 59, 59), "handling_days": 0}
    one_a_day = DAILY.model_copy(update={**until_midnight, "capacity_per_day": 1})
    await Catalogue(room.engine).put_locations([one_a_day])
    await room.receive("daily", CUP=9)
    _, answer = await room.once(wanted("a-1", ("CUP", 1)))
    assert isinstance(answer, Reserved)
    await waits(room, "a-2", ("CUP", 1))
    found = (await promises(room))["a-2"]
    assert gets(found) == [("CUP", 1, "")]
    assert found.ship_on == in_days(1)
    two_a_day = one_a_day.model_copy(update={"capacity_per_day": 2})
    await Catalogue(room.engine).put_locations([two_a_day])
    assert await leaves(room, "a-2") == 0


async def test_a_promise_moves_when_supply_moves(room: Room) -> None:
    supplies = Supplies(room.engine)
    await waits(room, "a-1", ("CUP", 2))
    none = (await promises(room))["a-1"]
    assert (none.ship_on, none.sentence) == (None, "No date yet: 2 x CUP more must be ordered.")
    first, second = await supply(room, ("CUP", 2, 5)), await supply(room, ("CUP", 2, 12))
    assert await leaves(room, "a-1") == 6
    await supplies.reschedule(first, in_days(8), "m1", "ann")
    assert await leaves(room, "a-1") == 9
    await supplies.cancel(first, "x1", "ann")
    assert await leaves(room, "a-1") == 13
    await supplies.receive(second, came(("CUP", 1)), "r1", "ann")
    assert gets((await promises(room))["a-1"]) == [("CUP", 1, ""), ("CUP", 1, second)]
    await supplies.close(second, "c1", "ann", reason="no more made")
    assert await leaves(room, "a-1") is None


async def test_a_transfer_is_promised_once_it_left_and_a_bundle_by_its_last_component(
    room: Room,
) -> None:
    supplies = Supplies(room.engine)
    await room.run("UPDATE locations SET serves = '{FR}' WHERE location = 'lyon'")
    await room.receive("lyon", POT=1)
    await waits(room, "a-1", ("SET", 1))
    await supply(room, ("CUP", 4, 3))
    asked = goods(("POT", 1, 6), destination="daily", origin="lyon")
    tr = (await supplies.open(asked, "o", "ann")).supply_id
    assert await leaves(room, "a-1") is None
    await supplies.dispatch(tr, "d", "ann")
    assert await leaves(room, "a-1") == 7


async def test_a_location_that_closes_promises_nothing(room: Room) -> None:
    await waits(room, "a-1", ("CUP", 2))
    await supply(room, ("CUP", 2, 5))
    await supply(room, ("CUP", 2, 20), to="lyon")
    assert (await promises(room))["a-1"].pegs[0].location == "daily"
    await room.run("UPDATE locations SET active = false WHERE location = 'daily'")
    assert (await promises(room))["a-1"].pegs[0].location == "lyon"


async def test_the_way_is_the_zone_s_of_the_rules_that_are_active(room: Room) -> None:
    queries = OrderQueries(room.engine)
    own = await sold(room, "1")
    await waits(room, own, ("CUP", 2))
    await supply(room, ("CUP", 2, 5))
    tiers = (Tier(weight_max_g=10_000, price_minor=500),)
    for days in (1, 8):
        zone = Zone(destinations=("DE",), tiers=tiers, transit_days=days,
                    delivery_weekdays=EVERY_DAY)  # fmt: skip
        await room.activate(zones=(zone,))
        order = await queries.order(own)
        assert order is not None
        assert order.promise is not None
        assert order.promise.deliver_on == in_days(6 + days)


async def sold(room: Room, own_id: str) -> str:
    """An order that was taken in, to a German address."""
    await OrderIntake(room.engine).accept(an_order(own_id))
    return order_id("demo", own_id)


async def view(engine: AsyncEngine, order: str) -> PromiseView | None:
    found = await OrderQueries(engine).order(order)
    assert found is not None
    return found.promise


async def test_an_order_shows_its_promise_from_the_queue_to_the_shelf(room: Room) -> None:
    supplies = Supplies(room.engine)
    order = await sold(room, "1")
    assert await view(room.engine, order) is None
    request = wanted(order, ("CUP", 2), ("POT", 1))
    _, answer = await room.once(request)
    assert isinstance(answer, Short)
    po = await supply(room, ("CUP", 2, 5), ("POT", 1, 7))
    shown = await view(room.engine, order)
    assert shown is not None
    assert gets(shown) == [("CUP", 2, po), ("POT", 1, po)]
    assert shown.ship_on == in_days(8)
    await supplies.receive(po, came(("CUP", 2), ("POT", 1)), "r", "ann")
    shelved = await view(room.engine, order)
    assert shelved is not None
    assert shelved.pegs == ()
    async with room.engine.begin() as connection:
        at = await connection.scalar(text("SELECT created_at FROM reservations"))
    assert shelved.ship_on == ship_date(DAILY.calendar, at)
    await room.stock.release(ReservationRef(order_id=order_id("demo", "1"), key=request.key))
    assert await view(room.engine, order) is None


async def test_an_order_with_stock_shows_what_its_sourcing_promised(room: Room) -> None:
    await room.receive("daily", CUP=5)
    order = await sold(room, "1")
    decision, answer = await room.once(wanted(order, ("CUP", 2)))
    assert isinstance(answer, Reserved)
    assert decision.plan is not None
    await room.activate(transit_days=60)
    await room.run("UPDATE locations SET handling_days = 50")
    shown = await view(room.engine, order)
    assert shown is not None
    assert (shown.ship_on, shown.deliver_on) == (
        decision.plan.promise.ship_on, decision.plan.promise.deliver_on,
    )  # fmt: skip
    assert shown.sentence == f"Leaves by {shown.ship_on} and arrives by {shown.deliver_on}."


async def test_an_order_half_reserved_is_promised_when_the_rest_has_come(room: Room) -> None:
    await room.receive("daily", CUP=5)
    order = await sold(room, "1")
    await room.once(wanted(order, ("CUP", 2)))
    rest = wanted(order, ("POT", 2), generation=2)
    await room.once(rest)
    lacking = await view(room.engine, order)
    assert lacking is not None
    assert lacking.deliver_on is None
    await supply(room, ("POT", 2, 30))
    shown = await view(room.engine, order)
    assert shown is not None
    assert shown.ship_on == in_days(31)


async def test_only_orders_that_compete_are_looked_at_for_one(room: Room) -> None:
    """Through a chain of SKUs, too: a-1 and a-3 share none, but a-2 shares with both."""
    third = await sold(room, "3")
    await waits(room, "a-1", ("CUP", 1))
    await waits(room, "a-2", ("CUP", 1), ("POT", 1))
    await waits(room, third, ("POT", 1))
    await waits(room, "a-4", ("FOAM", 1))
    await supply(room, ("CUP", 1, 3), ("POT", 1, 3))
    shown = await view(room.engine, third)
    assert shown is not None
    # a-1 has the only cup, so that a-2 leaves its pot to the third
    assert [one.sku for one in shown.pegs] == ["POT"]
    assert shown == (await promises(room))[third]


async def test_the_queue_is_told_page_by_page(room: Room) -> None:
    for number in range(5):
        await waits(room, f"a-{number}", ("CUP", 1))
    every = Promises(room.engine)
    read = [[one.order_id for one in await every.queue(at, 2)] for at in (0, 2, 4)]
    assert read == [["a-0", "a-1"], ["a-2", "a-3"], ["a-4"]]
