"""Goods on their way back: asked for, received, inspected."""

import asyncio
import time
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from domain.ids import OrderId, ReturnId
from domain.returns import InspectedLine, ReturnLine, ReturnReason
from domain.views import OrderView, ReturnView
from starter import verbs
from starter.api.answers import Key, OrderPath, Pending, effective, order_or_404, own_key
from starter.api.auth import Caller
from starter.bodies import LimitedRoute
from starter.composition import Composition, composition_of
from starter.problems import invalid_field, not_found
from storage.inbox import CommandState

router = APIRouter(prefix="/api", tags=["returns"], route_class=LimitedRoute)

LINES_MAX = 1_000
BEGINS_WITHIN_S = 3.0
LOOK_S = 0.03
PIECES_MAX = 1_000_000


class Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class LineAsked(Asked):
    line_id: str
    quantity: Annotated[int, Field(strict=True, ge=1, le=PIECES_MAX)]
    reason: ReturnReason


class ReturnAsked(Asked):
    lines: Annotated[tuple[LineAsked, ...], Field(min_length=1, max_length=LINES_MAX)]


Pieces = Annotated[int, Field(strict=True, ge=0, le=PIECES_MAX)]


class LineInspected(Asked):
    """Of what came, `restock` goes back on the shelf and `discard` does not; `refund` is paid."""

    line_id: str
    restock: Pieces
    discard: Pieces
    refund: Pieces


class InspectionAsked(Asked):
    lines: Annotated[tuple[LineInspected, ...], Field(min_length=1, max_length=LINES_MAX)]


@router.post("/orders/{order_id}/returns", status_code=201)
async def request_return(
    request: Request, order_id: OrderPath, asked: ReturnAsked, by: Caller, key: Key = None
) -> ReturnView:
    """Ask for a return, within the window after delivery."""
    on = composition_of(request)
    order = await order_or_404(on, order_id)
    lines = tuple(_return_line(order, n, line) for n, line in enumerate(asked.lines))
    return_id, state = await verbs.request_return(on, order_id, lines, by, own_key(key, by))
    effective(state)
    return await _begun(on, return_id, state)


@router.get("/returns/{return_id}")
async def show_return(request: Request, return_id: str, _by: Caller) -> ReturnView:
    return await _return_or_404(composition_of(request), return_id)


@router.post("/returns/{return_id}/receive")
async def receive(request: Request, return_id: str, by: Caller, key: Key = None) -> ReturnView:
    """The goods are here."""
    on = composition_of(request)
    known = await _return_or_404(on, return_id)
    state = await verbs.receive_return(on, _which(known), by, own_key(key, by))
    return await _answered(on, known, state)


@router.post("/returns/{return_id}/inspect")
async def inspect(
    request: Request, return_id: str, asked: InspectionAsked, by: Caller, key: Key = None
) -> ReturnView:
    """The goods were looked at: back on the shelf, or not; refunded, or not."""
    on = composition_of(request)
    known = await _return_or_404(on, return_id)
    skus = {line.line_id: line.sku for line in known.lines}
    lines = tuple(
        InspectedLine(sku=_sku(skus, n, line.line_id), **line.model_dump())
        for n, line in enumerate(asked.lines)
    )
    state = await verbs.inspect_return(on, _which(known), lines, by, own_key(key, by))
    return await _answered(on, known, state)


@router.post("/returns/{return_id}/cancel")
async def call_off(request: Request, return_id: str, by: Caller, key: Key = None) -> ReturnView:
    """The customer keeps the goods."""
    on = composition_of(request)
    known = await _return_or_404(on, return_id)
    state = await verbs.cancel_return(on, _which(known), by, own_key(key, by))
    return await _answered(on, known, state)


@router.post("/returns/{return_id}/retry")
async def retry(request: Request, return_id: str, by: Caller, key: Key = None) -> ReturnView:
    """Try again what an outside system refused."""
    on = composition_of(request)
    known = await _return_or_404(on, return_id)
    state = await verbs.retry_return(on, _which(known), by, own_key(key, by))
    return await _answered(on, known, state)


def _return_line(order: OrderView, n: int, line: LineAsked) -> ReturnLine:
    skus = {bought.line_id: bought.sku for bought in order.lines}
    return ReturnLine(sku=_sku(skus, n, line.line_id), **line.model_dump())


def _sku(skus: dict[str, str], n: int, line_id: str) -> str:
    try:
        return skus[line_id]
    except KeyError:
        raise invalid_field(f"lines.{n}.line_id", "unknown", "there is no such line") from None


def _which(known: ReturnView) -> verbs.Which:
    return verbs.Which(OrderId(known.order_id), ReturnId(known.return_id))


async def _return_or_404(on: Composition, return_id: str) -> ReturnView:
    found = await on.wired.queries.returned(return_id)
    if found is None:
        raise not_found("return")
    return found


async def _begun(on: Composition, return_id: ReturnId, state: CommandState) -> ReturnView:
    """The return, as soon as its own workflow has written it down."""
    deadline = time.monotonic() + BEGINS_WITHIN_S
    while time.monotonic() < deadline:
        found = await on.wired.queries.returned(return_id)
        if found is not None:
            return found
        await asyncio.sleep(LOOK_S)
    raise Pending(state)


async def _answered(on: Composition, known: ReturnView, state: CommandState) -> ReturnView:
    effective(state)
    return await _return_or_404(on, known.return_id)
