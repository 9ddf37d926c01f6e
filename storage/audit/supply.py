"""What must hold of goods to come: what documents await, and what was booked for them."""

from storage.audit.snapshot import Question

AWAITED = Question(
    "incoming_awaited",
    "What the ledger expects of each SKU at each location is what open documents still await.",
    "supply_lines",
    """
WITH ledger AS (
    SELECT sku, location, sum(incoming_delta) AS quantity, max(id) AS last FROM stock_movements
     WHERE incoming_delta <> 0 GROUP BY sku, location),
awaited AS (
    SELECT sku, destination AS location, sum(quantity) AS quantity,
           jsonb_agg(DISTINCT supply_id) AS documents
      FROM supply_awaited GROUP BY sku, destination)
SELECT sku || ' at ' || location AS subject, NULL AS order_id,
       format('%s to come', coalesce(a.quantity, 0)) AS expected,
       format('%s incoming', coalesce(l.quantity, 0)) AS found,
       jsonb_build_array(jsonb_build_object('sku', sku, 'location', location,
           'documents', a.documents, 'last_movement', l.last)) AS rows
  FROM ledger l FULL JOIN awaited a USING (sku, location)
 WHERE coalesce(l.quantity, 0) <> coalesce(a.quantity, 0)
 ORDER BY subject""",
)

BOOKED = Question(
    "supply_booked",
    "What came of a document, and what left for it, is what the ledger booked for its deeds.",
    "supplies",
    """
WITH said AS (
    SELECT supply_id, l.sku, sum(l.received) AS came,
           sum(l.quantity) FILTER (WHERE s.kind = 'transfer'
                                     AND s.state IN ('dispatched', 'closed')) AS went
      FROM supplies s JOIN supply_lines l USING (supply_id) GROUP BY supply_id, l.sku),
booked AS (
    SELECT supply_id, n.sku, sum(greatest(m.on_hand_delta, 0)) AS came,
           sum(greatest(-m.on_hand_delta, 0)) AS went
      FROM supply_deeds d JOIN said n USING (supply_id)
      JOIN stock_movements m ON m.key IN (
           'received/' || d.key || '#' || n.sku, 'transferred_in/' || d.key || '#' || n.sku,
           'transferred_out/' || d.key || '#' || n.sku) AND m.sku = n.sku
     GROUP BY supply_id, n.sku)
SELECT supply_id AS subject, NULL AS order_id,
       format('%s: %s came, %s went', sku, n.came, coalesce(n.went, 0)) AS expected,
       format('%s: %s came, %s went', sku, coalesce(b.came, 0), coalesce(b.went, 0)) AS found,
       jsonb_build_array(jsonb_build_object('supply_id', supply_id, 'sku', sku)) AS rows
  FROM said n LEFT JOIN booked b USING (supply_id, sku)
 WHERE (n.came, coalesce(n.went, 0)) <> (coalesce(b.came, 0), coalesce(b.went, 0))
 ORDER BY supply_id, sku""",
)

SUPPLY = (AWAITED, BOOKED)
