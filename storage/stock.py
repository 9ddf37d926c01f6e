"""Our own stock, behind the port `Inventory`: every change is one call of a function in PostgreSQL.

The functions (migration 0002) hold the locks, share out what comes in and refuse; this module
translates. `receive` and what follows are for people, the rest is for workflows.
"""

import json
from collections.abc import Iterable

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.stock import (
    Drift,
    MovementKind,
    ReservationRef,
    RestockRequest,
    ShortPick,
    ShortPickRequest,
    SkuQuantity,
    StockChange,
    StockLevel,
)
from storage import reservations, stock_levels
from storage.engine import alone
from storage.reservations import HeldPart
from storage.stock_calls import check_quantities, stock_connection
from storage.stock_changes import book

_EXPIRE = text("SELECT stock_expire(CAST(:skus AS text[]))")
_RELEASE = text("SELECT stock_release(:order_id, :key)")
_SHORT_PICK = text("SELECT stock_short_pick(:order_id, :key, CAST(:short AS jsonb))")
_SHIP = text("SELECT stock_ship(:order_id, :key)")
_RESTOCK = text("""
SELECT stock_restock(:key, :order_id, :location, CAST(:lines AS jsonb), :return_id)
""")


class PostgresInventory:
    """Implements `domain.ports.Inventory`; a call is one transaction and needs one connection."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = alone(engine)

    async def expire(self, skus: Iterable[str] | None = None) -> int:
        """Release what has expired, of these SKUs or of all; how many reservations that were."""
        wanted = {"skus": None if skus is None else sorted(skus)}
        async with stock_connection(self._engine) as connection:
            many: int = await connection.scalar(_EXPIRE, wanted)
        return many

    async def held(self, reservation: ReservationRef) -> tuple[HeldPart, ...]:
        """The parts that a key holds or held; none if it never held any."""
        return await reservations.held(self._engine, reservation)

    async def release(self, reservation: ReservationRef) -> None:
        async with stock_connection(self._engine) as connection:
            await connection.execute(_RELEASE, reservation.model_dump())

    async def short_pick(self, request: ShortPickRequest) -> None:
        wanted = request.model_dump(mode="json") | {"short": _json(request.short)}
        async with stock_connection(self._engine) as connection:
            await connection.execute(_SHORT_PICK, wanted)

    async def ship(self, reservation: ReservationRef) -> None:
        async with stock_connection(self._engine) as connection:
            await connection.execute(_SHIP, reservation.model_dump())

    async def restock(self, request: RestockRequest) -> None:
        check_quantities(request.lines)
        wanted = request.model_dump() | {"lines": _json(request.lines)}
        async with stock_connection(self._engine) as connection:
            await connection.execute(_RESTOCK, wanted)

    async def receive(self, change: StockChange) -> StockLevel:
        """Book goods that came in, and share them out.

        Raises:
            StockChangeRefused: an unknown SKU or location, a bundle, a quantity that cannot be, or
                a key that was used for another change. So do the methods below.
        """
        return await book(self._engine, MovementKind.RECEIVED, change)

    async def adjust(self, change: StockChange) -> StockLevel:
        """Correct what is on hand, up or down, with a reason; never below what is promised."""
        return await book(self._engine, MovementKind.ADJUSTED, change)

    async def move_to_damaged(self, change: StockChange) -> StockLevel:
        """Take so many from what can be sold; below 0, what was mended goes back."""
        return await book(self._engine, MovementKind.DAMAGED, change)

    async def write_off(self, change: StockChange) -> StockLevel:
        """Damaged goods leave: `quantity` is below 0."""
        return await book(self._engine, MovementKind.ADJUSTED, change, damaged=True)

    async def count(self, change: StockChange) -> StockLevel:
        """Somebody counted `quantity` on hand, damaged ones included."""
        return await book(self._engine, MovementKind.COUNTED, change)

    async def set_safety(self, change: StockChange) -> StockLevel:
        """Hold back `quantity` from now on."""
        return await book(self._engine, MovementKind.SAFETY, change)

    async def levels(
        self,
        sku: str | None = None,
        location: str | None = None,
        after: tuple[str, str] | None = None,
        limit: int = 100,
    ) -> tuple[StockLevel, ...]:
        """Levels by SKU and location; `after` is the SKU and location of the last one seen."""
        return await stock_levels.levels(self._engine, sku, location, after, limit)

    async def drift(self) -> tuple[Drift, ...]:
        """Where the counters differ from the fold of the ledger: nowhere, if all is well."""
        return await stock_levels.drift(self._engine)

    async def rebuild(self) -> tuple[Drift, ...]:
        """Make the counters what the ledger says; answers what was wrong."""
        return await stock_levels.rebuild(self._engine)


def _json(lines: Iterable[SkuQuantity | ShortPick]) -> str:
    return json.dumps([line.model_dump() for line in lines])
