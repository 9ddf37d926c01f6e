"""`make demo`: the demo's verdict is the command's, and what stays up is what was asked to."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from config.settings import load_settings
from starter.local.demo import end_demo

ROOT = Path(__file__).parents[2]
SCRIPT = Path(__file__).with_name("small_stack.py")
PARTS = ["postgres", "temporal", "simulators", "worker", "starter"]
# Says what it was told, leaves a row, and fails if an earlier day of trade is in the books.
DEMO = """
import os, psycopg, sys
told = sorted(name for name in os.environ if name.startswith("DEMO_"))
print("told", *told, "window", os.environ["OMS_POLICY__RETURN_WINDOW_S"], flush=True)
url = os.environ["OMS_DATABASE_URL"].replace("+psycopg", "")
with psycopg.connect(url) as connection:
    connection.execute("CREATE TABLE traded ()")
sys.exit(3)
"""


def _play(environment: dict[str, str], **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 the test's own script
        [sys.executable, str(SCRIPT), "demo", DEMO],
        cwd=ROOT,
        env={**os.environ, **environment, **more, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def _running(state: Path) -> list[str]:
    noted = json.loads((state / "demo" / "pids.json").read_text())
    return [name for name, (pid, _) in noted.items() if psutil.pid_exists(pid)]


@pytest.mark.timeout(900)
def test_a_kept_demo_stays_up_until_the_next_or_until_make_down(
    make_folder, free_port, monkeypatch
):
    state = make_folder()
    names = ("HTTP", "POSTGRES", "TEMPORAL", "TEMPORAL_UI", "SIMULATORS")
    environment = {f"OMS_{name}_PORT": str(free_port()) for name in names}
    environment["OMS_STATE_DIR"] = str(state)

    first = _play(environment, KEEP="1")
    assert first.returncode == 3, first.stdout + first.stderr
    assert first.stdout.splitlines()[-1] == "everything stays up; stop it with: make down"
    told = "API_KEY API_URL CHANNEL SIMULATORS_JOURNAL_DIR SIMULATORS_URL TEMPORAL_UI_URL"
    variables = " ".join(f"DEMO_{name}" for name in [*told.split(), "WEBHOOK_SECRET"])
    assert f"told {variables} window 20" in first.stdout
    assert _running(state) == PARTS

    second = _play(environment, KEEP="1")
    assert second.returncode == 3, second.stdout + second.stderr
    assert _running(state) == PARTS

    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert end_demo(load_settings()) == PARTS[::-1]

    third = _play(environment)
    assert third.returncode == 3, third.stdout + third.stderr
    assert not (state / "demo" / "pids.json").exists(), "nothing stayed up"
