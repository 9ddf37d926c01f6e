"""Callers in one process that reserve through the product's Python, each alone or batched."""

import asyncio
import json
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.inventory import reserve_where_best
from bench.cpu import Meter, spent_ms
from bench.load import Load, Run
from bench.stock_ground import Ground
from domain.ids import OrderId, effect_key
from domain.orders import Destination, LineRef
from domain.sourcing.case import Case
from domain.sourcing.claims import claim
from domain.sourcing.decision import Decision
from domain.sourcing.source import source
from domain.stock import Reserved, ReserveRequest
from storage.engine import create_engine
from storage.sourcing import PostgresSourcing
from storage.sourcing_kept import why
from storage.sourcing_rules import SourcingRules
from storage.stock import PostgresInventory

BATCH_MAX = 16
BATCHERS = 2
"""While one waits for its commit, the next is filled."""
SOURCED_MAX = 200
"""So many SKUs are sourced before the clock starts."""

NUMBERS = count(1)
_DECIDED = text("INSERT INTO bench.decided (why) VALUES (:why)")
_TOGETHER = text("""
SELECT sourcing_reserve(o.order_id, o.key, o.parts, NULL, o.why) AS parts
  FROM jsonb_to_recordset(CAST(:orders AS jsonb))
       AS o (order_id text, key text, parts jsonb, why jsonb) ORDER BY o.order_id
""")


class NotReserved(RuntimeError):
    """There was plenty, and a caller got nothing."""


@dataclass(frozen=True)
class Sourced:
    """What sourcing said of a SKU: every order for it is the same but for its name."""

    sku: int
    case: Case
    decision: Decision


Call = Callable[[ReserveRequest, Sourced], Awaitable[object]]


def decide(where: Ground, sku: int) -> None:
    """Put what sourcing says of a SKU where scripts find it."""
    asyncio.run(_decide(where, sku))


async def _decide(where: Ground, sku: int) -> None:
    engine = create_engine(where.url, 1)
    try:
        case = await sourcing_over(engine).case(order("decided", [sku]))
        async with engine.begin() as connection:
            await connection.execute(_DECIDED, {"why": why(case, source(case))})
    finally:
        await engine.dispose()


def reserve(where: Ground, load: Load) -> Run:
    """Tasks that reserve one after another, each over a connection of its own, sourced before."""

    def by_decision(sourcing: PostgresSourcing) -> Call:
        return lambda request, found: sourcing.reserve(request, found.case, found.decision)

    return asyncio.run(_alone(where, load, by_decision))


def source_and_reserve(where: Ground, load: Load) -> Run:
    """The same as an order does it: what there is, where from, then the reservation."""

    async def as_an_order(sourcing: PostgresSourcing, request: ReserveRequest) -> object:
        answer, _ = await reserve_where_best(sourcing, request)
        return answer

    return asyncio.run(
        _alone(where, load, lambda sourcing: lambda request, _: as_an_order(sourcing, request))
    )


def reserve_batched(where: Ground, load: Load) -> Run:
    """Tasks that hand their orders to a batcher, which sends what has come together."""
    return asyncio.run(_batched(where, load))


async def _alone(where: Ground, load: Load, calling: Callable[[PostgresSourcing], Call]) -> Run:
    engine = create_engine(where.url, load.callers)
    try:
        sourcing = sourcing_over(engine)
        sourced = await _source_some(sourcing, load)
        return await _trade(calling(sourcing), sourced, where, load)
    finally:
        await engine.dispose()


async def _batched(where: Ground, load: Load) -> Run:
    engine = create_engine(where.url, BATCHERS)
    batcher = Batcher(engine)
    sending = [asyncio.create_task(batcher.send()) for _ in range(BATCHERS)]
    try:
        sourced = await _source_some(sourcing_over(engine), load)
        return await _trade(batcher.reserve, sourced, where, load)
    finally:
        for task in sending:
            task.cancel()
        await asyncio.gather(*sending, return_exceptions=True)
        await engine.dispose()


def sourcing_over(engine: AsyncEngine) -> PostgresSourcing:
    return PostgresSourcing(engine, PostgresInventory(engine), SourcingRules(engine))


async def _source_some(sourcing: PostgresSourcing, load: Load) -> list[Sourced]:
    numbers = range(load.low, load.high + 1)
    found = []
    for sku in random.sample(numbers, min(len(numbers), SOURCED_MAX)):
        case = await sourcing.case(order("sourced", [sku]))
        found.append(Sourced(sku, case, source(case)))
    return found


class Batcher:
    """Group commit by the client: orders that wait are reserved in one transaction.

    For the bench alone. Orders for different SKUs would have to be sorted before, or two batches
    lock each other out; and one that is refused takes its whole batch with it.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._orders: asyncio.Queue[tuple[ReserveRequest, Sourced, asyncio.Future[object]]]
        self._orders = asyncio.Queue()

    async def reserve(self, request: ReserveRequest, found: Sourced) -> object:
        answer: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        await self._orders.put((request, found, answer))
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
                answer.set_result(Reserved(parts=parts))

    async def _reserve_all(self, orders: list[dict[str, Any]]) -> list[Any]:
        async with self._engine.begin() as connection:
            return list(await connection.scalars(_TOGETHER, {"orders": json.dumps(orders)}))


def _asked(request: ReserveRequest, found: Sourced) -> dict[str, Any]:
    wanted = claim(request.channel, found.case, found.decision)
    return {
        "order_id": request.order_id,
        "key": request.key,
        "parts": [part.model_dump(exclude={"items"}) for part in wanted.parts],
        "why": json.loads(why(found.case, found.decision)),
    }


async def _trade(call: Call, sourced: Sequence[Sourced], where: Ground, load: Load) -> Run:
    meter = Meter({"server": where.pid})
    ended: list[tuple[float, float]] = []
    warm = time.perf_counter() + load.warm_s
    buying = [
        asyncio.create_task(_buy(call, sourced, warm + load.seconds, ended))
        for _ in range(load.callers)
    ]
    await asyncio.sleep(load.warm_s)
    before = meter.read_s()
    await asyncio.gather(*buying)
    return Run.of(ended, warm, spent_ms(before, meter.read_s())["server"])


async def _buy(
    call: Call, sourced: Sequence[Sourced], until: float, ended: list[tuple[float, float]]
) -> None:
    while time.perf_counter() < until:
        found = random.choice(sourced)
        request = order(f"c-{next(NUMBERS)}", [found.sku])
        began = time.perf_counter()
        answer = await call(request, found)
        now = time.perf_counter()
        if not isinstance(answer, Reserved):
            raise NotReserved(f"{request.order_id}: {answer!r}")
        ended.append((now, now - began))


def order(order_id: str, skus: Sequence[int]) -> ReserveRequest:
    """An order for one unit of each SKU."""
    return ReserveRequest(
        order_id=OrderId(order_id),
        key=effect_key(order_id, "reserve", 1),
        lines=tuple(
            LineRef(line_id=str(place), sku=f"sku-{sku}", quantity=1)
            for place, sku in enumerate(skus, 1)
        ),
        destination=Destination(country="DE", postal_code="10115"),
    )
