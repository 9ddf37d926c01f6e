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


def run_demo(settings: Settings, say: Say) -> int:
    """Bring a stack up over a fresh folder, play the demo, and return the demo's exit code.

    With KEEP=1 everything stays up afterwards, and what stops it is printed.
    """
    keep = os.environ.get("KEEP", "") not in {"", "0"}
    state = settings.state_dir / "demo"
    stack = Stack(
        settings.model_copy(update={"state_dir": state}), extra_env=COMPRESSED, tethered=not keep
    )
    listen_for_stop()
    with stack.hold_state():
        kept = False
        try:
            _start_afresh(stack)
            for part in stack.start():
                say(f"  up: {part}")
            code = _play(stack)
            kept = keep
        except Asked:
            say("stopping …")
            return INTERRUPTED
        finally:
            if not kept:
                stack.stop()
    if kept:
        say("everything stays up; stop it with: make down")
    return code


def end_demo(settings: Settings) -> list[str]:
    """End what `KEEP=1 make demo` left up, and name it."""
    stack = Stack(settings.model_copy(update={"state_dir": settings.state_dir / "demo"}))
    return stack.supervisor.end_leftovers()


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


def _play(stack: Stack) -> int:
    environment = {**os.environ, **stack.environment(), **_addresses(stack)}
    return subprocess.run([sys.executable, "-m", "demo"], env=environment, check=False).returncode


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
