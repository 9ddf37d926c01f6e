-- How many parts an order has beside those of a key, or may be given by the queue.
CREATE FUNCTION sourcing_standing(order_ text, key_ text) RETURNS integer LANGUAGE sql STABLE AS $$
    SELECT ((SELECT count(*) FROM reservations r
              WHERE r.order_id = order_ AND r.base <> key_ AND r.part > 0 AND r.state <> 'released')
          + (SELECT coalesce(sum(w.parts_max), 0) FROM stock_waiting w
              WHERE w.order_id = order_ AND w.key <> key_))::integer
$$;

-- Whether there are more of them than sourcing saw when it allowed a split. The caller has locked the order.
CREATE FUNCTION sourcing_more_stand(order_ text, key_ text, why jsonb) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT sourcing_standing(order_, key_) > coalesce((why->'facts'->>'parts_standing')::integer, 0)
$$;

-- Other lines of the order that wait were promised parts that these may have taken: the queue sends them
-- whole, unless they are sourced again. Who gives them goods just now holds their row; it is passed by.
CREATE FUNCTION sourcing_recount(order_ text, key_ text) RETURNS void LANGUAGE sql AS $$
    UPDATE stock_waiting w SET parts_max = 1 WHERE w.key IN (
        SELECT q.key FROM stock_waiting q WHERE q.order_id = order_ AND q.key <> key_ AND q.parts_max > 1
           FOR NO KEY UPDATE SKIP LOCKED)
$$;

-- why an order waits, without what each new day changes
CREATE FUNCTION sourcing_lacking(decision jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_build_array(decision->'rules_version', decision->'missing', (
           SELECT jsonb_agg(jsonb_build_array(c->'location', c->'bar', c->'lacks'))
             FROM jsonb_array_elements(decision->'candidates') c))
$$;

-- Nothing is kept of an order that waits on for the same reasons. The caller has locked the order.
CREATE FUNCTION sourcing_keep(order_ text, key_ text, outcome_ text, why jsonb) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO sourcing_decisions (order_id, key, outcome, rules_version, decision, facts)
    SELECT order_, key_, outcome_, (why->'decision'->>'rules_version')::integer, why->'decision', why->'facts'
     WHERE outcome_ <> 'waiting' OR sourcing_lacking(why->'decision') IS DISTINCT FROM (
           SELECT sourcing_lacking(d.decision) FROM sourcing_decisions d
            WHERE d.key = key_ ORDER BY d.id DESC LIMIT 1)
    ON CONFLICT (key) WHERE outcome <> 'waiting' DO NOTHING
$$;

-- Reserves all parts and keeps why ({decision, facts}), or answers NULL: source again. A repeat
-- answers what stands under the key, which others may have decided: nothing is kept of it.
CREATE FUNCTION sourcing_reserve(order_ text, key_ text, parts_ jsonb, expires_ timestamptz, why jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE answer jsonb;
BEGIN
    PERFORM stock_lock_order(order_);
    IF NOT EXISTS (SELECT FROM reservations r WHERE r.base = key_) THEN
        IF jsonb_array_length(parts_) > 1 AND sourcing_more_stand(order_, key_, why) THEN
            RETURN NULL;
        ELSIF sourcing_full(parts_) THEN
            RETURN NULL;
        END IF;
    END IF;
    answer := stock_reserve(order_, key_, parts_, expires_);
    IF EXISTS (SELECT FROM reservations r WHERE r.base = key_ AND r.xmin = pg_current_xact_id()::xid) THEN
        PERFORM sourcing_keep(order_, key_, 'reserved', why);
        PERFORM sourcing_recount(order_, key_);
    END IF;
    RETURN answer;
END $$;

-- Gives an order that waits what was decided for many at once, and wakes it as the queue does. NULL:
-- it waits no more, or the stock is gone.
CREATE FUNCTION sourcing_assign(order_ text, key_ text, parts_ jsonb, why jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE answer jsonb;
BEGIN
    PERFORM stock_lock_order(order_);
    IF NOT EXISTS (SELECT FROM stock_waiting w WHERE w.key = key_ AND w.order_id = order_) THEN
        RETURN NULL;
    END IF;
    answer := sourcing_reserve(order_, key_, parts_, NULL, why);
    INSERT INTO inbox (source, kind, event_key, order_id, body)
    SELECT 'stock', 'stock_assigned', order_ || '/' || key_, order_,
           convert_to(jsonb_build_object('key', key_, 'parts', answer)::text, 'UTF8')
     WHERE answer IS NOT NULL
    ON CONFLICT (source, event_key) DO NOTHING;
    RETURN answer;
END $$;

-- Enters the queue and keeps why. Neither `parts` nor `missing`: there is more now, source again.
-- Goods that came since the case was read would be seen, so that nobody's wish to look again is lost.
CREATE FUNCTION sourcing_wait(order_ text, key_ text, lines_ jsonb, ranked text[], seen jsonb,
                              parts_max integer, priority integer, split_at text[], why jsonb,
                              OUT parts jsonb, OUT missing jsonb) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM stock_lock_order(order_);
    IF parts_max > 1 AND sourcing_more_stand(order_, key_, why) THEN
        RETURN;
    END IF;
    SELECT w.parts, w.missing INTO parts, missing
      FROM stock_wait(order_, key_, lines_, ranked, seen, parts_max, priority, split_at) w;
    IF missing IS NOT NULL THEN
        UPDATE stock_waiting q SET sourced_at = (why->'facts'->>'now')::timestamptz, full_at = ARRAY(
               SELECT c->>'location' FROM jsonb_array_elements(why->'decision'->'candidates') c
                WHERE c->>'bar' = 'no_capacity')
         WHERE q.key = key_;
        PERFORM sourcing_keep(order_, key_, 'waiting', why);
        PERFORM sourcing_recount(order_, key_);
    END IF;
END $$;
