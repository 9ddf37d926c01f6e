"""A real simulators process on a free port, and a receiver for the webhooks it sends."""

import asyncio
import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_S = 200.0


@dataclass
class Received:
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """Takes webhooks; `answers` are the statuses to give first, then 200 for ever."""

    got: list[Received] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    url: str = ""

    def of(self, text: str) -> list[Received]:
        return [one for one in self.got if text.encode() in one.body or text in one.path]


@contextlib.contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.got.append(Received(self.path, headers, body))
            self.send_response(receiver.answers.pop(0) if receiver.answers else 200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Simulators:
    process: asyncio.subprocess.Process
    url: str

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)


@contextlib.asynccontextmanager
async def running(
    state_dir: Path, receiver: Receiver, **flags: object
) -> AsyncIterator[Simulators]:
    """`python -m simulators`, ended when the block is left."""
    given = {
        "port": 0,
        "state-dir": state_dir,
        "shop-webhook-url": f"{receiver.url}/webhooks/demo",
        "carrier-webhook-url": f"{receiver.url}/webhooks/carriers/easypost",
        "warehouse-webhook-base": f"{receiver.url}/webhooks/warehouses",
        "pack-s": 0.05,
        "scan-s": 0.05,
        "webhook-timeout-s": DEADLINE_S,  # a busy receiver is not told twice
    } | {name.replace("_", "-"): value for name, value in flags.items()}
    arguments = [part for name, value in given.items() for part in (f"--{name}", str(value))]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "simulators", *arguments, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    line = (await asyncio.wait_for(process.stdout.readline(), DEADLINE_S)).decode()
    assert line.startswith("simulators ready on http://"), line
    try:
        yield Simulators(process, line.split()[-1])
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await asyncio.wait_for(process.communicate(), DEADLINE_S)


async def until(ask: Callable[[], object]) -> object:
    """Poll until the answer is true; fail after the deadline."""
    deadline_s = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline_s:
        if answer := ask():
            return answer
        await asyncio.sleep(0.02)
    raise AssertionError(f"did not happen within {DEADLINE_S} s")


async def journal(client: httpx.AsyncClient, **asked: str) -> list[dict[str, Any]]:
    answer = await client.get("/control/journal", params=asked)
    entries: list[dict[str, Any]] = answer.json()["entries"]
    return entries
