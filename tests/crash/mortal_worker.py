"""`python -m tests.crash.mortal_worker`: the product's worker, with failpoints around its ports."""

import asyncio
import signal
import sys
from contextlib import AsyncExitStack

from config.logging import configure_logging
from config.settings import Settings, load_settings
from config.temporal import check_search_attributes, connect
from config.wiring import wire
from starter.local.stack import WORKER_READY
from tests.crash.failpoints import Failpoints, wrapped_ports
from worker.workers import build


async def work(settings: Settings) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    client = await connect(settings)
    await check_search_attributes(client)
    wiring = wire(settings, settings.worker_database_pool)
    ports = wrapped_ports(wiring, Failpoints.from_environment())
    try:
        async with AsyncExitStack() as running:
            for worker in build(client, ports, settings):
                await running.enter_async_context(worker)
            sys.stdout.write(f"{WORKER_READY}\n")
            sys.stdout.flush()
            await stop.wait()
    finally:
        await wiring.aclose()


def main() -> None:
    settings = load_settings()
    configure_logging(settings, "worker")
    asyncio.run(work(settings))


if __name__ == "__main__":
    main()
