-- the same as one statement: one round trip, and the hot row is locked for little more than the commit
\set n random(:low, :high)
\set o random(1, 9000000000000000000)
WITH taken AS (
    UPDATE one_statement.stock SET reserved = reserved + 1
     WHERE sku = 'sku-' || :n AND location = 'berlin' AND available >= 1 RETURNING sku, location
), moved AS (
    INSERT INTO one_statement.stock_movements (key, sku, location, kind, reserved_delta, order_id)
    SELECT 'reserved/o-' || :o || '/reserve/1/1#' || sku, sku, location, 'reserved', 1, 'o-' || :o FROM taken
)
INSERT INTO one_statement.reservations (key, base, part, order_id, location, state, lines, items)
SELECT 'o-' || :o || '/reserve/1/1', 'o-' || :o || '/reserve/1', 1, 'o-' || :o, location, 'reserved',
    CAST('[{"line_id": "1", "sku": "sku-' || :n || '", "quantity": 1, "unit": [{"sku": "sku-' || :n || '", "quantity": 1}]}]' AS jsonb),
    CAST('[{"sku": "sku-' || :n || '", "quantity": 1}]' AS jsonb)
  FROM taken RETURNING key;
