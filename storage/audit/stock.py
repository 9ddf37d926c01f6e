"""What must hold of stock: its ledger, its counters, its reservations."""

from storage.audit.snapshot import PAST_TELLING, Question

COUNTERS = Question(
    "stock_counters",
    "The counters of each SKU and location are the fold of its ledger.",
    "stock",
    """
SELECT sku || ' at ' || location AS subject, NULL AS order_id,
       format('on hand %s, reserved %s', coalesce(m.on_hand, 0), coalesce(m.reserved, 0))
           AS expected,
       format('on hand %s, reserved %s', coalesce(s.on_hand, 0), coalesce(s.reserved, 0)) AS found,
       jsonb_build_array(jsonb_build_object('sku', sku, 'location', location, 'movements',
           coalesce(m.movements, 0), 'last_movement', m.last)) AS rows
  FROM stock s FULL JOIN (
       SELECT sku, location, sum(on_hand_delta) AS on_hand, sum(reserved_delta) AS reserved,
              count(*) AS movements, max(id) AS last
         FROM stock_movements GROUP BY sku, location) m USING (sku, location)
 WHERE coalesce(s.on_hand, 0) <> coalesce(m.on_hand, 0)
    OR coalesce(s.reserved, 0) <> coalesce(m.reserved, 0)
 ORDER BY m.movements, subject""",
)

NEVER_NEGATIVE = Question(
    "stock_never_negative",
    "At no point of the ledger is anything negative or more reserved than is on hand.",
    "stock_movements",
    """
WITH running AS (
    SELECT id, key, sku, location, kind, on_hand_delta, reserved_delta, order_id,
           sum(on_hand_delta) OVER so_far AS on_hand, sum(reserved_delta) OVER so_far AS reserved,
           row_number() OVER so_far AS place
      FROM stock_movements
    WINDOW so_far AS (PARTITION BY sku, location ORDER BY id)),
first AS (
    SELECT DISTINCT ON (sku, location) * FROM running
     WHERE on_hand < 0 OR reserved < 0 OR reserved > on_hand ORDER BY sku, location, id)
SELECT sku || ' at ' || location AS subject, order_id,
       '0 <= reserved <= on hand' AS expected,
       format('on hand %s, reserved %s after movement %s', on_hand, reserved, id) AS found,
       jsonb_build_array(to_jsonb(first)) AS rows
  FROM first ORDER BY place, subject""",
)

RESERVATIONS = Question(
    "reservations_match",
    "What is counted as reserved is what the standing reservations promise.",
    "reservations WHERE state = 'reserved'",
    """
WITH promised AS (
    SELECT l.sku, r.location, sum(l.quantity) AS quantity,
           jsonb_agg(jsonb_build_object('key', r.key, 'quantity', l.quantity) ORDER BY r.key) AS by
      FROM reservations r, jsonb_to_recordset(r.items) AS l (sku text, quantity bigint)
     WHERE r.state = 'reserved' GROUP BY l.sku, r.location),
-- of the ledger, so that counters that drifted are told of once
counted AS (
    SELECT sku, location, sum(reserved_delta) AS reserved FROM stock_movements
     GROUP BY sku, location HAVING sum(reserved_delta) <> 0)
SELECT sku || ' at ' || location AS subject, p.by->0->>'order_id' AS order_id,
       coalesce(p.quantity, 0) || ' promised' AS expected,
       coalesce(c.reserved, 0) || ' reserved' AS found, coalesce(p.by, '[]') AS rows
  FROM promised p FULL JOIN counted c USING (sku, location)
 WHERE coalesce(p.quantity, 0) <> coalesce(c.reserved, 0)
 ORDER BY jsonb_array_length(coalesce(p.by, '[]')), subject""",
)

SHIPPED_LEFT = Question(
    "shipped_orders_left",
    "Goods are booked out only for orders that have left.",
    "stock_movements WHERE kind = 'shipped'",
    """
SELECT m.order_id AS subject, m.order_id, 'a fulfilment that was handed over' AS expected,
       coalesce('order ' || o.status, 'no order') AS found,
       jsonb_agg(jsonb_build_object('key', m.key, 'on_hand_delta', m.on_hand_delta)) AS rows
  FROM stock_movements m LEFT JOIN orders o USING (order_id)
 WHERE m.kind = 'shipped' AND NOT EXISTS (
       SELECT FROM fulfilments f WHERE f.order_id = m.order_id AND f.status = ANY (:part_left))
 GROUP BY m.order_id, o.status ORDER BY count(*), m.order_id""",
)

SHIPPED_WHOLE = Question(
    "orders_shipped_whole",
    "An order that left has booked out exactly its lines, once.",
    f"orders o WHERE {PAST_TELLING}",
    f"""
WITH bought AS (
    SELECT l.order_id, l.sku, sum(l.quantity) AS quantity
      FROM order_lines l JOIN orders o USING (order_id) WHERE {PAST_TELLING}
     GROUP BY l.order_id, l.sku),
gone AS (
    SELECT m.order_id, m.sku, -sum(m.on_hand_delta) AS quantity
      FROM stock_movements m JOIN orders o USING (order_id)
     WHERE m.kind = 'shipped' AND {PAST_TELLING} GROUP BY m.order_id, m.sku)
SELECT order_id AS subject, order_id,
       format('%s of %s', coalesce(b.quantity, 0), sku) AS expected,
       format('%s of %s', coalesce(g.quantity, 0), sku) AS found,
       jsonb_build_array(jsonb_build_object('sku', sku, 'bought', b.quantity,
           'shipped', g.quantity)) AS rows
  FROM bought b FULL JOIN gone g USING (order_id, sku)
 WHERE coalesce(b.quantity, 0) <> coalesce(g.quantity, 0)
 ORDER BY order_id, sku""",  # noqa: S608 - only constants are put in
)

ENDED_HOLD_NONE = Question(
    "ended_orders_hold_no_stock",
    "No reservation and no place in the queue outlives its order, or stands for none.",
    "(SELECT key FROM reservations WHERE state = 'reserved' "
    "UNION ALL SELECT key FROM stock_waiting) held",
    f"""
SELECT held.order_id AS subject, held.order_id, 'nothing reserved or queued' AS expected,
       format('%s, order %s', held.state, coalesce(o.status, 'unknown')) AS found,
       jsonb_build_array(to_jsonb(held)) AS rows
  FROM (SELECT key, order_id, state, location, lines FROM reservations WHERE state = 'reserved'
        UNION ALL
        SELECT key, order_id, 'waiting', NULL, lines FROM stock_waiting) held
  LEFT JOIN orders o USING (order_id)
 WHERE o.order_id IS NULL OR {PAST_TELLING}
 ORDER BY held.order_id""",  # noqa: S608 - only constants are put in
)

STOCK = (
    COUNTERS,
    NEVER_NEGATIVE,
    RESERVATIONS,
    SHIPPED_LEFT,
    SHIPPED_WHOLE,
    ENDED_HOLD_NONE,
)
