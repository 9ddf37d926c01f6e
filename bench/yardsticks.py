"""Runs no-op twins of an order, and bare workflows, on the server that the orders run on."""

import asyncio
import sys
from collections.abc import Iterable
from typing import Any
from uuid import uuid4

from temporalio.client import Client, WorkflowHandle

from bench.histories import Weighed, script, usual, weigh
from bench.trade import Life, NotDone
from bench.twin import QUEUE, Bare, Twin
from bench.twin_worker import READY
from starter.local.processes import Spec
from starter.local.stack import Stack

TWIN = Twin.__name__
BARE = Bare.__name__
TWIN_WORKER = "twin-worker"
STARTS_AT_ONCE = 8
"""As many as a starter's relay starts at the same time."""
LIMIT_S = 90.0


def twin_worker(stack: Stack) -> Spec:
    return Spec(
        name=TWIN_WORKER,
        command=(sys.executable, "-m", "bench.twin_worker"),
        env=stack.environment(),
        ready=lambda child: READY in child.words(),
    )


class Yardsticks:
    """Workflows that take the steps of an order, or five activities, and do nothing."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._told: dict[str, object] = {BARE: "orders"}
        self._last: dict[str, WorkflowHandle[Any, Any]] = {}

    async def follow(self, lives: Iterable[Life]) -> tuple[Weighed, ...]:
        """Twins take the steps of the middle one of these orders from now on."""
        weighed = await weigh(self._client, [life.order_id for life in lives])
        self._told[TWIN] = script(usual(weighed).events)
        return weighed

    async def run(self, kind: str, many: int) -> None:
        """Start so many of the kind, and wait for their ends.

        Raises:
            NotDone: some did not end.
        """
        slots = asyncio.Semaphore(STARTS_AT_ONCE)

        async def one() -> WorkflowHandle[Any, Any]:
            async with slots:
                handle = await self._client.start_workflow(
                    kind, self._told[kind], id=f"{kind}-{uuid4()}", task_queue=f"{QUEUE}orders"
                )
            await handle.result()
            return handle

        try:
            async with asyncio.timeout(LIMIT_S):
                handles = await asyncio.gather(*(one() for _ in range(many)))
        except TimeoutError:
            raise NotDone(f"{many} {kind} workflows did not end within {LIMIT_S:g} s") from None
        self._last[kind] = handles[0]

    async def events(self, kind: str) -> int:
        """How many one of the last of them has."""
        return len((await self._last[kind].fetch_history()).events)
