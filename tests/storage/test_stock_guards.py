"""PostgreSQL itself refuses what must not be; where it does not answer, that is an outage."""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from domain.errors import Unavailable
from storage.stock import PostgresInventory
from tests.storage.stockroom import (
    PLACES,
    level,
    locking,
    receive,
    request,
    reserve,
    reserved_at,
    rows,
    someone_waits_for_a_lock,
    until,
)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE stock SET on_hand = 99",
        "UPDATE stock SET on_hand = 99 WHERE sku = 'nobody'",
        "INSERT INTO stock (sku, location, on_hand) VALUES ('pot', 'lyon', 1)",
        "DELETE FROM stock",
        "TRUNCATE stock",
        "UPDATE stock_movements SET on_hand_delta = 99",
        "DELETE FROM stock_movements",
        "TRUNCATE stock_movements",
        "UPDATE stock_changes SET answer = '[]'",
        "DELETE FROM reservations",
        "UPDATE reservations SET location = 'lyon'",
        "UPDATE reservations SET lines = '[]', state = 'shipped'",
    ],
)
async def test_nobody_writes_past_the_ledger(
    stock: PostgresInventory, stock_engine: AsyncEngine, sql: str
) -> None:
    await receive(stock, "cup", 5)
    await reserve(stock, request("a-1", ("cup", 2)), PLACES)
    with pytest.raises(DBAPIError, match=r"ledger alone|append-only|only ever released or shipped"):
        await rows(stock_engine, sql)
    assert await level(stock) == (5, 2)


@pytest.mark.parametrize(
    ("movement", "constraint"),
    [
        (("reserved", 0, 6), "stock_covers_reserved"),
        (("released", 0, -3), "stock_not_negative"),
        (("adjusted", -4, 0), "stock_covers_reserved"),
        (("shipped", -3, -3), "stock_not_negative"),
        (("received", -1, 0), "stock_movements_fit"),
        (("reserved", 1, 1), "stock_movements_fit"),
        (("shipped", -2, -1), "stock_movements_fit"),
        (("lost", -1, 0), "stock_movements_fit"),
    ],
)
async def test_the_database_refuses_a_movement_that_cannot_be(
    stock: PostgresInventory,
    stock_engine: AsyncEngine,
    movement: tuple[str, int, int],
    constraint: str,
) -> None:
    await receive(stock, "cup", 5)
    await reserve(stock, request("a-1", ("cup", 2)), PLACES)
    planted = text("""
        INSERT INTO stock_movements (key, sku, location, kind, on_hand_delta, reserved_delta,
            order_id) VALUES ('planted', 'cup', 'berlin', :kind, :on_hand, :reserved, 'x')
        """)
    said = dict(zip(("kind", "on_hand", "reserved"), movement, strict=True))
    with pytest.raises(DBAPIError, match=constraint):
        async with stock_engine.begin() as connection:
            await connection.execute(planted, said)
    assert await level(stock) == (5, 2)


MAY_MOVE = {
    "received": {"+on_hand"},
    "restocked": {"+on_hand"},
    "transferred_in": {"+on_hand"},
    "transferred_out": {"-on_hand"},
    "adjusted": {"+on_hand", "-on_hand"},
    "counted": {"+on_hand", "-on_hand"},
    "reserved": {"+reserved"},
    "released": {"-reserved"},
    "shipped": set[str](),  # only what was reserved
    "damaged": {"+damaged", "-damaged"},
    "safety": {"+safety", "-safety"},
    "expected": {"+incoming"},
    "unexpected": {"-incoming"},
    "lost": set[str](),
}


async def test_each_kind_of_movement_moves_what_is_its_own_alone(
    stock_engine: AsyncEngine,
) -> None:
    counters = ("on_hand", "reserved", "damaged", "safety", "incoming")
    found: dict[str, set[str]] = {kind: set() for kind in MAY_MOVE}
    for kind in MAY_MOVE:
        for counter in counters:
            for sign in (1, -1):
                moved = ", ".join(str(sign if one == counter else 0) for one in counters)
                fits = f"SELECT stock_movement_fits('{kind}', {moved}, 'a-1')"
                if (await rows(stock_engine, fits))[0][0]:
                    found[kind].add(("+" if sign > 0 else "-") + counter)
    assert found == MAY_MOVE


async def test_a_lost_connection_is_an_outage_and_not_a_bug(
    stock: PostgresInventory, stock_engine: AsyncEngine
) -> None:
    await receive(stock, "cup", 5)
    async with stock_engine.connect() as connection:
        await connection.execute(locking("cup"))
        blocked = asyncio.create_task(reserve(stock, request("a-1", ("cup", 1)), PLACES))
        await until(lambda: someone_waits_for_a_lock(stock_engine))
        await rows(
            stock_engine,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE wait_event_type = 'Lock' AND datname = current_database()",
        )
        with pytest.raises(Unavailable) as lost:
            await blocked
    assert (lost.value.code, lost.value.fate_unknown) == ("connection_lost", True)
    assert await reserved_at(stock, request("a-1", ("cup", 1)), PLACES) == "berlin"
    assert await level(stock) == (5, 1)


async def test_a_deadlock_is_an_outage_and_leaves_nothing_behind(
    stock: PostgresInventory, stock_engine: AsyncEngine
) -> None:
    """Somebody who locks in another order than ours, and is more patient."""
    await receive(stock, "cup", 5)
    await receive(stock, "pot", 5)
    async with stock_engine.connect() as connection:
        await connection.execute(text("SET LOCAL deadlock_timeout = '60s'"))
        await connection.execute(locking("pot"))
        wanted = request("a-1", ("cup", 1), ("pot", 1))
        reserving = asyncio.create_task(reserve(stock, wanted, PLACES))
        await until(lambda: someone_waits_for_a_lock(stock_engine))
        circle = asyncio.create_task(connection.execute(locking("cup")))
        with pytest.raises(Unavailable) as stuck:
            await reserving
        await circle
    assert (stuck.value.code, stuck.value.fate_unknown) == ("deadlock", False)
    assert await level(stock) == (5, 0)


async def test_no_connection_left_is_an_outage(
    database_url: str, stock_engine: AsyncEngine
) -> None:
    narrow = create_async_engine(database_url, pool_size=1, max_overflow=0, pool_timeout=0.05)
    async with narrow.connect():
        with pytest.raises(Unavailable, match="stock: pool_exhausted"):
            await PostgresInventory(narrow).levels()
    await narrow.dispose()
