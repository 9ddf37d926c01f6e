"""Stock for a cart: never waited for, and handed to the order that comes of it."""

import json
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.stock import Changed, Claim, Reserved, ReserveRequest, Short, cart_reservation
from storage.stock_calls import stock_connection

_LOOK = text("""
SELECT parts, missing FROM stock_look(:order_id, :key, CAST(:lines AS jsonb),
    CAST(:ranked AS text[]), CAST(:seen AS jsonb),
    now() + make_interval(secs => CAST(:expires_in_s AS float8)))
""")
_TAKE_OVER = text("""
SELECT sourcing_take_over(:cart, :cart_key, :order_id, :key, CAST(:lines AS jsonb), :country)
""")


async def look(
    engine: AsyncEngine, request: ReserveRequest, claim: Claim
) -> Reserved | Short | Changed:
    """What is missing; or what stands under the key already, held on for `expires_in_s`."""
    wanted = _wanted(request) | {
        "ranked": list(claim.ranked),
        "seen": json.dumps(claim.seen),
        "expires_in_s": request.expires_in_s,
    }
    async with stock_connection(engine) as connection:
        row = (await connection.execute(_LOOK, wanted)).one()
    if row.missing is not None:
        return Short(missing=row.missing)
    return Changed() if row.parts is None else Reserved(parts=row.parts)


async def take_over(engine: AsyncEngine, request: ReserveRequest) -> Reserved | None:
    """Reserve for the order what its cart holds, for good; None: it must be sourced.

    A cart that holds other lines, or for another country, or whose time is over, gives its stock
    back.
    """
    cart = cart_reservation(request.reservation_id)
    wanted = _wanted(request) | {
        "cart": cart.order_id,
        "cart_key": cart.key,
        "country": request.destination.country,
    }
    async with stock_connection(engine) as connection:
        held = await connection.scalar(_TAKE_OVER, wanted)
    return None if held is None else Reserved(parts=held)


def _wanted(request: ReserveRequest) -> dict[str, Any]:
    lines = json.dumps([line.model_dump() for line in request.lines])
    return {"order_id": request.order_id, "key": request.key, "lines": lines}
