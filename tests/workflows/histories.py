"""What a workflow's whole history says: events, payloads and failures, in one text."""

import base64
import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from temporalio.api.enums.v1 import EventType, TimeoutType
from temporalio.client import WorkflowHandle

SLOW = "Potential deadlock detected"
"""The SDK's word for a workflow task that got nowhere in two seconds."""


async def everything_told(handle: WorkflowHandle[Any, Any]) -> str:
    """The history as JSON with each payload decoded beside it, and its very bytes."""
    history = await handle.fetch_history()
    stored = b"".join(event.SerializeToString() for event in history.events)
    return f"{decoded(json.loads(history.to_json()))}\n{stored.decode(errors='replace')}"


def occurring(values: Iterable[str], told: str) -> list[str]:
    """Those of the values that the text holds, plain or as JSON or an address would write them."""
    told = told.lower()
    return [value for value in values if any(form in told for form in _forms(value.lower()))]


def _forms(value: str) -> set[str]:
    return {value, json.dumps(value)[1:-1], quote(value).lower()}


def decoded(node: object) -> str:
    if isinstance(node, dict):
        return "\n".join(f"{key}: {decoded(value)}" for key, value in node.items())
    if isinstance(node, list):
        return "\n".join(decoded(value) for value in node)
    return f"{node} {_from_base64(node)}" if isinstance(node, str) else str(node)


def _from_base64(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode(errors="replace")
    except ValueError:  # no base64, or not even ASCII
        return ""


async def bugs_in(handle: WorkflowHandle[Any, Any]) -> list[str]:
    """What workflow tasks, or the workflow, failed with, each once."""
    failures = [
        getattr(event, f"workflow_{kind}_failed_event_attributes").failure
        for event in (await handle.fetch_history()).events
        for kind in ("task", "execution")
    ]
    return sorted({f"{told.message}\n{told.stack_trace}" for told in failures if told.message})


async def lost_tasks(handle: WorkflowHandle[Any, Any]) -> set[int]:
    """The workflow tasks that a machine was too slow for, by the length of the history before each.

    Each was repeated, and left in our rows what it had written.
    """
    lost = set()
    for event in (await handle.fetch_history()).events:
        failed = event.workflow_task_failed_event_attributes
        if SLOW in failed.failure.message:
            lost.add(failed.started_event_id)
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT:
            lost.add(event.workflow_task_timed_out_event_attributes.started_event_id)
    return lost


async def missed_heartbeats(handle: WorkflowHandle[Any, Any]) -> int:
    """The steps whose worker stood still for so long that they were tried again for that alone."""
    return sum(
        event.activity_task_started_event_attributes.last_failure.timeout_failure_info.timeout_type
        == TimeoutType.TIMEOUT_TYPE_HEARTBEAT
        for event in (await handle.fetch_history()).events
    )
