"""What an operator must decide that belongs to no order's wait."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, literal, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.records import (
    LABEL_NOT_VOIDED,
    LEFT_WITHOUT_LABEL,
    NOT_REFUNDED,
    PAID_AFTER_ALL,
    UNPAID,
    JournalEntry,
)
from storage.documents import storable
from storage.outages import transaction
from storage.tables.tasks import tasks

LIMIT_MAX = 500


TOO_LATE = {
    "cancel": "channel_cancel_too_late",
    "fix_address": "channel_address_too_late",
    "hold": "refunded_at_channel",
}
"""The task that a channel's word makes where it came after the goods had left, by its signal."""
TOO_LATE_MESSAGES = {
    "cancel": "the channel cancelled the order after the goods had left",
    "fix_address": "the channel changed the address after the goods had left",
    "hold": "the channel gave money back and the goods have left",
}
PARTLY_TOO_LATE_MESSAGES = {
    "cancel": "the channel cancelled the order after a part of it had left; the rest stays here",
    "fix_address": "the channel changed the address after a part had left; the rest goes to it",
}


def asked_by(line: JournalEntry, order_id: str) -> tuple[str, str] | None:
    """The key and the words of the task that a line of an order's journal makes, if it makes one.

    The task's kind is the line's code.
    """
    if line.code == LABEL_NOT_VOIDED:
        key = str(line.data["label"])
        message = _not_voided(str(line.data["tracking_number"] or ""), key)
    elif line.code == LEFT_WITHOUT_LABEL:
        key = str(line.data["fulfilment"])
        message = f"{key} left without a label: find out where it is"
    elif line.code == NOT_REFUNDED:
        key = str(line.data["deed"])
        message = f"the channel refused {key}: give {line.data['pieces']} pieces' money by hand"
    elif line.code == UNPAID:
        key, message = order_id, "the goods have left, and the channel got no money for them"
    elif line.code == PAID_AFTER_ALL:
        key = order_id
        message = (
            "the customer paid what was written off or cancelled: give the money for"
            f" {line.data['pieces']} cancelled pieces and {line.data['returns']} returns by hand"
        )
    else:
        return None
    return f"{line.code}:{key}", message


def _not_voided(tracking_number: str, key: str) -> str:
    """What the task says of a label that an operator went on without."""
    label = f"label {tracking_number}" if tracking_number else f"label that was bought as {key}"
    return f"the carrier refused to void the {label}: reclaim it from the carrier by hand"


class UnknownTask(LookupError):
    """There is no task of this id."""


@dataclass(frozen=True)
class Task:
    task_id: str
    kind: str
    key: str
    order_id: str | None
    inbox_id: str | None
    message: str
    created_at: datetime


class Tasks:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def add(
        self,
        kind: str,
        key: str,
        message: str,
        order_id: str | None = None,
        inbox_id: str | None = None,
    ) -> str:
        """Ask an operator once for each key, done or not. Returns the task's id."""
        values = {
            "kind": kind,
            "key": storable(key),
            "message": storable(message),
            "order_id": order_id,
            "inbox_id": UUID(inbox_id) if inbox_id else None,
        }
        async with transaction(self._engine) as connection:
            made = await connection.scalar(
                insert(tasks).values(values).on_conflict_do_nothing().returning(tasks.c.id)
            )
            if made is None:
                made = await connection.scalar(
                    select(tasks.c.id).where(tasks.c.key == values["key"])
                )
        return str(made)

    async def open(self, after: str | None = None, limit: int = LIMIT_MAX) -> tuple[Task, ...]:
        """What is still to be decided, the oldest first: up to `limit`, those after task `after`.

        Raises:
            UnknownTask: `after` is no task of ours.
        """
        wanted = select(tasks).where(tasks.c.done_at.is_(None)).limit(min(limit, LIMIT_MAX))
        async with transaction(self._engine) as connection:
            if after is not None:
                wanted = wanted.where(
                    tuple_(tasks.c.created_at, tasks.c.id) > await _place(connection, after)
                )
            rows = await connection.execute(wanted.order_by(tasks.c.created_at, tasks.c.id))
            return tuple(_task(row) for row in rows)

    async def find(self, task_id: str) -> Task | None:
        """A task, done or not; None if there is none of this id."""
        try:
            wanted = select(tasks).where(tasks.c.id == UUID(task_id))
        except ValueError:
            return None
        async with transaction(self._engine) as connection:
            row = (await connection.execute(wanted)).one_or_none()
        return _task(row) if row else None

    async def done(self, task_id: str, by: str) -> bool:
        """Somebody has decided; False if no open task has the id."""
        try:
            wanted = UUID(task_id)
        except ValueError:
            return False
        ended = (
            update(tasks)
            .where(tasks.c.id == wanted, tasks.c.done_at.is_(None))
            .values(done_at=func.now(), done_by=by)
            .returning(tasks.c.id)
        )
        async with transaction(self._engine) as connection:
            return await connection.scalar(ended) is not None


async def _place(connection: AsyncConnection, task_id: str) -> Any:
    """Where the task stands among all, open or done meanwhile."""
    try:
        wanted = UUID(task_id)
    except ValueError:
        raise UnknownTask from None
    found = select(tasks.c.created_at, tasks.c.id).where(tasks.c.id == wanted)
    row = (await connection.execute(found)).one_or_none()
    if row is None:
        raise UnknownTask
    return tuple_(literal(row.created_at), literal(row.id))


def _task(row: Any) -> Task:
    return Task(
        task_id=str(row.id),
        kind=row.kind,
        key=row.key,
        order_id=row.order_id,
        inbox_id=str(row.inbox_id) if row.inbox_id else None,
        message=row.message,
        created_at=row.created_at,
    )
