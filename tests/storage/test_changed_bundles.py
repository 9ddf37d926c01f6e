"""A bundle that changes while orders wait: each gets what it was promised, and nobody too much."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from domain.ids import OrderId
from domain.sourcing.source import source
from domain.stock import (
    Changed,
    ReservationRef,
    Reserved,
    RestockRequest,
    Short,
    SkuQuantity,
)
from storage.bundles import Bundle, Bundles, Component
from storage.engine import create_engine
from storage.sourcing_batch import SourcingBatch
from tests.storage.sourcingroom import BERLIN, Room, wanted, where
from tests.storage.stockroom import assigned, someone_waits_for_a_lock, until


@pytest.fixture
async def room(database_url: str) -> AsyncIterator[Room]:
    """Berlin alone; a set is four cups and a pot."""
    engine = create_engine(database_url, 10)
    made = Room(engine)
    await made.furnish(BERLIN)
    yield made
    await engine.dispose()


async def change(room: Room, **components: int) -> None:
    parts = tuple(Component(sku=sku, quantity=quantity) for sku, quantity in components.items())
    await Bundles(room.engine).put(Bundle(sku="SET", components=parts))


async def test_goods_are_shared_out_by_what_each_order_was_promised(room: Room) -> None:
    for number in range(4):
        if number == 2:
            await change(room, CUP=1, FOAM=2)
        _, answer = await room.once(wanted(f"demo-{number}", ("SET", 1), ("CUP", 1)))
        assert isinstance(answer, Short)
    # for the first (5 cups and a pot) and the third (2 cups and 2 of foam), and a cup more
    await room.receive("berlin", POT=1, FOAM=2, CUP=8)
    assert await assigned(room.engine) == {
        "demo-0": {"berlin": {"CUP": 5, "POT": 1}},
        "demo-2": {"berlin": {"CUP": 2, "FOAM": 2}},
    }
    levels = {level.sku: (level.on_hand, level.reserved) for level in await room.stock.levels()}
    assert levels == {"CUP": (8, 7), "FOAM": (2, 2), "POT": (1, 1)}
    for order in ("demo-0", "demo-2"):
        await room.stock.ship(ReservationRef(order_id=order, key=f"{order}/reserve/1"))
    await room.receive("berlin", POT=1, FOAM=2, CUP=4)
    assert set(await assigned(room.engine)) == {"demo-0", "demo-1", "demo-2"}
    left = {level.sku: level.available for level in await room.stock.levels()}
    assert left == {"CUP": 0, "FOAM": 2, "POT": 0}
    assert await room.stock.drift() == ()


async def test_who_waits_for_what_a_bundle_was_is_not_given_what_it_is(room: Room) -> None:
    request = wanted("demo-1", ("SET", 1))
    await room.once(request)
    batch = SourcingBatch(room.engine)
    assert [one.request.order_id for one in await batch.waiting(10)] == ["demo-1"]
    await change(room, FOAM=1)
    await room.receive("berlin", FOAM=5)
    assert await batch.waiting(10) == await batch.outdated(None, 10) == ()
    await change(room, CUP=4, POT=1)
    assert [one.request.order_id for one in await batch.waiting(10)] == ["demo-1"]


async def test_what_was_decided_before_the_bundle_changed_takes_what_it_is_when_it_is_reserved(
    room: Room,
) -> None:
    """And where that is not there, nothing: the order is sourced again."""
    await room.receive("berlin", CUP=4, POT=1, FOAM=1)
    first, second = wanted("demo-1", ("SET", 1)), wanted("demo-2", ("SET", 1))
    cases = [await room.sourcing.case(one) for one in (first, second)]
    await change(room, FOAM=1)
    answer = await room.sourcing.reserve(first, cases[0], source(cases[0]))
    assert where(answer) == {"berlin": {"FOAM": 1}}
    answer = await room.sourcing.reserve(second, cases[1], source(cases[1]))
    assert isinstance(answer, Changed)
    _, answer = await room.once(second)
    assert isinstance(answer, Short)
    held: Counter[str] = Counter()
    for level in await room.stock.levels():
        held[level.sku] += level.reserved
    assert +held == {"FOAM": 1}
    (part,) = await room.stock.held(_ref("demo-1"))
    assert (part.state, part.part.location, part.expired) == ("reserved", "berlin", False)


def _ref(order: str) -> ReservationRef:
    return ReservationRef(order_id=order, key=f"{order}/reserve/1")


async def test_an_order_that_is_cancelled_gives_back_what_its_bundle_was(room: Room) -> None:
    await room.receive("berlin", CUP=8, POT=2, FOAM=2)
    for order in ("demo-1", "demo-2"):
        _, answer = await room.once(wanted(order, ("SET", 1)))
        assert isinstance(answer, Reserved)
        await change(room, CUP=1, FOAM=2)
    await room.stock.release(_ref("demo-1"))
    levels = {level.sku: level.reserved for level in await room.stock.levels()}
    assert levels == {"CUP": 1, "FOAM": 2, "POT": 0}
    await room.stock.release(_ref("demo-2"))
    assert all(level.reserved == 0 for level in await room.stock.levels())


async def test_what_becomes_a_bundle_while_an_order_enters_the_queue_is_sourced_as_one(
    room: Room,
) -> None:
    """It would wait for goods that can never come."""
    request = wanted("demo-1", ("FOAM", 1))
    case = await room.sourcing.case(request)
    async with room.engine.begin() as connection:
        await connection.execute(text("SELECT stock_lock_skus('{CUP,FOAM}')"))
        entering = asyncio.create_task(room.sourcing.reserve(request, case, source(case)))
        await until(lambda: someone_waits_for_a_lock(room.engine))
        await connection.execute(text("INSERT INTO bundle_components VALUES ('FOAM', 'CUP', 2)"))
    assert isinstance(await entering, Changed)
    _, answer = await room.once(request)
    assert isinstance(answer, Short)
    await room.receive("berlin", CUP=2)
    assert await assigned(room.engine) == {"demo-1": {"berlin": {"CUP": 2}}}


async def shipped(room: Room, order: str, sku: str = "SET", generation: int = 1) -> None:
    _, answer = await room.once(wanted(order, (sku, 1), generation=generation))
    assert isinstance(answer, Reserved)
    key = f"{order}/reserve/{generation}"
    await room.stock.ship(ReservationRef(order_id=OrderId(order), key=key))


async def comes_back(room: Room, order: str, sku: str = "SET", quantity: int = 1) -> None:
    """Whether its return is booked once or again."""
    back = RestockRequest(
        return_id=f"{order}/r1",
        order_id=OrderId(order),
        location="berlin",
        lines=(SkuQuantity(sku=sku, quantity=quantity),),
        key=f"{order}/r1/restock/1",
    )
    await room.stock.restock(back)


async def on_hand(room: Room) -> dict[str, int]:
    return {level.sku: level.on_hand for level in await room.stock.levels() if level.on_hand}


async def test_a_bundle_that_comes_back_is_put_away_as_it_left(room: Room) -> None:
    await room.receive("berlin", CUP=8, POT=2)
    await shipped(room, "demo-1")
    await change(room, CUP=5, FOAM=2)
    await comes_back(room, "demo-1")
    assert await on_hand(room) == {"CUP": 8, "POT": 2}
    await change(room, FOAM=9)
    await comes_back(room, "demo-1")  # its activity did not hear that it was booked
    assert await on_hand(room) == {"CUP": 8, "POT": 2}


async def test_a_bundle_that_is_none_any_more_comes_back_as_what_it_was(room: Room) -> None:
    await room.receive("berlin", CUP=4, POT=1)
    await shipped(room, "demo-1")
    await room.run("DELETE FROM bundle_components WHERE bundle = 'SET'")
    await comes_back(room, "demo-1")
    assert await on_hand(room) == {"CUP": 4, "POT": 1}


async def test_what_left_and_has_become_a_bundle_since_comes_back_as_its_components(
    room: Room,
) -> None:
    """A bundle has no stock of its own."""
    await room.receive("berlin", FOAM=1)
    await shipped(room, "demo-1", "FOAM")
    await room.run("INSERT INTO bundle_components VALUES ('FOAM', 'CUP', 2)")
    await comes_back(room, "demo-1", "FOAM")
    assert await on_hand(room) == {"CUP": 2}


async def test_what_left_as_this_and_as_that_comes_back_as_both(room: Room) -> None:
    """Promised and given back does not count: it never left."""
    await room.receive("berlin", CUP=10, POT=2, FOAM=3)
    _, answer = await room.once(wanted("demo-1", ("SET", 1)))
    assert isinstance(answer, Reserved)
    await room.stock.release(_ref("demo-1"))
    await change(room, CUP=1)
    await shipped(room, "demo-1", generation=2)
    await change(room, FOAM=3)
    await shipped(room, "demo-1", generation=3)
    await shipped(room, "demo-2", "CUP")
    assert await on_hand(room) == {"CUP": 8, "POT": 2}
    await comes_back(room, "demo-1", quantity=2)
    assert await on_hand(room) == {"CUP": 9, "POT": 2, "FOAM": 3}


async def test_more_than_left_comes_back_as_what_was_promised_first(room: Room) -> None:
    await room.receive("berlin", CUP=4, POT=1, FOAM=3)
    await shipped(room, "demo-1")
    await change(room, FOAM=3)
    await shipped(room, "demo-1", generation=2)
    await comes_back(room, "demo-1", quantity=3)
    assert await on_hand(room) == {"CUP": 8, "POT": 2, "FOAM": 3}
