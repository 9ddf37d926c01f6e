-- The units go from hand to hand: between the two movements nobody else can have them.

-- An order gets what its cart holds, and why it may ship from there ({decision, facts}). NULL: source
-- it anew. What a cart held too long, or where no more orders can be taken on for the day, or may not be
-- shipped from (`why` is NULL), is given back. What the cart got for the same day is counted already.
CREATE FUNCTION sourcing_take_over(cart_ text, cart_key text, order_ text, key_ text, why jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE held jsonb; expired text[]; earlier jsonb; closed boolean; r reservations;
BEGIN
    PERFORM stock_lock_order(cart_);
    PERFORM stock_lock_order(order_);
    SELECT jsonb_agg(stock_part(x.location, x.lines) ORDER BY x.part),
           jsonb_agg(jsonb_build_object('location', x.location))
               FILTER (WHERE x.created_at <= sourcing_day_began(l)),
           bool_or(NOT l.active)
      INTO held, earlier, closed
      FROM reservations x JOIN locations l ON l.location = x.location
     WHERE x.base = cart_key AND x.state = 'reserved';
    IF held IS NULL OR EXISTS (SELECT FROM reservations x WHERE x.base = key_)
            OR EXISTS (SELECT FROM stock_waiting w WHERE w.key = key_) THEN
        RETURN NULL;
    END IF;
    expired := ARRAY(SELECT x.key FROM reservations x WHERE x.base = cart_key AND x.state = 'reserved'
                        AND x.expires_at <= clock_timestamp());
    IF expired <> '{}' THEN
        PERFORM stock_free(expired, 'expired');
        RETURN NULL;
    ELSIF why IS NULL OR closed OR sourcing_full(earlier) THEN
        PERFORM stock_release(cart_, cart_key);
        RETURN NULL;
    END IF;
    PERFORM stock_lock(held);
    FOR r IN UPDATE reservations x SET state = 'released'
              WHERE x.base = cart_key AND x.state = 'reserved' RETURNING * LOOP
        PERFORM stock_move('released', r.key, cart_, r.location, r.items, 'ordered');
    END LOOP;
    PERFORM stock_promise(order_, key_, held);
    PERFORM sourcing_keep(order_, key_, 'reserved', why);
    RETURN held;
END $$;
