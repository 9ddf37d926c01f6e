"""`make up`: everything up until Ctrl-C, and up again where it was after any crash."""

import signal
import time
from collections.abc import Callable
from types import FrameType
from typing import Never

from starter.local.processes import Child, StartFailed
from starter.local.stack import Stack

WATCH_S = 0.5
# A process that dies more often than this is broken, and starting it again only hides that.
DEATHS_MAX = 5
DEATHS_WINDOW_S = 60.0

Say = Callable[[str], None]


class Asked(BaseException):
    """Ctrl-C or `kill`; a BaseException, so that nothing on the way takes it for a failure."""


class _Deaths:
    """Counts how often each process died lately."""

    def __init__(self) -> None:
        self._at: dict[str, list[float]] = {}

    def too_many(self, name: str) -> bool:
        now = time.monotonic()
        recent = [at for at in self._at.get(name, []) if now - at < DEATHS_WINDOW_S]
        self._at[name] = [*recent, now]
        return len(self._at[name]) > DEATHS_MAX


def run_up(stack: Stack, say: Say, *, ready: Callable[[], None] | None = None) -> None:
    """Bring the stack up, keep it up, and take it down in order on Ctrl-C or SIGTERM.

    A process that dies is started again; `ready` is called once everything is healthy.

    Raises:
        AlreadyUp: another stack works on the same state folder.
        PortTaken: somebody else listens on a port that is needed.
        StartFailed: a process did not become healthy, or keeps dying.
    """
    listen_for_stop()
    with stack.hold_state():
        try:
            for part in stack.start():
                say(f"  up: {part}")
            if ready is not None:
                ready()
            _watch(stack, say)
        except Asked:
            # A second Ctrl-C must not leave half of the stack up.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            say("stopping …")
        finally:
            stack.stop()


def listen_for_stop() -> None:
    def asked(_signal: int, _frame: FrameType | None) -> Never:
        raise Asked

    signal.signal(signal.SIGINT, asked)
    signal.signal(signal.SIGTERM, asked)


def _watch(stack: Stack, say: Say) -> None:
    deaths = _Deaths()
    while True:
        time.sleep(WATCH_S)
        for child in stack.supervisor.ended():
            _revive(stack, child, deaths, say)


def _revive(stack: Stack, child: Child, deaths: _Deaths, say: Say) -> None:
    name = child.spec.name
    if deaths.too_many(name):
        raise StartFailed(f"{name} keeps dying; its log is {child.log}:\n{child.last_words()}")
    say(f"  {name} ended with code {child.exit_code}; starting it again")
    stack.supervisor.restart(child)
