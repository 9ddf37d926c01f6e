"""The simulators as one ASGI application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulators.answers import Settled
from simulators.control import Control
from simulators.easypost.endpoint import Endpoint as EasyPostEndpoint
from simulators.settings import Settings
from simulators.shopify.endpoint import API_VERSION, unknown_version
from simulators.shopify.endpoint import Endpoint as ShopifyEndpoint
from simulators.warehouse.endpoint import Endpoint as WarehouseEndpoint
from simulators.world import World


def create_app(settings: Settings) -> Starlette:
    """An application with its state in `settings.state_dir`, its parts in `app.state.world`."""
    world = World(settings)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        await world.start()
        yield
        await world.stop()

    shopify = ShopifyEndpoint(world.shop)
    routes = [
        Route("/healthz", _healthy, methods=["GET"]),
        Route(f"/admin/api/{API_VERSION}/graphql.json", shopify.graphql, methods=["POST"]),
        Route("/admin/api/{version}/graphql.json", unknown_version, methods=["POST"]),
        *EasyPostEndpoint(settings, world.carrier, world.faults).routes(),
        *WarehouseEndpoint(settings, world.warehouse, world.faults).routes(),
        *Control(world).routes(),
    ]
    app = Starlette(
        routes=routes,
        lifespan=lifespan,
        middleware=[Middleware(Settled, journal=world.journal)],
    )
    app.state.world = world
    return app


async def _healthy(_request: Request) -> Response:
    return JSONResponse({"status": "ok"})
