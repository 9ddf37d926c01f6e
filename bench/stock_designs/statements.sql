-- The conditional update, as statements from the client. The reservation's key is what makes a
-- repeat fail, and the hot row is locked as late as the constraints of the trade allow.
\set n random(:low, :high)
\set o random(1, 9000000000000000000)
BEGIN;
INSERT INTO statements.reservations (key, base, part, order_id, location, state, lines, items)
VALUES ('o-' || :o || '/reserve/1/1', 'o-' || :o || '/reserve/1', 1, 'o-' || :o, 'berlin', 'reserved',
    CAST('[{"line_id": "1", "sku": "sku-' || :n || '", "quantity": 1, "unit": [{"sku": "sku-' || :n || '", "quantity": 1}]}]' AS jsonb),
    CAST('[{"sku": "sku-' || :n || '", "quantity": 1}]' AS jsonb));
UPDATE statements.stock SET reserved = reserved + 1
 WHERE sku = 'sku-' || :n AND location = 'berlin' AND available >= 1;
INSERT INTO statements.stock_movements (key, sku, location, kind, reserved_delta, order_id)
VALUES ('reserved/o-' || :o || '/reserve/1/1#sku-' || :n, 'sku-' || :n, 'berlin', 'reserved', 1, 'o-' || :o);
COMMIT;
