"""The order of a run: warm up, rounds of orders and yardsticks, a steady pace, an idle look."""

import asyncio
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from temporalio.client import Client

from bench.cpu import Meter, spent_ms
from bench.ground import fill_shelves
from bench.histories import usual
from bench.result import Result, Spread, middle
from bench.rounds import Rounds
from bench.trade import Life, Shop
from bench.yardsticks import BARE, TWIN, Yardsticks, twin_worker
from config.temporal import connect
from starter.local.stack import DATABASE, Stack

ROUNDS = 3
WARM_UP = 8
PACED_ORDERS_MAX = 30
PACED_SHARE = 0.5
"""Of the rate that the burst reached: no queue builds up, so that times are those of the work."""
IDLE_S = 3.0

Say = Callable[[str], None]


@dataclass(frozen=True)
class Paced:
    """Orders that came one after the other, so many a second."""

    per_s: float
    lives: tuple[Life, ...]


async def measure(stack: Stack, orders: int, say: Say) -> Result:
    """Run everything on a stack that is up; the yardsticks' worker is a part of it afterwards.

    Raises:
        NotDone: orders did not close in time.
    """
    await fill_shelves(stack)
    stack.supervisor.start(twin_worker(stack))
    client = await _client(stack)
    meter = Meter({name: child.pid for name, child in stack.supervisor.children.items()})
    shop = Shop(
        stack.simulators_url, next(iter(stack.settings.channels)), stack.postgres.conninfo(DATABASE)
    )
    try:
        say(f"  warming up with {WARM_UP} orders")
        yardsticks = Yardsticks(client)
        await Rounds(shop, yardsticks, meter, WARM_UP).play(0)
        rounds = Rounds(shop, yardsticks, meter, orders)
        for number in range(ROUNDS):
            say(f"  round {number + 1} of {ROUNDS}: {orders} orders, no-op twins, bare workflows")
            await rounds.play(number)
        pace = PACED_SHARE * middle(rounds.rates()).delivered_per_s
        say(f"  {pace:.1f} orders a second")
        paced = Paced(pace, await shop.sell(min(orders, PACED_ORDERS_MAX), per_s=pace))
    finally:
        await shop.aclose()
    return await _result(rounds, paced, await _idle(meter))


async def _result(rounds: Rounds, paced: Paced, idle: Mapping[str, float]) -> Result:
    played, lives, weighed = rounds.rates(), rounds.lives(), rounds.weighed
    chosen = middle(played)
    return Result(
        orders=rounds.many,
        rounds=played,
        labels_per_s=chosen.labels_per_s,
        delivered_per_s=chosen.delivered_per_s,
        closed_per_s=chosen.closed_per_s,
        burst_to_label_s=Spread.of([life.to_label_s for life in lives]),
        paced_per_s=paced.per_s,
        paced_to_label_s=Spread.of([life.to_label_s for life in paced.lives]),
        paced_to_delivered_s=Spread.of([life.to_delivered_s for life in paced.lives]),
        events=Spread.of([one.count for one in weighed]),
        history_bytes=Spread.of([one.size_bytes for one in weighed]),
        usual_events=usual(weighed).by_type(),
        cpu_ms=rounds.orders_cpu_ms(),
        others_share=rounds.others_share(),
        idle_cpu_ms=idle,
        twin=await rounds.yardstick(TWIN, chosen.twins_per_s),
        bare=await rounds.yardstick(BARE, chosen.bares_per_s),
    )


async def _client(stack: Stack) -> Client:
    os.environ.update(stack.environment())
    return await connect(stack.settings)


async def _idle(meter: Meter) -> dict[str, float]:
    before = meter.read_s()
    await asyncio.sleep(IDLE_S)
    spent = spent_ms(before, meter.read_s())
    return {name: ms / IDLE_S for name, ms in spent.items() if name != "machine"}
