"""Which pieces of an order have been refunded already."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.ids import OrderId, effect_key
from domain.lifecycles import HAS_LEFT
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
# A channel may show a refund of ours before its workflow has written it down: a deed that began
# counts. Of a return it is then what was announced, of a cancel whatever has not left.
_GIVEN_BACK = text("""
WITH returned AS (
    SELECT line->>'line_id' AS line_id,
           CAST(coalesce(line->>'refund', line->>'quantity') AS bigint) AS quantity
      FROM returns r,
           jsonb_array_elements(CASE WHEN r.inspected = '[]' THEN r.lines ELSE r.inspected END) line
     WHERE r.order_id = :order_id AND EXISTS (
           SELECT FROM effects WHERE key = r.order_id || '/r-' || r.return_id || '/refund')),
begun AS (
    SELECT order_id FROM orders WHERE order_id = :order_id AND cancelled_lines = '[]'
       AND EXISTS (SELECT FROM effects WHERE key = :rest)),
cancelled AS (
    SELECT line->>'line_id', CAST(line->>'quantity' AS bigint)
      FROM orders o, jsonb_array_elements(o.cancelled_lines) AS line WHERE o.order_id = :order_id
     UNION ALL
    SELECT l.line_id, l.quantity FROM order_lines l JOIN begun USING (order_id)
     UNION ALL
    SELECT line->>'line_id', -CAST(line->>'quantity' AS bigint)
      FROM fulfilments f JOIN begun USING (order_id), jsonb_array_elements(f.lines) AS line
     WHERE f.status = ANY (:has_left))
SELECT line_id, sum(quantity) AS pieces
  FROM (SELECT * FROM returned UNION ALL SELECT * FROM cancelled) n GROUP BY line_id
""")


def refund_of_the_rest(order_id: OrderId) -> str:
    """The key of the one refund that a cancel makes after other goods have left."""
    return effect_key(order_id, "refund-rest")


async def pieces_given_back(connection: AsyncConnection, order_id: OrderId) -> dict[str, int]:
    """By line id: pieces that we have refunded at the channel, or are just refunding there."""
    values = {
        "order_id": order_id,
        "rest": refund_of_the_rest(order_id),
        "has_left": [status.value for status in HAS_LEFT],
    }
    rows = await connection.execute(_GIVEN_BACK, values)
    return {row.line_id: int(row.pieces) for row in rows}


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
