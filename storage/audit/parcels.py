"""What must hold of fulfilments, their labels, and deeds whose fate was open."""

from storage.audit.snapshot import Question

FULFILMENTS_FIT = Question(
    "fulfilments_fit_order",
    "All, some or none of an order's fulfilments have left, as its status says; journalled once.",
    "fulfilments",
    """
WITH parts AS (
    SELECT order_id, count(*) FILTER (WHERE status = ANY (:part_left)) AS gone,
           count(*) FILTER (WHERE NOT (status = ANY (:part_left) OR status = ANY (:part_over)))
               AS at_work,
           jsonb_agg(jsonb_build_object('number', number, 'status', status,
                                        'location', location) ORDER BY number) AS rows
      FROM fulfilments GROUP BY order_id),
told AS (
    SELECT order_id, count(*) AS times FROM journal
     WHERE code = 'handed_over' AND seq > 0 GROUP BY order_id),
stand AS (
    SELECT o.order_id, o.status, coalesce(p.gone, 0) AS gone, coalesce(p.at_work, 0) AS at_work,
           coalesce(t.times, 0) AS times, coalesce(p.rows, '[]') AS rows
      FROM orders o LEFT JOIN parts p USING (order_id) LEFT JOIN told t USING (order_id))
SELECT order_id AS subject, order_id,
       CASE WHEN status = ANY (:order_left) THEN 'some that left, journalled once each, 0 at work'
            WHEN status = 'partly_shipped' THEN 'some that left, journalled once each'
            WHEN status = 'cancelled' THEN '0 that left, 0 at work'
            WHEN status = 'cancelling' THEN 'each that left journalled once'
            ELSE '0 that left' END AS expected,
       format('%s: %s that left, journalled %s times, %s at work', status, gone, times, at_work)
           AS found, rows
  FROM stand
 WHERE gone <> times
    OR CASE WHEN status = ANY (:order_left) THEN gone = 0 OR at_work > 0
            WHEN status = 'partly_shipped' THEN gone = 0
            WHEN status = 'cancelled' THEN gone + at_work > 0
            WHEN status = 'cancelling' THEN false
            ELSE gone > 0 END
 ORDER BY jsonb_array_length(rows), order_id""",
)

ONE_LIVE_LABEL = Question(
    "one_live_label",
    "A parcel has at most one live label; one that left has one, or was said to have left without;"
    " one that never will has none.",
    "parcels",
    """
SELECT p.parcel_id AS subject, p.order_id,
       CASE WHEN f.status = ANY (:part_left) THEN '1 live label'
            WHEN f.status = ANY (:part_over) AND o.status = ANY (:order_left) THEN 'no live label'
            ELSE 'at most 1 live label' END AS expected,
       count(l.shipment_ref) || ' live' AS found,
       coalesce(jsonb_agg(jsonb_build_object('shipment_ref', l.shipment_ref, 'tracking_number',
           l.tracking_number)) FILTER (WHERE l.shipment_ref IS NOT NULL), '[]') AS rows
  FROM parcels p JOIN fulfilments f USING (order_id, number) JOIN orders o USING (order_id)
  LEFT JOIN labels l ON l.parcel_id = p.parcel_id AND NOT l.voided AND NOT l.given_up
 GROUP BY p.parcel_id, f.reference, f.status, o.status
HAVING count(l.shipment_ref) > 1
    OR (f.status = ANY (:part_left) AND count(l.shipment_ref) <> 1 AND NOT EXISTS (
        SELECT FROM journal j WHERE j.order_id = p.order_id AND j.code = 'left_without_label'
           AND j.seq > 0 AND j.data->>'fulfilment' = f.reference))
    OR (f.status = ANY (:part_over) AND o.status = ANY (:order_left) AND count(l.shipment_ref) > 0)
 ORDER BY count(l.shipment_ref), p.parcel_id""",
)

CANCELLED_NO_LABEL = Question(
    "cancelled_no_live_label",
    "A cancelled order has no live label, but for what was given up.",
    "orders WHERE status = 'cancelled'",
    """
SELECT o.order_id AS subject, o.order_id, 'no live label' AS expected,
       format('%s live', count(*)) AS found,
       jsonb_agg(jsonb_build_object('shipment_ref', l.shipment_ref, 'tracking_number',
           l.tracking_number, 'parcel_id', l.parcel_id)) AS rows
  FROM orders o JOIN parcels p USING (order_id) JOIN labels l USING (parcel_id)
 WHERE o.status = 'cancelled' AND NOT l.voided AND NOT l.given_up
 GROUP BY o.order_id ORDER BY count(*), o.order_id""",
)

GIVEN_UP_TOLD = Question(
    "given_up_labels_told",
    "A label that was given up without being voided is journalled, and is an operator's task.",
    "labels WHERE given_up",
    """
SELECT l.shipment_ref AS subject, p.order_id, 'label_not_voided in the journal, and its task'
           AS expected,
       CASE WHEN j.key IS NULL THEN 'not journalled' ELSE 'no task' END AS found,
       jsonb_build_array(jsonb_build_object('parcel_id', l.parcel_id, 'tracking_number',
           l.tracking_number, 'label', j.key)) AS rows
  FROM labels l JOIN parcels p USING (parcel_id)
  LEFT JOIN LATERAL (
       SELECT data->>'label' AS key FROM journal
        WHERE order_id = p.order_id AND code = 'label_not_voided' AND seq > 0
          AND data->>'tracking_number' = l.tracking_number LIMIT 1) j ON true
 WHERE l.given_up AND NOT EXISTS (
       SELECT FROM tasks t WHERE t.key = 'label_not_voided:' || j.key)
 ORDER BY l.shipment_ref""",
)

CANCELLED_NO_STOCK = Question(
    "cancelled_no_reservation",
    "A cancelled order has no reservation and waits for no stock.",
    "orders WHERE status = 'cancelled'",
    """
SELECT o.order_id AS subject, o.order_id, 'nothing reserved or queued' AS expected,
       held.state AS found, jsonb_build_array(to_jsonb(held)) AS rows
  FROM orders o JOIN (
       SELECT key, order_id, state, lines FROM reservations WHERE state = 'reserved'
       UNION ALL SELECT key, order_id, 'waiting', lines FROM stock_waiting) held USING (order_id)
 WHERE o.status = 'cancelled' ORDER BY o.order_id""",
)

# Where the order went on without them, what they did is settled by their undo: a recall decides
# over packing, a new address and a hand-over, a void over a label, a cancel over a capture, a
# write-off over a capture or a refund, an operator over a refund that is given up. Money that moved
# in spite of an unknown fate is compared with the shop's by itself.
EFFECTS_SETTLED = Question(
    "effects_settled",
    "No order ends while the fate of a deed of its is open.",
    "effects WHERE state IN ('intended', 'unknown')",
    """
SELECT e.key AS subject, split_part(e.key, '/', 1) AS order_id,
       'done, or an open order' AS expected,
       format('%s, order %s', e.state, coalesce(o.status, 'unknown')) AS found,
       jsonb_build_array(to_jsonb(e) - 'result') AS rows
  FROM effects e LEFT JOIN orders o ON o.order_id = split_part(e.key, '/', 1)
 WHERE (e.state = 'unknown' OR (e.state = 'intended' AND e.call_until IS NOT NULL))
   AND e.updated_at < now() - make_interval(secs => :late_s)
   AND (o.order_id IS NULL OR o.status = ANY (:order_ended))
   AND NOT (o.status IS NOT NULL AND e.system = 'warehouse')
   AND NOT (split_part(e.key, '/', 2) = 'capture' AND (o.status = 'cancelled' OR EXISTS (
       SELECT FROM money m WHERE m.order_id = o.order_id AND m.kind = 'captured')))
   AND NOT EXISTS (
       SELECT FROM journal j WHERE j.order_id = o.order_id AND j.code = ANY (:by_hand) AND j.seq > 0
          AND (j.data->>'deed' = e.key
               OR (split_part(e.key, '/', 2) = 'capture' AND j.code = 'written_off'
                   AND j.return_id IS NULL)))
 ORDER BY e.key""",
)

PARCELS = (
    FULFILMENTS_FIT,
    ONE_LIVE_LABEL,
    CANCELLED_NO_LABEL,
    GIVEN_UP_TOLD,
    CANCELLED_NO_STOCK,
    EFFECTS_SETTLED,
)
