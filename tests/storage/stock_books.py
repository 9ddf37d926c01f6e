"""All that PostgreSQL says of stock, its ledger and its documents, read in one statement."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from storage.engine import alone

_BOOKS = text("""
WITH folded AS (
    SELECT id, sku, location, kind, sum(on_hand_delta) OVER cell AS on_hand,
           sum(reserved_delta) OVER cell AS reserved, sum(damaged_delta) OVER cell AS damaged,
           sum(safety_delta) OVER cell AS safety, sum(incoming_delta) OVER cell AS incoming,
           sum(CASE WHEN kind = 'transferred_out' THEN -on_hand_delta
                    WHEN kind = 'transferred_in' OR kind = 'unexpected' AND reason LIKE 'tr-%'
                    THEN incoming_delta ELSE 0 END) OVER of_sku AS in_transit
      FROM stock_movements WINDOW cell AS (PARTITION BY sku, location ORDER BY id),
           of_sku AS (PARTITION BY sku ORDER BY id))
SELECT (SELECT jsonb_agg(to_jsonb(s)) FROM stock s) AS levels,
       (SELECT jsonb_agg(to_jsonb(f) ORDER BY f.id) FROM folded f
         WHERE least(reserved, damaged, safety, incoming, in_transit, on_hand - reserved - damaged)
               < 0) AS negative,
       (SELECT jsonb_agg(to_jsonb(d)) FROM stock_drift() d) AS drift,
       (SELECT jsonb_agg(to_jsonb(d)) FROM supply_drift() d) AS supply_drift,
       (SELECT jsonb_object_agg(sku, in_transit) FROM (
            SELECT DISTINCT ON (sku) sku, in_transit FROM folded ORDER BY sku, id DESC
        ) t) AS in_transit,
       (SELECT jsonb_agg(jsonb_build_array(kind, sku, many)) FROM (
            SELECT kind, sku, sum(on_hand_delta) AS many FROM stock_movements GROUP BY kind, sku
            HAVING sum(on_hand_delta) <> 0) k) AS flows,
       (SELECT jsonb_agg(key ORDER BY priority DESC, position) FROM stock_waiting) AS queue,
       (SELECT jsonb_agg(convert_from(body, 'UTF8')::jsonb) FROM inbox) AS told,
       (SELECT jsonb_agg(jsonb_build_array(kind, sku, location, quantity) ORDER BY id)
          FROM stock_discrepancies) AS wrong
""")


@dataclass(frozen=True)
class Books:
    levels: dict[tuple[str, str], dict[str, int]]
    """What the counters say, by SKU and location."""
    negative: list[Any]
    """Movements after which a counter, or what is between two locations, was below none."""
    drift: list[Any]
    supply_drift: list[Any]
    in_transit: dict[str, int]
    flows: dict[tuple[str, str], int]
    """Units on hand, by the kind of movement and SKU; none where they even out."""
    queue: list[str]
    told: list[dict[str, Any]]
    wrong: list[tuple[str, str, str, int]]


async def read_books(engine: AsyncEngine) -> Books:
    async with alone(engine).begin() as connection:
        row = (await connection.execute(_BOOKS)).one()
    return Books(
        levels={(one["sku"], one["location"]): one for one in row.levels or []},
        negative=row.negative or [],
        drift=row.drift or [],
        supply_drift=row.supply_drift or [],
        in_transit=row.in_transit or {},
        flows={(kind, sku): many for kind, sku, many in row.flows or []},
        queue=row.queue or [],
        told=row.told or [],
        wrong=[(kind, sku, place, many) for kind, sku, place, many in row.wrong or []],
    )
