"""Stock is promised once: reserving, releasing and shipping."""

import asyncio
from collections import Counter

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.errors import Refused
from domain.ports import Inventory
from domain.stock import (
    Reserved,
    Short,
    SkuQuantity,
    StockLevel,
)
from storage.stock import PostgresInventory
from tests.storage.stockroom import (
    PLACES,
    level,
    locking,
    part,
    receive,
    ref,
    request,
    reserve,
    reserved_at,
    someone_waits_for_a_lock,
    until,
    waiting,
    woken,
)


def cups(quantity: int) -> tuple[SkuQuantity, ...]:
    return (SkuQuantity(sku="cup", quantity=quantity),)


def test_it_is_the_inventory_that_workflows_ask_for(stock: PostgresInventory) -> None:
    port: Inventory = stock
    assert port is stock


async def test_an_order_is_reserved_whole_at_the_first_location_that_has_it_all(
    stock: PostgresInventory,
) -> None:
    await receive(stock, "cup", 5)
    await receive(stock, "cup", 5, "lyon")
    await receive(stock, "pot", 5, "lyon")
    wanted = request("a-1", ("cup", 2), ("pot", 1))
    assert await reserved_at(stock, wanted, PLACES) == "lyon"
    assert await stock.levels() == (
        StockLevel(sku="cup", location="berlin", on_hand=5, reserved=0),
        StockLevel(sku="cup", location="lyon", on_hand=5, reserved=2),
        StockLevel(sku="pot", location="lyon", on_hand=5, reserved=1),
    )


async def test_a_sku_twice_in_an_order_counts_twice(stock: PostgresInventory) -> None:
    await receive(stock, "cup", 5)
    twice = request("a-1", ("cup", 3), ("cup", 3))
    assert await reserve(stock, twice, PLACES) == Short(
        missing=(SkuQuantity(sku="cup", quantity=1),)
    )
    assert await level(stock) == (5, 0)
    fits = request("a-2", ("cup", 3), ("cup", 2))
    assert await reserved_at(stock, fits, PLACES) == "berlin"
    assert await level(stock) == (5, 5)


async def test_short_tells_what_the_location_that_lacks_least_lacks(
    stock: PostgresInventory,
) -> None:
    await receive(stock, "cup", 1)
    await receive(stock, "pot", 2, "lyon")
    wanted = request("a-1", ("cup", 3), ("pot", 2))
    assert await reserve(stock, wanted, PLACES) == Short(
        missing=(SkuQuantity(sku="cup", quantity=3),)
    )
    assert await reserve(stock, request("a-2", ("cup", 3)), ()) == Short(
        missing=(SkuQuantity(sku="cup", quantity=3),)
    )


async def test_an_excluded_or_closed_location_is_not_tried(
    stock: PostgresInventory, stock_engine: AsyncEngine
) -> None:
    await receive(stock, "cup", 5)
    await receive(stock, "cup", 5, "shut")
    wanted = request("a-1", ("cup", 1), excluded=("berlin",))
    assert isinstance(await reserve(stock, wanted, ("berlin", "shut", "lyon")), Short)
    await receive(stock, "cup", 9)
    await receive(stock, "cup", 9, "shut")
    assert await waiting(stock_engine) == ["a-1"]
    await receive(stock, "cup", 1, "lyon")
    assert await woken(stock_engine) == {"a-1": "lyon"}


async def test_a_repeat_is_the_same_reservation(stock: PostgresInventory) -> None:
    await receive(stock, "cup", 5)
    wanted = request("a-1", ("cup", 2))
    answers = await asyncio.gather(*(reserve(stock, wanted, PLACES) for _ in range(20)))
    whole = Reserved(parts=(part("berlin", ("cup", 2)).model_copy(update={"items": cups(2)}),))
    assert set(answers) == {whole}
    assert await level(stock) == (5, 2)
    # also where another location would now come first, and after the goods have left
    await receive(stock, "cup", 50, "lyon")
    assert await reserved_at(stock, wanted, ("lyon", "berlin")) == "berlin"
    await stock.ship(ref("a-1"))
    assert await reserved_at(stock, wanted, PLACES) == "berlin"
    assert await level(stock) == (3, 0)


async def test_a_repeat_that_arrives_while_the_first_try_still_waits_is_the_same(
    stock: PostgresInventory, stock_engine: AsyncEngine
) -> None:
    await receive(stock, "cup", 5)
    wanted = request("a-1", ("cup", 2))
    async with stock_engine.connect() as connection:
        await connection.execute(locking("cup"))
        tries = [asyncio.create_task(reserved_at(stock, wanted, PLACES)) for _ in range(3)]
        await until(lambda: someone_waits_for_a_lock(stock_engine, len(tries)))
    assert await asyncio.gather(*tries) == ["berlin"] * 3
    assert await level(stock) == (5, 2)


async def test_a_key_with_other_lines_or_of_another_order_is_refused(
    stock: PostgresInventory,
) -> None:
    await receive(stock, "cup", 5)
    await reserve(stock, request("a-1", ("cup", 2)), PLACES)
    other = request("a-2", ("cup", 2)).model_copy(update={"key": "a-1/reserve/1"})
    for wanted in (request("a-1", ("cup", 3)), other):
        with pytest.raises(Refused, match="stock: key_reused"):
            await reserve(stock, wanted, PLACES)
    await reserve(stock, request("a-3", ("pot", 2)), PLACES)
    with pytest.raises(Refused, match="stock: key_reused"):
        await reserve(stock, request("a-3", ("pot", 3)), PLACES)
    assert await level(stock) == (5, 2)


async def test_an_unknown_sku_is_refused_and_changes_nothing(
    stock: PostgresInventory, stock_engine: AsyncEngine
) -> None:
    await receive(stock, "cup", 5)
    with pytest.raises(Refused, match="stock: unknown_sku"):
        await reserve(stock, request("a-1", ("cup", 1), ("ghost", 1)), PLACES)
    assert await level(stock) == (5, 0)
    assert await waiting(stock_engine) == []


async def test_of_three_hundred_buyers_one_hundred_get_the_hundred_units(
    stock: PostgresInventory, stock_engine: AsyncEngine
) -> None:
    await receive(stock, "cup", 60)
    await receive(stock, "cup", 40, "lyon")
    orders = [f"a-{number}" for number in range(300)]
    answers = await asyncio.gather(
        *(reserve(stock, request(order, ("cup", 1)), PLACES) for order in orders)
    )
    places = Counter(one.location for one in answers if isinstance(one, Reserved))
    assert places == {"berlin": 60, "lyon": 40}
    assert len(await waiting(stock_engine)) == 200
    assert [await level(stock), await level(stock, place="lyon")] == [(60, 60), (40, 40)]


async def test_a_release_that_comes_first_keeps_the_late_reserve_out(
    stock: PostgresInventory, stock_engine: AsyncEngine
) -> None:
    await receive(stock, "cup", 5)
    await stock.release(ref("a-1"))
    await stock.release(ref("a-1"))
    with pytest.raises(Refused, match="stock: reservation_released"):
        await reserve(stock, request("a-1", ("cup", 2)), PLACES)
    assert await level(stock) == (5, 0)
    assert await waiting(stock_engine) == []
    # the next try of the same order has a key of its own
    again = request("a-1", ("cup", 2), generation=2)
    assert await reserved_at(stock, again, PLACES) == "berlin"


async def test_a_released_key_stays_released(stock: PostgresInventory) -> None:
    await receive(stock, "cup", 5)
    await reserve(stock, request("a-1", ("cup", 2)), PLACES)
    await stock.release(ref("a-1"))
    for wanted in (request("a-1", ("cup", 2)), request("a-1", ("cup", 3))):
        with pytest.raises(Refused, match="stock: reservation_released"):
            await reserve(stock, wanted, PLACES)
    with pytest.raises(Refused, match="stock: reservation_released"):
        await stock.ship(ref("a-1"))
    assert await level(stock) == (5, 0)
