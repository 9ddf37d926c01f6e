"""How a process ends that spoke to Temporal: at once.

The SDK's threads outlive the event loop, and one that comes back into an interpreter that is being
taken down aborts the process.
"""

import os
import sys
from collections.abc import Callable
from typing import NoReturn


def leave(status: int) -> NoReturn:
    """End with this exit status and without tearing the interpreter down."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def run_and_leave(command_line: Callable[[], object]) -> NoReturn:
    """Run what ends with `SystemExit`, as typer's command lines do, and leave with its status."""
    status = 0
    try:
        command_line()
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    leave(status)
