"""Goods that came back although nobody announced them: somebody must find out whose they are."""

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from domain.errors import Refused
from domain.ids import OrderId
from starter.api.answers import Key, own_key
from starter.api.auth import Caller
from starter.api.tasks import TaskView, task_view
from starter.bodies import LimitedRoute
from starter.composition import Composition, composition_of
from starter.problems import invalid_field

router = APIRouter(prefix="/api/returns", tags=["returns"], route_class=LimitedRoute)

KIND = "unannounced_return"
Text = r"^[^\x00]*$"


class GoodsCame(BaseModel):
    """What lies there, where, and whatever is written on it."""

    model_config = ConfigDict(extra="forbid")

    location: Annotated[str, Field(min_length=1, max_length=200, pattern=Text)]
    note: Annotated[str, Field(min_length=1, max_length=2_000, pattern=Text)]
    order_id: Annotated[str | None, Field(max_length=200, pattern=Text)] = None
    tracking_number: Annotated[str, Field(max_length=100, pattern=Text)] = ""


@router.post("/unannounced", status_code=201)
async def unannounced(request: Request, came: GoodsCame, by: Caller, key: Key = None) -> TaskView:
    """Goods came back that no return announced: a task, until somebody has decided."""
    on = composition_of(request)
    await _check(on, came)
    tracking = f" (tracking number {came.tracking_number})" if came.tracking_number else ""
    task_id = await on.wired.tasks.add(
        KIND,
        f"{KIND}/{own_key(key, by)}",
        f"goods came back to {came.location} unannounced{tracking}: {came.note}",
        order_id=came.order_id,
    )
    task = await on.wired.tasks.find(task_id)
    assert task is not None  # noqa: S101 - tasks are never deleted
    return task_view(task)


async def _check(on: Composition, came: GoodsCame) -> None:
    try:
        await on.wired.order_book.location(came.location)
    except Refused:
        raise invalid_field("location", "unknown", "is not one of ours") from None
    if came.order_id is None:
        return
    if await on.wired.progress.of_order(OrderId(came.order_id)) is None:
        raise invalid_field("order_id", "unknown", "there is no such order")
