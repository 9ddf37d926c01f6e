"""What an operator must decide that belongs to no order's wait."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel

from starter.api.auth import Caller
from starter.composition import composition_of
from starter.problems import invalid_field, not_found
from storage.tasks import LIMIT_MAX, Task, UnknownTask

router = APIRouter(prefix="/api/tasks", tags=["tasks"])


class TaskView(BaseModel):
    task_id: str
    kind: str
    order_id: str | None
    event_id: str | None
    message: str
    created_at: datetime


class TaskPage(BaseModel):
    """`next` is the cursor of the next page; null on the last one."""

    tasks: list[TaskView]
    next: str | None = None


@router.get("")
async def open_tasks(
    request: Request,
    _by: Caller,
    cursor: Annotated[str | None, Query(max_length=100)] = None,
    limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = 100,
) -> TaskPage:
    """What is still to be decided, the oldest first."""
    try:
        found = await composition_of(request).wired.tasks.open(cursor, limit)
    except UnknownTask:
        raise invalid_field("cursor", "malformed", "is none that we gave out") from None
    more = found[-1].task_id if len(found) == limit else None
    return TaskPage(tasks=[task_view(task) for task in found], next=more)


def task_view(task: Task) -> TaskView:
    return TaskView(
        task_id=task.task_id,
        kind=task.kind,
        order_id=task.order_id,
        event_id=task.inbox_id,
        message=task.message,
        created_at=task.created_at,
    )


@router.post("/{task_id}/done", status_code=204)
async def done(request: Request, task_id: str, by: Caller) -> None:
    """Somebody has decided."""
    if not await composition_of(request).wired.tasks.done(task_id, by):
        raise not_found("open task")
