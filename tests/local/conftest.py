"""Folders and ports for tests that start processes of their own."""

import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.folders import state_folder


@pytest.fixture
def make_folder() -> Iterator[Callable[[], Path]]:
    """Call it for a new state folder that the database's own account may enter."""
    made: list[Path] = []

    def make() -> Path:
        folder = state_folder("holdfast-local-")
        made.append(folder)
        return folder

    yield make
    for folder in made:
        shutil.rmtree(folder)


@pytest.fixture
def listening() -> Iterator[int]:
    """A port on which somebody else listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]
