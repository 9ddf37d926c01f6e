"""`python -m starter`: webhooks, API, pages and relay in one process."""

import asyncio
import signal
import sys

import structlog
import uvicorn
import uvloop
from temporalio.client import Client
from temporalio.service import RPCError

from config import garbage
from config.inbound import senders_of
from config.leaving import leave
from config.logging import configure_logging
from config.settings import Settings, SettingsInvalid, load_settings
from config.temporal import SearchAttributesMissing, check_search_attributes, connect
from config.wiring import wire
from starter.app import create_app
from starter.composition import Composition
from starter.signalling import Workflows

KEEP_ALIVE_S = 30
CHECK_S = 5.0
PUBLIC_SECRETS = (
    "OMS_STAND_INS: must be false where OMS_HTTP_HOST lets others in, unless channels, carriers "
    "and warehouses are all set: the stand-ins' secrets are public"
)

_log = structlog.get_logger(__name__)


def main() -> int:
    try:
        settings = load_settings()
    except SettingsInvalid as error:
        print(error, file=sys.stderr)  # noqa: T201 - there is no log before the settings
        return 2
    if settings.trusts_the_public:
        print(PUBLIC_SECRETS, file=sys.stderr)  # noqa: T201 - likewise
        return 2
    configure_logging(settings, "starter")
    return uvloop.run(_serve(settings))


async def _serve(settings: Settings) -> int:
    client = await connect(settings, lazy=True)
    try:
        await _check(client)
    except SearchAttributesMissing as error:
        _log.critical("search_attributes_missing", why=str(error))
        return 1
    wired = wire(settings, settings.database_pool)
    composition = Composition(settings, wired, Workflows(client), senders_of(settings))
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(composition),
            host=settings.http_host,
            port=settings.http_port,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=int(settings.drain_s),
        )
    )
    garbage.settle()
    for number in (signal.SIGINT, signal.SIGTERM):
        # uvicorn drains and then raises the signal again; ours is an orderly end.
        signal.signal(number, lambda *_: None)
    try:
        await server.serve()
    finally:
        await wired.aclose()
    return 0 if server.started else 1


async def _check(client: Client) -> None:
    """Intake does not depend on Temporal: a server that is down now is checked by the worker."""
    try:
        async with asyncio.timeout(CHECK_S):
            await check_search_attributes(client)
    except (RPCError, RuntimeError, TimeoutError) as error:
        if isinstance(error, SearchAttributesMissing):
            raise
        _log.warning("temporal_unreachable", why=type(error).__name__)


if __name__ == "__main__":
    leave(main())
