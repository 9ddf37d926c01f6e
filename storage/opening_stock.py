"""Which rows of an import of stock are booked already."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from storage.outages import transaction

_BOOKED = text("""
SELECT key, CAST(change -> 'lines' -> 0 ->> 'quantity' AS bigint) AS quantity FROM stock_changes
 WHERE key = ANY (CAST(:keys AS text[]))
""")


class OpeningStock:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def booked(self, keys: Sequence[str]) -> dict[str, int]:
        """The quantity by key, of those keys that something was booked under."""
        async with transaction(self._engine) as connection:
            rows = (await connection.execute(_BOOKED, {"keys": list(keys)})).all()
        return {row.key: row.quantity for row in rows}
