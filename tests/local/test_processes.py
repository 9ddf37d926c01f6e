"""The supervisor: healthy means healthy, children end with their parent, stopping has an order."""

import json
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

from starter.local.processes import Child, Spec, StartFailed, Supervisor, run_once

# Says "ready", and on a request to stop writes its name to a file, then ends.
CHILD = """
import pathlib, signal, sys
name, book = sys.argv[1:]
def stop(*_):
    with open(book, "a") as lines:
        lines.write(name + "\\n")
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
signal.signal(signal.SIGINT, stop)
print("ready", flush=True)
while True:
    signal.pause()
"""
DEADLINE_S = 200


def _spec(name: str, book: Path, code: str = CHILD, **options) -> Spec:
    return Spec(
        name=name,
        command=(sys.executable, "-c", code, name, str(book)),
        ready=lambda child: "ready" in child.words(),
        **options,
    )


def _wait_for(condition) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.02)


@pytest.fixture
def supervisor(tmp_path):
    supervisor = Supervisor(tmp_path)
    yield supervisor
    supervisor.stop_all()


def test_processes_stop_in_the_reverse_order_of_their_start(supervisor, tmp_path):
    book = tmp_path / "book"
    for name in ("database", "worker", "starter"):
        supervisor.start(_spec(name, book))
    supervisor.stop_all()
    assert book.read_text().split() == ["starter", "worker", "database"]


def test_a_process_that_ends_at_its_start_is_reported_with_its_last_words(supervisor, tmp_path):
    code = "import sys; print('no such table'); sys.exit(3)"
    with pytest.raises(StartFailed) as caught:
        supervisor.start(_spec("worker", tmp_path, code))
    log = tmp_path / "logs" / "worker.log"
    assert str(caught.value) == f"worker ended with code 3; its log is {log}:\nno such table"


def test_a_process_that_never_gets_healthy_is_ended_and_reported(supervisor, tmp_path):
    code = CHILD.replace('"ready"', '"starting"')
    with pytest.raises(StartFailed, match=r"worker was not healthy within 0\.5 s"):
        supervisor.start(_spec("worker", tmp_path, code, ready_within_s=0.5))
    assert supervisor.children["worker"].exit_code == -signal.SIGKILL


def test_health_is_judged_by_what_this_run_logged_not_by_an_earlier_one(supervisor, tmp_path):
    child = supervisor.start(_spec("worker", tmp_path / "book"))
    child.kill()
    again = Spec(
        name="worker",
        command=(sys.executable, "-c", "import signal; signal.pause()"),
        ready=lambda child: "ready" in child.words(),
        ready_within_s=0.5,
    )
    with pytest.raises(StartFailed, match="not healthy"):
        supervisor.start(again)


def test_a_process_that_ignores_the_request_to_stop_is_killed(supervisor, tmp_path):
    code = CHILD.replace("signal.signal(signal.SIGTERM, stop)", "signal.signal(15, signal.SIG_IGN)")
    child = supervisor.start(_spec("worker", tmp_path / "book", code, stop_within_s=0.3))
    child.stop()
    assert child.exit_code == -signal.SIGKILL


def test_a_dead_process_is_noticed_and_can_be_started_again(supervisor, tmp_path):
    child = supervisor.start(_spec("worker", tmp_path / "book"))
    assert supervisor.ended() == []
    child.kill()
    assert supervisor.ended() == [child]
    again = supervisor.restart(child)
    assert again.pid != child.pid
    assert supervisor.ended() == []


def _parent(tmp_path: Path, *, tethered: bool) -> tuple[subprocess.Popen[str], int]:
    """A supervisor in a process of its own, with one child; returns it and the child's id."""
    script = textwrap.dedent(f"""
        import pathlib, signal, sys
        from starter.local.processes import Spec, Supervisor
        supervisor = Supervisor(pathlib.Path({str(tmp_path)!r}), tethered={tethered})
        command = (sys.executable, "-c", {CHILD!r}, "worker", {str(tmp_path / "book")!r})
        spec = Spec("worker", command, ready=lambda child: "ready" in child.words())
        print(supervisor.start(spec).pid, flush=True)
        signal.pause()
    """)
    parent = subprocess.Popen(  # noqa: S603 the test's own script
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    with parent.stdout:
        return parent, int(parent.stdout.readline())


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties a child to its parent")
def test_children_end_in_order_when_their_supervisor_is_killed(tmp_path):
    parent, child = _parent(tmp_path, tethered=True)
    parent.kill()
    parent.wait()
    _wait_for(lambda: not _runs(child))
    assert (tmp_path / "book").read_text() == "worker\n", "it was asked, not killed"


def test_what_a_killed_supervisor_left_behind_is_ended_by_the_next(tmp_path):
    parent, child = _parent(tmp_path, tethered=False)
    parent.kill()
    parent.wait()
    assert _runs(child)
    assert Supervisor(tmp_path).end_leftovers() == ["worker"]
    assert not _runs(child)


def test_what_was_left_behind_is_ended_though_the_clock_was_set_since(tmp_path):
    parent, child = _parent(tmp_path, tethered=False)
    parent.kill()
    parent.wait()
    noted = json.loads((tmp_path / "pids.json").read_text())
    (name, (pid, born)) = noted.popitem()
    (tmp_path / "pids.json").write_text(json.dumps({name: [pid, born + 2]}))
    assert Supervisor(tmp_path).end_leftovers() == ["worker"]
    assert not _runs(child)


def test_half_a_note_of_what_ran_is_none(tmp_path):
    (tmp_path / "pids.json").write_text('{"worker": [12')
    assert Supervisor(tmp_path).end_leftovers() == []
    assert not (tmp_path / "pids.json").exists()


def test_a_process_that_only_got_the_same_id_is_left_alone(tmp_path):
    supervisor = Supervisor(tmp_path)
    with subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"]) as stranger:
        noted = {"worker": [stranger.pid, psutil.Process(stranger.pid).create_time() - 60]}
        (tmp_path / "pids.json").write_text(json.dumps(noted))
        assert supervisor.end_leftovers() == []
        assert stranger.poll() is None
        stranger.kill()


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_one_off_command_that_fails_is_reported_with_all_it_said():
    code = "import sys; print('half done'); sys.exit('no rights')"
    with pytest.raises(StartFailed, match=r"migrations ended with code 1:\nhalf done\nno rights"):
        run_once("migrations", [sys.executable, "-c", code], {})


def test_a_child_gets_the_signal_it_is_sent(supervisor, tmp_path):
    child: Child = supervisor.start(_spec("worker", tmp_path / "book"))
    child.send(signal.SIGINT)
    _wait_for(lambda: child.exit_code == 0)
    assert (tmp_path / "book").read_text() == "worker\n"
