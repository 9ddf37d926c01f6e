"""Runs the real worker over worlds in memory."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from temporalio.testing import WorkflowEnvironment

from config.settings import Settings, TaskSlots
from domain.ids import workflow_id
from domain.orders import Order, order_input
from domain.policies import OrderPolicy
from tests.workflows.lives import POLICY, Life, Start, say_packed
from tests.workflows.ports import Book, Dock, Post, Shop, Stockroom, Worlds
from tests.workflows.world import BOX, World
from worker.workers import Ports, build
from workflows.order import OrderWorkflow

SETTINGS = Settings(
    drain_s=0.1,
    slots=TaskSlots(orders=100, warehouse=100, carrier=100, channel=100),
    worker_database_pool=400,
)


@asynccontextmanager
async def living(
    env: WorkflowEnvironment, cache: int = 500, worlds: Worlds | None = None
) -> AsyncIterator[Worlds]:
    """The real worker over all worlds; over `worlds`, if there are some before it starts."""
    every = worlds or Worlds()

    async def tell_packed(order_id: str, reference: str) -> None:
        await say_packed(env.client, order_id, reference, (BOX,))

    dock = Dock(every, tell_packed)
    book = Book(every)
    places = dict.fromkeys(("berlin", "leeds", "newark"), dock)
    room = Stockroom(every)
    ports = Ports(book, book, room, room, places, Post(every), {"demo": Shop(every)})
    async with AsyncExitStack() as running:
        for worker in build(env.client, ports, SETTINGS, cache=cache):
            await running.enter_async_context(worker)
        yield every


def start_life(env: WorkflowEnvironment, worlds: Worlds) -> Start:
    """Call it with an order to start its life in a world of its own."""

    async def start(
        order: Order, policy: OrderPolicy = POLICY, *, world: World, **more: Any
    ) -> Life:
        worlds.put(order, world)
        handle = await env.client.start_workflow(
            OrderWorkflow.run,
            order_input(order, policy),
            id=workflow_id(order.order_id),
            task_queue="orders",
            **more,
        )
        return Life(handle, order, world, env)

    return start
