"""What the API answers about orders and commands, in one form."""

import secrets
from typing import Annotated

from fastapi import Depends, Header, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from domain.ids import InvalidOrderId, OrderId, parse_order_id
from domain.problems import Problem
from domain.views import OrderView
from starter.composition import Composition
from starter.problems import Refusal, document, not_found
from storage.inbox import CommandState

FIELDS = frozenset({"hold_id", "lines", "address", "address_version"})
"""A refusal that begins with one of these and a colon is about bad input, not about the time."""


def _order_path(order_id: str) -> OrderId:
    try:
        parse_order_id(order_id)
    except InvalidOrderId:
        raise not_found("order") from None
    return OrderId(order_id)


OrderPath = Annotated[OrderId, Depends(_order_path)]
Key = Annotated[
    str | None,
    Header(alias="Idempotency-Key", min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$"),
]
"""Lets a caller say the same thing again and be heard once."""


def own_key(key: str | None, by: str) -> str:
    """The caller's key among its own; whoever gives none cannot repeat what it said."""
    return f"{by}/{key or secrets.token_hex(16)}"


async def order_or_404(on: Composition, order_id: OrderId) -> OrderView:
    found = await on.wired.queries.order(order_id)
    if found is None:
        raise not_found("order")
    return found


class CommandView(BaseModel):
    """How far a verb has come: `waiting`, `effective`, `refused`, or `parked` with an operator."""

    command_id: str
    verb: str
    order_id: str | None
    state: str
    refused: str
    received_at: str


def command_view(state: CommandState) -> CommandView:
    said = "refused" if state.refused else "effective" if state.settled_at else "waiting"
    return CommandView(
        command_id=state.event_id,
        verb=state.kind,
        order_id=state.order_id,
        state="parked" if state.parked_at else said,
        refused=state.refused,
        received_at=state.received_at.isoformat(),
    )


class Pending(Exception):
    """It did not take effect in time: 202, and where to look."""

    def __init__(self, state: CommandState) -> None:
        super().__init__(state.event_id)
        self.state = state


def pending_answer(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Pending)  # noqa: S101 - FastAPI looks handlers up by this type
    where = f"/api/commands/{error.state.event_id}"
    return JSONResponse(command_view(error.state).model_dump(), 202, {"Location": where})


def reused_answer(request: Request, _error: Exception) -> JSONResponse:
    detail = "Idempotency-Key: was used to say something else."
    return document(request, Refusal(422, "idempotency_key_reused", detail))


def effective(state: CommandState) -> None:
    """See that a command took effect.

    Raises:
        Refusal: 409 where it was too late or too early, 422 where a field is wrong.
        Pending: it has not taken effect yet.
    """
    if state.refused:
        field, _, why = state.refused.partition(": ")
        if field in FIELDS:
            raise Refusal(
                422, "invalid", state.refused, [Problem(field=field, reason="refused", message=why)]
            )
        code = field if why else "refused"
        raise Refusal(409, code.replace(" ", "_"), state.refused)
    if not state.settled_at:
        raise Pending(state)


async def answered(on: Composition, state: CommandState, order_id: OrderId) -> OrderView:
    """The order as it is once the command took effect; raises what `effective` raises."""
    effective(state)
    return await order_or_404(on, order_id)
