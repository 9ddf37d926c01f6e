"""Runs the real worker over worlds in memory, on a real Temporal server."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
import structlog
from temporalio.testing import WorkflowEnvironment

from config.settings import Settings, TaskSlots
from domain.ids import workflow_id
from domain.orders import Order, order_input
from domain.policies import OrderPolicy
from tests.workflows.at_once import running
from tests.workflows.lives import POLICY, Life, Start, say_packed
from tests.workflows.ports import Book, Dock, Post, Shop, Stockroom, Worlds
from tests.workflows.world import BOX, World
from worker.workers import Ports, build
from workflows.order import OrderWorkflow

__all__ = ["running"]
SETTINGS = Settings(
    drain_s=0.1,
    slots=TaskSlots(orders=100, warehouse=100, carrier=100, channel=100),
    worker_database_pool=400,
)


@pytest.fixture(scope="session")
def _brief_logs() -> Iterator[None]:
    """The default draws each bug's traceback with all locals, for half a second of CPU."""
    structlog.configure(
        processors=[structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
async def worlds(
    _brief_logs: None, skipping_env: WorkflowEnvironment, request: pytest.FixtureRequest
) -> AsyncIterator[Worlds]:
    """The real worker over all worlds, for as long as the session lasts."""
    client, every = skipping_env.client, Worlds()

    async def tell_packed(order_id: str, reference: str) -> None:
        await say_packed(client, order_id, reference, (BOX,))

    dock = Dock(every, tell_packed)
    book = Book(every)
    places = dict.fromkeys(("berlin", "leeds", "newark"), dock)
    ports = Ports(book, book, Stockroom(every), places, Post(every), {"demo": Shop(every)})
    cache = int(request.config.getoption("--workflow-cache", default=500))
    async with AsyncExitStack() as running:
        for worker in build(client, ports, SETTINGS, cache=cache):
            await running.enter_async_context(worker)
        yield every


@pytest.fixture(scope="session")
def start(skipping_env: WorkflowEnvironment, worlds: Worlds) -> Start:
    """Call it with an order to start its life in a world of its own; see that it ends."""

    async def start(
        order: Order, policy: OrderPolicy = POLICY, *, world: World, **more: Any
    ) -> Life:
        worlds.put(order, world)
        handle = await skipping_env.client.start_workflow(
            OrderWorkflow.run,
            order_input(order, policy),
            id=workflow_id(order.order_id),
            task_queue="orders",
            **more,
        )
        return Life(handle, order, world, skipping_env)

    return start
