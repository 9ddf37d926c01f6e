"""A small stockroom to test in: what is asked of it, and how it stands."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.ids import OrderId
from domain.orders import Destination, LineRef
from domain.stock import (
    ReservationRef,
    ReserveRequest,
    StockChange,
    StockLevel,
)
from storage.stock import PostgresInventory

PLACES = ("berlin", "lyon")
DEADLINE_S = 20


def request(
    order: str, *lines: tuple[str, int], generation: int = 1, **more: Any
) -> ReserveRequest:
    return ReserveRequest(
        order_id=OrderId(order),
        key=f"{order}/reserve/{generation}",
        lines=tuple(
            LineRef(line_id=str(number), sku=sku, quantity=quantity)
            for number, (sku, quantity) in enumerate(lines)
        ),
        destination=Destination(country="DE", postal_code="10115"),
        **more,
    )


def ref(order: str, generation: int = 1) -> ReservationRef:
    return ReservationRef(order_id=OrderId(order), key=f"{order}/reserve/{generation}")


async def receive(
    stock: PostgresInventory, sku: str, quantity: int, place: str = "berlin", key: str = ""
) -> StockLevel:
    change = StockChange(
        key=key or f"in-{sku}-{place}-{quantity}",
        sku=sku,
        location=place,
        quantity=quantity,
        reason="delivery",
        by="ann",
    )
    return await stock.receive(change)


def correction(quantity: int, key: str = "c1", sku: str = "cup", **more: Any) -> StockChange:
    said = {"location": "berlin", "reason": "counted", "by": "ann"} | more
    return StockChange(key=key, sku=sku, quantity=quantity, **said)


async def level(
    stock: PostgresInventory, sku: str = "cup", place: str = "berlin"
) -> tuple[int, int]:
    levels = await stock.levels(sku=sku, location=place)
    return (levels[0].on_hand, levels[0].reserved) if levels else (0, 0)


async def rows(engine: AsyncEngine, sql: str) -> list[Any]:
    async with engine.begin() as connection:
        return [tuple(row) for row in await connection.execute(text(sql))]


async def waiting(engine: AsyncEngine) -> list[str]:
    return [
        row[0] for row in await rows(engine, "SELECT order_id FROM stock_waiting ORDER BY position")
    ]


async def woken(engine: AsyncEngine) -> dict[str, str]:
    """Which order was told of stock where."""
    said = await rows(
        engine,
        "SELECT order_id, body FROM inbox WHERE source = 'stock' AND kind = 'stock_assigned'",
    )
    return {order: json.loads(body)["parts"][0]["location"] for order, body in said}


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not await true():  # noqa: ASYNC110 - another process's state sets no event of ours
            await asyncio.sleep(0.01)


async def someone_waits_for_a_lock(engine: AsyncEngine, many: int = 1) -> bool:
    found = await rows(
        engine,
        "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
        "AND datname = current_database()",
    )
    return len(found) >= many
