"""Orders: taken in, listed, shown, and their journal."""

import asyncio
import re
from datetime import datetime
from hashlib import sha256
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from config.wiring import DIRECT_CHANNEL
from domain.lifecycles import OrderStatus
from domain.orders import Order
from domain.views import EventView, OrderPage, OrderView
from domain.waits import Owner
from starter import verbs
from starter.api.answers import OrderPath, order_or_404
from starter.api.auth import Caller
from starter.api.described import described
from starter.api.order_bodies import canonical, read_order
from starter.bodies import SMALL_BYTES, limited_body
from starter.composition import Composition, composition_of
from starter.problems import Refusal, invalid_field, not_found
from storage.idempotency import InProgress, Mismatch, New, Replay
from storage.queries import InvalidCursor, OrderFilter

router = APIRouter(prefix="/api/orders", tags=["orders"])

KEY = re.compile(r"[\x21-\x7e]{1,200}")
NO_NUL = r"^[^\x00]*$"
PAGE_MAX = 200
FIRST_ADDRESS = 1


@router.post(
    "",
    status_code=201,
    response_model=OrderView,
    openapi_extra={
        **described(Order),
        "parameters": [
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": True,
                "schema": {"type": "string", "maxLength": 200},
            }
        ],
    },
)
async def create_order(request: Request, by: Caller) -> Response:
    """Take in a canonical order; the same key and body get the same answer."""
    on = composition_of(request)
    key = f"{by}/{_key(request)}"
    body = await limited_body(request, on.settings.webhook_max_bytes)
    order, digest = await _read(on, body)
    match await on.wired.idempotency.begin(key, digest):
        case Replay(status=status, answer=answer):
            return JSONResponse(answer, status)
        case Mismatch():
            raise Refusal(
                422, "idempotency_key_reused", "Idempotency-Key: was used for another order."
            )
        case InProgress():
            raise Refusal(
                409,
                "in_progress",
                "Idempotency-Key: a request with it is being answered right now.",
                headers={"Retry-After": "1"},
            )
        case New(resumed=resumed):
            return await _created(on, order, key, by, resumed=resumed)


async def _created(
    on: Composition, order: Order, key: str, by: str, *, resumed: bool
) -> JSONResponse:
    if not (await verbs.start_order(on, order, by) or (resumed and await _is_kept(on, order))):
        await on.wired.idempotency.give_up(key)
        raise Refusal(409, "order_exists", f"order_id: {order.order_id} exists already.")
    answer = (await order_or_404(on, order.order_id)).model_dump(mode="json")
    await on.wired.idempotency.finish(key, 201, answer)
    return JSONResponse(answer, 201, {"Location": f"/api/orders/{order.order_id}"})


async def _is_kept(on: Composition, order: Order) -> bool:
    """Whether the order of this id that we have is this one, as it first came."""
    return await on.wired.order_book.load(order.order_id, FIRST_ADDRESS) == order


async def _read(on: Composition, body: bytes) -> tuple[Order, bytes]:
    """The order and its digest; what may take more than 5 ms leaves the event loop."""

    def read() -> tuple[Order, bytes]:
        order = read_order(body, DIRECT_CHANNEL, on.wired.channels)
        return order, sha256(canonical(order)).digest()

    return read() if len(body) <= SMALL_BYTES else await asyncio.to_thread(read)


def _key(request: Request) -> str:
    key = request.headers.get("idempotency-key", "")
    if not key:
        raise Refusal(400, "idempotency_key_missing", "Idempotency-Key: is required.")
    if not KEY.fullmatch(key):
        raise Refusal(
            400,
            "idempotency_key_malformed",
            "Idempotency-Key: must be 1 to 200 printable ASCII characters without spaces.",
        )
    return key


@router.get("")
async def list_orders(
    request: Request,
    _by: Caller,
    *,
    status: OrderStatus | None = None,
    channel: Annotated[str | None, Query(pattern=NO_NUL)] = None,
    waiting_on: Owner | None = None,
    q: Annotated[str | None, Query(max_length=200, pattern=NO_NUL)] = None,
    placed_from: datetime | None = None,
    placed_to: datetime | None = None,
    cursor: Annotated[str | None, Query(max_length=500, pattern=NO_NUL)] = None,
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 50,
) -> OrderPage:
    """Newest first; `q` finds order numbers, names, e-mails, phones, parcels and SKUs."""
    wanted = OrderFilter(
        status=status,
        channel=channel,
        waiting_on=waiting_on,
        q=q,
        placed_from=_aware("placed_from", placed_from),
        placed_to=_aware("placed_to", placed_to),
    )
    try:
        return await composition_of(request).wired.queries.list(wanted, cursor, limit)
    except InvalidCursor:
        raise invalid_field("cursor", "malformed", "is none that we gave out") from None


@router.get("/{order_id}")
async def show_order(request: Request, order_id: OrderPath, _by: Caller) -> OrderView:
    return await order_or_404(composition_of(request), order_id)


@router.get("/{order_id}/events")
async def events(request: Request, order_id: OrderPath, _by: Caller) -> tuple[EventView, ...]:
    """The order's journal, oldest first: when, who, what, why."""
    on = composition_of(request)
    found = await on.wired.queries.events(order_id)
    if found is None:
        raise not_found("order")
    return found


def _aware(field: str, at: datetime | None) -> datetime | None:
    if at is not None and at.tzinfo is None:
        raise invalid_field(field, "no_offset", "needs an offset from UTC, such as Z")
    return at
