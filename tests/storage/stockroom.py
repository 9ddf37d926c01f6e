"""A small stockroom to test in: what is asked of it, and how it stands."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.ids import OrderId
from domain.orders import Destination, LineRef
from domain.stock import (
    Changed,
    Claim,
    Part,
    ReservationRef,
    Reserved,
    ReserveRequest,
    Short,
    StockChange,
    StockLevel,
)
from storage.stock import PostgresInventory
from tests.storage.stock_claims import available, claimed, picked

PLACES = ("berlin", "lyon")
DEADLINE_S = 200


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


async def reserve(
    stock: PostgresInventory,
    wanted: ReserveRequest,
    places: tuple[str, ...] = PLACES,
    *,
    parts_max: int = 1,
    priority: int = 0,
) -> Reserved | Short:
    """At the first of `places` that has all, as the simplest sourcing would; or wait."""
    ranked = tuple(place for place in places if place not in wanted.excluded)
    while True:
        items = await picked(stock, wanted.lines)
        seen = await available(stock, items)
        whole = [
            Part(location=place, lines=wanted.lines)
            for place in ranked
            if all(seen.get(place, {}).get(item.sku, 0) >= item.quantity for item in items)
        ]
        claim = Claim(
            parts=tuple(whole[:1]),
            seen=seen,
            ranked=ranked,
            parts_max=parts_max,
            priority=priority,
        )
        answer = await claimed(stock, wanted, claim)
        if not isinstance(answer, Changed):
            return answer


async def reserved_at(
    stock: PostgresInventory, wanted: ReserveRequest, places: tuple[str, ...] = PLACES
) -> str:
    """Where an order that is not short was reserved."""
    answer = await reserve(stock, wanted, places)
    assert isinstance(answer, Reserved)
    return answer.location


def part(location: str, *lines: tuple[str, int]) -> Part:
    return Part(location=location, lines=request("any", *lines).lines)


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


async def everything(
    stock: PostgresInventory, sku: str = "cup", place: str = "berlin"
) -> StockLevel:
    (found,) = await stock.levels(sku=sku, location=place)
    return found


async def rows(engine: AsyncEngine, sql: str) -> list[Any]:
    async with engine.begin() as connection:
        found = await connection.execute(text(sql))
        return [tuple(row) for row in found] if found.returns_rows else []


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


async def assigned(engine: AsyncEngine) -> dict[str, dict[str, dict[str, int]]]:
    """What each order was told that it got: items by location."""
    said = await rows(engine, "SELECT order_id, body FROM inbox WHERE kind = 'stock_assigned'")
    return {
        order: {
            one["location"]: {item["sku"]: item["quantity"] for item in one["items"]}
            for one in json.loads(body)["parts"]
        }
        for order, body in said
    }


def locking(sku: str, place: str = "berlin") -> TextClause:
    """As who moves the SKU there locks it."""
    items = [{"location": place, "items": [{"sku": sku}]}]
    return text("SELECT stock_lock(CAST(:parts AS jsonb))").bindparams(parts=json.dumps(items))


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
