"""What every activity has in common: it heartbeats, and fails in codes instead of words.

Vendors' messages and stack traces may hold personal data; Temporal's history must not. So an
error leaves here as a type and a code, and its words go to the log.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import structlog
from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from activities.orders import OWN_STATE
from domain.errors import OutsideError, Refused, Unavailable
from domain.ports import OrderBook
from domain.records import Retrying
from domain.waits import Owner

log = structlog.get_logger(__name__)

REFUSED = "Refused"
UNAVAILABLE = "Unavailable"
BUG = "Bug"


class Failures(Interceptor):
    """Turns errors into `Refused`, `Unavailable` or `Bug`; notes whom a failing step waits for."""

    def __init__(self, book: OrderBook) -> None:
        self._book = book

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 - the SDK's name
        return _Inbound(next, self._book)


class _Inbound(ActivityInboundInterceptor):
    def __init__(self, after: ActivityInboundInterceptor, book: OrderBook) -> None:
        super().__init__(after)
        self._book = book

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 - the SDK's name
        info = activity.info()
        deed = _deed(input.args)
        try:
            async with _heartbeats(info.heartbeat_timeout):
                result = await super().execute_activity(input)
        except Exception as error:  # noqa: BLE001 - every failure leaves here as a code
            if _parks(error, info):
                await self._forget_note(info, deed)
            else:
                await self._note(info, deed, error)
            raise _failure(error, info) from None
        await self._forget_note(info, deed)
        return result

    async def _forget_note(self, info: activity.Info, deed: str) -> None:
        if info.attempt > 2:  # noqa: PLR2004 - noted from the second failure
            recovered = self._book.recovered(_workflow_id(info), info.activity_type, deed)
            await self._quietly(recovered)

    async def _note(self, info: activity.Info, deed: str, error: Exception) -> None:
        outside = isinstance(error, OutsideError)
        # the first failure may be a blink; of our own rows that are away no note can be written
        if info.attempt < 2 or (outside and info.activity_type in OWN_STATE):  # noqa: PLR2004
            return
        await self._quietly(
            self._book.retrying(
                Retrying(
                    workflow_id=_workflow_id(info),
                    step=info.activity_type,
                    deed=deed,
                    owner=_owner(info.task_queue) if outside else Owner.US,
                    code=error.code if isinstance(error, OutsideError) else BUG,
                    attempt=info.attempt,
                )
            )
        )

    async def _quietly(self, write: Any) -> None:
        """The note must not change the step's own outcome."""
        try:
            await write
        except Exception as error:  # noqa: BLE001 - said in the log, and the step goes on
            log.warning("note_not_written", error=type(error).__name__)


def _workflow_id(info: activity.Info) -> str:
    return info.workflow_id or ""


def _deed(args: Sequence[Any]) -> str:
    """The key of the deed that a request is for; a look at a parcel has its number instead."""
    names = ("key", "reference", "tracking_number")
    found = (getattr(request, name, "") for request in args for name in names)
    return next((str(key) for key in found if key), "")


def _owner(task_queue: str) -> Owner:
    return Owner(task_queue) if task_queue in set(Owner) else Owner.US


def _parks(error: Exception, info: activity.Info) -> bool:
    """Whether it ends the step until an operator acts: our own record has nobody to turn to."""
    return isinstance(error, Refused) and info.activity_type not in OWN_STATE


def _failure(error: Exception, info: activity.Info) -> ApplicationError:
    step, attempt = info.activity_type, info.attempt
    match error:
        case Refused() if _parks(error, info):
            log.warning("refused", step=step, system=error.system, code=error.code)
            return ApplicationError(str(error), error.code, type=REFUSED, non_retryable=True)
        case Unavailable(retry_after_s=after):
            log.info("unavailable", step=step, code=error.code, attempt=attempt)
            delay = timedelta(seconds=after) if after is not None else None
            return ApplicationError(
                str(error), error.code, type=UNAVAILABLE, next_retry_delay=delay
            )
        case _:
            log.error("bug", step=step, attempt=attempt, exc_info=error)
            return ApplicationError(f"bug: {type(error).__name__}", type=BUG)


@asynccontextmanager
async def _heartbeats(limit: timedelta | None) -> AsyncIterator[None]:
    """Heartbeat while the activity works: requests to stop and dead workers are noticed."""
    if limit is None:
        yield
        return

    async def beat() -> None:
        while True:
            await asyncio.sleep(limit.total_seconds() / 3)
            activity.heartbeat()

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()
