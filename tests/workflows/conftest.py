"""Runs the real worker over worlds in memory, on a real Temporal server."""

from collections.abc import AsyncIterator, Iterator

import pytest
import structlog
from temporalio.testing import WorkflowEnvironment

from tests.workflows.at_once import running
from tests.workflows.lives import Start
from tests.workflows.ports import Worlds
from tests.workflows.running import living, start_life

__all__ = ["running"]


@pytest.fixture(scope="session")
def _brief_logs() -> Iterator[None]:
    """The default draws each bug's traceback with all locals, for half a second of CPU."""
    structlog.configure(
        processors=[structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
async def worlds(
    _brief_logs: None, skipping_env: WorkflowEnvironment, request: pytest.FixtureRequest
) -> AsyncIterator[Worlds]:
    """The real worker, for as long as the session lasts."""
    cache = request.config.getoption("--workflow-cache")
    async with living(skipping_env, cache) as every:
        yield every


@pytest.fixture(scope="session")
def start(skipping_env: WorkflowEnvironment, worlds: Worlds) -> Start:
    return start_life(skipping_env, worlds)
