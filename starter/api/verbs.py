"""What operators may tell an order: hold, release, another address, cancel, retry."""

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from domain.addresses import Address
from domain.verbs import Cancel, Hold, Release, Retry
from domain.views import OrderView
from starter import verbs
from starter.api.answers import Key, OrderPath, answered, order_or_404, own_key
from starter.api.auth import Caller
from starter.bodies import LimitedRoute
from starter.composition import composition_of

router = APIRouter(prefix="/api/orders/{order_id}", tags=["verbs"], route_class=LimitedRoute)

Code = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[a-z][a-z0-9_]*$")]


class Asked(BaseModel):
    """What a body may hold; anything else is a typing slip and is named."""

    model_config = ConfigDict(extra="forbid")


class HoldAsked(Asked):
    reason: Code
    note: Annotated[str, Field(max_length=2_000, pattern=r"^[^\x00]*$")] = ""


class ReleaseAsked(Asked):
    hold_id: Annotated[str, Field(min_length=1, max_length=100)]


class CancelAsked(Asked):
    reason: Code = "requested"
    unpaid: bool = False


class AddressAsked(Asked):
    address: Address


class RetryAsked(Asked):
    arrived: Annotated[str, Field(max_length=200)] = ""


@router.post("/hold")
async def hold(
    request: Request, order_id: OrderPath, asked: HoldAsked, by: Caller, key: Key = None
) -> OrderView:
    """Stop the order before its next irreversible step."""
    on = composition_of(request)
    await order_or_404(on, order_id)
    verb = Hold(reason=asked.reason, note=asked.note, by=by)
    state = await verbs.hold(on, order_id, verb, own_key(key, by))
    return await answered(on, state, order_id)


@router.post("/release")
async def release(
    request: Request, order_id: OrderPath, asked: ReleaseAsked, by: Caller, key: Key = None
) -> OrderView:
    """Take back one hold, and no other."""
    on = composition_of(request)
    await order_or_404(on, order_id)
    verb = Release(hold_id=asked.hold_id, by=by)
    state = await verbs.release(on, order_id, verb, own_key(key, by))
    return await answered(on, state, order_id)


@router.post("/address")
async def address(
    request: Request, order_id: OrderPath, asked: AddressAsked, by: Caller, key: Key = None
) -> OrderView:
    """Send it somewhere else; what the channel sent stays on record."""
    on = composition_of(request)
    await order_or_404(on, order_id)
    state = await verbs.fix_address(on, order_id, asked.address, by, own_key(key, by))
    return await answered(on, state, order_id)


class AddressMade(BaseModel):
    """A version that is kept and not used yet."""

    order_id: str
    address_version: int


@router.post("/addresses", status_code=201)
async def add_address(
    request: Request, order_id: OrderPath, asked: AddressAsked, by: Caller
) -> AddressMade:
    """Keep another version without using it, for a `fix_address` sent from Temporal's own UI."""
    on = composition_of(request)
    await order_or_404(on, order_id)
    version = await verbs.add_address(on, order_id, asked.address, by)
    return AddressMade(order_id=order_id, address_version=version)


@router.post("/cancel")
async def cancel(
    request: Request, order_id: OrderPath, by: Caller,
    asked: CancelAsked | None = None, key: Key = None,
) -> OrderView:  # fmt: skip
    """Take everything back that was done, and tell the channel.

    With `unpaid`, the money of goods that have left, which the channel cannot get, is written off.
    """
    on = composition_of(request)
    await order_or_404(on, order_id)
    asked = asked or CancelAsked()
    verb = Cancel(reason=asked.reason, unpaid=asked.unpaid, by=by)
    state = await verbs.cancel(on, order_id, verb, own_key(key, by))
    return await answered(on, state, order_id)


@router.post("/retry")
async def retry(
    request: Request, order_id: OrderPath, by: Caller,
    asked: RetryAsked | None = None, key: Key = None,
) -> OrderView:  # fmt: skip
    """Try again what an outside system refused.

    With `arrived`, a fulfilment's reference, nothing is tried: its goods, of which no carrier can
    speak, have arrived.
    """
    on = composition_of(request)
    await order_or_404(on, order_id)
    verb = Retry(arrived=(asked or RetryAsked()).arrived, by=by)
    state = await verbs.retry(on, order_id, verb, own_key(key, by))
    return await answered(on, state, order_id)
