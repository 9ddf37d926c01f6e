"""Where an orchestrator asks whether the worker is alive, and Prometheus how it is."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from config.settings import Settings, SettingsInvalid


def app() -> FastAPI:
    """`/healthz` answers as long as the event loop turns; `/metrics` in Prometheus' format."""
    pages = FastAPI(openapi_url=None)

    @pages.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @pages.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return pages


@asynccontextmanager
async def health(settings: Settings) -> AsyncIterator[None]:
    """Serve the pages beside the work, where a port for them is set.

    Raises:
        SettingsInvalid: somebody else listens there. uvicorn would end the event loop under the
            work, which then ends no more.
    """
    if not settings.worker_health_port:
        yield
        return
    listening = _listen(settings.http_host, settings.worker_health_port)
    server = uvicorn.Server(
        uvicorn.Config(app(), log_config=None, access_log=False, lifespan="off")
    )
    serving = asyncio.create_task(
        server._serve([listening])  # noqa: SLF001 - `serve` would take our signals
    )
    try:
        yield
    finally:
        server.should_exit = True
        await serving


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except (OSError, UnicodeError) as error:
        raise SettingsInvalid(f"OMS_WORKER_HEALTH_PORT: {error}") from None
