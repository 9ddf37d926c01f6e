"""One stack for all rounds of a module: a start costs more than a round."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.furnishing import make_stack
from tests.crash.world import World


@pytest.fixture(scope="session")
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    folder = Path(tempfile.mkdtemp(prefix="holdfast-crash-"))
    folder.chmod(0o755)
    stack = make_stack(folder)
    made = World(stack, stack.state)
    try:
        made.start()
        yield made
    finally:
        made.stop()
    if not request.session.testsfailed:  # else its logs are what there is to read
        shutil.rmtree(folder, ignore_errors=True)
