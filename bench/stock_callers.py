"""Callers in one process that reserve through the product's Python, each alone or batched."""

import asyncio
import json
import random
import time
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from bench.cpu import Meter, spent_ms
from bench.load import Load, Run
from bench.stock_ground import LOCATION, Ground
from domain.ids import OrderId, effect_key
from domain.orders import Destination, LineRef
from domain.stock import Claim, Part, Reserved, ReserveRequest
from storage.engine import create_engine
from storage.stock import PostgresInventory

BATCH_MAX = 16
BATCHERS = 2
"""While one waits for its commit, the next is filled."""
NUMBERS = count(1)

Call = Callable[[ReserveRequest, Claim], Awaitable[object]]

_TOGETHER = text("""
SELECT stock_reserve(o.order_id, o.key, o.parts) AS parts
  FROM jsonb_to_recordset(CAST(:orders AS jsonb)) AS o (order_id text, key text, parts jsonb)
 ORDER BY o.order_id
""")


class NotReserved(RuntimeError):
    """There was plenty, and a caller got nothing."""


def run(where: Ground, load: Load) -> Run:
    """Let so many tasks reserve one after another, each over a connection of its own."""
    return asyncio.run(_alone(where, load))


def run_batched(where: Ground, load: Load) -> Run:
    """Let them hand their orders to a batcher instead, which sends what has come together."""
    return asyncio.run(_batched(where, load))


async def _alone(where: Ground, load: Load) -> Run:
    engine = create_engine(where.url, load.callers)
    try:
        return await _trade(PostgresInventory(engine).reserve, where, load)
    finally:
        await engine.dispose()


async def _batched(where: Ground, load: Load) -> Run:
    engine = create_engine(where.url, BATCHERS)
    batcher = Batcher(engine)
    sending = [asyncio.create_task(batcher.send()) for _ in range(BATCHERS)]
    try:
        return await _trade(batcher.reserve, where, load)
    finally:
        for task in sending:
            task.cancel()
        await asyncio.gather(*sending, return_exceptions=True)
        await engine.dispose()


class Batcher:
    """Group commit by the client: orders that wait are reserved in one transaction.

    For the bench alone. Orders for different SKUs would have to be sorted before, or two batches
    lock each other out; and one that is refused takes its whole batch with it.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._orders: asyncio.Queue[tuple[ReserveRequest, Claim, asyncio.Future[object]]]
        self._orders = asyncio.Queue()

    async def reserve(self, request: ReserveRequest, claim: Claim) -> object:
        answer: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        await self._orders.put((request, claim, answer))
        return await answer

    async def send(self) -> None:
        while True:
            batch = [await self._orders.get()]
            while len(batch) < BATCH_MAX and not self._orders.empty():
                batch.append(self._orders.get_nowait())
            batch.sort(key=lambda one: one[0].order_id)
            try:
                answers = await self._reserve_all([_asked(*one[:2]) for one in batch])
            except DBAPIError as error:
                for *_, answer in batch:
                    answer.set_exception(error)
                raise
            for (*_, answer), parts in zip(batch, answers, strict=True):
                answer.set_result(Reserved(parts=tuple(Part.model_validate(one) for one in parts)))

    async def _reserve_all(self, orders: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
        async with self._engine.begin() as connection:
            return list(await connection.scalars(_TOGETHER, {"orders": json.dumps(orders)}))


def _asked(request: ReserveRequest, claim: Claim) -> dict[str, Any]:
    parts = [part.model_dump(exclude={"items"}) for part in claim.parts]
    return {"order_id": request.order_id, "key": request.key, "parts": parts}


async def _trade(call: Call, where: Ground, load: Load) -> Run:
    meter = Meter({"server": where.pid})
    ended: list[tuple[float, float]] = []
    warm = time.perf_counter() + load.warm_s
    buying = [
        asyncio.create_task(_buy(call, load, warm + load.seconds, ended))
        for _ in range(load.callers)
    ]
    await asyncio.sleep(load.warm_s)
    before = meter.read_s()
    await asyncio.gather(*buying)
    return Run.of(ended, warm, spent_ms(before, meter.read_s())["server"])


async def _buy(call: Call, load: Load, until: float, ended: list[tuple[float, float]]) -> None:
    while time.perf_counter() < until:
        request, claim = order(f"c-{next(NUMBERS)}", [random.randint(load.low, load.high)])
        began = time.perf_counter()
        answer = await call(request, claim)
        now = time.perf_counter()
        if not isinstance(answer, Reserved):
            raise NotReserved(f"{request.order_id}: {answer!r}")
        ended.append((now, now - began))


def order(order_id: str, skus: list[int], location: str = LOCATION) -> tuple[ReserveRequest, Claim]:
    """One unit of each SKU, all at one location."""
    lines = tuple(
        LineRef(line_id=str(place), sku=f"sku-{sku}", quantity=1)
        for place, sku in enumerate(skus, 1)
    )
    request = ReserveRequest(
        order_id=OrderId(order_id),
        key=effect_key(order_id, "reserve", 1),
        lines=lines,
        destination=Destination(country="DE", postal_code="10115"),
    )
    return request, Claim(parts=(Part(location=location, lines=lines),))
