-- The units go from hand to hand: between the two movements nobody else can have them.

-- An order gets what its cart holds, and why it is there. NULL: source it; what a cart held for other
-- lines or another country, or held too long, is given back.
CREATE FUNCTION sourcing_take_over(cart_ text, cart_key text, order_ text, key_ text, lines_ jsonb,
                                   country_ text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE held jsonb; expired text[]; decided sourcing_decisions; r reservations;
BEGIN
    PERFORM stock_lock_order(cart_);
    PERFORM stock_lock_order(order_);
    SELECT jsonb_agg(stock_part(x.location, x.lines) ORDER BY x.part) INTO held
      FROM reservations x WHERE x.base = cart_key AND x.state = 'reserved';
    IF held IS NULL OR EXISTS (SELECT FROM reservations x WHERE x.base = key_)
            OR EXISTS (SELECT FROM stock_waiting w WHERE w.key = key_) THEN
        RETURN NULL;
    END IF;
    expired := ARRAY(SELECT x.key FROM reservations x WHERE x.base = cart_key AND x.state = 'reserved'
                        AND x.expires_at <= clock_timestamp());
    IF expired <> '{}' THEN
        PERFORM stock_free(expired, 'expired');
        RETURN NULL;
    END IF;
    SELECT * INTO decided FROM sourcing_decisions d WHERE d.key = cart_key AND d.outcome = 'reserved';
    IF stock_sold(held) <> stock_sold(jsonb_build_array(jsonb_build_object('lines', lines_)))
            OR decided.facts->'destination'->>'country' IS DISTINCT FROM country_ THEN
        PERFORM stock_release(cart_, cart_key);
        RETURN NULL;
    END IF;
    PERFORM stock_lock(held);
    FOR r IN UPDATE reservations x SET state = 'released'
              WHERE x.base = cart_key AND x.state = 'reserved' RETURNING * LOOP
        PERFORM stock_move('released', r.key, cart_, r.location, r.items, 'ordered');
    END LOOP;
    PERFORM stock_promise(order_, key_, held);
    INSERT INTO sourcing_decisions (order_id, key, outcome, rules_version, decision, facts)
    VALUES (order_, key_, 'reserved', decided.rules_version, decided.decision, decided.facts);
    RETURN held;
END $$;
