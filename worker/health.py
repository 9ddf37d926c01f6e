"""Where an orchestrator asks whether the worker is alive, and Prometheus how it is."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from config.settings import Settings


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
    """Serve the pages beside the work, where a port for them is set."""
    if not settings.worker_health_port:
        yield
        return
    server = uvicorn.Server(
        uvicorn.Config(
            app(),
            host=settings.http_host,
            port=settings.worker_health_port,
            log_config=None,
            access_log=False,
            lifespan="off",
        )
    )
    serving = asyncio.create_task(server._serve())  # noqa: SLF001 - `serve` would take our signals
    try:
        yield
    finally:
        server.should_exit = True
        await serving
