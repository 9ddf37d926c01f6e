"""Which pieces of an order have been refunded already."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.ids import OrderId
from storage.outages import transaction

_PIECES = text("""
SELECT line_id, sum(quantity) AS pieces FROM (
    SELECT line->>'line_id' AS line_id, CAST(line->>'refund' AS bigint) AS quantity
      FROM returns r, jsonb_array_elements(r.inspected) AS line
     WHERE r.order_id = :order_id AND r.return_id <> :return_id
       AND EXISTS (SELECT FROM money m WHERE m.return_id = r.return_id AND m.kind = 'refunded')
    UNION ALL
    SELECT line->>'line_id', CAST(line->>'quantity' AS bigint)
      FROM orders o, jsonb_array_elements(o.cancelled_lines) AS line
     WHERE o.order_id = :order_id AND :return_id <> '') AS refunded
 GROUP BY 1
""")


class Returns:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def refunded_pieces(self, order_id: OrderId, *, besides: str) -> dict[str, int]:
        """By line id: pieces that were cancelled, and that returns other than `besides` refunded.

        A refund without a return is that of the cancelled pieces themselves.
        """
        async with transaction(self._engine) as connection:
            rows = await connection.execute(_PIECES, {"order_id": order_id, "return_id": besides})
            return {row.line_id: int(row.pieces) for row in rows}
