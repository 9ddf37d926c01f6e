"""Whether this process lives, whether it can work, and how it fares."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from domain.errors import Unavailable
from starter.composition import composition_of

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def healthz(request: Request) -> Response:
    """The process answers and its relay runs; restart it if not."""
    relaying = not request.app.state.relaying.done()
    return PlainTextResponse("ok" if relaying else "relay stopped", 200 if relaying else 503)


@router.get("/readyz")
async def readyz(request: Request) -> Response:
    """PostgreSQL answers, so that nothing said to us is lost. Temporal may be down meanwhile."""
    on = composition_of(request)
    try:
        backlog = await on.wired.inbox.backlog()
    except Unavailable as error:
        return JSONResponse({"ready": False, "postgresql": error.code}, 503)
    found = {
        "ready": True,
        "postgresql": "ok",
        "temporal": "ok" if await on.workflows.answers() else "unreachable",
        "undelivered": backlog.rows,
        "oldest_s": round(backlog.oldest_s, 3),
    }
    return JSONResponse(found)


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """For Prometheus: the backlog of the inbox."""
    backlog = await composition_of(request).wired.inbox.backlog()
    registry = CollectorRegistry()
    rows = Gauge("holdfast_inbox_undelivered", "Rows not delivered yet", registry=registry)
    rows.set(backlog.rows)
    age = Gauge("holdfast_inbox_oldest_seconds", "Age of the oldest such row", registry=registry)
    age.set(backlog.oldest_s)
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
