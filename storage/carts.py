"""Stock for a cart: never waited for, and handed to the order that comes of it."""

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.orders import LineRef
from domain.sourcing.case import Case
from domain.sourcing.given import held
from domain.stock import Changed, Claim, Part, Reserved, ReserveRequest, Short, cart_reservation
from storage.sourcing_kept import why
from storage.stock_calls import stock_connection

_LOOK = text("""
SELECT parts, missing FROM stock_look(:order_id, :key, CAST(:lines AS jsonb),
    CAST(:ranked AS text[]), CAST(:seen AS jsonb),
    now() + make_interval(secs => CAST(:expires_in_s AS float8)))
""")
_HELD = text("""
SELECT jsonb_agg(jsonb_build_object('location', r.location, 'lines', r.lines, 'items', r.items)
                 ORDER BY r.part) AS parts,
       (SELECT d.facts #>> '{destination,country}' FROM sourcing_decisions d
         WHERE d.key = :cart_key AND d.outcome = 'reserved') AS country
  FROM reservations r WHERE r.base = :cart_key AND r.state = 'reserved'
   AND NOT EXISTS (SELECT FROM reservations x WHERE x.base = :key)
   AND NOT EXISTS (SELECT FROM stock_waiting w WHERE w.key = :key)
""")
_TAKE_OVER = text("""
SELECT sourcing_take_over(:cart, :cart_key, :order_id, :key, CAST(:why AS jsonb))
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


async def take_over(
    engine: AsyncEngine, request: ReserveRequest, case: Case
) -> Reserved | Changed | None:
    """Reserve for the order what its cart holds, for good; None: there is no such cart.

    Why it ships from there is kept by the order's own case. A cart that holds other lines, or for
    another country, or where the order may not ship from any more, or whose time is over, gives
    its stock back: then the order must be sourced anew.
    """
    cart = cart_reservation(request.reservation_id)
    named = {"order_id": request.order_id, "key": request.key, "cart_key": cart.key}
    async with stock_connection(engine) as connection:
        found = (await connection.execute(_HELD, named)).one()
    if found.parts is None:
        return None
    parts = tuple(Part(**part) for part in found.parts)
    fits = found.country == request.destination.country and _sold(parts) == _lines(request.lines)
    reasons = await asyncio.to_thread(_why, case, parts, request.reservation_id) if fits else None
    async with stock_connection(engine) as connection:
        said = named | {"cart": cart.order_id, "why": reasons}
        taken = await connection.scalar(_TAKE_OVER, said)
    return Changed() if taken is None else Reserved(parts=taken)


def _why(case: Case, parts: Sequence[Part], cart: str) -> str | None:
    decided = held(case, parts, cart)
    return None if decided is None else why(*decided)


def _sold(parts: Sequence[Part]) -> Counter[tuple[str, str]]:
    return _lines([line for part in parts for line in part.lines])


def _lines(lines: Sequence[LineRef]) -> Counter[tuple[str, str]]:
    total: Counter[tuple[str, str]] = Counter()
    for line in lines:
        total[line.line_id, line.sku] += line.quantity
    return total


def _wanted(request: ReserveRequest) -> dict[str, Any]:
    lines = json.dumps([line.model_dump() for line in request.lines])
    return {"order_id": request.order_id, "key": request.key, "lines": lines}
