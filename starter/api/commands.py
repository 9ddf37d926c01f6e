"""How far something that was said to an order has come."""

from fastapi import APIRouter, Request

from starter.api.answers import CommandView, command_view
from starter.api.auth import Caller
from starter.composition import composition_of
from starter.problems import not_found
from starter.verbs import OPERATOR

router = APIRouter(prefix="/api/commands", tags=["commands"])


@router.get("/{command_id}")
async def command(request: Request, command_id: str, _by: Caller) -> CommandView:
    """Ask here after a 202."""
    state = await composition_of(request).wired.inbox.state(command_id)
    if state is None or state.source != OPERATOR:
        raise not_found("command")
    return command_view(state)
