"""What a workflow's whole history says: events, payloads and failures, in one text."""

import base64
import binascii
import json
from typing import Any

from temporalio.client import WorkflowHandle


async def everything_told(handle: WorkflowHandle[Any, Any]) -> str:
    """The history as JSON with each payload decoded beside it."""
    history = await handle.fetch_history()
    return _decoded(json.loads(history.to_json()))


def _decoded(node: object) -> str:
    if isinstance(node, dict):
        return "\n".join(f"{key}: {_decoded(value)}" for key, value in node.items())
    if isinstance(node, list):
        return "\n".join(_decoded(value) for value in node)
    return f"{node} {_from_base64(node)}" if isinstance(node, str) else str(node)


def _from_base64(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode(errors="replace")
    except binascii.Error:
        return ""
