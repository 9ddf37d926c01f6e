"""Stock by SKU and location and what channels may sell of it; goods in, corrections."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from domain.problems import Problem
from domain.stock import Drift, StockChange, StockLevel
from starter.api.answers import Key, own_key
from starter.api.auth import Caller
from starter.bodies import LimitedRoute
from starter.composition import Composition, composition_of
from starter.problems import Refusal, invalid, invalid_field
from storage.channel_stock import ChannelStock
from storage.stock_changes import StockChangeRefused

router = APIRouter(prefix="/api/stock", tags=["stock"], route_class=LimitedRoute)

Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]
PAGE_MAX = 500
TOO_MUCH = frozenset({"below_reserved", "not_damaged"})
"""Refusals that are about the stock as it stands, and not about bad input."""


class LevelView(BaseModel):
    """on_hand = available + reserved + damaged + safety_stock; `incoming` is not here yet.

    `safety_stock` is what is held back now, at most `safety_stock_target`.
    """

    sku: str
    location: str
    on_hand: int
    available: int
    reserved: int
    damaged: int
    safety_stock: int
    safety_stock_target: int
    incoming: int


class ChannelView(BaseModel):
    """What a channel may sell of a SKU, all its locations together; `why` in a sentence."""

    channel: str
    sku: str
    quantity: int
    why: str
    rules_version: int


class LevelPage(BaseModel):
    """`channels` tells of the SKUs of this page; `next` is the cursor of the next, if any."""

    levels: list[LevelView]
    channels: list[ChannelView]
    next: str | None = None


class ChangeAsked(BaseModel):
    """What came, went or was found; which quantities make sense, each path says."""

    model_config = ConfigDict(extra="forbid", strict=True)

    sku: Name
    location: Name
    quantity: int
    reason: Annotated[str, Field(max_length=500, pattern=r"^[^\x00]*$")] = ""


class DriftView(BaseModel):
    """Counters that were not what the ledger says."""

    drifted: list[Drift]


Change = Callable[[StockChange], Awaitable[StockLevel]]


@router.get("")
async def levels(
    request: Request,
    _by: Caller,
    *,
    sku: Annotated[str | None, Query(pattern=r"^[^\x00]*$")] = None,
    location: Annotated[str | None, Query(pattern=r"^[^\x00]*$")] = None,
    channel: Annotated[str | None, Query(max_length=200)] = None,
    cursor: Annotated[str | None, Query(max_length=500, pattern=r"^[^\x00]*$")] = None,
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 100,
) -> LevelPage:
    """Levels by SKU and location, and what each channel (or `channel`) may sell of those SKUs.

    A bundle has no level of its own: ask for it with `sku`, or with `/api/channels/…/stock`.
    """
    wired = composition_of(request).wired
    if channel is not None and channel not in await wired.channel_stocks.channels():
        raise invalid_field("channel", "unknown", "is not one of ours")
    found = await wired.inventory.levels(sku, location, _after(cursor), limit)
    named = dict.fromkeys([level.sku for level in found] if sku is None else [sku])
    told = await wired.channel_stocks.now(list(named), None if channel is None else [channel])
    more = f"{found[-1].location}/{found[-1].sku}" if len(found) == limit else None
    return LevelPage(
        levels=[level_view(level) for level in found],
        channels=[channel_view(one) for one in told],
        next=more,
    )


@router.post("/receipts", status_code=201)
async def receipt(request: Request, asked: ChangeAsked, by: Caller, key: Key = None) -> LevelView:
    """Goods came in (above 0); orders that wait for them get their share first."""
    on = composition_of(request)
    return await _book(on, on.wired.inventory.receive, _change("receipt", key, asked, by))


@router.post("/adjustments", status_code=201)
async def adjustment(
    request: Request, asked: ChangeAsked, by: Caller, key: Key = None
) -> LevelView:
    """Correct what is on hand by so many, with a reason."""
    on = composition_of(request)
    return await _book(on, on.wired.inventory.adjust, _change("adjustment", key, asked, by))


@router.post("/damages", status_code=201)
async def damage(request: Request, asked: ChangeAsked, by: Caller, key: Key = None) -> LevelView:
    """So many are damaged and no more for sale, with a reason; below 0: mended."""
    on = composition_of(request)
    return await _book(on, on.wired.inventory.move_to_damaged, _change("damage", key, asked, by))


@router.post("/write-offs", status_code=201)
async def write_off(request: Request, asked: ChangeAsked, by: Caller, key: Key = None) -> LevelView:
    """So many (above 0) of the damaged ones are thrown away, with a reason."""
    on = composition_of(request)
    if asked.quantity < 1:
        raise invalid_field("quantity", "not_positive", "must be at least 1")
    change = _change("write-off", key, asked, by)
    gone = change.model_copy(update={"quantity": -asked.quantity})
    return await _book(on, on.wired.inventory.write_off, gone)


@router.post("/safety", status_code=201)
async def safety(request: Request, asked: ChangeAsked, by: Caller, key: Key = None) -> LevelView:
    """Hold back so many from now on."""
    on = composition_of(request)
    return await _book(on, on.wired.inventory.set_safety, _change("safety", key, asked, by))


@router.get("/drift")
async def drift(request: Request, _by: Caller) -> DriftView:
    """Where counters differ from the fold of the ledger: nowhere, if all is well."""
    return DriftView(drifted=list(await composition_of(request).wired.inventory.drift()))


@router.post("/rebuild")
async def rebuild(request: Request, _by: Caller) -> DriftView:
    """Make the counters what the ledger says; answers what was wrong.

    Orders that wait get their share of what was there all along.
    """
    on = composition_of(request)
    drifted = await on.wired.inventory.rebuild()
    if drifted:
        await on.wired.channel_stocks.mark_all()
        on.awake.set()
    return DriftView(drifted=list(drifted))


async def _book(on: Composition, book: Change, change: StockChange) -> LevelView:
    try:
        level = await book(change)
    except StockChangeRefused as error:
        raise _refusal(error) from None
    on.awake.set()
    return level_view(level)


def _change(kind: str, key: str | None, asked: ChangeAsked, by: str) -> StockChange:
    return StockChange(key=f"{kind}/{own_key(key, by)}", by=by, **asked.model_dump())


def level_view(level: StockLevel) -> LevelView:
    return LevelView(
        sku=level.sku,
        location=level.location,
        on_hand=level.on_hand,
        available=level.available,
        reserved=level.reserved,
        damaged=level.damaged,
        safety_stock=level.held_safety_stock,
        safety_stock_target=level.safety_stock,
        incoming=level.incoming,
    )


def channel_view(stock: ChannelStock) -> ChannelView:
    return ChannelView(
        channel=stock.channel,
        sku=stock.sku,
        quantity=stock.sellable.quantity,
        why=stock.sellable.sentence,
        rules_version=stock.rules_version,
    )


def _after(cursor: str | None) -> tuple[str, str] | None:
    if cursor is None:
        return None
    location, slash, sku = cursor.partition("/")
    if not slash:
        raise invalid_field("cursor", "malformed", "is none that we gave out")
    return sku, location


def _refusal(error: StockChangeRefused) -> Refusal:
    field = "Idempotency-Key" if error.field == "key" else error.field
    problem = Problem(field=field, reason=error.code, message=error.reason)
    if error.code in TOO_MUCH:
        return Refusal(409, error.code, str(error), [problem])
    return invalid([problem])
