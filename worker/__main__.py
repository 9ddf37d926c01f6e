"""Connects, checks what must be there, works until SIGTERM or SIGINT, then drains."""

import asyncio
import contextlib
import signal
import sys
from contextlib import AsyncExitStack

import structlog
import uvloop
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from config import garbage
from config.leaving import leave
from config.logging import configure_logging
from config.settings import Settings, SettingsInvalid, load_settings
from config.temporal import SearchAttributesMissing, check_search_attributes, connect
from config.wiring import NO_CARRIER, wire
from domain import geography
from worker.health import health
from worker.workers import Ports, build

log = structlog.get_logger(__name__)

PAUSE_FIRST_S = 0.5
PAUSE_MAX_S = 15.0
AWAY = frozenset(
    {
        RPCStatusCode.UNAVAILABLE,
        RPCStatusCode.DEADLINE_EXCEEDED,
        RPCStatusCode.RESOURCE_EXHAUSTED,
        RPCStatusCode.CANCELLED,
    }
)
"""What is said of a server that is not there yet, or of a connection that broke under the call.

Anything else (no such namespace) does not pass.
"""


async def work(settings: Settings) -> None:
    """Run the workers of every task queue until a signal asks to stop."""
    if not settings.carriers:
        raise SettingsInvalid(NO_CARRIER)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    client = await _reached(settings, stop)
    if client is None:
        return
    # a fifth of a second now, not at the first order to each country
    await asyncio.to_thread(geography.load, geography.countries())
    wiring = wire(settings, settings.worker_database_pool)
    garbage.settle()
    ports = Ports(
        order_book=wiring.order_book,
        scans=wiring.scans,
        inventory=wiring.inventory,
        sourcing=wiring.sourcing,
        warehouses=wiring.warehouses,
        carrier=wiring.carrier,
        channels=wiring.channels,
    )
    try:
        async with AsyncExitStack() as running:
            await running.enter_async_context(health(settings))
            for worker in build(client, ports, settings):
                await running.enter_async_context(worker)
            sys.stdout.write("worker ready\n")
            sys.stdout.flush()
            await stop.wait()
            log.info("draining", seconds=settings.drain_s)
    finally:
        await wiring.aclose()


async def _reached(settings: Settings, stop: asyncio.Event) -> Client | None:
    """Temporal, as soon as it is there and knows our search attributes; None if we are to stop.

    Raises:
        SearchAttributesMissing: it is there and does not.
    """
    pause_s = PAUSE_FIRST_S
    while not stop.is_set():
        try:
            client = await connect(settings)
            await check_search_attributes(client)
        except SearchAttributesMissing:
            raise
        except (RPCError, RuntimeError) as error:
            # the SDK's own word for "no connection" is a RuntimeError
            if isinstance(error, RPCError) and error.status not in AWAY:
                raise
            log.warning("waiting_for_temporal", pause_s=pause_s, why=str(error)[:200])
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pause_s)
            pause_s = min(PAUSE_MAX_S, 2 * pause_s)
        else:
            return client
    return None


def main() -> int:
    try:
        settings = load_settings()
        configure_logging(settings, "worker")
        uvloop.run(work(settings))
    except (SettingsInvalid, SearchAttributesMissing) as error:
        sys.stderr.write(f"worker: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    leave(main())
