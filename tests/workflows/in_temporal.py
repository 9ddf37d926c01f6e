"""What engineers see of a workflow in Temporal's UI: its search attributes and current details."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import Client, WorkflowHandle
from temporalio.common import SearchAttributeKey

from tests.workflows.world import PATIENCE_S

LOOK_S = 0.05
METADATA = "__temporal_workflow_metadata"
KEYWORDS = ("OrderStatus", "Channel", "WaitingOn", "DestinationCountry")
HOLD_REASONS = SearchAttributeKey.for_keyword_list("HoldReasons")


@dataclass(frozen=True)
class Shown:
    """`attributes` without those that are not set."""

    attributes: dict[str, str]
    hold_reasons: tuple[str, ...]
    details: str


async def shown(handle: WorkflowHandle[Any, Any]) -> Shown:
    described = (await handle.describe()).typed_search_attributes
    found = {name: described.get(SearchAttributeKey.for_keyword(name)) for name in KEYWORDS}
    return Shown(
        attributes={name: value for name, value in found.items() if value is not None},
        hold_reasons=tuple(described.get(HOLD_REASONS) or ()),
        details=await details(handle),
    )


async def details(handle: WorkflowHandle[Any, Any]) -> str:
    told: WorkflowMetadata = await handle.query(METADATA, result_type=WorkflowMetadata)
    return told.current_details


async def until_shown(handle: WorkflowHandle[Any, Any], wanted: Shown) -> None:
    """Wait for it: a row is written before the workflow task that wrote it reaches the server."""
    await until(handle, lambda seen: seen == wanted, f"{wanted}")


async def until(
    handle: WorkflowHandle[Any, Any], true: Callable[[Shown], bool], wanted: str
) -> Shown:
    seen = await shown(handle)
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not true(seen):
                await asyncio.sleep(LOOK_S)
                seen = await shown(handle)
    except TimeoutError:
        pytest.fail(f"Temporal never showed {wanted}, but {seen}")
    return seen


async def until_found(client: Client, query: str, kind: str) -> None:
    """Wait until a search finds one workflow, of that type: visibility comes a moment later."""
    found: list[str] = []
    try:
        async with asyncio.timeout(PATIENCE_S):
            while found != [kind]:
                await asyncio.sleep(LOOK_S)
                found = [one.workflow_type async for one in client.list_workflows(query)]
    except TimeoutError:
        pytest.fail(f"{query} finds {found}")
