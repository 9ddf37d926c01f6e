"""`make demo`: a stack of its own with compressed deadlines, a day of trade, and its verdict."""

import os
import shutil
import subprocess
import sys

from config.settings import Settings
from starter.local.stack import Stack
from starter.local.up import Asked, Say, listen_for_stop

# Time is compressed through the order policy and the simulated carrier's pace, and nowhere else.
COMPRESSED = {
    "OMS_POLICY__RETURN_WINDOW_S": "20",
    "OMS_POLICY__RETRY_CAP_S": "5",
    "SIMULATORS_SCAN_S": "1",
}
INTERRUPTED = 130


def demo_stack(settings: Settings, *, keep: bool, kind: type[Stack] = Stack) -> Stack:
    """A stack over a folder of its own; what is to be kept is not tied to this process."""
    own = settings.model_copy(update={"state_dir": settings.state_dir / "demo"})
    return kind(own, extra_env=COMPRESSED, tethered=not keep)


def is_kept() -> bool:
    return os.environ.get("KEEP", "") not in {"", "0"}


def run_demo(stack: Stack, say: Say, *, keep: bool, demo: tuple[str, ...] = ("-m", "demo")) -> int:
    """Bring the stack up afresh, play the demo on it, and return the demo's exit code.

    What `keep` leaves up afterwards is ended by `make down`, or by the next demo.
    """
    listen_for_stop()
    with stack.hold_state():
        played = False
        try:
            _start_afresh(stack)
            for part in stack.start():
                say(f"  up: {part}")
            code = _play(stack, demo)
            played = True
        except Asked:
            say("stopping …")
            return INTERRUPTED
        finally:
            if not (played and keep):
                stack.stop()
    if keep:
        say("everything stays up; stop it with: make down")
    return code


def end_demo(settings: Settings) -> list[str]:
    """End what `KEEP=1 make demo` left up, and name it."""
    return demo_stack(settings, keep=True).supervisor.end_leftovers()


def _start_afresh(stack: Stack) -> None:
    """A day of trade is judged by what it did itself, so no earlier day may be in the books."""
    stack.supervisor.end_leftovers()
    for entry in stack.state.iterdir():
        if entry.name == "logs":
            for log in entry.iterdir():
                log.unlink()
        elif entry.is_dir():
            shutil.rmtree(entry)
        elif entry.name != "lock":
            entry.unlink()


def _play(stack: Stack, demo: tuple[str, ...]) -> int:
    environment = {**os.environ, **stack.environment(), **_addresses(stack)}
    return subprocess.run(  # noqa: S603 our own command, no shell
        [sys.executable, *demo], env=environment, check=False
    ).returncode


def _addresses(stack: Stack) -> dict[str, str]:
    """Where the demo, which reads no settings of ours, finds what it plays on."""
    channel_id, channel = next(iter(stack.settings.channels.items()))
    return {
        "DEMO_API_URL": stack.http_url,
        "DEMO_API_KEY": stack.local_key(),
        "DEMO_CHANNEL": channel_id,
        "DEMO_WEBHOOK_SECRET": channel.secrets[0].get_secret_value(),
        "DEMO_SIMULATORS_URL": stack.simulators_url,
        "DEMO_SIMULATORS_JOURNAL_DIR": str(stack.state / "simulators"),
        "DEMO_TEMPORAL_UI_URL": stack.temporal.ui_url,
    }
