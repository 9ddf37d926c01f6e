"""What a reservation holds, or held, and what became of it."""

from datetime import datetime
from typing import Literal

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.stock import Part, ReservationRef
from domain.values import Value
from storage.stock_calls import stock_connection

# Why it was released, its movements say; all of a part's have the same reason.
_HELD = text("""
SELECT r.key, r.state, r.expires_at,
       jsonb_build_object('location', r.location, 'lines', r.lines, 'items', r.items) AS part,
       r.state = 'released' AND EXISTS (
           SELECT FROM stock_movements m
            WHERE m.order_id = r.order_id AND m.kind = 'released' AND m.reason = 'expired'
              AND starts_with(m.key, 'released/' || r.key || '#')) AS expired
  FROM reservations r WHERE r.base = :key AND r.order_id = :order_id AND r.part > 0 ORDER BY r.part
""")


class HeldPart(Value):
    """`expired`: it was released because its time was over."""

    key: str
    state: Literal["reserved", "released", "shipped"]
    expired: bool
    expires_at: datetime | None
    part: Part


async def held(engine: AsyncEngine, reservation: ReservationRef) -> tuple[HeldPart, ...]:
    async with stock_connection(engine) as connection:
        rows = (await connection.execute(_HELD, reservation.model_dump())).mappings().all()
    return tuple(HeldPart(**row) for row in rows)
