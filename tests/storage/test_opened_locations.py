"""A location that opens again gives what it has to the orders that wait, at once and exactly."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from domain.locations import Location
from domain.stock import ReservationRef, Short
from storage.catalogue import Catalogue
from storage.engine import create_engine
from tests.storage.sourcingroom import BERLIN, LYON, Room, wanted
from tests.storage.stockroom import assigned, someone_waits_for_a_lock, until, waiting

SHUT = LYON.model_copy(update={"active": False})


@pytest.fixture
async def room(database_url: str) -> AsyncIterator[Room]:
    """Berlin, and Lyon, which is shut."""
    engine = create_engine(database_url, 20)
    made = Room(engine)
    await made.furnish(BERLIN, SHUT)
    yield made
    await engine.dispose()


async def put(room: Room, *locations: Location) -> None:
    await Catalogue(room.engine).put_locations(locations)


async def short(room: Room, order: str, *lines: tuple[str, int]) -> None:
    _, answer = await room.once(wanted(order, *lines))
    assert isinstance(answer, Short)


async def test_a_location_that_opens_again_serves_those_who_wait_in_turn(room: Room) -> None:
    await room.receive("lyon", CUP=6, POT=1)
    await short(room, "demo-1", ("CUP", 4))
    await short(room, "demo-2", ("SET", 1))
    await short(room, "demo-3", ("CUP", 2))
    await put(room, BERLIN, SHUT.model_copy(update={"name": "Lyon 2"}))
    assert await assigned(room.engine) == {}
    await put(room, LYON)
    assert await assigned(room.engine) == {
        "demo-1": {"lyon": {"CUP": 4}},
        "demo-3": {"lyon": {"CUP": 2}},
    }
    assert await waiting(room.engine) == ["demo-2"]
    await put(room, LYON)
    assert await waiting(room.engine) == ["demo-2"]


async def test_an_order_that_may_be_split_is_served_from_both(room: Room) -> None:
    await room.activate(parts_max=2)
    await room.receive("lyon", CUP=3)
    await room.receive("berlin", CUP=2)
    await short(room, "demo-1", ("CUP", 5))
    await put(room, BERLIN, LYON)
    assert await assigned(room.engine) == {"demo-1": {"berlin": {"CUP": 2}, "lyon": {"CUP": 3}}}


async def test_a_location_that_opens_while_its_stock_goes_gives_what_is_left(room: Room) -> None:
    await room.receive("lyon", CUP=6)
    await short(room, "demo-1", ("CUP", 4))
    async with room.engine.begin() as connection:
        await connection.execute(
            text("""
            SELECT stock_change('adjusted', 'k', NULL, 'lyon', '[{"sku": "CUP", "quantity": -5}]',
                                'lost', 'ann')
            """)
        )
        opening = asyncio.create_task(put(room, LYON))
        await until(lambda: someone_waits_for_a_lock(room.engine))
    await opening
    assert await assigned(room.engine) == {}
    assert await waiting(room.engine) == ["demo-1"]


async def test_opening_races_goods_and_cancellations_without_deadlock_or_overselling(
    room: Room,
) -> None:
    await room.receive("lyon", CUP=10, POT=10)
    for number in range(30):
        lines = [("CUP", 1), ("POT", 1)]
        await short(room, f"demo-{number}", *(lines if number % 2 else lines[::-1]))

    async def cancel(number: int) -> None:
        order = f"demo-{number}"
        await room.stock.release(ReservationRef(order_id=order, key=f"{order}/reserve/1"))

    await asyncio.gather(
        *(put(room, *([BERLIN, LYON] if n % 2 else [LYON, BERLIN])) for n in range(4)),
        *(cancel(number) for number in range(0, 30, 3)),
        *(room.receive("lyon", POT=1, CUP=1) for _ in range(5)),
        *(room.receive("berlin", CUP=1, POT=1) for _ in range(5)),
    )
    assert await waiting(room.engine) == []
    levels = [level for level in await room.stock.levels() if level.on_hand]
    assert sum(level.reserved for level in levels if level.sku == "CUP") == 20
    assert all(level.available == 0 for level in levels)
    assert await room.stock.drift() == ()
