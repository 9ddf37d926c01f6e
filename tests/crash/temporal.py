"""What Temporal keeps of the workflows of a run."""

import json

from google.protobuf.json_format import MessageToJson
from temporalio.client import Client

from tests.workflows.histories import decoded, everything_told


async def everything_kept(address: str) -> dict[str, str]:
    """By workflow id, of every workflow: its whole history, its memo and search attributes."""
    client = await Client.connect(address)
    kept: dict[str, str] = {}
    async for execution in client.list_workflows():
        handle = client.get_workflow_handle(execution.id, run_id=execution.run_id)
        described = (await handle.describe()).raw_description
        described_text = decoded(json.loads(MessageToJson(described)))
        stored = described.SerializeToString().decode(errors="replace")
        told = [await everything_told(handle), described_text, stored]
        kept[execution.id] = "\n".join([kept.get(execution.id, ""), *told])
    return kept
