"""What an operator must decide that belongs to no order's wait."""

from datetime import datetime

from fastapi import APIRouter, Request
from pydantic import BaseModel

from starter.api.auth import Caller
from starter.composition import composition_of
from starter.problems import not_found

router = APIRouter(prefix="/api/tasks", tags=["tasks"])


class TaskView(BaseModel):
    task_id: str
    kind: str
    order_id: str | None
    event_id: str | None
    message: str
    created_at: datetime


class TaskList(BaseModel):
    tasks: list[TaskView]


@router.get("")
async def open_tasks(request: Request, _by: Caller) -> TaskList:
    """What is still to be decided, the oldest first."""
    found = await composition_of(request).wired.tasks.open()
    return TaskList(
        tasks=[
            TaskView(
                task_id=task.task_id,
                kind=task.kind,
                order_id=task.order_id,
                event_id=task.inbox_id,
                message=task.message,
                created_at=task.created_at,
            )
            for task in found
        ]
    )


@router.post("/{task_id}/done", status_code=204)
async def done(request: Request, task_id: str, by: Caller) -> None:
    """Somebody has decided."""
    if not await composition_of(request).wired.tasks.done(task_id, by):
        raise not_found("open task")
