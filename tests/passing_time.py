"""Time that a test lets pass, for calls to the outside and for what the loop awaits; and CPU."""

import asyncio
import time
from collections.abc import Callable

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

_CALLS_ARE_OVER = text(
    "UPDATE effects SET call_until = clock_timestamp() WHERE call_until > clock_timestamp()"
)


async def calls_are_over(engine: AsyncEngine) -> None:
    """Their deadlines have passed: who tries again need not wait for what went before."""
    async with engine.begin() as connection:
        await connection.execute(_CALLS_ARE_OVER)


def least_cpu_s(work: Callable[[], object], tries: int = 5) -> float:
    """The least that it took: what else the machine did is in the others."""
    took = []
    for _ in range(tries):
        began = time.process_time()
        work()
        took.append(time.process_time() - began)
    return min(took)


class Clock:
    """The running loop's clock: what waits or times out by it does so at once, or never."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        loop = asyncio.get_running_loop()
        self._real = loop.time
        self._ahead_s = 0.0
        self._stopped_at: float | None = None
        monkeypatch.setattr(loop, "time", self._time)

    def _time(self) -> float:
        return self._real() + self._ahead_s if self._stopped_at is None else self._stopped_at

    def forward(self, seconds: float) -> None:
        self._ahead_s += seconds

    def stop(self) -> float:
        """What waits for nothing takes no time from now on."""
        self._stopped_at = self._time()
        return self._stopped_at
