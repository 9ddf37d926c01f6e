"""Connects, checks what must be there, works until SIGTERM or SIGINT, then drains."""

import asyncio
import signal
import sys
from contextlib import AsyncExitStack

import structlog

from config.logging import configure_logging
from config.settings import Settings, SettingsInvalid, load_settings
from config.temporal import SearchAttributesMissing, check_search_attributes, connect
from config.wiring import wire
from worker.health import health
from worker.workers import Ports, build

log = structlog.get_logger(__name__)


async def work(settings: Settings) -> None:
    """Run the workers of every task queue until a signal asks to stop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    client = await connect(settings)
    await check_search_attributes(client)
    wiring = wire(settings, settings.worker_database_pool)
    ports = Ports(
        order_book=wiring.order_book,
        scans=wiring.scans,
        inventory=wiring.inventory,
        warehouses=wiring.warehouses,
        carrier=wiring.carrier,
        channels=wiring.channels,
    )
    try:
        async with AsyncExitStack() as running:
            for worker in build(client, ports, settings):
                await running.enter_async_context(worker)
            await running.enter_async_context(health(settings))
            sys.stdout.write("worker ready\n")
            sys.stdout.flush()
            await stop.wait()
            log.info("draining", seconds=settings.drain_s)
    finally:
        await wiring.aclose()


def main() -> int:
    try:
        settings = load_settings()
        configure_logging(settings, "worker")
        asyncio.run(work(settings))
    except (SettingsInvalid, SearchAttributesMissing) as error:
        sys.stderr.write(f"worker: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
