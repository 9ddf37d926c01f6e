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
    PERFORM stock_share_out(places, skus_, coalesce(nullif(reason_, ''), 'released'));
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

-- What a picker did not find, as movements of what is unpromised once the part is given back; see
-- `ShortReason`. A SKU that was not reserved, or of which enough was found, corrects nothing.
CREATE FUNCTION stock_corrections(place text, items_ jsonb, short_ jsonb)
RETURNS TABLE (kind text, reason text, items jsonb) LANGUAGE sql STABLE AS $$
    SELECT CASE x.reason WHEN 'damaged' THEN 'damaged' ELSE 'adjusted' END, x.reason,
           jsonb_agg(jsonb_build_object('sku', x.sku, 'quantity', CASE x.reason
               WHEN 'damaged' THEN x.missing WHEN 'mismatch' THEN -x.missing ELSE x.found - x.unpromised END))
      FROM (SELECT DISTINCT ON (i.sku) i.sku, f.reason, f.found, i.quantity - f.found AS missing,
                   s.on_hand - s.reserved - s.damaged AS unpromised
              FROM jsonb_to_recordset(short_) AS f (sku text, found bigint, reason text)
              JOIN jsonb_to_recordset(items_) AS i (sku text, quantity bigint) ON i.sku = f.sku
              JOIN stock s ON s.sku = i.sku AND s.location = place
             WHERE f.found < i.quantity ORDER BY i.sku, f.found) x
     GROUP BY 1, 2
$$;

-- A part whose picker found less is given back, and the record corrected, before anybody else is
-- promised what is not there.
CREATE FUNCTION stock_short_pick(order_ text, key_ text, short_ jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE r reservations; c record;
BEGIN
    PERFORM stock_lock_order(order_);
    SELECT * INTO r FROM reservations x WHERE x.key = key_;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'reservation_unknown' USING ERRCODE = 'HF001';
    ELSIF r.order_id <> order_ THEN
        RAISE EXCEPTION 'key_reused' USING ERRCODE = 'HF001';
    ELSIF r.state = 'shipped' THEN
        RAISE EXCEPTION 'reservation_shipped' USING ERRCODE = 'HF001';
    ELSIF r.state = 'released' THEN
        RETURN;
    END IF;
    PERFORM stock_open(ARRAY[r.location], stock_skus(r.items));
    UPDATE reservations x SET state = 'released' WHERE x.key = key_;
    PERFORM stock_move('released', key_, order_, r.location, r.items, 'short_pick');
    FOR c IN SELECT * FROM stock_corrections(r.location, r.items, short_) LOOP
        PERFORM stock_move(c.kind, key_, order_, r.location, c.items, c.reason);
    END LOOP;
    PERFORM stock_share_out(ARRAY[r.location], stock_skus(r.items), 'short pick');
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
