"""The relay: brings what the inbox holds to the workflows, order by order, at least once.

It holds no transaction across a call. What is at fault decides what happens to a row: the row
itself (five tries, then an operator), the world (it stays, and we ask again soon), or nothing but
its being early (it is looked at again later).
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from domain.errors import Refused, Unavailable
from storage.deliveries import Deliveries, InboxRow, Lease, LeaseLost

LOOK_S = 0.2
"""How often to look for what other processes put into the inbox; our own puts wake us."""
PAUSE_FIRST_S = 0.1
PAUSE_MAX_S = 2.0
REST_FIRST_S = 1.0
REST_MAX_S = 60.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Delivered:
    """Nothing is left to do. `settled` if no workflow reports back on it."""

    settled: bool = False
    refused: str = ""


@dataclass(frozen=True)
class Early:
    """Look again in `wait_s` seconds."""

    wait_s: float
    why: str


def pause_s(first_s: float, age_s: float) -> float:
    """Look at what is early ever more rarely: thousands of such rows leave room for others."""
    return max(first_s, age_s / 10)


@dataclass(frozen=True)
class Belongs:
    """The row is about this order."""

    order_id: str


@dataclass(frozen=True)
class Hopeless:
    """No other try will help: an operator must look."""

    why: str


Outcome = Delivered | Early | Belongs | Hopeless
Deliver = Callable[[InboxRow], Awaitable[Outcome]]
"""Acts on one row. Raises `Unavailable` if the world is at fault, anything else if the row is."""


class Relay:
    """`awake` is set by whoever puts something into the inbox in this process."""

    def __init__(
        self, deliveries: Deliveries, deliver: Deliver, awake: asyncio.Event, *, at_once: int = 8
    ) -> None:
        self._deliveries = deliveries
        self._deliver = deliver
        self._awake = awake
        self._at_once = at_once
        self._pause_s = 0.0

    async def run(self) -> None:
        """Deliver until cancelled; then finish the rows in hand."""
        running: set[asyncio.Task[None]] = set()
        waking = asyncio.create_task(self._awake.wait())
        try:
            while True:
                if self._pause_s:
                    await asyncio.sleep(self._pause_s)
                self._awake.clear()
                for lease in await self._lease(self._free(len(running))):
                    running.add(asyncio.create_task(self._lane(lease)))
                if waking.done():
                    waking = asyncio.create_task(self._awake.wait())
                ended, _ = await asyncio.wait(
                    {*running, waking}, timeout=LOOK_S, return_when=asyncio.FIRST_COMPLETED
                )
                running -= ended
        finally:
            waking.cancel()
            if running:
                await asyncio.wait(running)

    def _free(self, running: int) -> int:
        """While the world is at fault one order is tried at a time."""
        return max(0, (1 if self._pause_s else self._at_once) - running)

    async def _lease(self, many: int) -> tuple[Lease, ...]:
        if not many:
            return ()
        try:
            return await self._deliveries.lease(many)
        except Unavailable as error:
            self._world_at_fault(error.system, error.code)
        except Exception:  # noqa: BLE001 - a bug must not end the relay
            _log.exception("lease_failed")
            self._world_at_fault("relay", "bug")
        return ()

    async def _lane(self, lease: Lease) -> None:
        rest_s: float | None = 0.0
        try:
            for row in lease.rows:
                rest_s = await self._one(lease, row, last=row is lease.rows[-1])
                if rest_s:
                    break
            if rest_s is not None:
                await self._deliveries.give_back(lease, rest_s)
        except LeaseLost:
            _log.warning("lease_lost", lane=lease.lane)
        except Unavailable as error:
            self._world_at_fault(error.system, error.code)
            await self._give_back_if_possible(lease)
        except Exception:  # noqa: BLE001 - as above
            _log.exception("lane_failed", lane=lease.lane)
            self._world_at_fault("relay", "bug")
        else:
            self._pause_s = 0.0

    async def _one(self, lease: Lease, row: InboxRow, *, last: bool) -> float | None:
        """Deliver a row and note what became of it.

        Returns how long the lane must rest; None if the lease ended with the row.
        """
        try:
            outcome = await self._deliver(row)
        except Unavailable:
            raise
        except Refused as error:
            return await self._failed(lease, row, f"{error}: {error.detail}")
        except Exception as error:  # noqa: BLE001 - it costs the row a try, and is logged
            _log.exception("delivery_failed", event_id=row.event_id, kind=row.kind)
            return await self._failed(lease, row, f"{type(error).__name__}: {error}")
        match outcome:
            case Delivered(settled=settled, refused=refused):
                await self._deliveries.delivered(
                    lease, row.event_id, settled=settled, refused=refused, last=last
                )
                return None if last else 0.0
            case Early(wait_s=wait_s, why=why):
                await self._deliveries.defer(lease, row.event_id, wait_s, why)
            case Belongs(order_id=order_id):
                await self._deliveries.assign(lease, row.event_id, order_id)
            case Hopeless(why=why):
                await self._deliveries.failed(lease, row.event_id, why, hopeless=True)
        return 0.0

    async def _failed(self, lease: Lease, row: InboxRow, why: str) -> float:
        if await self._deliveries.failed(lease, row.event_id, why):
            _log.error("parked", event_id=row.event_id, kind=row.kind, order_id=row.order_id)
            return 0.0
        return min(REST_MAX_S, REST_FIRST_S * 2.0**row.attempts)

    async def _give_back_if_possible(self, lease: Lease) -> None:
        """With a rest, so that another order is tried next: it may be this one's fault."""
        try:
            await self._deliveries.give_back(lease, REST_FIRST_S)
        except Unavailable:
            _log.warning("lease_left_to_run_out", lane=lease.lane)

    def _world_at_fault(self, system: str, code: str) -> None:
        self._pause_s = min(PAUSE_MAX_S, max(PAUSE_FIRST_S, 2 * self._pause_s))
        _log.warning("waiting", system=system, code=code, pause_s=self._pause_s)
