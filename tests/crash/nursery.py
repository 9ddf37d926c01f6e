"""The product's worker and starter, with failpoints around their ports, in processes that may die.

`python -m tests.crash.nursery FOLDER` keeps those mortals up that `FOLDER/roster.json` names, and
ends those that it no longer names; `FOLDER/obeyed.json` is the roster that it has carried out. Each
is forked from this process, so that a new life costs no imports: a round has many deaths.
"""

import asyncio
import ctypes
import json
import os
import signal
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path

import uvicorn
import uvloop
from temporalio.client import Client

from config.inbound import senders_of
from config.logging import configure_logging
from config.settings import Settings, load_settings
from config.temporal import connect
from config.wiring import wire
from starter.app import create_app
from starter.composition import Composition
from starter.local.tether import PR_SET_PDEATHSIG
from starter.signalling import Workflows
from tests.crash.failpoints import Failpoints, wrapped_ports, wrapped_tables
from worker.workers import build

READY = "nursery ready"
CACHE = "CRASH_CACHE"
PART = "CRASH_PART"
"""What the mortal is; `worker` unless said."""
WORKER = "worker"
STARTER = "starter"
ROSTER = "roster.json"
OBEYED = "obeyed.json"
NOBODY = '{"number": 0, "mortals": {}}'
LOOK_S = 0.05


def put(path: Path, content: str) -> None:
    """Replace the file whole: whoever reads it sees the old one or the new one."""
    fresh = path.with_suffix(".new")
    fresh.write_text(content)
    fresh.replace(path)


async def connected(settings: Settings) -> Client:
    """Tries until it is: a server that stood still has not answered, and nobody dies of that."""
    while True:
        try:
            return await connect(settings)
        except RuntimeError:  # the SDK's own word for "no connection"
            await asyncio.sleep(LOOK_S)


async def work(settings: Settings) -> None:
    client = await connected(settings)
    wiring = wire(settings, settings.worker_database_pool)
    ports = wrapped_ports(wiring, Failpoints.from_environment())
    async with AsyncExitStack() as running:
        for worker in build(client, ports, settings, cache=int(os.environ[CACHE])):
            await running.enter_async_context(worker)
        await asyncio.Event().wait()  # it is never asked to end: it dies


async def serve(settings: Settings) -> None:
    client = await connect(settings, lazy=True)
    wired = wire(settings, settings.database_pool)
    tables = wrapped_tables(wired, Failpoints.from_environment())
    composition = Composition(settings, tables, Workflows(client), senders_of(settings))
    listening = uvicorn.Config(
        create_app(composition),
        host=settings.http_host,
        port=settings.http_port,
        log_config=None,
        access_log=False,
    )
    await uvicorn.Server(listening).serve()


LIVES = {WORKER: work, STARTER: serve}


def be_born(told: dict[str, str], log: Path) -> int:
    """Fork a mortal that dies with this process; returns its id."""
    pid = os.fork()
    if pid:
        return pid
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.environ.update(told)
    settings = load_settings()
    part = os.environ.get(PART, WORKER)
    configure_logging(settings, part)
    uvloop.run(LIVES[part](settings))
    os._exit(1)


class Nursery:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._alive: dict[str, int] = {}
        self._obeyed = NOBODY

    def look(self) -> None:
        """One look at the roster and at who has died."""
        path = self._folder / ROSTER
        written = path.read_text() if path.exists() else NOBODY
        roster: dict[str, dict[str, str]] = json.loads(written)["mortals"]
        for name, pid in list(self._alive.items()):
            if name not in roster:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                del self._alive[name]
        self._bury()
        for name, told in roster.items():
            if name not in self._alive:
                self._alive[name] = be_born(told, self._folder / "logs" / f"{name}.log")
        if written != self._obeyed:
            put(self._folder / OBEYED, written)
            self._obeyed = written

    def _bury(self) -> None:
        """Only `kill -9` is an end that we expect."""
        for name, pid in list(self._alive.items()):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if not ended:
                continue
            code = os.waitstatus_to_exitcode(status)
            if code != -signal.SIGKILL:
                sys.exit(f"{name} ended: {code}; see its log")
            del self._alive[name]


def main() -> None:
    nursery = Nursery(Path(sys.argv[1]))
    sys.stdout.write(f"{READY}\n")
    sys.stdout.flush()
    while True:
        nursery.look()
        time.sleep(LOOK_S)


if __name__ == "__main__":
    main()
