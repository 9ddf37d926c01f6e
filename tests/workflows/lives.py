"""One order's life, as a test follows it and talks to it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowHandle,
    WorkflowUpdateFailedError,
)
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment

from domain.fulfilments import PackedParcel
from domain.lifecycles import OrderStatus, ReturnStatus
from domain.orders import Order, OrderOutcome
from domain.policies import OrderPolicy
from domain.records import OrderRecord, ReturnRecord
from domain.tracking import Course, Scan
from domain.waits import Wait
from tests.workflows.world import BOX, PATIENCE_S, World, part_at
from workflows.order import OrderWorkflow

DAY_S = 86_400
POLICY = OrderPolicy(retry_initial_s=0.05, retry_cap_s=0.2)
HEARD_SOON = timedelta(seconds=6)
"""The `task_timeout` of lives in which a local activity hangs: what they are told meanwhile, they
hear when their workflow task is prolonged, after eight tenths of it."""


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
        return await self.refused_by(self.handle, name, **fields)

    async def refused_by(self, who: WorkflowHandle[Any, Any], name: str, **fields: object) -> str:
        with pytest.raises(WorkflowUpdateFailedError) as error:
            await who.execute_update(name, fields)
        return cast(ApplicationError, error.value.cause).message

    async def state(self) -> OrderRecord:
        return await self.handle.query(OrderWorkflow.state)

    async def until(self, true: Callable[[OrderRecord], bool]) -> OrderRecord:
        """Wait until what the workflow wrote down says so."""
        written = self.world.records[self.id]
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not (written and true(written[-1])):
                    await self.world.news()
        except TimeoutError:
            last = written[-1] if written else None
            pytest.fail(f"{self.id} never came so far: {last}; {self.world.journal(self.id)}")
        return written[-1]

    async def settled(self, command: str) -> str:
        """Wait until the command is settled; returns why it was refused, or nothing."""
        await self.until(lambda _: command in self.world.settled(self.id))
        return self.world.settled(self.id)[command]

    async def until_told(self, code: str, times: int = 1) -> None:
        """Wait for a line in the journal."""
        await self.until(lambda _: self.world.journal(self.id).count(code) >= times)

    async def until_status(self, status: OrderStatus) -> OrderRecord:
        return await self.until(lambda record: record.status is status)

    async def until_waiting(self, what: str) -> OrderRecord:
        return await self.until(lambda record: _waits_for(record.wait, what))

    async def parcel(self, course: Course, **more: object) -> None:
        """The carrier scans the order's parcel."""
        number = self.tracking_number
        await self.tell("parcel_moved", tracking_number=number, course=course, **more)

    @property
    def tracking_number(self) -> str:
        label = self.world.last(self.id).fulfilments[-1].parcels[0].label
        assert label is not None
        return label.tracking_number

    async def pass_time(self, seconds: float) -> None:
        await self.env.fast_forward(self.handle, timedelta(seconds=seconds))

    async def packed(self, *parcels: PackedParcel) -> None:
        """The warehouse says that the newest fulfilment is packed."""
        reference = self.world.last(self.id).fulfilments[-1].reference
        await say_packed(self.env.client, self.id, reference, parcels or (BOX,))

    async def goods_come(self, place: str = "berlin", pieces: int = 1_000) -> None:
        """Stock is received, and the order that waits for it is given its share."""
        for line in self.order.lines:
            self.world.stock[line.sku, place] = self.world.stock.get((line.sku, place), 0) + pieces
        (key,) = self.world.waiting
        part = part_at(place, self.world.waiting.pop(key).lines)
        self.world.hold(key, (part,))
        await self.tell("stock_assigned", key=key, parts=[part.model_dump()])

    def scan(self, course: Course) -> Scan:
        """What the carrier has about the parcel."""
        return Scan(
            carrier="Post",
            tracking_number=self.tracking_number,
            scan_key=f"{course}",
            course=course,
            carrier_status=str(course),
            claimed_at=datetime(2026, 11, 2, tzinfo=UTC),
        )

    # -- its return

    async def ask_back(self, pieces: int, number: int = 1) -> WorkflowHandle[Any, Any]:
        """The customer asks for a return; answers with its workflow, which has begun."""
        return_id = f"{self.id}.r{number}"
        line = {"line_id": "L1", "sku": "MUG", "quantity": pieces, "reason": "unwanted"}
        await self.ask("request_return", return_id=return_id, lines=[line])
        await self.until(lambda _: bool(self.world.return_records[return_id]))
        return self.env.client.get_workflow_handle(f"return:{return_id}")

    async def until_return(self, status: ReturnStatus, number: int = 1) -> ReturnRecord:
        written = self.world.return_records[f"{self.id}.r{number}"]
        await self.until(lambda _: written[-1].status is status)
        return written[-1]

    async def until_return_told(self, code: str, number: int = 1) -> None:
        """Wait for a line in the return's journal."""
        written = self.world.return_records[f"{self.id}.r{number}"]
        await self.until(lambda _: any(e.code == code for r in written for e in r.journal))

    async def until_return_waits(
        self, what: str, number: int = 1, *, after: WorkflowHandle[Any, Any] | None = None
    ) -> ReturnRecord:
        """Until it waits for that; `after` passes the day in which nobody came."""
        if after is not None:
            await self.env.fast_forward(after, timedelta(days=1))
        written = self.world.return_records[f"{self.id}.r{number}"]
        await self.until(lambda _: bool(written) and _waits_for(written[-1].wait, what))
        return written[-1]

    async def retry(self) -> None:
        """An operator tries again what was refused, in the order or in its return."""
        parked = self.world.last(self.id).attention
        if parked:
            await self.ask("retry")
        else:
            back = self.env.client.get_workflow_handle(f"return:{self.id}.r1")
            await back.execute_update("retry", {})

    async def end(self) -> None:
        """Let go of all that hangs, and see that nothing failed."""
        self.world.open_gates()
        status = (await self.handle.describe()).status
        if status is WorkflowExecutionStatus.RUNNING:
            await self.handle.terminate("the test is over")
        assert status is not WorkflowExecutionStatus.FAILED

    async def result(self) -> OrderOutcome:
        async with asyncio.timeout(PATIENCE_S):
            return await self.handle.result()


def _waits_for(wait: Wait | None, what: str) -> bool:
    return wait is not None and wait.what == what


Start = Callable[..., Awaitable[Life]]


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
