"""Starts, watches and stops the processes of the local stack, each with a log file of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import psutil

from starter.local.ports import PortClaim, PortTaken, is_free

TETHER = Path(__file__).with_name("tether.py")
POLL_S = 0.05
LOG_TAIL_LINES = 15
LEFTOVER_STOP_S = 20.0
BORN_WITHIN_S = 5.0
"""The system counts births from its start, and tells that by a clock which is set now and then."""


class StartFailed(RuntimeError):
    """A process ended, or did not become healthy in time; the text holds its last words."""


@dataclass(frozen=True)
class Spec:
    """How to run one process and how to tell that it is healthy."""

    name: str
    command: tuple[str, ...]
    ready: Callable[["Child"], bool]
    env: Mapping[str, str] = field(default_factory=dict)
    ports: tuple[PortClaim, ...] = ()
    user: str = ""
    stop_signal: int = signal.SIGTERM
    ready_within_s: float = 60
    stop_within_s: float = 30
    clear: Callable[[], None] = lambda: None
    """Ends what a life before this one left, if that would be in the way."""


class Child:
    """One running process of the stack.

    Start it from a thread that lives as long as the process shall: the kernel ties a tethered child
    to the thread that started it, not to the whole of its parent.
    """

    def __init__(self, spec: Spec, log: Path, *, tethered: bool = True) -> None:
        self.spec = spec
        self.log = log
        self._log_offset = log.stat().st_size if log.exists() else 0
        command = list(spec.command)
        if tethered or spec.user:
            parent = str(os.getpid())
            bound = str(int(spec.stop_signal if tethered else 0))
            command = [sys.executable, "-S", "-E", str(TETHER), parent, bound, spec.user, *command]
        with log.open("ab") as output:
            self._popen = subprocess.Popen(  # noqa: S603 our own command, no shell
                command,
                env={**os.environ, **spec.env},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # Ctrl-C in the terminal reaches the supervisor alone, which stops in order.
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; minus the signal's number when a signal ended it."""
        return self._popen.poll()

    def words(self) -> str:
        """What it logged since it was started."""
        with self.log.open("rb") as lines:
            lines.seek(self._log_offset)
            return lines.read().decode(errors="replace")

    def last_words(self) -> str:
        return "\n".join(self.words().splitlines()[-LOG_TAIL_LINES:])

    def wait_ready(self) -> None:
        deadline = time.monotonic() + self.spec.ready_within_s
        while not self.spec.ready(self):
            if self.exit_code is not None:
                raise StartFailed(self._failure(f"ended with code {self.exit_code}"))
            if time.monotonic() > deadline:
                self.kill()
                raise StartFailed(
                    self._failure(f"was not healthy within {self.spec.ready_within_s:g} s")
                )
            time.sleep(POLL_S)

    def _failure(self, what: str) -> str:
        return f"{self.spec.name} {what}; its log is {self.log}:\n{self.last_words()}"

    def send(self, signal_number: int) -> None:
        if self.exit_code is None:
            self._popen.send_signal(signal_number)

    def kill(self) -> None:
        """As `kill -9`, and collected."""
        self.send(signal.SIGKILL)
        self._popen.wait()

    def stop(self) -> None:
        """Ask it to end in order; kill it when it does not in time."""
        self.send(self.spec.stop_signal)
        try:
            self._popen.wait(self.spec.stop_within_s)
        except subprocess.TimeoutExpired:
            self.kill()


class Supervisor:
    """Starts processes one after another, and stops them in the reverse order."""

    def __init__(self, state: Path, *, tethered: bool = True) -> None:
        self._logs = state / "logs"
        self._logs.mkdir(parents=True, exist_ok=True)
        self._pids = state / "pids.json"
        self._tethered = tethered
        self.children: dict[str, Child] = {}

    def start(self, spec: Spec) -> Child:
        """Start the process and wait until it is healthy.

        Raises:
            PortTaken: somebody else listens on a port that it needs.
            StartFailed: it ended or did not become healthy; what it logged last is in the text.
        """
        spec.clear()
        self.require_ports([spec])
        child = Child(spec, self._logs / f"{spec.name}.log", tethered=self._tethered)
        self.children[spec.name] = child
        self._note_pids()
        child.wait_ready()
        return child

    def require_ports(self, specs: Iterable[Spec]) -> None:
        """See that the processes can listen where they have to, before any of them is started.

        Raises:
            PortTaken: names the first port that somebody else holds.
        """
        for spec in specs:
            for claim in spec.ports:
                if not is_free(claim.port):
                    raise PortTaken(spec.name, claim)

    def ended(self) -> list[Child]:
        """The processes that ended without being asked to."""
        return [child for child in self.children.values() if child.exit_code is not None]

    def restart(self, child: Child) -> Child:
        child.stop()
        return self.start(child.spec)

    def stop_all(self) -> None:
        for child in reversed(self.children.values()):
            child.stop()
        self.children.clear()
        self._pids.unlink(missing_ok=True)

    def end_leftovers(self) -> list[str]:
        """End what an earlier supervisor of the same state folder left behind when it was killed.

        A process counts only if its id *and* its time of birth are those written down: the
        system hands ids out again.
        """
        if not self._pids.exists():
            return []
        try:
            noted = json.loads(self._pids.read_text())
        except ValueError:
            noted = {}  # the machine died before all of it was on the disk, and with it all others
        ended = [name for name, mark in reversed(noted.items()) if _end_marked(*mark)]
        self._pids.unlink()
        return ended

    def _note_pids(self) -> None:
        marks = {name: _mark(child.pid) for name, child in self.children.items()}
        fresh = self._pids.with_suffix(".new")
        fresh.write_text(json.dumps({name: mark for name, mark in marks.items() if mark}))
        fresh.replace(self._pids)


def _mark(pid: int) -> tuple[int, float] | None:
    try:
        return pid, psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return None


def _end_marked(pid: int, born: float) -> bool:
    try:
        process = psutil.Process(pid)
        if abs(process.create_time() - born) > BORN_WITHIN_S or _is_dead(process):
            return False
        # SIGINT is what every child of ours takes as "stop now, in order"; for PostgreSQL it is
        # the fast shutdown, where SIGTERM would wait for clients.
        process.send_signal(signal.SIGINT)
        if not _dies_within(process, LEFTOVER_STOP_S):
            end_at_once(process)
    except psutil.NoSuchProcess:
        return False
    return True


def end_at_once(process: psutil.Process) -> None:
    """As `kill -9`, of a process that need not be our child."""
    with suppress(psutil.NoSuchProcess):
        process.kill()
        _dies_within(process, LEFTOVER_STOP_S)


def _dies_within(process: psutil.Process, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not _is_dead(process):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


def _is_dead(process: psutil.Process) -> bool:
    # A zombie counts as dead: in a container without an init nobody ever collects an orphan.
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def http_ok(url: str) -> bool:
    """Whether the address answers with a 2xx."""
    try:
        with urlopen(url, timeout=2) as answer:  # noqa: S310 our own loopback address
            return bool(200 <= answer.status < 300)  # noqa: PLR2004 the 2xx
    except (URLError, TimeoutError, ConnectionError):
        return False


def run_once(name: str, command: Iterable[str], env: Mapping[str, str]) -> str:
    """Run a command to its end and return what it printed.

    Raises:
        StartFailed: it ended with another code than 0.
    """
    done = subprocess.run(  # noqa: S603 our own command, no shell
        list(command),
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise StartFailed(f"{name} ended with code {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout
