"""Many orders sourced at once want the same few units: none oversold, none waits in vain."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from activities.inventory import LOOKS_MAX, InventoryActivities
from domain.errors import Unavailable
from domain.sourcing.case import Case
from domain.sourcing.decision import Decision
from domain.stock import Changed, ReservationRef, Reserved, ReserveRequest, Short
from storage.engine import create_engine
from tests.storage.sourcingroom import Room, wanted

BUYERS = 120
UNITS = {"berlin": 25, "lyon": 15, "wien": 10}


@pytest.fixture
async def room(database_url: str) -> AsyncIterator[Room]:
    engine = create_engine(database_url, 24)
    made = Room(engine)
    yield made
    await engine.dispose()


async def test_all_units_are_sold_and_not_one_more(room: Room) -> None:
    chance = random.Random(7)
    await room.furnish()
    await room.activate(parts_max=2)
    for place, units in UNITS.items():
        await room.receive(place, CUP=units, POT=5)
    activities = InventoryActivities(room.stock, room.sourcing)
    lines = [("CUP", 1), ("CUP", 2), ("SET", 1), ("POT", 1)]

    async def buy(number: int) -> Reserved | Short:
        request = wanted(f"demo-{number}", *chance.choices(lines, k=chance.choice((1, 2))))
        answer = await activities.reserve(request)
        if number % 6 == 0:  # changes his mind: who waits is served
            await room.stock.release(ReservationRef(order_id=request.order_id, key=request.key))
        return answer

    answers = await asyncio.gather(*(buy(number) for number in range(BUYERS)))
    assert {type(answer) for answer in answers} == {Reserved, Short}
    held: Counter[tuple[str, str]] = Counter()
    for place, items in await room.rows(
        "SELECT location, items FROM reservations WHERE state = 'reserved'"
    ):
        for item in items:
            held[place, item["sku"]] += item["quantity"]
    levels = await room.stock.levels()
    assert {(one.location, one.sku): one.reserved for one in levels if one.reserved} == held
    assert sum(held[place, "CUP"] for place in UNITS) > 40
    free = {(one.location, one.sku): one.available for one in levels}
    for (items,) in await room.rows("SELECT items FROM stock_waiting"):
        for place in UNITS:  # nobody waits beside all that he wants
            assert any(free.get((place, item["sku"]), 0) < item["quantity"] for item in items)
    answered = await room.rows("SELECT key FROM sourcing_decisions WHERE outcome <> 'assigned'")
    assert len(answered) == BUYERS  # what the queue gave later was decided once more


async def test_who_finds_stock_changed_again_and_again_lets_others_go_first(room: Room) -> None:
    class Restless:
        looks = 0

        async def case(self, request: ReserveRequest) -> Case:
            return await room.sourcing.case(request)

        async def reserve(
            self, request: ReserveRequest, case: Case, decision: Decision
        ) -> Reserved | Short | Changed:
            self.looks += 1
            return Changed()

    await room.furnish()
    restless = Restless()
    with pytest.raises(Unavailable) as unavailable:
        await InventoryActivities(room.stock, restless).reserve(wanted("demo-1", ("CUP", 1)))
    assert (unavailable.value.code, restless.looks) == ("contended", LOOKS_MAX)
