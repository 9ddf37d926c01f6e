"""Gives stock back whose time is over, and sources anew who waits, again and again.

Every starter sweeps: what two of them do at once, PostgreSQL does once.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog

from domain.errors import Unavailable

PAUSE_MAX_S = 60.0

_log = structlog.get_logger(__name__)

Job = Callable[[], Awaitable[int]]
"""Does what there is to do and says how much that was."""


class Sweep:
    """`awake` tells this process's relay that the inbox may hold something new."""

    def __init__(self, jobs: Mapping[str, Job], awake: asyncio.Event, *, every_s: float) -> None:
        self._jobs = jobs
        self._awake = awake
        self._every_s = every_s

    async def run(self) -> None:
        """Sweep until cancelled; what is being done then, is done."""
        pause_s = self._every_s
        while True:
            sweeping = asyncio.create_task(self._once())
            try:
                well = await asyncio.shield(sweeping)
            except asyncio.CancelledError:
                await asyncio.wait({sweeping})
                raise
            pause_s = self._every_s if well else min(2 * pause_s, max(PAUSE_MAX_S, self._every_s))
            await asyncio.sleep(pause_s)

    async def _once(self) -> bool:
        """Whether all jobs could be done."""
        return all([await self._done(name, job) for name, job in self._jobs.items()])

    async def _done(self, name: str, job: Job) -> bool:
        try:
            many = await job()
        except Unavailable as error:
            _log.warning("not_swept", what=name, system=error.system, code=error.code)
            return False
        except Exception:  # noqa: BLE001 - a bug must not end the sweep
            _log.exception("sweep_failed", what=name)
            return False
        if many:
            _log.info("swept", what=name, many=many)
            self._awake.set()
        return True


async def until_none(job: Job) -> int:
    """Repeat a job that does only so much at a time."""
    total = 0
    while many := await job():
        total += many
    return total
