"""`make up`: everything up, told by name; up again where it was after kill -9 of every process."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = Path(__file__).with_name("small_stack.py")
PARTS = ["postgres", "temporal", "simulators", "worker", "starter"]
DEADLINE_S = 200


class Up:
    """One run of `make up` over a state folder."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(  # noqa: S603 the test's own script
            [sys.executable, str(SCRIPT), "up"],
            cwd=ROOT,
            env={**os.environ, **environment, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.said: list[str] = []

    def read_until(self, words: str) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line.rstrip())
            if words in line:
                return
        raise AssertionError(f"ended before saying {words!r}:\n" + "\n".join(self.said))

    def end(self, signal_number: int) -> int:
        self.process.send_signal(signal_number)
        rest, _ = self.process.communicate(timeout=DEADLINE_S)
        self.said += rest.splitlines()
        return self.process.returncode


class Ground:
    """The folder and ports that several runs share."""

    def __init__(self, state: Path, free_port) -> None:
        self.state = state
        names = ("HTTP", "POSTGRES", "TEMPORAL", "TEMPORAL_UI", "SIMULATORS")
        self.ports = {f"OMS_{name}_PORT": str(free_port()) for name in names}
        self.runs: list[Up] = []

    def up(self) -> Up:
        run = Up({**self.ports, "OMS_STATE_DIR": str(self.state)})
        self.runs.append(run)
        return run

    def pids(self) -> dict[str, int]:
        return {
            name: pid
            for name, (pid, _) in json.loads((self.state / "pids.json").read_text()).items()
        }

    def connect(self) -> psycopg.Connection:
        port = self.ports["OMS_POSTGRES_PORT"]
        return psycopg.connect(f"postgresql://postgres@127.0.0.1:{port}/holdfast")


@pytest.fixture
def ground(make_folder, free_port) -> Iterator[Ground]:
    ground = Ground(make_folder(), free_port)
    yield ground
    for run in ground.runs:
        if run.process.poll() is None:
            run.end(signal.SIGTERM)
        run.process.stdout.close()


def test_a_stack_from_its_start_over_a_death_to_its_end(ground):
    run = ground.up()
    run.read_until("everything is up")
    pids = ground.pids()
    assert list(pids) == PARTS
    port = ground.ports
    address, pages = port["OMS_TEMPORAL_PORT"], port["OMS_TEMPORAL_UI_PORT"]
    assert run.said[:-1] == [
        f"  up: PostgreSQL on port {port['OMS_POSTGRES_PORT']}",
        "  up: database migrated",
        f"  up: Temporal at 127.0.0.1:{address}, its pages at http://127.0.0.1:{pages}",
        f"  up: simulators at http://127.0.0.1:{port['OMS_SIMULATORS_PORT']}",
        "  up: worker",
        f"  up: starter at http://127.0.0.1:{port['OMS_HTTP_PORT']}",
    ]

    second = ground.up()
    second.read_until(f"another stack is up with its state in {ground.state}")
    assert second.process.wait(DEADLINE_S) == 1

    os.kill(pids["worker"], signal.SIGKILL)
    run.read_until("worker ended with code -9; starting it again")
    deadline = time.monotonic() + DEADLINE_S
    while (now := ground.pids())["worker"] == pids["worker"]:
        assert time.monotonic() < deadline, "was not started again"
        time.sleep(0.02)
    assert {**now, "worker": 0} == {**pids, "worker": 0}, "the others were left alone"

    assert run.end(signal.SIGINT) == 0
    assert run.said[-1] == "stopping …"
    assert [name for name, pid in now.items() if psutil.pid_exists(pid)] == []


@pytest.mark.parametrize("killed", ["every process", "the supervisor alone"])
def test_after_kill_9_the_next_run_goes_on(ground, killed):
    run = ground.up()
    run.read_until("everything is up")
    with ground.connect() as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS value")
    children = ground.pids().values() if killed == "every process" else ()
    for pid in (run.process.pid, *children):
        os.kill(pid, signal.SIGKILL)
    run.process.wait()
    again = ground.up()
    again.read_until("everything is up")
    with ground.connect() as connection:
        assert connection.execute("SELECT value FROM kept").fetchall() == [(7,)]


def test_a_taken_port_is_named_and_nothing_stays_up(ground, listening):
    ground.ports["OMS_HTTP_PORT"] = str(listening)
    run = ground.up()
    run.read_until(
        f"port {listening} on 127.0.0.1 is taken, and starter needs it: stop what listens there, "
        "or set OMS_HTTP_PORT to another port"
    )
    assert run.process.wait(DEADLINE_S) == 1
    assert not (ground.state / "pids.json").exists()


@pytest.mark.parametrize("what", ["up", "demo", "down"])
def test_a_state_folder_that_cannot_be_is_named(tmp_path, what):
    (tmp_path / "file").write_text("")
    done = subprocess.run(  # noqa: S603 our own program
        [sys.executable, "-m", "starter.local", what],
        env={**os.environ, "OMS_STATE_DIR": str(tmp_path / "file")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("OMS_STATE_DIR: [Errno ")
    assert len(done.stderr.splitlines()) == 1
