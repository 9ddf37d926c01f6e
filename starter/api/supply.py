"""Goods to come: purchase orders and transfers, and who waits for which."""

# ruff: noqa: FAST003 - `SupplyPath` reads the kind

import re
from collections.abc import Awaitable
from typing import Annotated, TypeVar

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from domain.problems import Problem
from domain.supply import (
    LINES_MAX,
    Arrival,
    Expected,
    Name,
    NewSupply,
    OrderedLine,
    Said,
    Supply,
    SupplyKind,
    SupplyState,
)
from starter.api.answers import Key, own_key
from starter.api.auth import Caller
from starter.bodies import LimitedRoute
from starter.composition import composition_of
from starter.problems import Refusal, invalid, invalid_field, not_found
from storage.supply import NUMBER_MAX, PAGE_MAX, SupplyRefused
from storage.supply_promises import WaitingView

router = APIRouter(prefix="/api", tags=["supply"], route_class=LimitedRoute)

KINDS = {"purchase-orders": SupplyKind.PURCHASE_ORDER, "transfers": SupplyKind.TRANSFER}
PATTERNS = {
    SupplyKind.PURCHASE_ORDER: r"po-[0-9]{1,18}",
    SupplyKind.TRANSFER: r"tr-[0-9]{1,18}",
}
PLACE_MAX = 10**9
TOO_MUCH = frozenset({"below_reserved"})
"""Refusals of a field that are about the stock as it stands, and not about bad input."""

Before = Annotated[int, Query(ge=1, le=NUMBER_MAX, alias="cursor")]
Limit = Annotated[int, Query(ge=1, le=PAGE_MAX)]
Answer = TypeVar("Answer")


def _kind_path(kind: str) -> SupplyKind:
    if kind not in KINDS:
        raise not_found("kind of supply")
    return KINDS[kind]


KindPath = Annotated[SupplyKind, Depends(_kind_path)]


def _supply_path(kind: str, supply_id: str) -> str:
    if not re.fullmatch(PATTERNS[_kind_path(kind)], supply_id):
        raise not_found("document")
    return supply_id


SupplyPath = Annotated[str, Depends(_supply_path)]


class Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    reason: Said = ""


class PurchaseOrderAsked(Asked):
    """Goods from outside; `reference` is what the supplier calls it."""

    destination: Name
    reference: Said = ""
    lines: tuple[OrderedLine, ...] = Field(min_length=1, max_length=LINES_MAX)


class TransferAsked(PurchaseOrderAsked):
    """Goods from one location of ours to another."""

    origin: Name


class ReceiptAsked(Asked):
    """What came, part or all of it, or more."""

    lines: tuple[Arrival, ...] = Field(min_length=1, max_length=LINES_MAX)


class RescheduleAsked(Asked):
    """What is still to come (of `sku` or of one `line`, if named) comes on this day."""

    expected_on: Expected
    sku: Name | None = None
    line: Annotated[int, Field(strict=True, ge=1, le=LINES_MAX)] | None = None


class SupplyPage(BaseModel):
    """Newest first; `next` is the cursor of the next page, null on the last one."""

    supplies: list[Supply]
    next: int | None = None


class PegPage(BaseModel):
    """Who waits, in the order in which they are served, each with its promise and its goods."""

    waiting: list[WaitingView]
    next: int | None = None


@router.post("/supply/purchase-orders", status_code=201)
async def open_purchase_order(
    request: Request, asked: PurchaseOrderAsked, by: Caller, key: Key = None
) -> Supply:
    """Its goods are expected at the destination from now on, line by line on their days."""
    return await _open(request, asked, by, key)


@router.post("/supply/transfers", status_code=201)
async def open_transfer(
    request: Request, asked: TransferAsked, by: Caller, key: Key = None
) -> Supply:
    """Nothing moves before its dispatch."""
    return await _open(request, asked, by, key)


@router.get("/supply/{kind}")
async def documents(
    request: Request,
    kind: KindPath,
    _by: Caller,
    *,
    state: SupplyState | None = None,
    before: Before = NUMBER_MAX,
    limit: Limit = 100,
) -> SupplyPage:
    """Of a transfer that was dispatched, what has not arrived is `awaited`, line by line."""
    found = await composition_of(request).wired.supplies.list(kind, state, before, limit)
    return SupplyPage(supplies=list(found), next=found[-1].number if len(found) == limit else None)


@router.get("/supply/{kind}/{supply_id}")
async def document(request: Request, supply_id: SupplyPath, _by: Caller) -> Supply:
    found = await composition_of(request).wired.supplies.get(supply_id)
    if found is None:
        raise not_found("document")
    return found


@router.post("/supply/{kind}/{supply_id}/dispatch")
async def dispatch(
    request: Request, supply_id: SupplyPath, asked: Asked, by: Caller, key: Key = None
) -> Supply:
    """The goods of a transfer leave: all of them, or 409 where less is promised to nobody."""
    deed = composition_of(request).wired.supplies.dispatch
    return await answered(deed(supply_id, deed_key("dispatch", key, by), by, asked.reason))


@router.post("/supply/{kind}/{supply_id}/receive")
async def receive(
    request: Request, supply_id: SupplyPath, asked: ReceiptAsked, by: Caller, key: Key = None
) -> Supply:
    """Goods came; who waits for them gets them at once. Once nothing is to come, it closes."""
    on = composition_of(request)
    deed = on.wired.supplies.receive
    keyed = deed_key("receive", key, by)
    found = await answered(deed(supply_id, asked.lines, keyed, by, asked.reason))
    on.awake.set()
    return found


@router.post("/supply/{kind}/{supply_id}/reschedule")
async def reschedule(
    request: Request, supply_id: SupplyPath, asked: RescheduleAsked, by: Caller, key: Key = None
) -> Supply:
    """What is still to come comes on another day; the promises that rest on it move."""
    deed = composition_of(request).wired.supplies.reschedule
    keyed = deed_key("reschedule", key, by)
    which = asked.model_dump(include={"sku", "line", "reason"})
    return await answered(deed(supply_id, asked.expected_on, keyed, by, **which))


@router.post("/supply/{kind}/{supply_id}/close")
async def close(
    request: Request, supply_id: SupplyPath, asked: Asked, by: Caller, key: Key = None
) -> Supply:
    """No more will come; what lacks needs a reason and is a discrepancy."""
    deed = composition_of(request).wired.supplies.close
    return await answered(deed(supply_id, deed_key("close", key, by), by, asked.reason))


@router.post("/supply/{kind}/{supply_id}/cancel")
async def cancel(
    request: Request, supply_id: SupplyPath, asked: Asked, by: Caller, key: Key = None
) -> Supply:
    """Nothing will come; 409 where something has, or has left."""
    deed = composition_of(request).wired.supplies.cancel
    return await answered(deed(supply_id, deed_key("cancel", key, by), by, asked.reason))


@router.get("/stock/pegs")
async def pegs(
    request: Request,
    _by: Caller,
    cursor: Annotated[int, Query(ge=0, le=PLACE_MAX)] = 0,
    limit: Limit = 100,
) -> PegPage:
    """Every order that waits for goods: which dated supply is for it, and its date by that."""
    found = await composition_of(request).wired.promises.queue(cursor, limit)
    more = cursor + limit if len(found) == limit else None
    return PegPage(waiting=list(found), next=more)


async def _open(request: Request, asked: PurchaseOrderAsked, by: str, key: str | None) -> Supply:
    said = asked.model_dump()
    if said.get("origin") == asked.destination:
        raise invalid_field("destination", "same", "must be another location than origin")
    supplies = composition_of(request).wired.supplies
    return await answered(supplies.open(NewSupply(**said), deed_key("open", key, by), by))


def deed_key(deed: str, key: str | None, by: str) -> str:
    return f"{deed}/{own_key(key, by)}"


async def answered(deed: Awaitable[Answer]) -> Answer:
    try:
        return await deed
    except SupplyRefused as error:
        raise _refusal(error) from None


def _refusal(error: SupplyRefused) -> Refusal:
    if error.code == "unknown_supply":
        return not_found("document")
    field = "Idempotency-Key" if error.field == "key" else error.field
    problem = Problem(field=field, reason=error.code, message=error.reason)
    if error.code in TOO_MUCH:
        return Refusal(409, error.code, str(error), [problem])
    return invalid([problem]) if field else Refusal(409, error.code, str(error))
