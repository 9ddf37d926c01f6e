"""What a life tells of itself: its journal, answered commands, and its state, written in order."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from temporalio import workflow

from domain.records import JournalEntry, Settled
from domain.verbs import Verb

TURNS_TO_SETTLE = 4
WRITES_A_TASK_MAX = 64
"""More than one workflow task ever writes of its own state."""


@contextmanager
def showing(sentence: str) -> Iterator[None]:
    """Show the state in Temporal's UI, and as long as it is not in our rows, that it is not.

    A write that fails over and over shows itself to nobody else: lists and pages read those rows.
    """
    since = f"{workflow.now():%Y-%m-%d %H:%M:%S} UTC"
    workflow.set_current_details(f"{sentence}\n\nnot written down yet, since {since}")
    yield
    workflow.set_current_details(sentence)


class Telling:
    """`write` records the state under the next `seq` (a local activity)."""

    def __init__(self, write: Callable[[int], Awaitable[None]]) -> None:
        self._write = write
        self._dirty = True
        self._ended = False
        self._journal: list[JournalEntry] = []
        self._noted: Counter[tuple[str, str]] = Counter()
        self._settled: list[Settled] = []
        self.seq = 0

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
