"""What every step of a life leans on: doing, waiting, telling, and taking back.

`attempt` is the only place that runs activities, `until` the only place that waits, `publish` the
only place that writes, and `park` the only place where an outside system's refusal ends.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception
from temporalio.workflow import ActivityConfig, ActivityHandle

from domain.policies import OrderPolicy
from domain.records import JournalEntry, Settled
from domain.verbs import Verb
from domain.waits import Owner, Wait
from workflows.outside import retry_policy

S = TypeVar("S")
P = TypeVar("P")
R = TypeVar("R")

GO_ON = ""
"""What an undo says that an operator may go on without."""
TURNS_TO_SETTLE = 4
WRITES_A_TASK_MAX = 64
"""More than one workflow task ever writes of its own state."""


class Interrupted(Exception):
    """Something was asked for that the step in flight must make way for."""


class Overtaken(Exception):
    """The world has moved past the step: what it was to bring about has happened."""


class GivenUp(Exception):
    """An operator wants to go on without the undo that an outside system refused."""

    def __init__(self, verb: Verb) -> None:
        super().__init__(verb.command_id)
        self.verb = verb


@dataclass
class _Parked:
    """An undo that was refused; see `Conduct.attempt` for `if_said_again`."""

    if_said_again: str
    insisting: Verb | None = None


def never() -> bool:
    """The condition of a wait that only a request to stop can end."""
    return False


class Conduct:
    """The conduct of one workflow.

    `interruption` says what the life must make way for, if anything; `write` records the state
    under the next `seq` (a local activity).
    """

    def __init__(
        self,
        policy: OrderPolicy,
        interruption: Callable[[], Interrupted | None],
        write: Callable[[int], Awaitable[None]],
    ) -> None:
        self._retries = retry_policy(policy)
        self._interruption = interruption
        self._write = write
        self._retries_asked = 0
        self._retryable = 0
        self._parked: list[_Parked] = []
        self._last_wait: Wait | None = None
        self._dirty = True
        self._ended = False
        self._journal: list[JournalEntry] = []
        self._noted: Counter[tuple[str, str]] = Counter()
        self._settled: list[Settled] = []
        self.seq = 0
        self.attention = ""
        self.wait: Wait | None = None
        self.work()

    async def see_through(self, life: Coroutine[Any, Any, R], cancelled: Callable[[], None]) -> R:
        """Live a life to its end and write it down meanwhile; each cancellation is only told.

        A bug in either fails the workflow task at once, before anything more is written.
        """
        living = asyncio.create_task(self._to_its_end(life))
        publishing = asyncio.create_task(self.publish())
        while not (living.done() and publishing.done()):
            try:
                await workflow.wait_condition(lambda: living.done() or publishing.done())
                (living if living.done() else publishing).result()
                await workflow.wait_condition(workflow.all_handlers_finished)
                self.end()
                await workflow.wait_condition(publishing.done)
                publishing.result()
            except asyncio.CancelledError:
                cancelled()
        return living.result()

    async def _to_its_end(self, life: Coroutine[Any, Any, R]) -> R:
        """What ends waits on nothing, by the very write that says how it ended."""
        result = await life
        self.wait = None
        self.touch()
        return result

    # -- doing

    async def attempt(
        self,
        step: Callable[[S, P], Awaitable[R]],
        request: P,
        config: ActivityConfig,
        *,
        summary: str,
        interruptible: bool = True,
        overtaken: Callable[[], bool] = never,
        if_said_again: str | None = None,
    ) -> R:
        """Run an activity until it is done, however often it takes.

        A request to stop cancels it at once, even between two tries; its fate is then unknown and
        the undo by key settles it. `Refused` parks the life until an operator acts.

        An undo says with `if_said_again` what comes of the verb that it is parked for if it is
        said again: `GO_ON` leaves it undone, anything else is why that does not help.

        Raises:
            Interrupted: the life must make way (only if `interruptible`).
            Overtaken: `overtaken` came true while the activity had not finished or was parked.
            GivenUp: an operator insisted while it was parked (only with `GO_ON`).
        """
        options: ActivityConfig = {**config, "summary": summary, "retry_policy": self._retries}
        while True:
            if interruptible:
                self.make_way()
            if overtaken():
                raise Overtaken
            call = workflow.start_activity_method(step, request, **options)
            await self._done_or_unwanted(call, interruptible=interruptible, overtaken=overtaken)
            try:
                return await call
            except ActivityError as error:
                if not is_cancelled_exception(error):
                    await self.park(
                        summary,
                        error,
                        interruptible=interruptible,
                        overtaken=overtaken,
                        if_said_again=if_said_again,
                    )

    async def _done_or_unwanted(
        self, call: ActivityHandle[R], *, interruptible: bool, overtaken: Callable[[], bool]
    ) -> None:
        """Cancel the call as soon as the life must make way or the world has moved past it."""
        await workflow.wait_condition(
            lambda: (
                call.done() or overtaken() or (interruptible and self._interruption() is not None)
            )
        )
        if not call.done():
            call.cancel()

    async def park(
        self,
        summary: str,
        error: ActivityError,
        *,
        interruptible: bool,
        overtaken: Callable[[], bool],
        if_said_again: str | None,
    ) -> None:
        """Wait for an operator: `retry`, a changed input, a cancel, or one that insists.

        Raises:
            Interrupted: the life must make way (only if `interruptible`).
            Overtaken: `overtaken` came true first.
            GivenUp: an operator insisted first.
        """
        self.attention = _code(error)
        self.note("refused", why=self.attention, data={"step": summary})
        ways_on = _ways_on(if_said_again, interruptible=interruptible)
        undo = _Parked(if_said_again or GO_ON)
        if if_said_again is not None:
            self._parked.append(undo)
        try:
            retried = await self.until_or_retry(
                lambda: overtaken() or undo.insisting is not None,
                Owner.OPERATOR,
                self.attention,
                next_action=f"nothing happens by itself: {ways_on}",
                interruptible=interruptible,
            )
        finally:
            self.attention = ""
            self._parked = [parked for parked in self._parked if parked is not undo]
            self.touch()
        if undo.insisting is not None and not overtaken():
            raise GivenUp(undo.insisting)
        if not retried:
            raise Overtaken

    def insist(self, verb: Verb) -> None:
        """Said again while an undo is parked: what may be left undone is."""
        for undo in self._parked:
            if undo.if_said_again == GO_ON:
                undo.insisting = verb

    @property
    def must_be_undone(self) -> str:
        """Why nothing comes of insisting on it now; empty if something may."""
        whys = [undo.if_said_again for undo in self._parked]
        return whys[0] if whys and GO_ON not in whys else ""

    def retry(self) -> None:
        """An operator wants what was refused to be tried again."""
        self._retries_asked += 1

    @property
    def retryable(self) -> bool:
        """Whether anything waits for a `retry`."""
        return self._retryable > 0

    def make_way(self) -> None:
        """Raise what the life must make way for, if anything."""
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
        next_action: str = "",
        interruptible: bool = True,
    ) -> bool:
        """Wait until `condition`, saying on whom; False if `timeout_s` passed first.

        Raises:
            Interrupted: the life must make way (only if `interruptible`).
        """
        if condition():
            return True
        if interruptible:
            self.make_way()
        self._waiting(owner, what, timeout_s, next_action)
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
        next_action: str = "",
        interruptible: bool = True,
    ) -> bool:
        """Wait for `condition` or for an operator's `retry`; True if it was the retry."""
        asked = self._retries_asked
        self._retryable += 1
        try:
            await self.until(
                lambda: condition() or self._retries_asked > asked,
                owner,
                what,
                next_action=next_action,
                interruptible=interruptible,
            )
        finally:
            self._retryable -= 1
        return self._retries_asked > asked and not condition()

    def _waiting(self, owner: Owner, what: str, timeout_s: float | None, next_action: str) -> None:
        now = workflow.now()
        same = self._last_wait if self._last_wait and self._last_wait.what == what else None
        self.wait = self._last_wait = Wait(
            owner=owner,
            what=what,
            since=same.since if same else now,
            deadline=now + timedelta(seconds=timeout_s) if timeout_s is not None else None,
            next_action=next_action,
        )
        self.touch()

    def work(self) -> None:
        """Nobody is waited for: the life itself is at work."""
        if self.wait is None or self.wait.owner is not Owner.US:
            self.wait = Wait(owner=Owner.US, what="processing", since=workflow.now())
            self.touch()

    # -- telling

    def note(
        self,
        code: str,
        *,
        verb: Verb | None = None,
        why: str = "",
        at: datetime | None = None,
        data: dict[str, str | int | None] | None = None,
    ) -> None:
        """Add a line to the journal."""
        command_id = verb.command_id if verb else ""
        self._noted[code, command_id] += 1
        self._journal.append(
            JournalEntry(
                at=at or workflow.now(),
                by=verb.by if verb else "holdfast",
                code=code,
                why=why,
                command_id=command_id,
                nth=self._noted[code, command_id],
                data=data or {},
            )
        )
        self.touch()

    def settle(self, verb: Verb, refused: str = "") -> None:
        """Tell whoever gave this command that it took effect, or why not."""
        if verb.command_id:
            self._settled.append(Settled(command_id=verb.command_id, refused=refused))
            self.touch()

    def touch(self) -> None:
        """Something worth writing has changed."""
        self._dirty = True

    def take_news(self) -> tuple[tuple[JournalEntry, ...], tuple[Settled, ...]]:
        """The journal lines and settled commands since the last write, for the write in hand."""
        journal, settled = tuple(self._journal), tuple(self._settled)
        self._journal.clear()
        self._settled.clear()
        return journal, settled

    async def publish(self) -> None:
        """Write the state whenever it changed, one write at a time, until `end`.

        A worker that dies leaves the writes of its last workflow task in our rows and not in the
        history. What is written in their stead may know more (a signal came meanwhile), so it must
        count as newer: `seq` grows with the history, which the lost task never made longer.
        """
        while True:
            await workflow.wait_condition(lambda: self._dirty or self._ended)
            # let the life take in the same news first: one write for both
            for _ in range(TURNS_TO_SETTLE):
                await asyncio.sleep(0)
            if not self._dirty:
                return
            self._dirty = False
            known = workflow.info().get_current_history_length()
            self.seq = max(self.seq + 1, known * WRITES_A_TASK_MAX)
            await self._write(self.seq)

    def end(self) -> None:
        """Nothing more comes; `publish` returns after its last write."""
        self._ended = True


def _ways_on(if_said_again: str | None, *, interruptible: bool) -> str:
    if if_said_again == GO_ON:
        return "retry; or cancel, or fix the address again, to go on without it"
    return "retry, change the input, or cancel" if interruptible else "retry"


def _code(error: ActivityError) -> str:
    """`refused:<system>:<code>`, or the type of whatever else ended the activity for good."""
    cause: Any = error.cause
    if isinstance(cause, ApplicationError):
        return f"refused:{cause.message.replace(' ', '')}"
    return f"failed:{type(cause).__name__}"
