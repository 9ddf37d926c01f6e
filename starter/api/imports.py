"""CSV files of SKUs, locations, bundles and stock: taken in with a report by row."""

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query, Request

from starter.api.auth import Caller
from starter.bodies import limited_body
from starter.composition import composition_of
from starter.csv_imports import import_bundles, import_locations, import_skus
from starter.csv_judging import ImportReport
from starter.stock_imports import import_stock

router = APIRouter(prefix="/api/imports", tags=["imports"])

FILE_MAX_BYTES = 16 * 1024 * 1024


class Kind(StrEnum):
    SKUS = "skus"
    LOCATIONS = "locations"
    BUNDLES = "bundles"
    STOCK = "stock"


Strict = Annotated[bool, Query(description="Take all rows or none")]
ImportName = Annotated[
    str,
    Query(
        max_length=80,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
        description="Of stock: each SKU and location is booked once under a name",
    ),
]


@router.post(
    "/{kind}",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"text/csv": {"schema": {"type": "string"}}},
        }
    },
)
async def take_in(
    request: Request,
    kind: Kind,
    by: Caller,
    strict: Strict = False,
    name: ImportName = "opening",
) -> ImportReport:
    """Good rows land and bad ones are told by row, field and reason; a repeat changes nothing.

    With `strict`, one bad row keeps all from landing: `applied` is then false.
    """
    on = composition_of(request)
    body = await limited_body(request, FILE_MAX_BYTES)
    match kind:
        case Kind.SKUS:
            return await import_skus(on.wired, body, strict=strict)
        case Kind.LOCATIONS:
            return await import_locations(on.wired, body, strict=strict)
        case Kind.BUNDLES:
            return await import_bundles(on.wired, body, strict=strict)
        case Kind.STOCK:
            report = await import_stock(on.wired, body, name, by, strict=strict)
            on.awake.set()
            return report
