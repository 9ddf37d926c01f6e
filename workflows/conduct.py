"""What a life leans on: its strands, each at its own work, and seeing all of them to their end."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from operator import attrgetter
from typing import Any, TypeVar

from temporalio import workflow

from domain.policies import OrderPolicy
from domain.verbs import Verb
from domain.waits import Wait, most_pressing
from workflows.outside import retry_policy
from workflows.parked import GO_ON
from workflows.strand import Interrupted, Strand, at_work
from workflows.telling import Telling

R = TypeVar("R")


class Conduct:
    """The conduct of one workflow. `write` records the state under the next `seq`."""

    def __init__(self, policy: OrderPolicy, write: Callable[[int], Awaitable[None]]) -> None:
        self._retries = retry_policy(policy)
        self._strands: list[Strand] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._ended = False
        self.telling = Telling(write)

    def strand(self, interruption: Callable[[], Interrupted | None]) -> Strand:
        """A new strand; it waits on nobody until it begins to work."""
        strand = Strand(self.telling, self._retries, interruption)
        self._strands.append(strand)
        return strand

    # -- living

    async def see_through(self, life: Coroutine[Any, Any, R], cancelled: Callable[[], None]) -> R:
        """Live a life to its end and write it down meanwhile; each cancellation is only told.

        A bug in any of it fails the workflow task at once, before anything more is written.
        """
        living = asyncio.create_task(self._to_its_end(life))
        publishing = asyncio.create_task(self.telling.publish())
        while not (living.done() and publishing.done()):
            try:
                await workflow.wait_condition(
                    lambda: living.done() or publishing.done() or self._broken() is not None
                )
                (self._broken() or (living if living.done() else publishing)).result()
                await workflow.wait_condition(workflow.all_handlers_finished)
                self.telling.end()
                await workflow.wait_condition(publishing.done)
                publishing.result()
            except asyncio.CancelledError:
                cancelled()
        return living.result()

    async def _to_its_end(self, life: Coroutine[Any, Any, R]) -> R:
        """What ends waits on nothing, by the very write that says how it ended."""
        result = await life
        self._ended = True
        for strand in self._strands:
            strand.rest()
        self.telling.touch()
        return result

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Something that goes on beside the life; `rest_of_it` waits for its end."""
        self._tasks.append(asyncio.create_task(work))

    @property
    def busy(self) -> bool:
        """Whether anything that was begun beside the life still goes on."""
        return any(not task.done() for task in self._tasks)

    async def rest_of_it(self, unless: Callable[[], bool]) -> None:
        """Until everything that was begun beside the life has ended, or the life has work again."""
        await workflow.wait_condition(lambda: not self.busy or unless())

    def _broken(self) -> "asyncio.Task[None] | None":
        return next((t for t in self._tasks if t.done() and t.exception() is not None), None)

    # -- how all strands stand

    @property
    def wait(self) -> Wait | None:
        """The most pressing of all waits; between two works the next is ours to begin."""
        waits = [strand.wait for strand in self._strands if strand.wait is not None]
        if not waits and not self._ended:
            return at_work()
        return most_pressing(waits, attrgetter("owner"))

    @property
    def attention(self) -> str:
        """A code if an outside system's refusal parks any of it."""
        return next(
            (strand.parked.attention for strand in self._strands if strand.parked.attention), ""
        )

    # -- what an operator says to whatever is parked

    @property
    def retryable(self) -> bool:
        """Whether anything waits for a `retry`."""
        return any(strand.retryable for strand in self._strands)

    def retry(self) -> None:
        """An operator wants all that was refused to be tried again."""
        for strand in self._strands:
            if strand.retryable:
                strand.retry()

    def insist(self, verb: Verb) -> None:
        """Said again while undos or refunds are parked: what may be left undone is."""
        for strand in self._strands:
            strand.parked.insist(verb)

    @property
    def may_give_up(self) -> bool:
        """Whether anything is parked that an operator may go on without."""
        return any(strand.parked.if_said_again == GO_ON for strand in self._strands)

    @property
    def must_be_undone(self) -> str:
        """Why nothing comes of insisting on it now; empty if something may."""
        whys = [strand.parked.if_said_again for strand in self._strands]
        return "" if GO_ON in whys else next(filter(None, whys), "")


async def together(works: "list[Coroutine[Any, Any, R]]") -> list[R]:
    """All of them side by side, each to its end; then the first one's interruption, if any.

    A bug in one is raised at once: it must not wait for the others.

    Raises:
        Interrupted: one of them had to make way; by then all have come to rest.
    """
    tasks = [asyncio.create_task(work) for work in works]
    pending = tasks
    while pending:
        done, pending = await workflow.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            if _is_bug(task):
                task.result()
    return [task.result() for task in tasks]


def _is_bug(task: "asyncio.Task[Any]") -> bool:
    error = task.exception() if task.done() and not task.cancelled() else None
    return error is not None and not isinstance(error, Interrupted)
