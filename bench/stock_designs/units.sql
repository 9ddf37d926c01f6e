-- Rows per unit: nobody waits for a row that another has. Who finds no free row cannot tell whether
-- the goods are sold or only held by somebody who may yet give up.
\set n random(:low, :high)
\set o random(1, 9000000000000000000)
WITH free AS (
    SELECT sku, location, n FROM units.units
     WHERE sku = 'sku-' || :n AND location = 'berlin' AND reservation IS NULL
     ORDER BY n LIMIT 1 FOR UPDATE SKIP LOCKED
), taken AS (
    UPDATE units.units u SET reservation = 'o-' || :o || '/reserve/1/1' FROM free f
     WHERE (u.sku, u.location, u.n) = (f.sku, f.location, f.n) RETURNING u.sku, u.location
), moved AS (
    INSERT INTO units.stock_movements (key, sku, location, kind, reserved_delta, order_id)
    SELECT 'reserved/o-' || :o || '/reserve/1/1#' || sku, sku, location, 'reserved', 1, 'o-' || :o FROM taken
)
INSERT INTO units.reservations (key, base, part, order_id, location, state, lines, items)
SELECT 'o-' || :o || '/reserve/1/1', 'o-' || :o || '/reserve/1', 1, 'o-' || :o, location, 'reserved',
    CAST('[{"line_id": "1", "sku": "sku-' || :n || '", "quantity": 1, "unit": [{"sku": "sku-' || :n || '", "quantity": 1}]}]' AS jsonb),
    CAST('[{"sku": "sku-' || :n || '", "quantity": 1}]' AS jsonb)
  FROM taken RETURNING key;
