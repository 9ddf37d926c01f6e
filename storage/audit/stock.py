"""What must hold of stock: its ledger, its counters, its reservations, its queue."""

from storage.audit.snapshot import PAST_TELLING, Question

COUNTERS = Question(
    "stock_counters",
    "The counters of each SKU and location are the fold of its ledger.",
    "stock",
    """
WITH counted AS (
    SELECT sku, location, jsonb_build_object('on_hand', on_hand, 'reserved', reserved,
               'damaged', damaged, 'safety_stock', safety_stock, 'incoming', incoming) AS counters
      FROM stock),
folded AS (
    SELECT sku, location, count(*) AS movements, max(id) AS last,
           jsonb_build_object('on_hand', sum(on_hand_delta), 'reserved', sum(reserved_delta),
               'damaged', sum(damaged_delta), 'safety_stock', sum(safety_delta),
               'incoming', sum(incoming_delta)) AS counters
      FROM stock_movements GROUP BY sku, location),
nothing AS (
    SELECT jsonb_build_object('on_hand', 0, 'reserved', 0, 'damaged', 0, 'safety_stock', 0,
               'incoming', 0) AS counters)
SELECT sku || ' at ' || location AS subject, NULL AS order_id,
       coalesce(f.counters, n.counters)::text AS expected,
       coalesce(c.counters, n.counters)::text AS found,
       jsonb_build_array(jsonb_build_object('sku', sku, 'location', location, 'movements',
           coalesce(f.movements, 0), 'last_movement', f.last)) AS rows
  FROM counted c FULL JOIN folded f USING (sku, location) CROSS JOIN nothing n
 WHERE coalesce(f.counters, n.counters) <> coalesce(c.counters, n.counters)
 ORDER BY f.movements, subject""",
)

NEVER_NEGATIVE = Question(
    "stock_never_negative",
    "At no point of the ledger is anything negative, or more reserved and damaged than on hand.",
    "stock_movements",
    """
WITH running AS (
    SELECT id, key, sku, location, kind, order_id, sum(on_hand_delta) OVER so_far AS on_hand,
           sum(reserved_delta) OVER so_far AS reserved, sum(damaged_delta) OVER so_far AS damaged,
           sum(safety_delta) OVER so_far AS safety, sum(incoming_delta) OVER so_far AS incoming,
           row_number() OVER so_far AS place
      FROM stock_movements
    WINDOW so_far AS (PARTITION BY sku, location ORDER BY id)),
first AS (
    SELECT DISTINCT ON (sku, location) * FROM running
     WHERE least(on_hand, reserved, damaged, safety, incoming) < 0 OR reserved + damaged > on_hand
     ORDER BY sku, location, id)
SELECT sku || ' at ' || location AS subject, order_id,
       '0 <= reserved + damaged <= on hand; damaged, safety stock and incoming >= 0' AS expected,
       format('on hand %s, reserved %s, damaged %s, safety stock %s, incoming %s after movement %s',
              on_hand, reserved, damaged, safety, incoming, id) AS found,
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

# By what the lines were made of when they were promised: a bundle may be another by now.
AS_PROMISED = Question(
    "shipped_as_promised",
    "A part that was shipped booked out, once, what its lines are made of; nothing else was.",
    "stock_movements WHERE kind = 'shipped'",
    """
WITH promised AS (
    SELECT r.key AS reservation, r.order_id, 'shipped/' || r.key || '#' || u.sku AS key, r.location,
           u.sku, sum(l.quantity * u.quantity) AS quantity
      FROM reservations r
     CROSS JOIN jsonb_to_recordset(r.lines) AS l (quantity bigint, unit jsonb)
     CROSS JOIN jsonb_to_recordset(l.unit) AS u (sku text, quantity bigint)
     WHERE r.state = 'shipped' GROUP BY r.key, r.order_id, r.location, u.sku),
gone AS (
    SELECT key, order_id, location, sku, -on_hand_delta AS quantity
      FROM stock_movements WHERE kind = 'shipped')
SELECT key AS subject, coalesce(p.order_id, g.order_id) AS order_id,
       format('%s booked out', coalesce(p.quantity, 0)) AS expected,
       format('%s booked out', coalesce(g.quantity, 0)) AS found,
       jsonb_build_array(jsonb_build_object('key', key, 'reservation', p.reservation)) AS rows
  FROM promised p FULL JOIN gone g USING (key, location, sku)
 WHERE coalesce(p.quantity, 0) <> coalesce(g.quantity, 0)
 ORDER BY key""",
)

SHORT_PICKS = Question(
    "short_picks_follow_release",
    "A short pick gives its part back, and corrects the record before any other promise is made.",
    "stock_movements WHERE kind = 'released' AND reason = 'short_pick'",
    """
WITH given_back AS (
    SELECT id, sku, location, order_id, substr(key, length('released/') + 1) AS deed,
           left(substr(key, length('released/') + 1), -length('#' || sku)) AS part
      FROM stock_movements WHERE kind = 'released' AND reason = 'short_pick'),
corrected AS (
    SELECT id, key, sku, location, order_id, substr(key, length(kind || '/') + 1) AS deed,
           left(substr(key, length(kind || '/') + 1), -length('#' || sku)) AS part
      FROM stock_movements WHERE kind IN ('adjusted', 'damaged') AND order_id IS NOT NULL)
SELECT c.key AS subject, c.order_id, 'after its part is given back, before any promise' AS expected,
       CASE WHEN g.id IS NULL THEN 'no release' WHEN g.id > c.id THEN 'before its release'
            ELSE 'after ' || p.key END AS found,
       jsonb_build_array(to_jsonb(c), to_jsonb(g)) AS rows
  FROM corrected c LEFT JOIN given_back g USING (deed, sku, location)
  LEFT JOIN LATERAL (
       SELECT key FROM stock_movements m WHERE (m.sku, m.location) = (c.sku, c.location)
          AND m.kind = 'reserved' AND m.id > g.id AND m.id < c.id ORDER BY m.id LIMIT 1) p ON true
 WHERE g.id IS NULL OR g.id > c.id OR p.key IS NOT NULL
 UNION ALL
SELECT g.part, min(g.order_id), 'a corrected record', 'none', jsonb_agg(to_jsonb(g))
  FROM given_back g WHERE NOT EXISTS (SELECT FROM corrected c WHERE c.part = g.part)
 GROUP BY g.part
 ORDER BY subject""",
)

# By the row itself, and for a split by the very function that shares out: which split is found is
# its own matter. A place that is full for today is of no use today.
NOBODY_WAITS = Question(
    "nobody_waits_beside_stock",
    "No order waits in the queue for goods that are there for it.",
    "stock_waiting",
    """
WITH open AS (
    SELECT l.location FROM locations l
     WHERE l.active AND (l.capacity_per_day IS NULL
                         OR sourcing_taken(l.location) < l.capacity_per_day)),
beside AS (
    SELECT w.key, w.order_id, w.items, (
           SELECT min(p.location) FROM open p WHERE p.location = ANY (w.ranked) AND NOT EXISTS (
               SELECT FROM jsonb_to_recordset(w.items) AS i (sku text, quantity bigint)
                 LEFT JOIN stock s ON s.sku = i.sku AND s.location = p.location
                WHERE i.quantity > coalesce(
                      s.on_hand - s.reserved - s.damaged - s.safety_stock, 0))) AS whole,
           CASE WHEN w.ranked <@ ARRAY(SELECT location FROM open) THEN stock_split(w) END AS split
      FROM stock_waiting w WHERE w.items <> '[]')
SELECT key AS subject, order_id, 'reserved, or less than it wants' AS expected,
       coalesce('all of it at ' || whole, 'all of it in parts') AS found,
       jsonb_build_array(jsonb_build_object('key', key, 'items', items, 'split', split)) AS rows
  FROM beside WHERE whole IS NOT NULL OR split IS NOT NULL
 ORDER BY key""",
)

ENDED_HOLD_NONE = Question(
    "ended_orders_hold_no_stock",
    "No reservation and no place in the queue outlives its order or cart, or stands for none.",
    "(SELECT key FROM reservations WHERE state = 'reserved' "
    "UNION ALL SELECT key FROM stock_waiting) held",
    f"""
SELECT held.order_id AS subject, held.order_id, 'nothing reserved or queued' AS expected,
       format('%s, order %s', held.state, coalesce(o.status, 'unknown')) AS found,
       jsonb_build_array(to_jsonb(held)) AS rows
  FROM (SELECT key, order_id, state, location, lines, expires_at FROM reservations
         WHERE state = 'reserved'
        UNION ALL
        SELECT key, order_id, 'waiting', NULL, lines, NULL FROM stock_waiting) held
  LEFT JOIN orders o USING (order_id)
 WHERE {PAST_TELLING}
    OR (o.order_id IS NULL AND NOT (starts_with(held.order_id, :carts)
        AND coalesce(held.expires_at > now() - make_interval(secs => :late_s), false)))
 ORDER BY held.order_id""",  # noqa: S608 - only constants are put in
)

STOCK = (
    COUNTERS,
    NEVER_NEGATIVE,
    RESERVATIONS,
    AS_PROMISED,
    SHORT_PICKS,
    ENDED_HOLD_NONE,
    NOBODY_WAITS,
)
