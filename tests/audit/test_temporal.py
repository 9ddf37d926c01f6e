"""What runs in Temporal is what our rows say should run; asked of a server of its own."""

from collections.abc import AsyncIterator

import pytest
from temporalio import workflow
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from domain.ids import OrderId, workflow_id
from starter.audit.findings import Report
from starter.local.temporal import temporal_binary
from tests.audit.small_world import SmallWorld
from tests.folders import STARTS_WITHIN

QUEUE = "audited"


@workflow.defn(name="OrderWorkflow")
class StandIn:
    """Ends when and how it is told."""

    def __init__(self) -> None:
        self._told = ""

    @workflow.run
    async def run(self) -> None:
        await workflow.wait_condition(lambda: bool(self._told))
        if self._told == "fail":
            raise ApplicationError("failed", non_retryable=True)

    @workflow.signal
    def end(self, how: str) -> None:
        self._told = how


@pytest.fixture(scope="module")
async def client() -> AsyncIterator[Client]:
    environment = await WorkflowEnvironment.start_local(
        dev_server_existing_path=temporal_binary(), dev_server_startup_timeout=STARTS_WITHIN
    )
    async with (
        environment,
        Worker(
            environment.client,
            task_queue=QUEUE,
            workflows=[StandIn],
            workflow_runner=UnsandboxedWorkflowRunner(),
        ),
    ):
        yield environment.client


async def start(client: Client, order: str) -> WorkflowHandle[StandIn, None]:
    return await client.start_workflow(
        StandIn.run,
        id=workflow_id(OrderId(order)),
        task_queue=QUEUE,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
    )


class Running:
    """The small world, and the workflows that it should have."""

    def __init__(self, client: Client, world: SmallWorld) -> None:
        self.client = client
        self.world = world
        self.handles: dict[str, WorkflowHandle[StandIn, None]] = {}

    async def audit(self) -> Report:
        return await self.world.audit(client=self.client)

    async def end(self, order: str, how: str) -> None:
        handle = self.handles.pop(order)
        await handle.signal(StandIn.end, how)
        status = WorkflowExecutionStatus.RUNNING
        while status is WorkflowExecutionStatus.RUNNING:
            status = (await handle.describe()).status or status


@pytest.fixture
async def running(client: Client, world: SmallWorld) -> AsyncIterator[Running]:
    made = Running(client, world)
    open_orders = (world.delivered, world.packing, world.partly_cancelled, world.waiting)
    for order in map(str, open_orders):
        made.handles[order] = await start(client, order)
    yield made
    for order in list(made.handles):
        await made.end(order, "done")


async def test_each_open_order_runs_and_no_other(running: Running) -> None:
    report = await running.audit()
    assert report.findings == ()
    looked = {one.invariant: one.looked for one in report.checked}
    assert looked["orders_run"] == looked["orders_never_fail"] == 4
    assert looked["ended_orders_rest"] == 3
    assert looked["returns_run"] == 1


async def test_an_open_order_without_its_workflow_is_found(running: Running) -> None:
    await running.world.plant(
        "UPDATE orders SET order_id = 'demo-1099', channel_order_id = '1099' "
        "WHERE order_id = 'demo-1003'",
    )
    report = await running.audit()
    missing = next(one for one in report.checked if one.invariant == "orders_run").smallest
    assert missing is not None
    assert (missing.subject, missing.found) == ("order:demo-1099", "missing, order fulfilling")


async def test_an_order_whose_workflow_completed_too_early_is_found(running: Running) -> None:
    await running.end(running.world.packing, "done")
    report = await running.audit()
    assert report.broken == {"orders_run"}
    assert report.findings[0].found == "completed, order fulfilling"


async def test_a_failed_workflow_of_an_open_order_is_found(running: Running) -> None:
    await running.end(running.world.packing, "fail")
    report = await running.audit()
    assert report.broken == {"orders_never_fail"}
    assert report.findings[0].found == "failed, order fulfilling"


async def test_a_workflow_that_outlives_its_order_is_found(running: Running) -> None:
    order: str = running.world.cancelled
    running.handles[order] = await start(running.client, order)
    await running.world.plant("UPDATE orders SET updated_at = now()")
    just_ended = await running.audit()
    assert just_ended.broken == set()  # its worker may have died before it could end
    await running.world.plant("UPDATE orders SET updated_at = now() - interval '21 s'")
    report = await running.audit()
    assert report.broken == {"ended_orders_rest"}
    assert report.findings[0].subject == "order:demo-1002"


async def test_an_open_return_without_its_workflow_is_found(running: Running) -> None:
    await running.world.plant(
        "UPDATE returns SET status = 'inspected'", "UPDATE money SET return_id = NULL",
        "DELETE FROM journal WHERE code IN ('return_refunded', 'return_closed')",
    )  # fmt: skip
    report = await running.audit()
    assert report.broken == {"returns_run"}
    assert report.findings[0].found == "missing, return inspected"


async def test_an_order_that_the_relay_has_not_started_yet_is_not_accused(
    running: Running,
) -> None:
    await running.end(running.world.packing, "done")
    await running.world.plant(
        "UPDATE orders SET seq = 0 WHERE order_id = 'demo-1003'",
        "UPDATE inbox SET delivered_at = NULL WHERE order_id = 'demo-1003'",
    )
    report = await running.audit()
    assert "orders_run" not in report.broken
