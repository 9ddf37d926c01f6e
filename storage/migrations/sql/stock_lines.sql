-- Lines are as sold; each carries in `unit` the items that one unit of it is made of, so that what
-- was promised stays what it was when a bundle changes. Items are physical and name a SKU once.

-- each line and SKU once, with what its unit is made of
CREATE FUNCTION stock_summed(lines_ jsonb) RETURNS TABLE (line_id text, sku text, quantity numeric, unit jsonb)
LANGUAGE sql STABLE AS $$
    SELECT l.line_id, l.sku, l.quantity, coalesce(b.unit,
               jsonb_build_array(jsonb_build_object('sku', l.sku, 'quantity', 1)))
      FROM (SELECT coalesce(r.line_id, '') AS line_id, r.sku, sum(r.quantity) AS quantity
              FROM jsonb_to_recordset(lines_) AS r (line_id text, sku text, quantity bigint)
             GROUP BY 1, 2) l
     CROSS JOIN LATERAL (
            SELECT jsonb_agg(jsonb_build_object('sku', c.component, 'quantity', c.quantity)
                       ORDER BY c.component) AS unit
              FROM bundle_components c WHERE c.bundle = l.sku) b
$$;

CREATE FUNCTION stock_exploded(lines_ jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT coalesce(jsonb_agg(to_jsonb(l) ORDER BY l.line_id, l.sku), '[]') FROM stock_summed(lines_) l
$$;

CREATE FUNCTION stock_units(lines_ jsonb) RETURNS TABLE (sku text, quantity bigint) LANGUAGE sql IMMUTABLE AS $$
    SELECT u.sku, sum(l.quantity * u.quantity)::bigint
      FROM jsonb_to_recordset(lines_) AS l (quantity bigint, unit jsonb)
     CROSS JOIN jsonb_to_recordset(l.unit) AS u (sku text, quantity bigint) GROUP BY u.sku
$$;

CREATE FUNCTION stock_items(lines_ jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(jsonb_agg(jsonb_build_object('sku', u.sku, 'quantity', u.quantity)
               ORDER BY u.sku), '[]') FROM stock_units(lines_) u
$$;

CREATE FUNCTION stock_skus(items_ jsonb) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(array_agg(DISTINCT i.sku ORDER BY i.sku), '{}')
      FROM jsonb_to_recordset(items_) AS i (sku text)
$$;

-- what several parts sell together, in one form, to tell whether two calls ask for the same
CREATE FUNCTION stock_sold(parts_ jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_agg(jsonb_build_array(x.line_id, x.sku, x.quantity) ORDER BY x.line_id, x.sku)
      FROM (SELECT l.line_id, l.sku, sum(l.quantity) AS quantity
              FROM jsonb_to_recordset(parts_) AS p (lines jsonb)
             CROSS JOIN jsonb_to_recordset(p.lines) AS l (line_id text, sku text, quantity bigint)
             GROUP BY l.line_id, l.sku) x
$$;

CREATE FUNCTION stock_part(place text, lines_ jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_build_object('location', place, 'lines', lines_, 'items', stock_items(lines_))
$$;

-- The parts as they were asked for, each location once, exploded and summed. One statement, into
-- which the planner writes those above: as calls they would each have a plan to look up.
CREATE FUNCTION stock_parts(parts_ jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_agg(jsonb_build_object('location', x.location, 'lines', e.lines, 'items', i.items) ORDER BY x.n)
      FROM (SELECT p.part->>'location' AS location, min(p.n) AS n, jsonb_agg(l.line) AS lines
              FROM jsonb_array_elements(parts_) WITH ORDINALITY AS p (part, n)
             CROSS JOIN jsonb_array_elements(p.part->'lines') AS l (line) GROUP BY 1) x
     CROSS JOIN LATERAL (
            SELECT jsonb_agg(to_jsonb(l) ORDER BY l.line_id, l.sku) AS lines FROM stock_summed(x.lines) l) e
     CROSS JOIN LATERAL (
            SELECT jsonb_agg(jsonb_build_object('sku', u.sku, 'quantity', u.quantity) ORDER BY u.sku) AS items
              FROM stock_units(e.lines) u) i
$$;

-- A bundle of bundles would explode without end, and a bundle with stock of its own would be
-- promised twice. The SKUs' locks keep this apart from who brings stock or waits for it.
CREATE FUNCTION bundle_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM stock_lock_skus(ARRAY[NEW.bundle, NEW.component]);
    IF EXISTS (SELECT FROM bundle_components c
                WHERE c.bundle = NEW.component OR c.component = NEW.bundle) THEN
        RAISE EXCEPTION 'bundle_of_bundles' USING ERRCODE = 'HF001';
    ELSIF EXISTS (SELECT FROM stock s WHERE s.sku = NEW.bundle AND
                  (s.on_hand, s.safety_stock, s.incoming) <> (0, 0, 0))
            OR EXISTS (SELECT FROM stock_waiting w WHERE w.skus && ARRAY[NEW.bundle]) THEN
        RAISE EXCEPTION 'bundle_has_stock' USING ERRCODE = 'HF001';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER bundles_are_flat BEFORE INSERT OR UPDATE ON bundle_components
    FOR EACH ROW EXECUTE FUNCTION bundle_guard();
