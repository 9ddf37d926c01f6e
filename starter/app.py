"""The starter's HTTP face: webhooks, API, tracking pages, health; relay and sweep run beside."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import structlog
from fastapi import FastAPI

from starter import health, tracking, webhooks
from starter.api import (
    catalogue,
    channels,
    commands,
    counts,
    imports,
    orders,
    reservations,
    returns,
    sourcing,
    stock,
    supply,
    tasks,
    unannounced,
    verbs,
)
from starter.api.answers import Pending, pending_answer, reused_answer
from starter.composition import Composition
from starter.problems import install
from starter.relay import Relay
from starter.resourcing import source_again
from starter.routing import Routing
from starter.sweeping import Sweep, until_none
from starter.verbs import KeyReused

TITLE = "Holdfast"
DESCRIPTION = (
    "Every error is a problem document (RFC 9457) that names the field and the reason. "
    "Amounts are whole minor units with an ISO 4217 currency; times are RFC 3339 with an offset; "
    "ids are strings."
)
RELAYS_AT_ONCE = 8
"""Orders that one starter delivers at the same time; each needs one connection now and then."""

_log = structlog.get_logger(__name__)


def create_app(composition: Composition) -> FastAPI:
    """Make the app; while it is up, so is its relay."""
    app = FastAPI(
        title=TITLE, description=DESCRIPTION, lifespan=_lifespan, redoc_url=None, docs_url=None
    )
    app.state.composition = composition
    install(app)
    app.add_exception_handler(Pending, pending_answer)
    app.add_exception_handler(KeyReused, reused_answer)
    trade = (orders, verbs, unannounced, returns, tasks, commands)
    goods = (stock, reservations, supply, counts, channels, catalogue, imports, sourcing)
    for part in (webhooks, health, tracking, *trade, *goods):
        app.include_router(part.router)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    composition: Composition = app.state.composition
    relay = Relay(
        composition.wired.deliveries,
        Routing(composition).deliver,
        composition.awake,
        at_once=RELAYS_AT_ONCE,
    )
    relaying = asyncio.create_task(relay.run(), name="relay")
    sweeping = asyncio.create_task(_sweep(composition).run(), name="sweep")
    app.state.relaying = relaying
    try:
        yield
    finally:
        relaying.cancel()
        sweeping.cancel()
        _, late = await asyncio.wait({relaying, sweeping}, timeout=composition.settings.drain_s)
        for task in late:
            _log.warning("cut_off", task=task.get_name(), after_s=composition.settings.drain_s)


def _sweep(composition: Composition) -> Sweep:
    wired = composition.wired
    jobs = {
        "expired": partial(until_none, wired.inventory.expire),
        "sourced_again": partial(source_again, wired),
    }
    return Sweep(jobs, composition.awake, every_s=composition.settings.sweep_s)
