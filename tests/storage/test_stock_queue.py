"""Who waits for goods is served in turn, is always woken, and blocks nobody."""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.errors import Refused
from domain.stock import (
    Reserved,
    Short,
    SkuQuantity,
    StockLevel,
)
from storage.stock import PostgresInventory
from tests.storage.stockroom import (
    PLACES,
    correction,
    level,
    receive,
    ref,
    request,
    reserve,
    reserved_at,
    rows,
    someone_waits_for_a_lock,
    until,
    waiting,
    woken,
)


async def test_a_repeat_while_short_keeps_its_one_place_in_the_queue(
    stock: PostgresInventory, stock_engine: AsyncEngine
) -> None:
    first, second = request("a-1", ("cup", 2)), request("a-2", ("cup", 2))
    await reserve(stock, first, PLACES)
    await reserve(stock, second, PLACES)
    answers = await asyncio.gather(*(reserve(stock, first, PLACES) for _ in range(10)))
    assert set(answers) == {Short(missing=(SkuQuantity(sku="cup", quantity=2),))}
    assert await waiting(stock_engine) == ["a-1", "a-2"]


async def test_orders_of_many_skus_in_any_order_never_lock_each_other_out(
    stock: PostgresInventory, stock_engine: AsyncEngine
) -> None:
    """Buyers, cancellations and goods received cross each other over two locations."""
    skus = ("cup", "pot", "tea")
    for sku in skus:
        for place in PLACES:
            await receive(stock, sku, 20, place)

    async def buy(number: int) -> None:
        lines = [(skus[(number + step) % 3], 1 + number % 2) for step in (0, 2)]
        places = PLACES if number % 2 else PLACES[::-1]
        await reserve(stock, request(f"a-{number}", *lines), places)
        if number % 3 == 0:
            await stock.release(ref(f"a-{number}"))
        if number % 10 == 0:
            place, sku = PLACES[number % 4 // 2], skus[number // 10 % 3]
            await receive(stock, sku, 2, place, key=f"in-{number}")

    async with asyncio.timeout(200):
        await asyncio.gather(*(buy(number) for number in range(240)))
    for one in await stock.levels():
        assert 0 <= one.reserved <= one.on_hand
    left = {(one.sku, one.location): one.available for one in await stock.levels()}
    for lines, ranked in await rows(stock_engine, "SELECT items, ranked FROM stock_waiting"):
        for place in ranked:
            assert any(left[line["sku"], place] < line["quantity"] for line in lines)


async def test_goods_that_leave_and_goods_that_come_never_lock_each_other_out(
    stock: PostgresInventory, stock_engine: AsyncEngine
) -> None:
    """Pots come in for orders that want cups too, while cups and pots leave together."""
    many = range(60)
    await receive(stock, "cup", 120)
    await receive(stock, "pot", 60)
    for number in range(120):
        await reserve(stock, request(f"a-{number}", ("cup", 1), ("pot", 1)), PLACES)
    assert await waiting(stock_engine) == [f"a-{number}" for number in range(60, 120)]
    await asyncio.gather(
        *(stock.ship(ref(f"a-{number}")) for number in many),
        *(receive(stock, "pot", 1, key=f"in-{number}") for number in many),
    )
    assert await waiting(stock_engine) == []
    assert [await level(stock, "cup"), await level(stock, "pot")] == [(60, 60), (60, 60)]


async def test_goods_received_go_to_those_who_wait_the_oldest_first(
    stock: PostgresInventory, stock_engine: AsyncEngine
) -> None:
    for order, quantity in (("a-1", 4), ("a-2", 2), ("a-3", 1), ("a-4", 1)):
        await reserve(stock, request(order, ("cup", quantity)), PLACES)
    left = await receive(stock, "cup", 3)
    # a-1 cannot be served whole; a-2 and a-3 can, and leave nothing for a-4
    assert left == StockLevel(sku="cup", location="berlin", on_hand=3, reserved=3)
    assert await woken(stock_engine) == {"a-2": "berlin", "a-3": "berlin"}
    assert await waiting(stock_engine) == ["a-1", "a-4"]
    assert await reserved_at(stock, request("a-2", ("cup", 2)), PLACES) == "berlin"
    left = await receive(stock, "cup", 6, "lyon")
    assert left == StockLevel(sku="cup", location="lyon", on_hand=6, reserved=5)
    assert await waiting(stock_engine) == []


async def test_the_wake_up_is_an_inbox_row_of_its_own(
    stock: PostgresInventory, stock_engine: AsyncEngine
) -> None:
    await reserve(stock, request("a-1", ("cup", 1)), PLACES)
    await receive(stock, "cup", 1)
    said = "SELECT source, kind, event_key, order_id, convert_from(body, 'UTF8') FROM inbox"
    assert await rows(stock_engine, said) == [
        (
            "stock",
            "stock_assigned",
            "a-1/a-1/reserve/1",
            "a-1",
            (
                '{"key": "a-1/reserve/1", "parts": [{"items": [{"sku": "cup", "quantity": 1}], '
                '"lines": [{"sku": "cup", "unit": [{"sku": "cup", "quantity": 1}], "line_id": "0", '
                '"quantity": 1}], "location": "berlin"}]}'
            ),
        )
    ]


async def test_a_new_order_does_not_overtake_the_queue(
    stock: PostgresInventory, stock_engine: AsyncEngine
) -> None:
    await reserve(stock, request("a-1", ("cup", 5)), PLACES)
    buyers = [reserve(stock, request(f"b-{number}", ("cup", 5)), PLACES) for number in range(20)]
    await asyncio.gather(receive(stock, "cup", 5), *buyers)
    assert await woken(stock_engine) == {"a-1": "berlin"}
    assert await reserved_at(stock, request("a-1", ("cup", 5)), PLACES) == "berlin"


async def test_released_stock_goes_to_the_next_in_the_queue(
    stock: PostgresInventory, stock_engine: AsyncEngine
) -> None:
    await receive(stock, "cup", 2)
    await reserve(stock, request("a-1", ("cup", 2)), PLACES)
    await reserve(stock, request("a-2", ("cup", 2)), PLACES)
    await asyncio.gather(*(stock.release(ref("a-1")) for _ in range(5)))
    assert await woken(stock_engine) == {"a-2": "berlin"}
    assert await level(stock) == (2, 2)
    await stock.release(ref("a-2"))
    assert await level(stock) == (2, 0)


async def test_an_order_that_waits_for_two_things_gets_both_or_neither(
    stock: PostgresInventory, stock_engine: AsyncEngine
) -> None:
    await reserve(stock, request("a-1", ("cup", 1), ("pot", 1)), PLACES)
    await receive(stock, "cup", 1)
    await receive(stock, "pot", 1, "lyon")
    assert await waiting(stock_engine) == ["a-1"]
    await receive(stock, "pot", 1)
    assert await woken(stock_engine) == {"a-1": "berlin"}
    assert await level(stock, "cup") == (1, 1)
    assert await level(stock, "pot") == (1, 1)


async def test_goods_for_two_locations_at_once_are_given_to_an_order_once(
    stock: PostgresInventory, stock_engine: AsyncEngine
) -> None:
    for number in range(20):
        order = f"a-{number}"
        await reserve(stock, request(order, ("cup", 1), ("pot", 1)), PLACES)
        await receive(stock, "cup", 1, "berlin", key=f"{order}-1")
        await receive(stock, "pot", 1, "lyon", key=f"{order}-2")
        await asyncio.gather(
            receive(stock, "pot", 1, "berlin", key=f"{order}-3"),
            receive(stock, "cup", 1, "lyon", key=f"{order}-4"),
        )
        assert await waiting(stock_engine) == []
        place = (await woken(stock_engine))[order]
        other = PLACES[1 - PLACES.index(place)]
        assert await level(stock, "cup", place) == (1, 1)
        assert await level(stock, "cup", other) == (1, 0)
        # out of the way of the next round
        await stock.ship(ref(order))
        await stock.adjust(correction(-1, key=f"{order}-5", location=other))
        await stock.adjust(correction(-1, key=f"{order}-6", sku="pot", location=other))


async def test_releasing_an_order_that_waits_takes_it_out_of_the_queue(
    stock: PostgresInventory, stock_engine: AsyncEngine
) -> None:
    await reserve(stock, request("a-1", ("cup", 2)), PLACES)
    await stock.release(ref("a-1"))
    assert await receive(stock, "cup", 2) == StockLevel(
        sku="cup", location="berlin", on_hand=2, reserved=0
    )
    assert await woken(stock_engine) == {}


async def test_a_late_release_of_an_old_key_leaves_the_new_one_waiting(
    stock: PostgresInventory, stock_engine: AsyncEngine
) -> None:
    await reserve(stock, request("a-1", ("cup", 2), generation=2), PLACES)
    await stock.release(ref("a-1", 1))
    assert await waiting(stock_engine) == ["a-1"]


async def test_a_release_that_races_goods_received_leaves_nothing_promised(
    stock: PostgresInventory, stock_engine: AsyncEngine
) -> None:
    for number in range(30):
        order = f"a-{number}"
        await reserve(stock, request(order, ("cup", 1)), PLACES)
        await asyncio.gather(
            receive(stock, "cup", 1, key=f"in-{number}"), stock.release(ref(order))
        )
        assert await level(stock) == (1, 0)
        await stock.adjust(correction(-1, key=f"out-{number}"))
    assert await waiting(stock_engine) == []


async def test_goods_that_race_a_short_reserve_never_leave_it_asleep(
    stock: PostgresInventory, stock_engine: AsyncEngine
) -> None:
    for number in range(60):
        order = f"a-{number}"
        answer, _ = await asyncio.gather(
            reserve(stock, request(order, ("cup", 1), ("pot", 1)), PLACES),
            asyncio.gather(
                receive(stock, "cup", 1, key=f"cup-{number}"),
                receive(stock, "pot", 1, key=f"pot-{number}"),
            ),
        )
        assert await waiting(stock_engine) == []
        assert isinstance(answer, Reserved) or order in await woken(stock_engine)
        await stock.ship(ref(order))
    assert await level(stock) == (0, 0)


async def test_goods_that_come_while_an_order_enters_the_queue_wait_for_it(
    stock: PostgresInventory, stock_engine: AsyncEngine
) -> None:
    """The order is held at the very moment between its last look and its commit."""
    async with stock_engine.begin() as connection:
        entered = await connection.execute(
            text("""
            SELECT parts, missing FROM stock_wait('a-1', 'a-1/reserve/1',
                '[{"line_id": "0", "sku": "cup", "quantity": 1}]', '{berlin}', '{}')
            """)
        )
        assert entered.one().missing == [{"sku": "cup", "quantity": 1}]
        arrival = asyncio.create_task(receive(stock, "cup", 1))
        await until(lambda: someone_waits_for_a_lock(stock_engine))
        assert not arrival.done()
    assert (await arrival).reserved == 1
    assert await woken(stock_engine) == {"a-1": "berlin"}


async def test_shipped_goods_leave_both_counters_once(stock: PostgresInventory) -> None:
    await receive(stock, "cup", 5)
    await reserve(stock, request("a-1", ("cup", 2)), PLACES)
    await asyncio.gather(*(stock.ship(ref("a-1")) for _ in range(5)))
    assert await level(stock) == (3, 0)
    with pytest.raises(Refused, match="stock: reservation_shipped"):
        await stock.release(ref("a-1"))
    with pytest.raises(Refused, match="stock: reservation_unknown"):
        await stock.ship(ref("a-2"))
    assert await level(stock) == (3, 0)
