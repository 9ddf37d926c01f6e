"""One stack for all rounds of a module: a start costs more than a round."""

import shutil
from collections.abc import Iterator

import pytest

from tests.crash.furnishing import make_stack
from tests.crash.world import World
from tests.folders import state_folder


@pytest.fixture(scope="session")
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    folder = state_folder("holdfast-crash-")
    stack = make_stack(folder)
    made = World(stack, stack.state)
    try:
        made.start()
        yield made
    finally:
        made.stop()
    if not request.session.testsfailed:  # else its logs are what there is to read
        shutil.rmtree(folder, ignore_errors=True)
