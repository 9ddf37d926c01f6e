"""An order that is sourced again is late by the date that its customer was promised first."""

from collections.abc import AsyncIterator

import pytest

from domain.stock import ReservationRef
from storage.engine import create_engine
from tests.storage.sourcingroom import BERLIN, LYON, Room, place, wanted, where

SLOW = place("slow", "DE", "10119", handling_days=5)


@pytest.fixture
async def room(database_url: str) -> AsyncIterator[Room]:
    """Who is near is slow, and who is quick is far."""
    engine = create_engine(database_url, 5)
    made = Room(engine)
    await made.furnish(BERLIN, LYON, SLOW)
    for location in ("berlin", "lyon", "slow"):
        await made.receive(location, CUP=5)
    yield made
    await engine.dispose()


async def test_who_is_quick_ships_what_was_promised_and_rejected(room: Room) -> None:
    first = wanted("demo-1", ("CUP", 1))
    decision, answer = await room.once(first)
    assert where(answer) == {"berlin": {"CUP": 1}}
    assert decision.plan
    promised = decision.plan.promise.deliver_on
    await room.stock.release(ReservationRef(order_id=first.order_id, key=first.key))
    again = wanted("demo-1", ("CUP", 1), generation=2, excluded=("berlin",))
    decided, answer = await room.once(again)
    assert decided.deliver_by == promised
    assert where(answer) == {"lyon": {"CUP": 1}}
    third = wanted("demo-1", ("CUP", 1), generation=3, excluded=("berlin", "lyon"))
    late, _ = await room.once(third)
    assert late.plan
    assert (late.deliver_by, late.plan.parts[0].location) == (promised, "slow")
    assert late.plan.cost.lateness_minor == 200 * (late.plan.promise.deliver_on - promised).days > 0


async def test_nothing_was_promised_to_who_is_new_or_waited(room: Room) -> None:
    new = wanted("demo-2", ("CUP", 1), excluded=("berlin",))
    decision, answer = await room.once(new)
    assert (decision.deliver_by, where(answer)) == (None, {"slow": {"CUP": 1}})
    assert (await room.sourcing.case(new)).deliver_by is None
    waits = wanted("demo-3", ("POT", 1))
    await room.once(waits)
    again = waits.model_copy(update={"key": "demo-3/reserve/2"})
    assert (await room.sourcing.case(again)).deliver_by is None


async def test_a_day_that_the_rules_ask_for_gives_way_to_what_was_promised(room: Room) -> None:
    await room.activate(promise_days=0)
    decision, _ = await room.once(wanted("demo-4", ("CUP", 1)))
    assert decision.plan
    again = wanted("demo-4", ("CUP", 1), generation=2)
    assert (await room.sourcing.case(again)).deliver_by == decision.plan.promise.deliver_on
