"""Stock by SKU and location, goods in, corrections."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from domain.problems import Problem
from domain.stock import StockChange, StockLevel
from starter.api.answers import Key, own_key
from starter.api.auth import Caller
from starter.bodies import LimitedRoute
from starter.composition import composition_of
from starter.problems import Refusal, invalid, invalid_field
from storage.stock_changes import StockChangeRefused

router = APIRouter(prefix="/api/stock", tags=["stock"], route_class=LimitedRoute)

Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]
PAGE_MAX = 500


class LevelView(BaseModel):
    sku: str
    location: str
    on_hand: int
    reserved: int
    available: int


class LevelPage(BaseModel):
    """`next` is the cursor of the next page; null on the last one."""

    levels: list[LevelView]
    next: str | None = None


class ChangeAsked(BaseModel):
    """Goods that came in (`quantity` above 0) or a correction (either sign)."""

    model_config = ConfigDict(extra="forbid", strict=True)

    sku: Name
    location: Name
    quantity: int
    reason: Annotated[str, Field(max_length=500, pattern=r"^[^\x00]*$")] = ""


@router.get("")
async def levels(
    request: Request,
    _by: Caller,
    sku: Annotated[str | None, Query(pattern=r"^[^\x00]*$")] = None,
    location: Annotated[str | None, Query(pattern=r"^[^\x00]*$")] = None,
    cursor: Annotated[str | None, Query(max_length=500, pattern=r"^[^\x00]*$")] = None,
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 100,
) -> LevelPage:
    """Levels by SKU and location."""
    found = await composition_of(request).wired.inventory.levels(
        sku, location, _after(cursor), limit
    )
    more = f"{found[-1].location}/{found[-1].sku}" if len(found) == limit else None
    return LevelPage(levels=[_level(level) for level in found], next=more)


@router.post("/receipts", status_code=201)
async def receipt(request: Request, asked: ChangeAsked, by: Caller, key: Key = None) -> LevelView:
    """Goods came in; orders that wait for them get their share first."""
    on = composition_of(request)
    change = _change("receipt", key, asked, by)
    try:
        level = await on.wired.inventory.receive(change)
    except StockChangeRefused as error:
        raise _refusal(error) from None
    on.awake.set()
    return _level(level)


@router.post("/adjustments", status_code=201)
async def adjustment(
    request: Request, asked: ChangeAsked, by: Caller, key: Key = None
) -> LevelView:
    """Correct what is on hand, with a reason."""
    on = composition_of(request)
    change = _change("adjustment", key, asked, by)
    try:
        level = await on.wired.inventory.adjust(change)
    except StockChangeRefused as error:
        raise _refusal(error) from None
    on.awake.set()
    return _level(level)


def _change(kind: str, key: str | None, asked: ChangeAsked, by: str) -> StockChange:
    return StockChange(key=f"{kind}/{own_key(key, by)}", by=by, **asked.model_dump())


def _level(level: StockLevel) -> LevelView:
    return LevelView(**level.model_dump(), available=level.available)


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
    if error.code == "below_reserved":
        return Refusal(409, error.code, str(error), [problem])
    return invalid([problem])
