"""The order of a run: warm up, a burst, a steady pace, an idle look, and the yardsticks."""

import asyncio
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from temporalio.client import Client

from bench.cpu import Meter, spent_ms
from bench.ground import fill_shelves
from bench.histories import Weighed, script, weigh
from bench.result import Result, Spread, Yardstick
from bench.trade import Life, Shop
from bench.yardsticks import bare, twin, twin_worker
from config.temporal import connect
from starter.local.stack import DATABASE, Stack

WARM_UP = 8
PACED_ORDERS_MAX = 30
PACED_SHARE = 0.5
"""Of the rate that the burst reached: no queue builds up, so that times are those of the work."""
IDLE_S = 3.0

Say = Callable[[str], None]


@dataclass(frozen=True)
class Burst:
    lives: tuple[Life, ...]
    cpu_ms: Mapping[str, float]
    others_share: float


async def measure(stack: Stack, orders: int, say: Say) -> Result:
    """Run everything on a stack that is up; its worker and starter are down afterwards.

    Raises:
        NotDone: orders did not close in time.
    """
    await fill_shelves(stack)
    shop = Shop(
        stack.simulators_url, next(iter(stack.settings.channels)), stack.postgres.conninfo(DATABASE)
    )
    client = await _client(stack)
    meter = _meter(stack)
    try:
        say(f"  warming up with {WARM_UP} orders")
        await shop.sell(WARM_UP)
        say(f"  a burst of {orders} orders")
        burst = await _burst(shop, meter, orders)
        pace = PACED_SHARE * _per_s(burst.lives, lambda life: life.delivered)
        say(f"  {pace:.1f} orders a second")
        paced = await shop.sell(min(orders, PACED_ORDERS_MAX), per_s=pace)
    finally:
        await shop.aclose()
    idle = await _idle(meter)
    weighed = await weigh(client, [life.order_id for life in burst.lives])
    usual, lives = weighed[len(weighed) // 2], burst.lives
    say("  the yardsticks: a no-op twin, and five bare activities")
    to_twin, to_bare = await _yardsticks(stack, client, usual, orders)
    return Result(
        orders=orders,
        labels_per_s=_per_s(lives, lambda life: life.labelled),
        delivered_per_s=_per_s(lives, lambda life: life.delivered),
        closed_per_s=_per_s(lives, lambda life: life.closed),
        burst_to_label_s=Spread.of([life.to_label_s for life in lives]),
        paced_per_s=pace,
        paced_to_label_s=Spread.of([life.to_label_s for life in paced]),
        paced_to_delivered_s=Spread.of([life.to_delivered_s for life in paced]),
        events=Spread.of([one.count for one in weighed]),
        history_bytes=Spread.of([one.size_bytes for one in weighed]),
        usual_events=usual.by_type(),
        cpu_ms=burst.cpu_ms,
        others_share=burst.others_share,
        idle_cpu_ms=idle,
        twin=to_twin,
        bare=to_bare,
    )


async def _client(stack: Stack) -> Client:
    os.environ.update(stack.environment())
    return await connect(stack.settings)


def _meter(stack: Stack) -> Meter:
    return Meter({name: child.pid for name, child in stack.supervisor.children.items()})


async def _burst(shop: Shop, meter: Meter, orders: int) -> Burst:
    before, began = meter.read_s(), time.monotonic()
    lives = await shop.sell(orders)
    spent, took_s = spent_ms(before, meter.read_s()), time.monotonic() - began
    machine = spent.pop("machine")
    available = 1000 * took_s * (os.cpu_count() or 1)
    others = max(0.0, machine - sum(spent.values())) / available
    return Burst(lives, {name: ms / orders for name, ms in spent.items()}, others)


async def _idle(meter: Meter) -> dict[str, float]:
    before = meter.read_s()
    await asyncio.sleep(IDLE_S)
    spent = spent_ms(before, meter.read_s())
    return {name: ms / IDLE_S for name, ms in spent.items() if name != "machine"}


async def _yardsticks(
    stack: Stack, client: Client, usual: Weighed, many: int
) -> tuple[Yardstick, Yardstick]:
    """With our own processes down: what both sides have is the whole machine."""
    children = stack.supervisor.children
    for name in ("starter", "worker", "simulators"):
        children[name].stop()
    worker = stack.supervisor.start(twin_worker(stack))
    meter = Meter({"temporal": children["temporal"].pid, "worker": worker.pid})
    return await twin(client, meter, script(usual.events), many), await bare(client, meter, many)


def _per_s(lives: Sequence[Life], end: Callable[[Life], datetime]) -> float:
    first = min(life.heard for life in lives)
    return len(lives) / (max(end(life) for life in lives) - first).total_seconds()
