-- The parts that stand under a key, as they were given; NULL if there are none. A key that is
-- another's, or was released, is refused.
CREATE FUNCTION stock_reserved(order_ text, key_ text, parts_ jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE earlier record;
BEGIN
    SELECT bool_or(r.order_id <> order_) AS others, bool_or(r.state = 'released') AS released,
           jsonb_agg(jsonb_build_object('location', r.location, 'lines', r.lines, 'items', r.items)
               ORDER BY r.part) AS parts
      INTO earlier FROM reservations r WHERE r.base = key_;
    IF earlier.others THEN
        RAISE EXCEPTION 'key_reused' USING ERRCODE = 'HF001';
    ELSIF earlier.released THEN
        RAISE EXCEPTION 'reservation_released' USING ERRCODE = 'HF001';
    ELSIF earlier.parts IS NULL THEN
        RETURN NULL;
    ELSIF stock_sold(earlier.parts) <> stock_sold(stock_parts(parts_)) THEN
        RAISE EXCEPTION 'key_reused' USING ERRCODE = 'HF001';
    END IF;
    RETURN earlier.parts;
END $$;

-- takes a key out of the queue; waits for whoever is giving it stock just now
CREATE FUNCTION stock_unqueue(order_ text, key_ text, parts_ jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE w stock_waiting;
BEGIN
    DELETE FROM stock_waiting q WHERE q.key = key_ RETURNING * INTO w;
    IF NOT FOUND THEN
        RETURN;
    ELSIF w.order_id <> order_
            OR stock_sold(jsonb_build_array(to_jsonb(w))) <> stock_sold(stock_parts(parts_)) THEN
        RAISE EXCEPTION 'key_reused' USING ERRCODE = 'HF001';
    END IF;
END $$;

-- Reserves all of `parts_` ([{location, lines}]), or nothing: then the answer is NULL, and the
-- caller sources again. A repeat answers what was given the first time, wherever that was.
CREATE FUNCTION stock_reserve(order_ text, key_ text, parts_ jsonb, expires_ timestamptz DEFAULT NULL)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE wanted jsonb := stock_parts(parts_); earlier jsonb;
BEGIN
    PERFORM stock_lock_order(order_);
    IF stock_lock_if_there(wanted) THEN
        IF EXISTS (SELECT FROM stock_waiting w WHERE w.key = key_)
                OR EXISTS (SELECT FROM reservations r WHERE r.base = key_) THEN -- few are known
            PERFORM stock_unqueue(order_, key_, parts_);
            earlier := stock_reserved(order_, key_, parts_);
        END IF;
        IF earlier IS NULL THEN
            PERFORM stock_promise(order_, key_, wanted, expires_);
            RETURN wanted;
        END IF;
    END IF;
    earlier := coalesce(earlier, stock_reserved(order_, key_, parts_));
    UPDATE reservations r SET expires_at = expires_
     WHERE r.base = key_ AND r.state = 'reserved' AND r.expires_at IS DISTINCT FROM expires_;
    RETURN earlier;
END $$;
