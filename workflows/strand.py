"""One strand of a life: it does one thing at a time, or waits for one and says for whom.

`attempt` is the only place that runs activities, `until` the only place that waits, and `park` the
only place where an outside system's refusal ends.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import FailureError, is_cancelled_exception
from temporalio.workflow import ActivityHandle

from domain.waits import Owner, Wait
from workflows.gate import Gate
from workflows.outside import Where
from workflows.parked import GivenUp, Parked, tries_again
from workflows.telling import Telling

S = TypeVar("S")
P = TypeVar("P")
R = TypeVar("R")


class Interrupted(Exception):
    """Something was asked for that the step in flight must make way for."""


class Overtaken(Exception):
    """The world has moved past the step: what it was to bring about has happened."""


def at_work() -> Wait:
    """Nobody is waited for: the next step is ours, and in hand."""
    return Wait(owner=Owner.US, what="processing", since=workflow.now())


def never() -> bool:
    """The condition of a wait that only a request to stop can end."""
    return False


@dataclass
class _Terms:
    """What one attempt must heed (see `Strand.attempt`), and since when it is refused."""

    summary: str
    interruptible: bool
    overtaken: Callable[[], bool]
    gate: Gate | None
    if_said_again: str | None
    ways_on: str
    refused_since: datetime | None = None


class Strand:
    """`interruption` says what this strand must make way for, if anything."""

    def __init__(
        self,
        telling: Telling,
        retries: RetryPolicy,
        interruption: Callable[[], Interrupted | None],
    ) -> None:
        self._telling = telling
        self._retries = retries
        self._interruption = interruption
        self._retries_asked = 0
        self._retryable = 0
        self._last_wait: Wait | None = None
        self.parked = Parked(telling)
        self.wait: Wait | None = None

    # -- doing

    async def attempt(
        self,
        step: Callable[[S, P], Awaitable[R]],
        request: P,
        where: Where,
        *,
        summary: str,
        interruptible: bool = True,
        overtaken: Callable[[], bool] = never,
        gate: Gate | None = None,
        if_said_again: str | None = None,
        ways_on: str = "",
    ) -> R:
        """Run an activity until it is done, however often it takes.

        A request to stop cancels it at once, even between two tries; its fate is then unknown and
        the undo by key settles it. `Refused` parks the strand until an operator acts.

        No try goes out while `gate` is shut. One that shuts cancels the call likewise; as soon as
        it is open, the same request under the same key learns what came of it, or does it.

        An undo or a refund says with `if_said_again` what comes of the verb that it is parked for
        if it is said again: `GO_ON` leaves it undone, anything else is why that does not help.
        `ways_on` tells an operator what does, where it is not what helps against most refusals.

        Raises:
            Interrupted: the strand must make way (only if `interruptible`).
            Overtaken: `overtaken` came true while the activity had not finished or was parked.
            GivenUp: an operator insisted while it was parked (only with `GO_ON`).
        """
        terms = _Terms(summary, interruptible, overtaken, gate, if_said_again, ways_on)
        self.work()
        while True:
            if gate is not None:
                await gate.open()
            if interruptible:
                self.make_way()
            if overtaken():
                raise Overtaken
            call = where.start(step, request, summary=summary, retries=self._retries)
            unwanted = await self._done_or_unwanted(call, terms)
            try:
                return await call
            except asyncio.CancelledError:
                if not unwanted:
                    raise
                # a local one that was cancelled between two tries ends so
            except FailureError as error:
                if not (is_cancelled_exception(error) or (unwanted and tries_again(error))):
                    await self._park(error, terms)

    async def _done_or_unwanted(self, call: ActivityHandle[R], terms: _Terms) -> bool:
        """Cancel the call as soon as it must not be tried again, or need not be; True if so."""
        await workflow.wait_condition(
            lambda: (
                call.done()
                or terms.overtaken()
                or (terms.gate is not None and terms.gate.shut)
                or (terms.interruptible and self._interruption() is not None)
            )
        )
        if call.done():
            return False
        call.cancel()
        return True

    async def _park(self, error: FailureError, terms: _Terms) -> None:
        """Wait for an operator: `retry`, a changed input, a cancel, or one that insists.

        Raises:
            Interrupted: the strand must make way (only if it is interruptible).
            Overtaken: `overtaken` came true first.
            GivenUp: an operator insisted first.
        """
        terms.refused_since = terms.refused_since or workflow.now()
        refused = self.parked.begin(terms.summary, error, terms.if_said_again)
        usual = "retry, change the input, or cancel" if terms.interruptible else "retry"
        try:
            retried = await self.until_or_retry(
                lambda: terms.overtaken() or refused.insisting is not None,
                Owner.OPERATOR,
                self.parked.attention,
                since=terms.refused_since,
                next_action=f"nothing happens by itself: {terms.ways_on or usual}",
                interruptible=terms.interruptible,
            )
        finally:
            self.parked.end()
        if refused.insisting is not None and not terms.overtaken():
            raise GivenUp(refused.insisting)
        if not retried:
            raise Overtaken

    def retry(self) -> None:
        """An operator wants what was refused to be tried again."""
        self._retries_asked += 1

    @property
    def retryable(self) -> bool:
        """Whether anything waits for a `retry`."""
        return self._retryable > 0

    def make_way(self) -> None:
        """Raise what the strand must make way for, if anything."""
        if interruption := self._interruption():
            raise interruption

    # -- waiting

    async def until(
        self,
        condition: Callable[[], bool],
        owner: Owner,
        what: str,
        *,
        timeout_s: float | None = None,
        since: datetime | None = None,
        next_action: str = "",
        interruptible: bool = True,
    ) -> bool:
        """Wait until `condition`, saying on whom and since when; False if `timeout_s` passed.

        What it waited for last is the same wait still, unless that is older than `since`.

        Raises:
            Interrupted: the strand must make way (only if `interruptible`).
        """
        if condition():
            return True
        if interruptible:
            self.make_way()
        self._waiting(owner, what, timeout_s, since, next_action)
        heard = True
        try:
            await workflow.wait_condition(
                lambda: condition() or (interruptible and self._interruption() is not None),
                timeout=timeout_s,
                timeout_summary=f"{owner}: {what}",
            )
        except TimeoutError:
            heard = False
        self.work()
        if not condition() and interruptible:
            self.make_way()
        return heard

    async def until_or_retry(
        self,
        condition: Callable[[], bool],
        owner: Owner,
        what: str,
        *,
        timeout_s: float | None = None,
        since: datetime | None = None,
        next_action: str = "",
        interruptible: bool = True,
    ) -> bool:
        """As `until`, or until an operator's `retry`; True if it was the retry."""
        asked = self._retries_asked
        self._retryable += 1
        try:
            await self.until(
                lambda: condition() or self._retries_asked > asked,
                owner,
                what,
                timeout_s=timeout_s,
                since=since,
                next_action=next_action,
                interruptible=interruptible,
            )
        finally:
            self._retryable -= 1
        return self._retries_asked > asked and not condition()

    def _waiting(
        self,
        owner: Owner,
        what: str,
        timeout_s: float | None,
        since: datetime | None,
        next_action: str,
    ) -> None:
        now, last = workflow.now(), self._last_wait
        same = last and last.what == what and (since is None or last.since >= since)
        self.wait = self._last_wait = Wait(
            owner=owner,
            what=what,
            since=last.since if last and same else since or now,
            deadline=now + timedelta(seconds=timeout_s) if timeout_s is not None else None,
            next_action=next_action,
        )
        self._telling.touch()

    def work(self) -> None:
        """Nobody is waited for: the strand itself is at work."""
        if self.wait is None or self.wait.owner is not Owner.US:
            self.wait = at_work()
            self._telling.touch()

    def rest(self) -> None:
        """Others are at work; this strand has nothing to do and waits on nobody."""
        if self.wait is not None:
            self.wait = None
            self._telling.touch()
