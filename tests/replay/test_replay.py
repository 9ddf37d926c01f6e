"""Orders that older releases began must go on: each kept history replays without a difference."""

import json
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner
from temporalio.workflow import NondeterminismError

from domain.orders import PaymentStatus
from tests.replay.record import LIVES
from workflows.order import OrderWorkflow
from workflows.returns import ReturnWorkflow
from workflows.till import Till

HISTORIES = sorted(Path(__file__).parent.glob("histories/*.json"))


def kept(path: Path) -> WorkflowHistory:
    told = json.loads(path.read_text())
    return WorkflowHistory.from_json(told["workflow_id"], told["history"])


@pytest.fixture(scope="module")
def replayer() -> Replayer:
    return Replayer(
        workflows=[OrderWorkflow, ReturnWorkflow], data_converter=pydantic_data_converter
    )


def test_every_life_has_its_history() -> None:
    names = {path.stem for path in HISTORIES}
    assert len(LIVES) >= 8
    assert names >= set(LIVES)


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
async def test_a_kept_history_replays(replayer: Replayer, path: Path) -> None:
    result = await replayer.replay_workflow(kept(path), raise_on_replay_failure=False)
    assert result.replay_failure is None


async def test_a_change_of_the_life_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def no_more(till: Till, *_: object) -> None:
        till._state.payment = PaymentStatus.PAID

    monkeypatch.setattr(Till, "_capture", no_more)
    replayer = Replayer(
        workflows=[OrderWorkflow],
        data_converter=pydantic_data_converter,
        workflow_runner=UnsandboxedWorkflowRunner(),
    )
    path = next(path for path in HISTORIES if path.stem == "closed")
    result = await replayer.replay_workflow(kept(path), raise_on_replay_failure=False)
    assert isinstance(result.replay_failure, NondeterminismError)
