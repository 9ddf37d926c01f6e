"""What an order asks of Temporal, and nothing else: the yardsticks that a real order is held to."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict
from temporalio import activity, workflow
from temporalio.common import RawValue, RetryPolicy, SearchAttributeKey

QUEUE = "twin-"
"""Before the name of each task queue."""
FIVE = 5
LIMIT = timedelta(seconds=60)
HEARTBEAT = timedelta(seconds=6)
ENDLESS = RetryPolicy(maximum_interval=timedelta(seconds=5))


class Step(BaseModel):
    """One thing that a workflow does. `answers`: signals that the world sends after an activity."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["activity", "local", "upsert", "signal", "timer", "sleep"]
    name: str = ""
    queue: str = ""
    names: tuple[str, ...] = ()
    seconds: float = 0
    answers: int = 0


@workflow.defn
class Twin:
    """Takes the steps of a real order: activities and local activities that do nothing."""

    def __init__(self) -> None:
        self._heard = 0
        self._awaited = 0
        self._patience_s: float | None = None

    @workflow.run
    async def run(self, steps: tuple[Step, ...]) -> None:
        for step in steps:
            await self._take(step)

    @workflow.signal
    def tell(self) -> None:
        self._heard += 1

    async def _take(self, step: Step) -> None:
        match step.kind:
            case "activity":
                await workflow.execute_activity(
                    step.name,
                    step.answers,
                    task_queue=QUEUE + step.queue,
                    start_to_close_timeout=LIMIT,
                    heartbeat_timeout=HEARTBEAT,
                    retry_policy=ENDLESS,
                    summary=step.name,
                )
            case "local":
                workflow.set_current_details(step.kind)
                await workflow.execute_local_activity(
                    nothing_written, start_to_close_timeout=LIMIT, summary=step.kind
                )
            case "upsert":
                workflow.upsert_search_attributes(
                    [SearchAttributeKey.for_keyword(name).value_set("twin") for name in step.names]
                )
            case "timer":
                self._patience_s = step.seconds
            case "signal":
                await self._hear()
            case "sleep":
                await asyncio.sleep(step.seconds)

    async def _hear(self) -> None:
        self._awaited += 1
        wanted, patience_s = self._awaited, self._patience_s
        self._patience_s = None
        await workflow.wait_condition(lambda: self._heard >= wanted, timeout=patience_s)


@workflow.defn
class Bare:
    """Five activities that do nothing, one after the other."""

    @workflow.run
    async def run(self, queue: str) -> None:
        for n in range(FIVE):
            await workflow.execute_activity(
                f"step_{n}", 0, task_queue=QUEUE + queue, start_to_close_timeout=LIMIT
            )


@activity.defn
async def nothing_written() -> None:
    """Stands for a few statements in our own tables, most often the write of an order's state."""


class World:
    """Stands for all activities, and sends the signals by which the world answers them."""

    def __init__(self, pace_s: float) -> None:
        self._pace_s = pace_s
        self._speaking: set[asyncio.Task[None]] = set()

    @activity.defn(dynamic=True)
    async def nothing_done(self, args: Sequence[RawValue]) -> None:
        answers = activity.payload_converter().from_payload(args[0].payload, int)
        if answers:
            speaking = asyncio.create_task(self._answer(activity.info().workflow_id or "", answers))
            self._speaking.add(speaking)
            speaking.add_done_callback(self._speaking.discard)

    async def _answer(self, workflow_id: str, answers: int) -> None:
        handle = activity.client().get_workflow_handle(workflow_id)
        for _ in range(answers):
            await asyncio.sleep(self._pace_s)
            await handle.signal(Twin.tell)
