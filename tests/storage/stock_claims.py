"""Stock claimed without sourcing, by the functions in PostgreSQL that sourcing's own call."""

import json
from typing import Any

from sqlalchemy import text

from domain.orders import LineRef
from domain.stock import Changed, Claim, Part, Reserved, ReserveRequest, Short, SkuQuantity
from storage.stock import PostgresInventory
from storage.stock_calls import stock_connection

_ITEMS = text("SELECT stock_items(stock_exploded(CAST(:lines AS jsonb)))")
_AVAILABLE = text("""
SELECT l.location, coalesce(jsonb_object_agg(s.sku, s.available)
                            FILTER (WHERE s.sku IS NOT NULL), '{}') AS available
  FROM locations l
  LEFT JOIN stock s ON s.location = l.location AND s.sku = ANY (CAST(:skus AS text[]))
 WHERE l.active GROUP BY l.location ORDER BY l.location
""")
_RESERVE = text("""
SELECT stock_reserve(:order_id, :key, CAST(:parts AS jsonb),
                     now() + make_interval(secs => CAST(:expires_in_s AS float8)))
""")
_WAIT = text("""
SELECT parts, missing FROM stock_wait(:order_id, :key, CAST(:lines AS jsonb),
    CAST(:ranked AS text[]), CAST(:seen AS jsonb), :parts_max, :priority)
""")


async def picked(stock: PostgresInventory, lines: tuple[LineRef, ...]) -> tuple[SkuQuantity, ...]:
    """What is picked for the lines, each SKU once."""
    async with stock_connection(stock._engine) as connection:
        found = await connection.scalar(_ITEMS, {"lines": _json(lines)})
    return tuple(SkuQuantity(**item) for item in found)


async def available(
    stock: PostgresInventory, items: tuple[SkuQuantity, ...]
) -> dict[str, dict[str, int]]:
    """What each open location has of the items, by SKU."""
    skus = sorted({item.sku for item in items})
    async with stock_connection(stock._engine) as connection:
        rows = (await connection.execute(_AVAILABLE, {"skus": skus})).all()
    return {row.location: {sku: row.available.get(sku, 0) for sku in skus} for row in rows}


async def claimed(
    stock: PostgresInventory, request: ReserveRequest, claim: Claim
) -> Reserved | Short | Changed:
    """Reserve what is claimed, or wait for it."""
    looked_for = {sku for place in claim.seen.values() for sku in place}
    if not claim.parts and await stock.expire(looked_for):
        return Changed()
    wanted: dict[str, Any] = {"order_id": request.order_id, "key": request.key}
    async with stock_connection(stock._engine) as connection:
        if claim.parts:
            parts = json.dumps([part.model_dump(exclude={"items"}) for part in claim.parts])
            wanted |= {"parts": parts, "expires_in_s": request.expires_in_s}
            return _reserved(await connection.scalar(_RESERVE, wanted))
        wanted |= {"lines": _json(request.lines), "seen": json.dumps(claim.seen)}
        wanted |= claim.model_dump(include={"parts_max", "priority"})
        wanted["ranked"] = list(claim.ranked)
        answer = (await connection.execute(_WAIT, wanted)).one()
    return _reserved(answer.parts) if answer.missing is None else Short(missing=answer.missing)


def _reserved(parts: list[dict[str, Any]] | None) -> Reserved | Changed:
    return Changed() if parts is None else Reserved(parts=tuple(Part(**part) for part in parts))


def _json(lines: tuple[LineRef, ...]) -> str:
    return json.dumps([line.model_dump() for line in lines])
