"""SKUs, locations and bundles: put, shown, listed."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query, Request, Response
from pydantic import BaseModel

from domain.locations import Location
from starter.api.auth import Caller
from starter.api.described import described
from starter.bodies import LimitedRoute
from starter.catalogue_entries import entry
from starter.composition import composition_of
from starter.problems import invalid, not_found
from storage.bundles import Bundle, BundleRefused
from storage.catalogue import PAGE_MAX, CatalogueSku, Put

router = APIRouter(prefix="/api", tags=["catalogue"], route_class=LimitedRoute)

NO_NUL = r"^[^\x00]*$"
CREATED = 201

Name = Annotated[str, Path(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]
Find = Annotated[str, Query(alias="q", max_length=200, pattern=NO_NUL)]
Cursor = Annotated[str, Query(max_length=200, pattern=NO_NUL)]
Limit = Annotated[int, Query(ge=1, le=PAGE_MAX)]
Said = Annotated[dict[str, Any], Body()]


class SkuPage(BaseModel):
    """`next` is the cursor of the next page; null on the last one."""

    skus: list[CatalogueSku]
    next: str | None = None


class LocationPage(BaseModel):
    locations: list[Location]
    next: str | None = None


class BundlePage(BaseModel):
    bundles: list[Bundle]
    next: str | None = None


def _status(response: Response, became: Put) -> None:
    if became is Put.ADDED:
        response.status_code = CREATED


@router.get("/skus")
async def skus(
    request: Request, _by: Caller, find: Find = "", cursor: Cursor = "", limit: Limit = 100
) -> SkuPage:
    """By SKU; `q` is a part of the SKU or of its title."""
    on = composition_of(request).wired.catalogue
    found = await on.skus(find=find, after=cursor, limit=limit)
    return SkuPage(skus=list(found), next=found[-1].sku if len(found) == limit else None)


@router.get("/skus/{sku:path}")
async def sku(request: Request, sku: Name, _by: Caller) -> CatalogueSku:
    found = await composition_of(request).wired.catalogue.sku(sku)
    if found is None:
        raise not_found("SKU")
    return found


@router.put("/skus/{sku:path}", openapi_extra=described(CatalogueSku, without="sku"))
async def put_sku(
    request: Request,
    response: Response,
    sku: Name,
    body: Said,
    _by: Caller,
) -> CatalogueSku:
    """Add a SKU (201), or replace what is said of it (200)."""
    made = entry(CatalogueSku, "sku", sku, body)
    became = await composition_of(request).wired.catalogue.put_skus([made])
    _status(response, became[sku])
    return made


@router.get("/locations")
async def locations(
    request: Request, _by: Caller, find: Find = "", cursor: Cursor = "", limit: Limit = 100
) -> LocationPage:
    """By id; `q` is a part of the id or of the name."""
    on = composition_of(request).wired.catalogue
    found = await on.locations(find=find, after=cursor, limit=limit)
    more = found[-1].location if len(found) == limit else None
    return LocationPage(locations=list(found), next=more)


@router.get("/locations/{location}")
async def location(request: Request, location: Name, _by: Caller) -> Location:
    found = await composition_of(request).wired.catalogue.location(location)
    if found is None:
        raise not_found("location")
    return found


@router.put("/locations/{location}", openapi_extra=described(Location, without="location"))
async def put_location(
    request: Request,
    response: Response,
    location: Name,
    body: Said,
    _by: Caller,
) -> Location:
    """Add a location (201), or replace what is said of it (200)."""
    made = entry(Location, "location", location, body)
    became = await composition_of(request).wired.catalogue.put_locations([made])
    _status(response, became[location])
    return made


@router.get("/bundles")
async def bundles(
    request: Request, _by: Caller, cursor: Cursor = "", limit: Limit = 100
) -> BundlePage:
    """By SKU."""
    found = await composition_of(request).wired.bundles.list(after=cursor, limit=limit)
    return BundlePage(bundles=list(found), next=found[-1].sku if len(found) == limit else None)


@router.get("/bundles/{sku:path}")
async def bundle(request: Request, sku: Name, _by: Caller) -> Bundle:
    found = await composition_of(request).wired.bundles.find(sku)
    if found is None:
        raise not_found("bundle")
    return found


@router.put("/bundles/{sku:path}", openapi_extra=described(Bundle, without="sku"))
async def put_bundle(
    request: Request,
    response: Response,
    sku: Name,
    body: Said,
    _by: Caller,
) -> Bundle:
    """Say what one unit of a SKU is made up of; orders that have their stock keep it."""
    made = entry(Bundle, "sku", sku, body)
    try:
        became = await composition_of(request).wired.bundles.put(made)
    except BundleRefused as error:
        raise invalid(error.problems) from None
    _status(response, became)
    return made


@router.delete("/bundles/{sku:path}", status_code=204)
async def delete_bundle(request: Request, sku: Name, _by: Caller) -> None:
    """Make it a SKU like others again: it then has stock of its own."""
    if not await composition_of(request).wired.bundles.remove(sku):
        raise not_found("bundle")
