"""Folders for the servers that tests start, and the time that such a start may take."""

import os
import shutil
import tempfile
from datetime import timedelta
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108 - mkdtemp makes a folder of our own in it
ROOM_BYTES = 4 * 2**30
STARTS_WITHIN = timedelta(seconds=180)
"""The SDK gives a Temporal server five seconds: too few where others start on the same cores."""


def state_folder(prefix: str) -> Path:
    """A new folder that the database's own account may enter, unlike pytest's private ones.

    In memory where the machine has room there: what survives a kill of each process is the same,
    and tests of databases do not wait for a disk that others use too.
    """
    roomy = os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= ROOM_BYTES
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=MEMORY if roomy else None))
    folder.chmod(0o755)
    return folder
