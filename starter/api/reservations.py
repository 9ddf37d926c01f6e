"""Stock that a checkout holds for a while, before there is an order."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from activities.inventory import reserve_where_best
from domain.currencies import EXPONENTS
from domain.errors import Refused
from domain.orders import Destination, LineRef
from domain.problems import Problem
from domain.sourcing.decision import Decision
from domain.sourcing.rules import WEIGHT_MAX_G
from domain.stock import ReserveRequest, Short, SkuQuantity, cart_reservation
from starter.api.auth import Caller
from starter.bodies import LimitedRoute
from starter.composition import Composition, composition_of
from starter.problems import Refusal, invalid, not_found
from storage.reservations import HeldPart
from storage.sourcing import TOO_HEAVY

router = APIRouter(prefix="/api/stock/reservations", tags=["stock"], route_class=LimitedRoute)

NAME = r"^[A-Za-z0-9_.~-]+$"
NO_CONTROL = r"^[^\x00-\x1f\x7f]*$"
DAYS_7_S = 7 * 24 * 3600
LINES_MAX = 200
QUANTITY_MAX = 1_000_000
PRICE_MAX_MINOR = 10**12
PLACES_NAMED = 5

ReservationId = Annotated[str, Field(min_length=1, max_length=100, pattern=NAME)]
State = Literal["held", "shipped", "expired", "released"]


class DestinationAsked(BaseModel):
    """Where the goods would go, as far as it is known."""

    model_config = ConfigDict(extra="forbid", strict=True)

    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    postal_code: Annotated[str, Field(max_length=20, pattern=NO_CONTROL)] = ""


class LineAsked(BaseModel):
    """`line_id` is the cart's own; lines without one are counted from 1.

    `unit_price_minor` is in the cart's `currency`. Where no line has a price, a split is not
    measured by what its parts are worth.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    line_id: Annotated[str, Field(max_length=100, pattern=NO_CONTROL)] = ""
    sku: Annotated[str, Field(min_length=1, max_length=200, pattern=NO_CONTROL)]
    quantity: Annotated[int, Field(ge=1, le=QUANTITY_MAX)]
    unit_price_minor: Annotated[int, Field(ge=0, le=PRICE_MAX_MINOR)] | None = None


class ReservationAsked(BaseModel):
    """`expires_in_s` counts from when it is said, by the database's clock, at most seven days."""

    model_config = ConfigDict(extra="forbid", strict=True)

    reservation_id: ReservationId
    channel: str | None = None
    destination: DestinationAsked
    currency: str = ""
    lines: Annotated[list[LineAsked], Field(min_length=1, max_length=LINES_MAX)]
    expires_in_s: Annotated[int, Field(ge=1, le=DAYS_7_S)]


class LineHeld(BaseModel):
    """As sold."""

    line_id: str
    sku: str
    quantity: int


class PartHeld(BaseModel):
    """What one location holds; `items` are the pieces, bundles in their components."""

    location: str
    state: State
    lines: list[LineHeld]
    items: list[SkuQuantity]


class ReservationView(BaseModel):
    """`held` until it is released, or by itself at `expires_at`."""

    reservation_id: str
    state: State
    expires_at: datetime | None
    parts: list[PartHeld]


def _reference(reservation_id: Annotated[str, Path(max_length=100, pattern=NAME)]) -> str:
    return reservation_id


Named = Annotated[str, Depends(_reference)]


@router.post("", status_code=201)
async def hold(
    request: Request, response: Response, asked: ReservationAsked, _by: Caller
) -> ReservationView:
    """Hold all lines where they would ship from, or nothing: a cart never waits for goods.

    The same again holds them for `expires_in_s` from then on; other lines under the same
    `reservation_id` are refused, and so is one that was released or has expired.
    """
    on = composition_of(request)
    await _check(on, asked)
    try:
        answer, decision = await reserve_where_best(on.wired.sourcing, _wanted(asked))
    except Refused as refused:
        raise _too_heavy(asked, refused) or _refusal(refused) from None
    if isinstance(answer, Short):
        raise _short(asked, answer, decision)
    response.headers["Location"] = f"{router.prefix}/{asked.reservation_id}"
    return await _view(on, asked.reservation_id)


@router.get("/{reservation_id}")
async def show(request: Request, reservation_id: Named, _by: Caller) -> ReservationView:
    """What it holds or held, and what became of that."""
    return await _view(composition_of(request), reservation_id)


@router.delete("/{reservation_id}", status_code=204)
async def release(request: Request, reservation_id: Named, _by: Caller) -> None:
    """Give the stock back to whoever waits; one that was never made can be made no more."""
    on = composition_of(request)
    try:
        await on.wired.inventory.release(cart_reservation(reservation_id))
    except Refused as refused:
        raise _refusal(refused) from None
    on.awake.set()


async def _check(on: Composition, asked: ReservationAsked) -> None:
    """See that channel, currency and SKUs are known and each line is one.

    Raises:
        Refusal: 422, each field that is wrong with its reason.
    """
    wrong = []
    if asked.channel is not None and asked.channel not in await on.wired.channel_stocks.channels():
        wrong.append(Problem(field="channel", reason="unknown", message="is not one of ours"))
    if asked.currency not in EXPONENTS and (asked.currency or _prices(asked)):
        message = "must be the ISO 4217 code of what the prices are in"
        wrong.append(Problem(field="currency", reason="unknown_currency", message=message))
    known = await on.wired.catalogue.skus_named([line.sku for line in asked.lines])
    seen: set[str] = set()
    for n, line in enumerate(_lines(asked)):
        if line.sku not in known:
            message = "is not in the catalogue"
            wrong.append(Problem(field=f"lines.{n}.sku", reason="unknown_sku", message=message))
        if line.line_id in seen:
            message = "is another line's"
            wrong.append(Problem(field=f"lines.{n}.line_id", reason="repeated", message=message))
        seen.add(line.line_id)
    if wrong:
        raise invalid(wrong)


def _lines(asked: ReservationAsked) -> tuple[LineRef, ...]:
    return tuple(
        LineRef(line_id=line.line_id or str(n), sku=line.sku, quantity=line.quantity)
        for n, line in enumerate(asked.lines, start=1)
    )


def _prices(asked: ReservationAsked) -> dict[str, int]:
    """By line; empty where nothing is priced."""
    return {
        line.line_id: said.unit_price_minor
        for line, said in zip(_lines(asked), asked.lines, strict=True)
        if said.unit_price_minor is not None
    }


def _wanted(asked: ReservationAsked) -> ReserveRequest:
    ref, prices = cart_reservation(asked.reservation_id), _prices(asked)
    return ReserveRequest(
        order_id=ref.order_id,
        key=ref.key,
        channel=asked.channel or "",
        lines=_lines(asked),
        destination=Destination(**asked.destination.model_dump()),
        expires_in_s=asked.expires_in_s,
        waits=False,
        prices_minor=prices,
        currency=asked.currency if prices else "",
    )


async def _view(on: Composition, reservation_id: str) -> ReservationView:
    held = await on.wired.inventory.held(cart_reservation(reservation_id))
    if not held:
        raise not_found("reservation")
    parts = [_part(one) for one in held]
    return ReservationView(
        reservation_id=reservation_id,
        state=parts[0].state,
        expires_at=held[0].expires_at,
        parts=parts,
    )


def _part(held: HeldPart) -> PartHeld:
    ended: State = "expired" if held.expired else "released"
    states: dict[str, State] = {"reserved": "held", "shipped": "shipped", "released": ended}
    return PartHeld(
        location=held.part.location,
        state=states[held.state],
        lines=[LineHeld(**line.model_dump()) for line in held.part.lines],
        items=list(held.part.items),
    )


def _short(asked: ReservationAsked, short: Short, decision: Decision) -> Refusal:
    """What is missing, SKU by SKU: a bundle's line is not named, but what it is made of."""
    lines = {line.sku: f"lines.{n}.quantity" for n, line in enumerate(asked.lines)}
    problems = [
        Problem(
            field=lines.get(item.sku, "lines"),
            reason="short",
            message=f"{item.sku}: {item.quantity} more than there are",
        )
        for item in short.missing
    ]
    bars = [f"{one.name} {one.reason}" for one in decision.candidates if one.bar]
    why = "; ".join(bars[:PLACES_NAMED]) or "there is none that ships all"
    return Refusal(409, "short", f"No location can ship it: {why}.", problems)


def _too_heavy(asked: ReservationAsked, refused: Refused) -> Refusal | None:
    """Its components may have become as heavy since it was put together."""
    if refused.code != TOO_HEAVY:
        return None
    message = f"is made up of more than {WEIGHT_MAX_G} g a unit"
    problems = [
        Problem(field=f"lines.{n}.sku", reason=TOO_HEAVY, message=message)
        for n, line in enumerate(asked.lines)
        if line.sku == refused.detail
    ]
    return invalid(problems)


def _refusal(refused: Refused) -> Refusal:
    said = {
        "key_reused": (409, "reservation_exists", "holds other lines; another cart, another id."),
        "reservation_released": (409, "reservation_over", "was released or has expired."),
        "reservation_shipped": (409, "reservation_over", "has been shipped."),
    }
    if refused.code not in said:
        raise refused
    status, code, why = said[refused.code]
    return Refusal(status, code, f"reservation_id: {why}")
