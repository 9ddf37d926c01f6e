"""Runs the real worker over a world in memory, on a real Temporal server."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

import pytest
from temporalio.client import Client, WorkflowHandle, WorkflowUpdateFailedError
from temporalio.testing import WorkflowEnvironment

from config.settings import Settings
from domain.fulfilments import PackedParcel
from domain.ids import workflow_id
from domain.lifecycles import OrderStatus
from domain.orders import Order, OrderOutcome, order_input
from domain.policies import OrderPolicy
from domain.records import OrderRecord
from domain.tracking import Course
from tests.workflows.world import BOX, Book, Dock, Post, Shop, Stockroom, World
from worker.workers import Ports, build
from workflows.order import OrderWorkflow

PATIENCE_S = 20.0
POLICY = OrderPolicy(retry_initial_s=0.05, retry_cap_s=0.2)


@dataclass
class Life:
    """One order's workflow, as a test talks to it."""

    handle: WorkflowHandle[Any, OrderOutcome]
    order: Order
    world: World
    env: WorkflowEnvironment

    @property
    def id(self) -> str:
        return self.order.order_id

    async def tell(self, name: str, **fields: object) -> None:
        await self.handle.signal(name, fields)

    async def ask(self, name: str, **fields: object) -> str:
        return cast(str, await self.handle.execute_update(name, fields))

    async def refused(self, name: str, **fields: object) -> str:
        with pytest.raises(WorkflowUpdateFailedError) as error:
            await self.ask(name, **fields)
        return str(error.value.cause)

    async def state(self) -> OrderRecord:
        return await self.handle.query(OrderWorkflow.state)

    async def until(self, true: Callable[[], bool] | Callable[[OrderRecord], bool]) -> OrderRecord:
        """Poll what the workflow wrote down until it says so."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                written = self.world.records[self.id]
                if written and cast("Callable[[OrderRecord], bool]", true)(written[-1]):
                    return written[-1]
                await asyncio.sleep(0.01)

    async def until_status(self, status: OrderStatus) -> OrderRecord:
        return await self.until(lambda record: record.status is status)

    async def until_waiting(self, what: str) -> OrderRecord:
        return await self.until(lambda r: r.wait is not None and r.wait.what == what)

    async def parcel(self, course: Course, **more: object) -> None:
        """The carrier scans the order's parcel."""
        number = self.world.last(self.id).fulfilments[-1].parcels[0].label
        assert number is not None
        await self.tell(
            "parcel_moved", tracking_number=number.tracking_number, course=course, **more
        )

    async def pass_time(self, seconds: float) -> None:
        await self.env.fast_forward(self.handle, timedelta(seconds=seconds))  # type: ignore[attr-defined]

    async def result(self) -> OrderOutcome:
        async with asyncio.timeout(PATIENCE_S):
            return await self.handle.result()


Start = Callable[..., Awaitable[Life]]


def cache_sizes() -> list[int]:
    return [500]


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def stockroom(world: World) -> Stockroom:
    return Stockroom(world)


@pytest.fixture
def post(world: World) -> Post:
    return Post(world)


@pytest.fixture
def shop(world: World) -> Shop:
    return Shop(world)


@pytest.fixture
async def begin(
    skipping_env: WorkflowEnvironment,
    world: World,
    stockroom: Stockroom,
    post: Post,
    shop: Shop,
    request: pytest.FixtureRequest,
) -> AsyncIterator[Start]:
    """Call it with an order to start its life; the worker runs as long as the test."""
    client = skipping_env.client

    async def tell_packed(order_id: str, reference: str) -> None:
        await say_packed(client, order_id, reference, (BOX,))

    places = ("berlin", "leeds", "newark")
    dock = Dock(world, tell_packed)
    book = Book(world)
    ports = Ports(book, book, stockroom, dict.fromkeys(places, dock), post, {"demo": shop})
    cache = request.config.getoption("--workflow-cache", default=500)
    async with AsyncExitStack() as running:
        for worker in build(client, ports, Settings(drain_s=0.1), cache=int(cache)):
            await running.enter_async_context(worker)
        started: list[WorkflowHandle[Any, OrderOutcome]] = []

        async def start(order: Order, policy: OrderPolicy = POLICY) -> Life:
            world.put(order)
            handle = await client.start_workflow(
                OrderWorkflow.run,
                order_input(order, policy),
                id=workflow_id(order.order_id),
                task_queue="orders",
            )
            started.append(handle)
            return Life(handle, order, world, skipping_env)

        yield start
        for handle in started:
            description = await handle.describe()
            if description.status and description.status.name == "RUNNING":
                await handle.terminate("the test is over")


async def say_packed(
    client: Client, order_id: str, reference: str, parcels: tuple[PackedParcel, ...]
) -> None:
    await client.get_workflow_handle(f"order:{order_id}").signal(
        "warehouse_said",
        {
            "reference": reference,
            "status": "packed",
            "parcels": [parcel.model_dump() for parcel in parcels],
        },
    )
