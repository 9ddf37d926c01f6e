"""What must hold of an order's parts: each piece of it, from its line to what left a place.

The ledger's bookings are compared with reservations (`storage.audit.stock`), reservations with
fulfilments and with what sourcing decided, fulfilments with the lines that were bought.
"""

from storage.audit.snapshot import PART_TOLD, PAST_TELLING, Question

_LINES = """(SELECT jsonb_agg(jsonb_build_array(x.line_id, x.sku, x.quantity)
                              ORDER BY x.line_id, x.sku)
          FROM (SELECT n.line_id, n.sku, sum(n.quantity) AS quantity
                  FROM jsonb_to_recordset({lines}) AS n (line_id text, sku text, quantity bigint)
                 GROUP BY 1, 2) x)"""
"""Lines in one form, in which the same lines are equal."""

_PARTS = f"""
WITH held AS (
    SELECT r.order_id, r.location, {_LINES.format(lines="r.lines")} AS lines, r.state, r.key
      FROM reservations r WHERE r.part > 0 AND r.state <> 'released'),
sent AS (
    SELECT f.order_id, f.location, {_LINES.format(lines="f.lines")} AS lines, f.number, f.status,
           f.status = ANY (:part_over) AS over, f.status = ANY (:part_left) AS gone,
           f.wait IS NOT NULL AS waits, {PART_TOLD} AS told
      FROM fulfilments f)"""  # noqa: S608 - only constants are put in

# While a fulfilment that is over still waits for somebody, its stock may have to wait as well.
PARTS_MATCH = Question(
    "parts_match_fulfilments",
    "The reserved parts of an order are its fulfilments: the same lines at the same places.",
    "reservations WHERE part > 0 AND state <> 'released'",
    f"""{_PARTS},
kept AS (SELECT order_id, location, lines, count(*) AS many, jsonb_agg(key ORDER BY key) AS keys
           FROM held GROUP BY 1, 2, 3),
due AS (SELECT order_id, location, lines, count(*) FILTER (WHERE NOT over) AS many,
               count(*) FILTER (WHERE over AND waits) AS undone,
               jsonb_agg(jsonb_build_object('number', number, 'status', status) ORDER BY number)
                   AS rows
          FROM sent GROUP BY 1, 2, 3)
SELECT order_id || ' at ' || location AS subject, order_id,
       format('%s fulfilments of %s', coalesce(d.many, 0), lines) AS expected,
       format('%s reserved parts of them', coalesce(k.many, 0)) AS found,
       coalesce(d.rows, '[]') || jsonb_build_array(jsonb_build_object('keys', k.keys)) AS rows
  FROM kept k FULL JOIN due d USING (order_id, location, lines) JOIN orders o USING (order_id)
 WHERE o.status <> 'cancelled' AND NOT {PAST_TELLING}
   AND (coalesce(k.many, 0) < coalesce(d.many, 0)
        OR (coalesce(k.many, 0) > coalesce(d.many + d.undone, 0)
            AND NOT EXISTS (SELECT FROM inbox i WHERE i.order_id = o.order_id
                               AND i.kind = 'stock_assigned' AND i.delivered_at IS NULL)))
 ORDER BY order_id, location""",  # noqa: S608 - only constants are put in
)

SHIPPED_LEFT = Question(
    "shipped_parts_left",
    "Goods are booked out for the fulfilments that left, once each, and for no others.",
    "reservations WHERE state = 'shipped'",
    f"""{_PARTS},
booked AS (SELECT order_id, location, lines, count(*) AS many, jsonb_agg(key ORDER BY key) AS keys
             FROM held WHERE state = 'shipped' GROUP BY 1, 2, 3),
gone AS (SELECT order_id, location, lines, count(*) FILTER (WHERE gone) AS many,
                count(*) FILTER (WHERE told) AS told,
                jsonb_agg(jsonb_build_object('number', number, 'status', status) ORDER BY number)
                    AS rows
           FROM sent GROUP BY 1, 2, 3)
SELECT order_id || ' at ' || location AS subject, order_id,
       format('%s booked out of %s', coalesce(g.many, 0), lines) AS expected,
       format('%s booked out', coalesce(b.many, 0)) AS found,
       coalesce(g.rows, '[]') || jsonb_build_array(jsonb_build_object('keys', b.keys)) AS rows
  FROM booked b FULL JOIN gone g USING (order_id, location, lines)
 WHERE coalesce(b.many, 0) > coalesce(g.many, 0) OR coalesce(b.many, 0) < coalesce(g.told, 0)
 ORDER BY order_id, location""",  # noqa: S608 - only constants are put in
)

_PIECES = """
WITH bought AS (
    SELECT order_id, line_id, sum(greatest(quantity, 0)) AS quantity FROM order_lines
     GROUP BY 1, 2),
cancelled AS (
    SELECT o.order_id, n.line_id, sum(n.quantity) AS quantity
      FROM orders o, jsonb_to_recordset(o.cancelled_lines) AS n (line_id text, quantity bigint)
     GROUP BY 1, 2),
sent AS (
    SELECT f.order_id, n.line_id, sum(n.quantity) AS quantity,
           coalesce(sum(n.quantity) FILTER (WHERE f.status = ANY (:part_left)), 0) AS gone,
           jsonb_agg(jsonb_build_object('number', f.number, 'status', f.status,
               'quantity', n.quantity) ORDER BY f.number) AS rows
      FROM fulfilments f, jsonb_to_recordset(f.lines) AS n (line_id text, quantity bigint)
     WHERE NOT f.status = ANY (:part_over) GROUP BY 1, 2),
pieces AS (
    SELECT order_id, line_id, coalesce(b.quantity, 0) AS bought, coalesce(c.quantity, 0)
               AS cancelled, coalesce(s.quantity, 0) AS sent, coalesce(s.gone, 0) AS gone, s.rows
      FROM bought b FULL JOIN cancelled c USING (order_id, line_id)
      FULL JOIN sent s USING (order_id, line_id))
SELECT order_id || ' line ' || line_id AS subject, order_id,
       format({expected}, p.bought - p.cancelled) AS expected,
       format('%s sent, %s of them left; %s cancelled of %s', p.sent, p.gone, p.cancelled, p.bought)
           AS found,
       coalesce(p.rows, '[]') AS rows
  FROM pieces p JOIN orders o USING (order_id)
 WHERE {wrong}
 ORDER BY order_id, line_id"""

SHIPPED_WHOLE = Question(
    "orders_shipped_whole",
    "Of an order that left, each piece was sent, once, or was cancelled before it left.",
    "orders WHERE status = ANY (:order_left)",
    _PIECES.format(
        expected="'%s that left'",
        wrong="o.status = ANY (:order_left) AND p.gone + p.cancelled <> p.bought",
    ),
)

PIECES_ONCE = Question(
    "pieces_at_work_once",
    "No piece of an order is at work twice, or at work and cancelled.",
    "fulfilments",
    _PIECES.format(
        expected="'at most %s sent'",
        wrong="NOT o.status = ANY (:order_left) AND p.sent + p.cancelled > p.bought",
    ),
)

# To the piece: what is odd in minor units lies with one or the other.
CANCELLED_REFUNDED = Question(
    "cancelled_lines_refunded",
    "What was cancelled after other lines had left is refunded, once, for what it cost, or the"
    " journal says why not.",
    "orders WHERE cancelled_lines <> '[]'",
    """
WITH paid AS (
    SELECT l.order_id, l.line_id, l.quantity,
           greatest(CAST(l.unit_price_minor AS numeric) * l.quantity - l.discount_minor
               + CASE WHEN CAST(o.totals->>'tax_included' AS boolean) THEN 0
                      ELSE l.tax_minor END, 0) AS paid,
           greatest(CAST(o.totals#>>'{discounts,amount_minor}' AS bigint)
               - sum(l.discount_minor) OVER (PARTITION BY l.order_id), 0) AS loose
      FROM order_lines l JOIN orders o USING (order_id) WHERE o.cancelled_lines <> '[]'),
due AS (
    SELECT o.order_id, sum(c.quantity) AS pieces, coalesce(sum(p.share * c.quantity), 0) AS worth
      FROM orders o
     CROSS JOIN jsonb_to_recordset(o.cancelled_lines) AS c (line_id text, quantity bigint)
      LEFT JOIN (SELECT order_id, line_id, greatest(paid - loose * paid
                            / greatest(sum(paid) OVER (PARTITION BY order_id), 1), 0)
                            / greatest(quantity, 1) AS share FROM paid) p USING (order_id, line_id)
     GROUP BY o.order_id),
back AS (
    SELECT order_id, count(*) AS refunds, sum(amount_minor) AS amount,
           jsonb_agg(jsonb_build_object('key', key, 'amount_minor', amount_minor) ORDER BY key)
               AS rows
      FROM money WHERE kind = 'refunded' AND return_id IS NULL GROUP BY order_id)
SELECT d.order_id AS subject, d.order_id, format('1 refund of %s', round(d.worth)) AS expected,
       format('%s refunds of %s', coalesce(b.refunds, 0), coalesce(b.amount, 0)) AS found,
       coalesce(b.rows, '[]') AS rows
  FROM due d LEFT JOIN back b USING (order_id)
 WHERE (coalesce(b.refunds, 0) <> 1 OR abs(b.amount - d.worth) > d.pieces)
   AND NOT (coalesce(b.refunds, 0) < 2 AND coalesce(b.amount, 0) <= d.worth + d.pieces AND EXISTS (
       SELECT FROM journal j WHERE j.order_id = d.order_id AND j.return_id IS NULL AND j.seq > 0
          AND j.code = ANY (:by_hand)))
 ORDER BY d.order_id""",
)

# What the queue gave is kept as what was decided. Orders that wait tell one reason after the other.
DECIDED = Question(
    "reservations_decided",
    "Why each order was reserved where it is, or waits, is kept; what was decided is what it got.",
    "sourcing_decisions",
    f"""
WITH held AS (
    SELECT r.base AS key, min(r.order_id) AS order_id,
           jsonb_agg(jsonb_build_array(r.location, {_LINES.format(lines="r.lines")})
                     ORDER BY r.location) AS parts
      FROM reservations r WHERE r.part > 0 GROUP BY r.base
     UNION ALL SELECT w.key, w.order_id, NULL FROM stock_waiting w),
decided AS (
    SELECT d.key, d.order_id, d.id, CASE WHEN d.outcome <> 'waiting' THEN (
           SELECT jsonb_agg(jsonb_build_array(p.location, {_LINES.format(lines="p.lines")})
                            ORDER BY p.location)
             FROM jsonb_to_recordset(d.decision#>'{{plan,parts}}')
                  AS p (location text, lines jsonb)) END AS parts, d.outcome
      FROM sourcing_decisions d),
last AS (SELECT DISTINCT ON (key) * FROM decided ORDER BY key, outcome = 'waiting', id DESC)
SELECT key AS subject, coalesce(h.order_id, d.order_id) AS order_id,
       CASE WHEN d.key IS NULL THEN 'a decision' ELSE d.parts::text END AS expected,
       coalesce(h.parts::text, CASE WHEN h.key IS NULL THEN 'nothing' ELSE 'waiting' END) AS found,
       jsonb_build_array(jsonb_build_object('decision', d.id, 'outcome', d.outcome)) AS rows
  FROM held h FULL JOIN last d USING (key)
 WHERE d.key IS NULL OR (d.outcome <> 'waiting' AND h.parts IS DISTINCT FROM d.parts)
 ORDER BY key""",  # noqa: S608 - only constants are put in
)

PARTS = (PARTS_MATCH, SHIPPED_LEFT, SHIPPED_WHOLE, PIECES_ONCE, CANCELLED_REFUNDED, DECIDED)
