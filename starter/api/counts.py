"""Counts, and where what came or was counted is not what was said."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from domain.supply import LINES_MAX, Counted, Discrepancy, Name, StockCount
from starter.api.answers import Key
from starter.api.auth import Caller
from starter.api.supply import Asked, Before, Limit, answered, deed_key
from starter.bodies import LimitedRoute
from starter.composition import composition_of
from starter.problems import not_found
from storage.supply import NUMBER_MAX

router = APIRouter(prefix="/api/stock", tags=["stock"], route_class=LimitedRoute)

Find = Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]*$")]


class CountAsked(Asked):
    """What was found on hand at a location, damaged ones included; SKUs not named stay."""

    location: Name
    lines: tuple[Counted, ...] = Field(min_length=1, max_length=LINES_MAX)


class CountPage(BaseModel):
    counts: list[StockCount]
    next: int | None = None


class DiscrepancyPage(BaseModel):
    discrepancies: list[Discrepancy]
    next: int | None = None


@router.post("/counts", status_code=201)
async def count(request: Request, asked: CountAsked, by: Caller, key: Key = None) -> StockCount:
    """What was counted becomes the record; `recorded` is what it said before."""
    on = composition_of(request)
    keyed = deed_key("count", key, by)
    made = await answered(
        on.wired.supplies.count(asked.location, asked.lines, keyed, by, asked.reason)
    )
    on.awake.set()
    return made


@router.get("/counts")
async def counts(
    request: Request, _by: Caller, before: Before = NUMBER_MAX, limit: Limit = 100
) -> CountPage:
    found = await composition_of(request).wired.supplies.counts(before, limit)
    return CountPage(counts=list(found), next=found[-1].number if len(found) == limit else None)


@router.get("/counts/{count_id}")
async def one_count(request: Request, count_id: str, _by: Caller) -> StockCount:
    found = await composition_of(request).wired.supplies.counted(count_id)
    if found is None:
        raise not_found("count")
    return found


@router.get("/discrepancies")
async def discrepancies(
    request: Request,
    _by: Caller,
    *,
    sku: Find = None,
    location: Find = None,
    before: Before = NUMBER_MAX,
    limit: Limit = 100,
) -> DiscrepancyPage:
    """Where what came or was counted is not what was said, newest first."""
    supplies = composition_of(request).wired.supplies
    found = await supplies.discrepancies(sku, location, before, limit)
    more = found[-1].id if len(found) == limit else None
    return DiscrepancyPage(discrepancies=list(found), next=more)
