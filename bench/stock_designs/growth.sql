-- A ledger as years of trade leave it: each SKU at each location was received twice, then reserved
-- and shipped four times, in turn with all others. The counters come from `stock_rebuild`.
CREATE FUNCTION pg_temp.grow(skus_ integer, locations_ integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO locations (location, name, country, timezone, address)
    SELECT 'place-' || l, 'Place', 'DE', 'Europe/Berlin', '{}' FROM generate_series(1, locations_) l;
    INSERT INTO skus (sku, title) SELECT 'sku-' || s, 'goods' FROM generate_series(1, skus_) s;

    SET LOCAL session_replication_role = replica; -- without triggers, or the fold takes minutes
    INSERT INTO stock_movements (key, sku, location, kind, on_hand_delta, order_id)
    SELECT 'received/' || n || '/' || l || '#sku-' || s, 'sku-' || s, 'place-' || l, 'received', 1000, NULL
      FROM generate_series(1, 2) n, generate_series(1, skus_) s, generate_series(1, locations_) l;
    INSERT INTO stock_movements (key, sku, location, kind, on_hand_delta, reserved_delta, order_id)
    SELECT k.kind || '/' || o.id || '/reserve/1/1#sku-' || s, 'sku-' || s, 'place-' || l, k.kind,
           CASE k.kind WHEN 'shipped' THEN -1 ELSE 0 END, CASE k.kind WHEN 'shipped' THEN -1 ELSE 1 END, o.id
      FROM generate_series(1, 4) n, unnest('{reserved,shipped}'::text[]) k (kind),
           generate_series(1, skus_) s, generate_series(1, locations_) l,
           LATERAL (SELECT 'past-' || n || '-' || s || '-' || l AS id) o;
    INSERT INTO reservations (key, base, part, order_id, location, state, lines, items)
    SELECT o.id || '/reserve/1/1', o.id || '/reserve/1', 1, o.id, 'place-' || l, 'shipped',
           jsonb_build_array(i.item || jsonb_build_object('line_id', '1', 'unit', jsonb_build_array(i.item))),
           jsonb_build_array(i.item)
      FROM generate_series(1, 4) n, generate_series(1, skus_) s, generate_series(1, locations_) l,
           LATERAL (SELECT 'past-' || n || '-' || s || '-' || l AS id) o,
           LATERAL (SELECT jsonb_build_object('sku', 'sku-' || s, 'quantity', 1) AS item) i;
    SET LOCAL session_replication_role = DEFAULT;
END $$;
