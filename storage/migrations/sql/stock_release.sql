-- gives back what these keys hold and shares it out; the caller has locked their orders
CREATE FUNCTION stock_free(keys text[], reason_ text DEFAULT '') RETURNS void LANGUAGE plpgsql AS $$
DECLARE r reservations; places text[]; skus_ text[];
BEGIN
    SELECT array_agg(DISTINCT x.location), array_agg(DISTINCT i.sku) INTO places, skus_
      FROM reservations x CROSS JOIN jsonb_to_recordset(x.items) AS i (sku text) WHERE x.key = ANY (keys);
    PERFORM stock_open(places, skus_);
    FOR r IN UPDATE reservations x SET state = 'released' WHERE x.key = ANY (keys) RETURNING * LOOP
        PERFORM stock_move('released', r.key, r.order_id, r.location, r.items, reason_);
    END LOOP;
    PERFORM stock_share_out(places, skus_);
END $$;

-- The parts that are still reserved under a key, or under the key of one part. A key of nobody is
-- kept as released, so that a reserve that comes late finds itself barred.
CREATE FUNCTION stock_release(order_ text, key_ text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE known record;
BEGIN
    PERFORM stock_lock_order(order_);
    -- waits for whoever is giving stock to this order, so that the look below sees it
    DELETE FROM stock_waiting w WHERE w.key = key_ AND w.order_id = order_;
    SELECT array_agg(r.key) FILTER (WHERE r.state = 'reserved') AS held, count(*) AS many,
           bool_and(r.state = 'shipped') AS shipped, bool_or(r.order_id <> order_) AS others
      INTO known FROM reservations r WHERE r.base = key_ OR r.key = key_;
    IF known.many = 0 THEN
        INSERT INTO reservations (key, base, part, order_id, state, lines, items)
        VALUES (key_, key_, 0, order_, 'released', '[]', '[]');
    ELSIF known.others THEN
        RAISE EXCEPTION 'key_reused' USING ERRCODE = 'HF001';
    ELSIF known.shipped THEN
        RAISE EXCEPTION 'reservation_shipped' USING ERRCODE = 'HF001';
    ELSIF known.held IS NOT NULL THEN
        PERFORM stock_free(known.held);
    END IF;
END $$;

-- Releases what has expired, of these SKUs or (NULL) of all, and says how many reservations that
-- were. An order that is busy is left to the next sweep: to wait for several could be for ever.
CREATE FUNCTION stock_expire(skus_ text[] DEFAULT NULL, limit_ integer DEFAULT 100) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE found text[]; keys text[];
BEGIN
    found := ARRAY(
        SELECT r.key FROM reservations r WHERE r.state = 'reserved' AND r.expires_at <= now()
           AND (skus_ IS NULL OR stock_skus(r.items) && skus_) ORDER BY r.expires_at LIMIT limit_);
    keys := ARRAY(
        SELECT r.key FROM reservations r WHERE r.key = ANY (found)
           AND pg_try_advisory_xact_lock(hashtextextended('stock/' || r.order_id, 0)));
    keys := ARRAY(
        SELECT r.key FROM reservations r
         WHERE r.key = ANY (keys) AND r.state = 'reserved' AND r.expires_at <= now());
    IF keys <> '{}' THEN
        PERFORM stock_free(keys, 'expired');
    END IF;
    RETURN cardinality(keys);
END $$;

-- the reserved goods have left
CREATE FUNCTION stock_ship(order_ text, key_ text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE known record; r reservations;
BEGIN
    PERFORM stock_lock_order(order_);
    SELECT array_agg(x.key) FILTER (WHERE x.state = 'reserved') AS held, count(*) AS many,
           bool_or(x.state = 'released') AS released, bool_or(x.order_id <> order_) AS others,
           jsonb_agg(to_jsonb(x)) FILTER (WHERE x.state = 'reserved') AS parts
      INTO known FROM reservations x WHERE x.base = key_ OR x.key = key_;
    IF known.many = 0 THEN
        RAISE EXCEPTION 'reservation_unknown' USING ERRCODE = 'HF001';
    ELSIF known.others THEN
        RAISE EXCEPTION 'key_reused' USING ERRCODE = 'HF001';
    ELSIF known.released THEN
        RAISE EXCEPTION 'reservation_released' USING ERRCODE = 'HF001';
    ELSIF known.held IS NOT NULL THEN
        PERFORM stock_lock(known.parts);
        FOR r IN UPDATE reservations x SET state = 'shipped' WHERE x.key = ANY (known.held) RETURNING * LOOP
            PERFORM stock_move('shipped', r.key, order_, r.location, r.items);
        END LOOP;
    END IF;
END $$;
