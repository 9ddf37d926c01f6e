"""What other returns of an order have refunded already."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.ids import OrderId
from storage.outages import transaction

_PIECES = text("""
SELECT line->>'line_id' AS line_id, sum(CAST(line->>'refund' AS bigint)) AS pieces
  FROM returns r, jsonb_array_elements(r.inspected) AS line
 WHERE r.order_id = :order_id AND r.return_id <> :return_id
   AND EXISTS (SELECT FROM money m WHERE m.return_id = r.return_id AND m.kind = 'refunded')
 GROUP BY 1
""")


class Returns:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def refunded_pieces(self, order_id: OrderId, *, besides: str) -> dict[str, int]:
        """By line id: pieces that returns other than `besides` have refunded."""
        async with transaction(self._engine) as connection:
            rows = await connection.execute(_PIECES, {"order_id": order_id, "return_id": besides})
            return {row.line_id: int(row.pieces) for row in rows}
