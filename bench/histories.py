"""Weighs the orders' histories, and reads from one what a twin without any work would do."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client

from bench.twin import Step
from domain.ids import OrderId, workflow_id

Kind = EventType.ValueType
PREFIX = "EVENT_TYPE_"


@dataclass(frozen=True)
class Weighed:
    """One history: its events, and their size as the server sends them."""

    order_id: str
    events: tuple[HistoryEvent, ...]

    @property
    def count(self) -> int:
        return len(self.events)

    @property
    def size_bytes(self) -> int:
        return sum(event.ByteSize() for event in self.events)

    def by_type(self) -> dict[str, int]:
        names = (EventType.Name(event.event_type) for event in self.events)
        return dict(Counter(name.removeprefix(PREFIX).lower() for name in names).most_common())


async def weigh(client: Client, order_ids: Iterable[str]) -> tuple[Weighed, ...]:
    """Fetch each order's history."""
    return tuple([await _weighed(client, order_id) for order_id in order_ids])


async def _weighed(client: Client, order_id: str) -> Weighed:
    handle = client.get_workflow_handle(workflow_id(OrderId(order_id)))
    return Weighed(order_id, tuple((await handle.fetch_history()).events))


def usual(weighed: Iterable[Weighed]) -> Weighed:
    """The middle one, from the lightest to the heaviest."""
    ranked = sorted(weighed, key=lambda one: (one.count, one.size_bytes))
    return ranked[len(ranked) // 2]


def script(history: Sequence[HistoryEvent]) -> tuple[Step, ...]:
    """What the workflow asked of the server, in order, and when the world spoke to it."""
    fired = {
        event.timer_fired_event_attributes.started_event_id
        for event in history
        if event.event_type == EventType.EVENT_TYPE_TIMER_FIRED
    }
    steps = [step for event in history if (step := _step(event, fired)) is not None]
    return tuple(_with_signals(steps))


def _step(event: HistoryEvent, fired: set[int]) -> Step | None:
    match event.event_type:
        case EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
            said = event.activity_task_scheduled_event_attributes
            name, queue = said.activity_type.name, said.task_queue.name
            return Step(kind="activity", name=name, queue=queue)
        case EventType.EVENT_TYPE_MARKER_RECORDED:
            return Step(kind="local")
        case EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES:
            upserted = event.upsert_workflow_search_attributes_event_attributes
            return Step(kind="upsert", names=tuple(upserted.search_attributes.indexed_fields))
        case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
            return Step(kind="signal")
        case EventType.EVENT_TYPE_TIMER_STARTED:
            seconds = event.timer_started_event_attributes.start_to_fire_timeout.ToSeconds()
            kind = "sleep" if event.event_id in fired else "timer"
            return Step(kind=kind, seconds=seconds)
        case _:
            return None


def _with_signals(steps: list[Step]) -> Iterable[Step]:
    """Each activity with the number of signals that follow it: the world's answers to it."""
    for place, step in enumerate(steps):
        if step.kind != "activity":
            yield step
            continue
        answers = 0
        for later in steps[place + 1 :]:
            if later.kind == "activity":
                break
            answers += later.kind == "signal"
        yield step.model_copy(update={"answers": answers})
