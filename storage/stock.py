"""Our own stock, behind the port `Inventory`: every change is one call of a function in PostgreSQL.

The functions (migration 0002) hold the locks, share out what comes in and refuse; this module
translates. `receive`, `adjust` and `levels` are for people, the rest is for workflows.
"""

import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.errors import Refused, Unavailable
from domain.orders import LineRef
from domain.sourcing import Candidate
from domain.stock import (
    MovementKind,
    Part,
    ReservationRef,
    Reserved,
    ReserveRequest,
    RestockRequest,
    Short,
    SkuQuantity,
    StockChange,
    StockLevel,
    summed,
)

SYSTEM = "stock"
QUANTITY_LIMIT = 10**12
"""No line and no change moves more; far below what a counter holds."""
PAGE_LIMIT = 1000

_REFUSED = "HF001"
_BUSY = {
    "40001": "serialization_failure",
    "40P01": "deadlock",
    "55P03": "lock_timeout",
    "57014": "statement_timeout",
    "53300": "too_many_connections",
}
"""The statement was rolled back and may be sent again."""

_CANDIDATES = text("""
SELECT l.location, l.country,
       coalesce(jsonb_object_agg(s.sku, s.on_hand - s.reserved) FILTER (WHERE s.sku IS NOT NULL),
                '{}') AS available
  FROM locations l
  LEFT JOIN stock s ON s.location = l.location AND s.sku = ANY (CAST(:skus AS text[]))
 WHERE l.active GROUP BY l.location ORDER BY l.location
""")
_RESERVE = text("""
SELECT place, missing FROM stock_reserve(:order_id, :key, CAST(:places AS text[]),
                                         CAST(:excluded AS text[]), CAST(:lines AS jsonb))
""")
_RELEASE = text("SELECT stock_release(:order_id, :key)")
_SHIP = text("SELECT stock_ship(:order_id, :key)")
_CHANGE = text("""
SELECT stock_change(:kind, :key, :order_id, :place, CAST(:lines AS jsonb), :reason, :by)
""")
_LEVELS = text("""
SELECT sku, location, on_hand, reserved FROM stock
 WHERE (CAST(:sku AS text) IS NULL OR sku = :sku)
   AND (CAST(:location AS text) IS NULL OR location = :location)
   AND (CAST(:after_sku AS text) IS NULL
        OR (sku, location) > (:after_sku, CAST(:after_location AS text)))
 ORDER BY sku, location LIMIT :limit
""")


class StockChangeRefused(ValueError):
    """A receipt or correction that cannot be booked; nothing was changed.

    `field` is the field of `StockChange` that is wrong, `code` is for programs, `reason` completes
    the sentence that begins with the field.
    """

    def __init__(self, field: str, code: str, reason: str) -> None:
        super().__init__(f"{field} {reason}")
        self.field = field
        self.code = code
        self.reason = reason


_CHANGE_REFUSALS = {
    "unknown_sku": ("sku", "is not in the catalogue"),
    "unknown_location": ("location", "is not one of ours"),
    "below_reserved": ("quantity", "would leave less on hand than is promised to orders"),
    "key_reused": ("key", "was used for another change"),
}


class PostgresInventory:
    """Implements `domain.ports.Inventory`; a call is one transaction and needs one connection."""

    def __init__(self, engine: AsyncEngine) -> None:
        # One statement is one transaction: BEGIN and COMMIT would each be one more round trip.
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")

    async def candidates(self, lines: tuple[SkuQuantity, ...]) -> tuple[Candidate, ...]:
        skus = [line.sku for line in summed(lines)]
        async with _connection(self._engine) as connection:
            rows = (await connection.execute(_CANDIDATES, {"skus": skus})).all()
        return tuple(
            Candidate(
                location=row.location,
                country=row.country,
                available={sku: row.available.get(sku, 0) for sku in skus},
            )
            for row in rows
        )

    async def reserve(
        self, request: ReserveRequest, locations: tuple[str, ...]
    ) -> Reserved | Short:
        lines = _checked(request.lines)
        wanted = {
            "order_id": request.order_id,
            "key": request.key,
            "places": [place for place in locations if place not in request.excluded],
            "excluded": list(request.excluded),
            "lines": _json(lines),
        }
        async with _connection(self._engine) as connection:
            answer = (await connection.execute(_RESERVE, wanted)).one()
        if answer.place is not None:
            part = Part(location=answer.place, lines=request.lines, items=lines)
            return Reserved(parts=(part,))
        return Short(missing=tuple(SkuQuantity(**line) for line in answer.missing))

    async def release(self, reservation: ReservationRef) -> None:
        async with _connection(self._engine) as connection:
            await connection.execute(_RELEASE, reservation.model_dump())

    async def ship(self, reservation: ReservationRef) -> None:
        async with _connection(self._engine) as connection:
            await connection.execute(_SHIP, reservation.model_dump())

    async def restock(self, request: RestockRequest) -> None:
        lines = _checked(request.lines)
        await self._change(
            MovementKind.RESTOCKED,
            request.key,
            request.location,
            lines,
            order_id=request.order_id,
            reason=request.return_id,
        )

    async def receive(self, change: StockChange) -> StockLevel:
        """Book goods that came in, and share them out; the level is what is left afterwards.

        Raises:
            StockChangeRefused: an unknown SKU or location, a quantity below one, or a key that was
                used for another change.
        """
        if change.quantity < 1:
            raise StockChangeRefused("quantity", "not_positive", "must be at least 1")
        return await self._book(MovementKind.RECEIVED, change)

    async def adjust(self, change: StockChange) -> StockLevel:
        """Correct what is on hand, up or down, with a reason.

        Raises:
            StockChangeRefused: as for `receive`; also where less would be left on hand than is
                promised to orders, or where no reason is given.
        """
        if change.quantity == 0:
            raise StockChangeRefused("quantity", "zero", "must not be 0")
        if not change.reason.strip():
            raise StockChangeRefused("reason", "missing", "must say why")
        return await self._book(MovementKind.ADJUSTED, change)

    async def levels(
        self,
        sku: str | None = None,
        location: str | None = None,
        after: tuple[str, str] | None = None,
        limit: int = 100,
    ) -> tuple[StockLevel, ...]:
        """Levels by SKU and location; `after` is the SKU and location of the last one seen."""
        after_sku, after_location = after or (None, None)
        wanted = {
            "sku": sku,
            "location": location,
            "after_sku": after_sku,
            "after_location": after_location,
            "limit": max(1, min(limit, PAGE_LIMIT)),
        }
        async with _connection(self._engine) as connection:
            rows = (await connection.execute(_LEVELS, wanted)).mappings().all()
        return tuple(StockLevel(**row) for row in rows)

    async def _book(self, kind: MovementKind, change: StockChange) -> StockLevel:
        for field in ("key", "sku", "location", "reason"):
            if "\0" in getattr(change, field):
                raise StockChangeRefused(field, "bad_character", "holds a character that is none")
        if not change.key:
            raise StockChangeRefused("key", "missing", "must not be empty")
        if abs(change.quantity) > QUANTITY_LIMIT:
            raise StockChangeRefused("quantity", "too_large", f"must be within {QUANTITY_LIMIT}")
        line = SkuQuantity(sku=change.sku, quantity=change.quantity)
        try:
            answer = await self._change(
                kind, change.key, change.location, (line,), reason=change.reason, by=change.by
            )
        except Refused as refused:
            if refused.code not in _CHANGE_REFUSALS:
                raise
            field, reason = _CHANGE_REFUSALS[refused.code]
            raise StockChangeRefused(field, refused.code, reason) from refused
        return StockLevel(**answer[0])

    async def _change(
        self,
        kind: MovementKind,
        key: str,
        place: str,
        lines: tuple[SkuQuantity, ...],
        *,
        order_id: str | None = None,
        reason: str = "",
        by: str = "",
    ) -> list[dict[str, Any]]:
        wanted = {"kind": kind.value, "key": key, "place": place, "lines": _json(lines)}
        said = {"order_id": order_id, "reason": reason, "by": by}
        async with _connection(self._engine) as connection:
            answer: list[dict[str, Any]] = await connection.scalar(_CHANGE, wanted | said)
        return answer


def _json(lines: Iterable[SkuQuantity]) -> str:
    return json.dumps([line.model_dump() for line in lines])


def _checked(lines: tuple[LineRef | SkuQuantity, ...]) -> tuple[SkuQuantity, ...]:
    total = summed(lines)
    if not total:
        raise Refused(SYSTEM, "no_lines")
    if min(line.quantity for line in lines) < 1 or max(t.quantity for t in total) > QUANTITY_LIMIT:
        raise Refused(SYSTEM, "bad_quantity")
    return total


@asynccontextmanager
async def _connection(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    try:
        async with engine.begin() as connection:
            yield connection
    except PoolTimeout as error:
        raise Unavailable(SYSTEM, "pool_exhausted", str(error)) from error
    except DBAPIError as error:
        raise _outside(error) from error


def _outside(error: DBAPIError) -> Exception:
    """What a failed statement means; anything but a refusal or an outage is a bug and stays so."""
    cause = error.orig
    if isinstance(cause, psycopg.Error) and cause.sqlstate == _REFUSED:
        return Refused(SYSTEM, cause.diag.message_primary or "refused")
    if isinstance(error, OperationalError | InterfaceError) or error.connection_invalidated:
        busy = _BUSY.get(getattr(cause, "sqlstate", None) or "")
        code = busy or "connection_lost"
        return Unavailable(SYSTEM, code, str(cause), fate_unknown=busy is None)
    return error
