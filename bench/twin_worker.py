"""`python -m bench.twin_worker`: serves the yardsticks with the product's own worker settings."""

import asyncio
import signal
import sys
from contextlib import AsyncExitStack

from temporalio.client import Client
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from bench.ground import PACE_S
from bench.twin import QUEUE, Bare, Twin, World, nothing_written
from config.settings import Settings, load_settings
from config.temporal import connect
from worker.workers import PASSED_THROUGH

READY = "yardsticks ready"


def _workers(client: Client, settings: Settings) -> list[Worker]:
    slots, world = settings.slots, World(PACE_S)
    restrictions = SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH, "bench")
    orders = Worker(
        client,
        task_queue=f"{QUEUE}orders",
        workflows=[Twin, Bare],
        activities=[world.nothing_done, nothing_written],
        workflow_runner=SandboxedWorkflowRunner(restrictions=restrictions),
        max_concurrent_workflow_tasks=slots.workflow_tasks,
        max_concurrent_activities=slots.orders,
        max_concurrent_local_activities=slots.orders,
    )
    others = {"warehouse": slots.warehouse, "carrier": slots.carrier, "channel": slots.channel}
    return [orders] + [
        Worker(
            client,
            task_queue=f"{QUEUE}{queue}",
            activities=[world.nothing_done],
            max_concurrent_activities=many,
        )
        for queue, many in others.items()
    ]


async def work() -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    settings = load_settings()
    client = await connect(settings)
    async with AsyncExitStack() as running:
        for worker in _workers(client, settings):
            await running.enter_async_context(worker)
        sys.stdout.write(f"{READY}\n")
        sys.stdout.flush()
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(work())
