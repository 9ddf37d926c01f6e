"""Asks Temporal which orders and returns run, and how those ended that should."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from domain.ids import OrderId, ReturnId, return_workflow_id, workflow_id
from domain.lifecycles import ENDED, RETURN_ENDED
from storage.audit.facts import Facts

AT_ONCE = 16
ORDER_PREFIX, RETURN_PREFIX = workflow_id(OrderId("")), return_workflow_id(ReturnId(""))
_RUNNING = "WorkflowType IN ('OrderWorkflow', 'ReturnWorkflow') AND ExecutionStatus = 'Running'"
MISSING = "missing"


@dataclass(frozen=True)
class Lives:
    """The orders and returns whose workflows run.

    `asked` has by workflow id how those stand of which our rows and Temporal's list disagree:
    `running`, `completed`, `failed`, …, `missing`.
    """

    orders: frozenset[str]
    returns: frozenset[str]
    asked: dict[str, str]


async def lives_of(client: Client, facts: Facts) -> Lives:
    """List what runs; whatever does not fit our rows is asked for by its id, as the list is late.

    Raises:
        RPCError: Temporal does not answer.
    """
    listed = {execution.id async for execution in client.list_workflows(_RUNNING)}
    due = {workflow_id(OrderId(o.order_id)) for o in facts.orders.values() if o.status not in ENDED}
    due |= {
        return_workflow_id(ReturnId(one.return_id))
        for one in facts.returns
        if one.seq and one.status not in RETURN_ENDED
    }
    asked = await _ask(client, listed ^ due)
    running = (listed & due) | {one for one, status in asked.items() if status == "running"}
    return Lives(
        orders=_without(ORDER_PREFIX, running),
        returns=_without(RETURN_PREFIX, running),
        asked=asked,
    )


async def _ask(client: Client, ids: Iterable[str]) -> dict[str, str]:
    slots = asyncio.Semaphore(AT_ONCE)

    async def status(one: str) -> str:
        async with slots:
            try:
                said = await client.get_workflow_handle(one).describe()
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise
                return MISSING
        return (said.status or WorkflowExecutionStatus.RUNNING).name.lower()

    wanted = sorted(ids)
    return dict(zip(wanted, await asyncio.gather(*map(status, wanted)), strict=True))


def _without(prefix: str, ids: Iterable[str]) -> frozenset[str]:
    return frozenset(one.removeprefix(prefix) for one in ids if one.startswith(prefix))
