"""Returns as they are asked for; `storage.orders` projects what becomes of them."""

from collections.abc import Sequence

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.errors import Refused
from domain.ids import OrderId, ReturnId
from domain.returns import ReturnLine
from storage.documents import json_text
from storage.outages import transaction
from storage.tables import returns

_CREATE = text("""
INSERT INTO returns (return_id, order_id, lines)
SELECT :return_id, order_id, CAST(:lines AS jsonb) FROM orders WHERE order_id = :order_id
ON CONFLICT DO NOTHING
""")


class Returns:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def create(
        self, order_id: OrderId, return_id: ReturnId, lines: Sequence[ReturnLine]
    ) -> None:
        """Keep that somebody asked for a return; a repeat changes nothing.

        Raises:
            Refused: no such order, or the return is another order's.
        """
        values = {"return_id": return_id, "order_id": order_id, "lines": json_text(lines)}
        async with transaction(self._engine) as connection:
            await connection.execute(_CREATE, values)
            owner = await connection.scalar(
                select(returns.c.order_id).where(returns.c.return_id == return_id)
            )
        if owner != order_id:
            raise Refused("orders", "unknown_order" if owner is None else "return_of_another_order")

    async def order_of(self, return_id: str) -> OrderId | None:
        """Whose return it is; None if there is no such return."""
        async with transaction(self._engine) as connection:
            owner = await connection.scalar(
                select(returns.c.order_id).where(returns.c.return_id == return_id)
            )
        return None if owner is None else OrderId(owner)
