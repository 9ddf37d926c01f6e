-- SQLSTATE HF001 is a refusal whose message is a code.

-- first of all locks: keeps a repeat of the same call, and a release, apart
CREATE FUNCTION stock_lock_order(order_ text) RETURNS void LANGUAGE sql AS $$
    SELECT pg_advisory_xact_lock(hashtextextended('stock/' || order_, 0))
$$;

CREATE FUNCTION stock_lock_skus(skus_ text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE many bigint;
BEGIN
    PERFORM 1 FROM skus k WHERE k.sku = ANY (skus_) ORDER BY k.sku FOR NO KEY UPDATE;
    GET DIAGNOSTICS many = ROW_COUNT;
    IF many < (SELECT count(DISTINCT s) FROM unnest(skus_) s) THEN
        RAISE EXCEPTION 'unknown_sku' USING ERRCODE = 'HF001';
    END IF;
END $$;

-- The rows of several parts, always in the same order, and each looked up by its key: the planner,
-- who sees no sizes, would read the whole table.
CREATE FUNCTION stock_lock(parts_ jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE r record;
BEGIN
    FOR r IN SELECT p.location, i.sku
               FROM jsonb_to_recordset(parts_) AS p (location text, items jsonb)
              CROSS JOIN jsonb_to_recordset(p.items) AS i (sku text) ORDER BY p.location, i.sku LOOP
        PERFORM 1 FROM stock s WHERE s.sku = r.sku AND s.location = r.location FOR NO KEY UPDATE;
    END LOOP;
END $$;

-- Locks them as long as each can be had where it is asked for, and answers whether all can. Whoever
-- comes too late passes by a row that others wait for; whoever waited for it sees what they left.
CREATE FUNCTION stock_lock_if_there(parts_ jsonb) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE r record;
BEGIN
    FOR r IN SELECT p.location, i.sku, i.quantity, l.active IS TRUE AS active
               FROM jsonb_to_recordset(parts_) AS p (location text, items jsonb)
              CROSS JOIN jsonb_to_recordset(p.items) AS i (sku text, quantity bigint)
               LEFT JOIN locations l ON l.location = p.location ORDER BY p.location, i.sku LOOP
        PERFORM 1 FROM stock s WHERE r.active AND s.sku = r.sku AND s.location = r.location
            AND s.available >= r.quantity FOR NO KEY UPDATE;
        IF NOT FOUND THEN
            RETURN false;
        END IF;
    END LOOP;
    RETURN true;
END $$;

-- each item looked up by its key, as above
CREATE FUNCTION stock_lacking(place text, items_ jsonb) RETURNS TABLE (sku text, quantity bigint)
LANGUAGE sql STABLE AS $$
    SELECT x.sku, x.quantity - x.available
      FROM (SELECT i.sku, i.quantity, coalesce((SELECT s.available FROM stock s
                      WHERE s.sku = i.sku AND s.location = place), 0) AS available
              FROM jsonb_to_recordset(items_) AS i (sku text, quantity bigint)) x
     WHERE x.quantity > x.available
$$;

CREATE FUNCTION stock_open_places(places text[]) RETURNS text[] LANGUAGE sql STABLE AS $$
    SELECT coalesce(array_agg(p.place ORDER BY p.n), '{}') FROM unnest(places) WITH ORDINALITY AS p (place, n)
      JOIN locations l ON l.location = p.place AND l.active
$$;

-- What each kind of movement does to the counters. Of the quantity that comes in or goes out,
-- `damaged` is damaged and `expected` was announced.
CREATE FUNCTION stock_deltas(kind_ text, items_ jsonb) RETURNS TABLE (
    sku text, on_hand bigint, reserved bigint, damaged bigint, safety bigint, incoming bigint)
LANGUAGE sql IMMUTABLE AS $$
    SELECT i.sku,
           CASE WHEN kind_ IN ('received', 'restocked', 'adjusted', 'counted', 'transferred_in') THEN i.quantity
                WHEN kind_ IN ('shipped', 'transferred_out') THEN -i.quantity ELSE 0 END,
           CASE WHEN kind_ = 'reserved' THEN i.quantity
                WHEN kind_ IN ('released', 'shipped') THEN -i.quantity ELSE 0 END,
           CASE WHEN kind_ = 'damaged' THEN i.quantity ELSE coalesce(i.damaged, 0) END,
           CASE WHEN kind_ = 'safety' THEN i.quantity ELSE 0 END,
           CASE WHEN kind_ = 'expected' THEN i.quantity WHEN kind_ = 'unexpected' THEN -i.quantity
                ELSE -coalesce(i.expected, 0) END
      FROM jsonb_to_recordset(items_) AS i (sku text, quantity bigint, damaged bigint, expected bigint)
$$;

-- one movement an item; the caller has locked the rows, so ids are in the order of their effect
CREATE FUNCTION stock_move(kind_ text, key_ text, order_ text, place text, items_ jsonb,
                           reason_ text DEFAULT '', by_ text DEFAULT '') RETURNS void
LANGUAGE sql AS $$
    INSERT INTO stock_movements (key, sku, location, kind, on_hand_delta, reserved_delta, damaged_delta,
                                 safety_delta, incoming_delta, order_id, reason, by)
    SELECT kind_ || '/' || key_ || '#' || d.sku, d.sku, place, kind_, d.on_hand, d.reserved, d.damaged,
           d.safety, d.incoming, order_, reason_, by_
      FROM stock_deltas(kind_, items_) d ORDER BY d.sku
$$;

CREATE FUNCTION stock_promise(order_ text, key_ text, parts_ jsonb, expires_ timestamptz DEFAULT NULL)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE p record;
BEGIN
    FOR p IN SELECT key_ || '/' || x.n AS key, x.n, x.part->>'location' AS location, x.part->'lines' AS lines,
                    x.part->'items' AS items
               FROM jsonb_array_elements(parts_) WITH ORDINALITY AS x (part, n) LOOP
        INSERT INTO reservations (key, base, part, order_id, location, state, lines, items, expires_at)
        VALUES (p.key, key_, p.n, order_, p.location, 'reserved', p.lines, p.items, expires_);
        PERFORM stock_move('reserved', p.key, order_, p.location, p.items);
    END LOOP;
END $$;
