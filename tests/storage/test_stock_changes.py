"""Goods come in, are corrected and come back: each once, and never below what is promised."""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.errors import Refused
from domain.ids import OrderId
from domain.stock import (
    RestockRequest,
    SkuQuantity,
    StockChange,
    StockLevel,
)
from storage.stock import PostgresInventory
from storage.stock_changes import StockChangeRefused
from tests.storage.stockroom import (
    PLACES,
    assigned,
    correction,
    level,
    receive,
    request,
    reserve,
    rows,
    someone_waits_for_a_lock,
    until,
    waiting,
    woken,
)


async def test_returned_goods_go_back_once_and_to_those_who_wait(
    stock: PostgresInventory, stock_engine: AsyncEngine
) -> None:
    await reserve(stock, request("a-2", ("cup", 2)), PLACES)
    back = RestockRequest(
        return_id="r-1",
        order_id=OrderId("a-1"),
        location="berlin",
        lines=(SkuQuantity(sku="cup", quantity=1), SkuQuantity(sku="cup", quantity=2)),
        key="a-1/r1/restock/1",
    )
    await asyncio.gather(*(stock.restock(back) for _ in range(5)))
    assert await level(stock) == (3, 2)
    assert await woken(stock_engine) == {"a-2": "berlin"}
    with pytest.raises(Refused, match="stock: key_reused"):
        await stock.restock(back.model_copy(update={"location": "lyon"}))
    with pytest.raises(Refused, match="stock: unknown_location"):
        await stock.restock(back.model_copy(update={"location": "moon", "key": "k2"}))


async def test_a_correction_moves_what_is_on_hand_but_never_what_is_promised(
    stock: PostgresInventory, stock_engine: AsyncEngine
) -> None:
    await receive(stock, "cup", 5)
    await reserve(stock, request("a-1", ("cup", 3)), PLACES)
    left = StockLevel(sku="cup", location="berlin", on_hand=3, reserved=3)
    assert await stock.adjust(correction(-2)) == left
    with pytest.raises(StockChangeRefused) as refused:
        await stock.adjust(correction(-1, key="c2"))
    assert (refused.value.field, refused.value.code) == ("quantity", "below_reserved")
    assert str(refused.value) == "quantity would leave less on hand than is promised to orders"
    assert await level(stock) == (3, 3)
    await reserve(stock, request("a-2", ("cup", 1)), PLACES)
    assert (await stock.adjust(correction(1, key="c3"))).reserved == 4
    assert await woken(stock_engine) == {"a-2": "berlin"}


async def test_a_repeated_change_is_booked_once_and_answered_the_same(
    stock: PostgresInventory,
) -> None:
    answers = await asyncio.gather(*(receive(stock, "cup", 5, key="k") for _ in range(10)))
    await reserve(stock, request("a-1", ("cup", 2)), PLACES)
    answers.append(await receive(stock, "cup", 5, key="k"))
    assert answers == [StockLevel(sku="cup", location="berlin", on_hand=5, reserved=0)] * 11
    assert await level(stock) == (5, 2)
    for again in (
        receive(stock, "cup", 6, key="k"),
        receive(stock, "pot", 5, key="k"),
        stock.adjust(correction(5, key="k", reason="delivery")),
    ):
        with pytest.raises(StockChangeRefused) as refused:
            await again
        assert (refused.value.field, refused.value.code) == ("key", "key_reused")
    assert await level(stock) == (5, 2)


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        (correction(-1), "quantity", "below_reserved"),
        (correction(0), "quantity", "zero"),
        (correction(10**13), "quantity", "too_large"),
        (correction(1, reason=" "), "reason", "missing"),
        (correction(1, key=""), "key", "missing"),
        (correction(1, sku="ghost"), "sku", "unknown_sku"),
        (correction(1, sku="cup\0"), "sku", "bad_character"),
        (correction(1, location="moon"), "location", "unknown_location"),
    ],
)
async def test_a_wrong_correction_names_field_and_reason(
    stock: PostgresInventory, stock_engine: AsyncEngine, change: StockChange, field: str, code: str
) -> None:
    with pytest.raises(StockChangeRefused) as refused:
        await stock.adjust(change)
    assert (refused.value.field, refused.value.code) == (field, code)
    assert await rows(stock_engine, "SELECT key FROM stock_movements") == []
    assert await stock.levels() == ()


async def test_a_receipt_must_bring_something(stock: PostgresInventory) -> None:
    with pytest.raises(StockChangeRefused, match="quantity must be at least 1"):
        await stock.receive(correction(-3))


async def test_levels_come_in_pages(stock: PostgresInventory) -> None:
    for sku in ("cup", "pot", "tea"):
        for place in PLACES:
            await receive(stock, sku, 1, place)
    first = await stock.levels(limit=4)
    rest = await stock.levels(after=(first[-1].sku, first[-1].location), limit=4)
    assert [(one.sku, one.location) for one in first + rest] == [
        (sku, place) for sku in ("cup", "pot", "tea") for place in PLACES
    ]
    assert [one.sku for one in await stock.levels(location="lyon")] == ["cup", "pot", "tea"]


async def test_damaged_goods_are_on_hand_until_they_are_written_off(
    stock: PostgresInventory, stock_engine: AsyncEngine
) -> None:
    await receive(stock, "cup", 5)
    await reserve(stock, request("a-1", ("cup", 3)), PLACES)
    for _ in range(2):
        left = await stock.move_to_damaged(correction(2, key="d1", reason="dropped"))
    assert left == StockLevel(sku="cup", location="berlin", on_hand=5, reserved=3, damaged=2)
    with pytest.raises(StockChangeRefused, match="less on hand than is promised"):
        await stock.move_to_damaged(correction(1, key="d2"))
    with pytest.raises(StockChangeRefused, match="quantity is more than is damaged"):
        await stock.move_to_damaged(correction(-3, key="d3"))
    with pytest.raises(StockChangeRefused, match="quantity is more than is damaged"):
        await stock.write_off(correction(-3, key="d4"))
    left = await stock.write_off(correction(-1, key="d5", reason="thrown away"))
    assert (left.on_hand, left.damaged, left.available) == (4, 1, 0)
    await reserve(stock, request("a-2", ("cup", 1)), PLACES)
    left = await stock.move_to_damaged(correction(-1, key="d6", reason="mended"))
    assert (left.on_hand, left.reserved, left.damaged) == (4, 4, 0)
    assert await woken(stock_engine) == {"a-2": "berlin"}


async def test_a_count_says_what_is_on_hand(
    stock: PostgresInventory, stock_engine: AsyncEngine
) -> None:
    assert (await stock.count(correction(7, key="n1"))).on_hand == 7
    assert (await stock.count(correction(4, key="n2"))).on_hand == 4
    assert (await stock.count(correction(4, key="n3"))).on_hand == 4
    await reserve(stock, request("a-1", ("cup", 3)), PLACES)
    with pytest.raises(StockChangeRefused, match="less on hand than is promised"):
        await stock.count(correction(2, key="n4"))
    with pytest.raises(StockChangeRefused, match="must not be below 0"):
        await stock.count(correction(-1, key="n5"))
    counted = "SELECT on_hand_delta FROM stock_movements WHERE kind = 'counted' ORDER BY id"
    assert await rows(stock_engine, counted) == [(7,), (-3,), (0,)]


async def test_safety_stock_is_a_target_that_holds_back_what_is_there(
    stock: PostgresInventory, stock_engine: AsyncEngine
) -> None:
    left = await stock.set_safety(correction(5, key="s1"))
    assert (left.safety_stock, left.held_safety_stock, left.available) == (5, 0, 0)
    left = await receive(stock, "cup", 7)
    assert (left.held_safety_stock, left.available) == (5, 2)
    await reserve(stock, request("a-1", ("cup", 4)), PLACES)
    left = await stock.set_safety(correction(3, key="s2"))
    assert (left.safety_stock, left.reserved, left.available) == (3, 4, 0)
    assert await woken(stock_engine) == {"a-1": "berlin"}
    assert left.on_hand == left.available + left.reserved + left.damaged + left.held_safety_stock


async def test_counters_that_drifted_are_told_of_and_rebuilt(
    stock: PostgresInventory, stock_engine: AsyncEngine
) -> None:
    await receive(stock, "cup", 5)
    await receive(stock, "pot", 2)
    await reserve(stock, request("a-1", ("cup", 2)), PLACES)
    assert await stock.drift() == await stock.rebuild() == ()
    async with stock_engine.begin() as connection:
        await connection.execute(text("SET LOCAL session_replication_role = replica"))
        await connection.execute(
            text("UPDATE stock SET on_hand = 9, reserved = 0 WHERE sku = 'cup'")
        )
        await connection.execute(text("DELETE FROM stock WHERE sku = 'pot'"))
    found = await stock.drift()
    assert [(one.sku, one.counted and one.counted["on_hand"]) for one in found] == [
        ("cup", 9),
        ("pot", None),
    ]
    assert found[0].folded == {
        "on_hand": 5, "reserved": 2, "damaged": 0, "safety_stock": 0, "incoming": 0
    }  # fmt: skip
    assert await stock.rebuild() == found
    assert await stock.drift() == ()
    assert [await level(stock), await level(stock, "pot")] == [(5, 2), (2, 0)]
    with pytest.raises(DBAPIError, match="ledger alone"):
        await rows(stock_engine, "UPDATE stock SET on_hand = 99")


async def lost(engine: AsyncEngine) -> None:
    """All that was on hand, in the counters alone, as a damaged disk might."""
    async with engine.begin() as connection:
        await connection.execute(text("SET LOCAL session_replication_role = replica"))
        await connection.execute(text("UPDATE stock SET on_hand = 0, reserved = 0"))


async def test_what_a_rebuild_finds_goes_to_those_who_wait_in_turn(
    stock: PostgresInventory, stock_engine: AsyncEngine
) -> None:
    await receive(stock, "cup", 5)
    await receive(stock, "pot", 1)
    await lost(stock_engine)
    await reserve(stock, request("a-1", ("cup", 4), ("pot", 1)), PLACES)
    await reserve(stock, request("a-2", ("pot", 1)), PLACES, priority=1)
    await reserve(stock, request("a-3", ("cup", 5)), PLACES)
    await reserve(stock, request("a-4", ("cup", 1)), PLACES)
    assert [one.sku for one in await stock.rebuild()] == ["cup", "pot"]
    assert await assigned(stock_engine) == {
        "a-2": {"berlin": {"pot": 1}},
        "a-3": {"berlin": {"cup": 5}},
    }
    assert [await level(stock), await level(stock, "pot")] == [(5, 5), (1, 1)]
    assert await waiting(stock_engine) == ["a-1", "a-4"]
    assert await stock.drift() == ()


async def test_who_enters_the_queue_while_counters_are_rebuilt_is_not_passed_over(
    stock: PostgresInventory, stock_engine: AsyncEngine
) -> None:
    await receive(stock, "cup", 5)
    await lost(stock_engine)
    enters = text("""
        SELECT stock_wait('a-1', 'a-1/reserve/1', '[{"line_id": "1", "sku": "cup", "quantity": 4}]',
                          '{berlin,lyon}', '{}')
        """)
    async with stock_engine.begin() as connection:
        await connection.execute(text("SELECT stock_lock_skus('{cup}')"))
        rebuilding = asyncio.create_task(stock.rebuild())
        await until(lambda: someone_waits_for_a_lock(stock_engine))
        await connection.execute(enters)
    assert len(await rebuilding) == 1
    assert await assigned(stock_engine) == {"a-1": {"berlin": {"cup": 4}}}


async def test_skus_and_keys_may_hold_what_parts_them_in_a_movement(
    stock: PostgresInventory, stock_engine: AsyncEngine
) -> None:
    await rows(stock_engine, "INSERT INTO skus (sku, title) VALUES ('a#cup', 'Cup')")
    first = await receive(stock, "a#cup", 3, key="k")
    second = await receive(stock, "cup", 2, key="k#a")
    assert (first.on_hand, second.on_hand) == (3, 2)
    assert await stock.drift() == ()
