"""Runs the no-op twin of an order and a bare workflow on the same server, and takes their rates."""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from temporalio.client import Client, WorkflowHandle

from bench.cpu import Meter, spent_ms
from bench.result import Yardstick
from bench.trade import NotDone
from bench.twin import QUEUE, Bare, Step, Twin
from bench.twin_worker import READY
from starter.local.processes import Spec
from starter.local.stack import Stack

STARTS_AT_ONCE = 8
"""As many as a starter's relay starts at the same time."""
WARM_UP = 4
LIMIT_S = 90.0

Start = Callable[[str], Awaitable[WorkflowHandle[Any, Any]]]


def twin_worker(stack: Stack) -> Spec:
    return Spec(
        name="twin-worker",
        command=(sys.executable, "-m", "bench.twin_worker"),
        env=stack.environment(),
        ready=lambda child: READY in child.words(),
    )


async def twin(client: Client, meter: Meter, steps: Sequence[Step], many: int) -> Yardstick:
    """The rate of workflows that take these steps."""

    async def start(workflow_id: str) -> WorkflowHandle[Any, Any]:
        return await client.start_workflow(
            Twin.run, tuple(steps), id=workflow_id, task_queue=f"{QUEUE}orders"
        )

    return await _measured(client, meter, "twin", start, many)


async def bare(client: Client, meter: Meter, many: int) -> Yardstick:
    """The rate of workflows of five no-op activities."""

    async def start(workflow_id: str) -> WorkflowHandle[Any, Any]:
        return await client.start_workflow(
            Bare.run, "orders", id=workflow_id, task_queue=f"{QUEUE}orders"
        )

    return await _measured(client, meter, "bare", start, many)


async def _measured(client: Client, meter: Meter, name: str, start: Start, many: int) -> Yardstick:
    await _all_through(f"{name}-warm-up", start, WARM_UP)
    before, began = meter.read_s(), time.monotonic()
    await _all_through(name, start, many)
    took_s, spent = time.monotonic() - began, spent_ms(before, meter.read_s())
    del spent["machine"]
    history = await client.get_workflow_handle(f"{name}:0").fetch_history()
    return Yardstick(
        per_s=many / took_s,
        events=len(history.events),
        cpu_ms={process: ms / many for process, ms in spent.items()},
    )


async def _all_through(name: str, start: Start, many: int) -> None:
    slots = asyncio.Semaphore(STARTS_AT_ONCE)

    async def one(n: int) -> None:
        async with slots:
            handle = await start(f"{name}:{n}")
        await handle.result()

    try:
        async with asyncio.timeout(LIMIT_S):
            await asyncio.gather(*(one(n) for n in range(many)))
    except TimeoutError:
        raise NotDone(f"{many} {name} workflows did not end within {LIMIT_S:g} s") from None
