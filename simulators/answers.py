"""How a call goes wrong on the wire: late, never, or done and then not said."""

import asyncio
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from simulators.faults import Fault
from simulators.journal import Journal

HANG_S = 600.0
HANG_POLL_S = 0.25


class Dropped(Response):
    """Promises a body, sends none and lets the server close the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(b"content-type", b"application/json"), (b"content-length", b"65536")],
            }
        )


class Settled:
    """Holds every answer back until the journal is on disk."""

    def __init__(self, app: ASGIApp, journal: Journal) -> None:
        self._app = app
        self._journal = journal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def settled(message: Message) -> None:
            if message["type"] == "http.response.start":
                await self._journal.settle()
            await send(message)

        await self._app(scope, receive, settled)


async def delay(request: Request, fault: Fault | None) -> Response | None:
    """Sit out a `slow` fault and go on (None); sit out a `hang` and never answer."""
    if fault is None or fault.mode not in ("slow", "hang"):
        return None
    if fault.mode == "slow":
        await asyncio.sleep(fault.seconds or 0)
        return None
    deadline = asyncio.get_running_loop().time() + (fault.seconds or HANG_S)
    while asyncio.get_running_loop().time() < deadline:
        if await request.is_disconnected():
            break
        await asyncio.sleep(HANG_POLL_S)
    return Dropped()


def after(fault: Fault | None, answer: Response, failed: Callable[[int], Response]) -> Response:
    """The deed is done: say so, unless the fault loses the answer."""
    if fault is None or fault.mode != "lost":
        return answer
    return Dropped() if fault.status is None else failed(fault.status)
