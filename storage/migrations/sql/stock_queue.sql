-- what the location that lacks least lacks; all of it where there is no location to try
CREATE FUNCTION stock_missing(places text[], items_ jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT coalesce((
        SELECT x.lacking FROM unnest(stock_open_places(places)) WITH ORDINALITY AS p (place, rank)
         CROSS JOIN LATERAL (
            SELECT sum(m.quantity) AS units, jsonb_agg(
                       jsonb_build_object('sku', m.sku, 'quantity', m.quantity) ORDER BY m.sku) AS lacking
              FROM stock_lacking(p.place, items_) m) x
         WHERE x.lacking IS NOT NULL ORDER BY x.units, p.rank LIMIT 1), items_)
$$;

-- whether there is more now than `seen` ({location: {sku: available}}) told the sourcing
CREATE FUNCTION stock_grown(places text[], skus_ text[], seen jsonb) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM stock s WHERE s.location = ANY (stock_open_places(places)) AND s.sku = ANY (skus_)
           AND s.available > coalesce((seen->s.location->>s.sku)::bigint, 0))
$$;

-- Enters the queue, where a repeat keeps its place, and an order that was sourced before under another
-- key (its goods were not found, its address is another) has the age of its first decision. Under the
-- SKUs' locks, so that no goods come in unseen: `missing` says that the order waits now, `parts` that it
-- has its goods already, neither that there is more than was seen, or other goods are meant, and the
-- caller must source again. The empty rows make two who bring different goods for one order meet.
CREATE FUNCTION stock_wait(order_ text, key_ text, lines_ jsonb, ranked_ text[], seen jsonb,
                           parts_max_ integer DEFAULT 1, priority_ integer DEFAULT 0,
                           split_at_ text[] DEFAULT '{}',
                           OUT parts jsonb, OUT missing jsonb) LANGUAGE plpgsql AS $$
DECLARE
    asked jsonb := jsonb_build_array(jsonb_build_object('lines', lines_));
    exploded jsonb := stock_exploded(lines_);
    items_ jsonb := stock_items(exploded);
    skus_ text[] := stock_skus(items_);
BEGIN
    PERFORM stock_lock_order(order_);
    PERFORM stock_lock_skus(skus_);
    parts := stock_reserved(order_, key_, asked);
    IF parts IS NOT NULL OR exploded <> stock_exploded(lines_) -- a bundle changed before we had the locks
            OR stock_grown(ranked_ || split_at_, skus_, seen) THEN
        RETURN;
    END IF;
    INSERT INTO stock (sku, location)
    SELECT k, l.location FROM unnest(skus_) k CROSS JOIN locations l WHERE l.location = ANY (ranked_)
     ORDER BY l.location, k ON CONFLICT DO NOTHING;
    INSERT INTO stock_waiting AS w (key, order_id, lines, items, skus, ranked, split_at, parts_max, priority, since)
    VALUES (key_, order_, exploded, items_, skus_, ranked_, split_at_, parts_max_, priority_, coalesce(
            (SELECT d.at FROM sourcing_decisions d WHERE d.order_id = order_ ORDER BY d.id LIMIT 1), now()))
    ON CONFLICT (key) DO UPDATE SET ranked = ranked_, split_at = split_at_, parts_max = parts_max_,
           priority = priority_
     WHERE w.order_id = order_ AND stock_sold(jsonb_build_array(to_jsonb(w))) = stock_sold(stock_parts(asked));
    IF NOT FOUND THEN
        RAISE EXCEPTION 'key_reused' USING ERRCODE = 'HF001';
    END IF;
    missing := stock_missing(ranked_, items_);
END $$;

-- The same for who will not wait: enters no queue, and makes what stands under the key last so long.
CREATE FUNCTION stock_look(order_ text, key_ text, lines_ jsonb, ranked_ text[], seen jsonb,
                           expires_ timestamptz, OUT parts jsonb, OUT missing jsonb) LANGUAGE plpgsql AS $$
DECLARE
    asked jsonb := jsonb_build_array(jsonb_build_object('lines', lines_));
    items_ jsonb := stock_items(stock_exploded(lines_));
BEGIN
    PERFORM stock_lock_order(order_);
    parts := stock_reserved(order_, key_, asked);
    IF parts IS NOT NULL THEN
        UPDATE reservations r SET expires_at = expires_ WHERE r.base = key_ AND r.state = 'reserved';
    ELSIF NOT stock_grown(ranked_, stock_skus(items_), seen) THEN
        missing := stock_missing(ranked_, items_);
    END IF;
END $$;

-- what a location can give of these lines; a unit of a bundle is given whole or not at all
CREATE FUNCTION stock_take(place text, lines_ jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE line jsonb; many bigint; taken jsonb := '[]';
BEGIN
    FOR line IN SELECT jsonb_array_elements(lines_) LOOP
        SELECT least((line->>'quantity')::bigint,
                     min((coalesce(s.available, 0) - coalesce(t.quantity, 0)) / u.quantity))
          INTO many FROM jsonb_to_recordset(line->'unit') AS u (sku text, quantity bigint)
          LEFT JOIN stock s ON s.sku = u.sku AND s.location = place
          LEFT JOIN stock_units(taken) t ON t.sku = u.sku;
        IF many > 0 THEN
            taken := taken || jsonb_build_array(line || jsonb_build_object('quantity', many));
        END IF;
    END LOOP;
    RETURN taken;
END $$;

CREATE FUNCTION stock_left(lines_ jsonb, taken jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(jsonb_agg(l.line || jsonb_build_object('quantity', x.quantity) ORDER BY l.n), '[]')
      FROM jsonb_array_elements(lines_) WITH ORDINALITY AS l (line, n)
      LEFT JOIN jsonb_to_recordset(taken) AS t (line_id text, sku text, quantity bigint)
        ON (t.line_id, t.sku) = (l.line->>'line_id', l.line->>'sku')
     CROSS JOIN LATERAL (SELECT (l.line->>'quantity')::bigint - coalesce(t.quantity, 0) AS quantity) x
     WHERE x.quantity > 0
$$;

-- greedily: after `place`, whichever location gives the most units of what is left
CREATE FUNCTION stock_split_from(place text, places text[], lines_ jsonb, parts_max integer) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE rest jsonb := lines_; taken jsonb; parts_ jsonb := '[]';
BEGIN
    FOR n IN 1..parts_max LOOP
        taken := stock_take(place, rest);
        EXIT WHEN taken = '[]';
        parts_ := parts_ || stock_part(place, taken);
        rest := stock_left(rest, taken);
        IF rest = '[]' THEN
            RETURN parts_;
        END IF;
        places := array_remove(places, place);
        SELECT p.place INTO place FROM unnest(places) WITH ORDINALITY AS p (place, rank)
         ORDER BY (SELECT sum(u.quantity) FROM stock_units(stock_take(p.place, rest)) u) DESC NULLS LAST,
                  p.rank LIMIT 1;
    END LOOP;
    RETURN NULL;
END $$;

-- whether these locations have it all together, however many that takes
CREATE FUNCTION stock_enough(places text[], items_ jsonb) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT NOT EXISTS (
        SELECT FROM jsonb_to_recordset(items_) AS i (sku text, quantity bigint)
         WHERE i.quantity > (SELECT coalesce(sum(s.available), 0) FROM stock s
                               JOIN locations l ON l.location = s.location AND l.active
                              WHERE s.sku = i.sku AND s.location = ANY (places)))
$$;

-- Those of the places that give to who waits: open, and not without room for ever. (plpgsql, for
-- capacities come with a later migration)
CREATE FUNCTION stock_giving_places(places text[]) RETURNS text[] LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN ARRAY(SELECT p.place FROM unnest(stock_open_places(places)) WITH ORDINALITY AS p (place, n)
                   JOIN locations l ON l.location = p.place AND l.capacity_per_day IS DISTINCT FROM 0
                  ORDER BY p.n);
END $$;

-- at most `parts_max` locations that together have it all, beginning with the best that leads there
CREATE FUNCTION stock_split(w stock_waiting) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE places text[] := stock_giving_places(w.ranked); place text; parts_ jsonb;
BEGIN
    IF w.parts_max = 1 OR NOT stock_enough(places, w.items) THEN
        RETURN NULL;
    END IF;
    FOREACH place IN ARRAY places LOOP
        parts_ := stock_split_from(place, places, w.lines, w.parts_max);
        EXIT WHEN parts_ IS NOT NULL;
    END LOOP;
    RETURN parts_;
END $$;

-- whole at the best of the locations that gained, or split where its rules allow it
CREATE FUNCTION stock_share(w stock_waiting, gained text[]) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT coalesce((
        SELECT jsonb_build_array(stock_part(p.place, w.lines))
          FROM unnest(stock_open_places(w.ranked)) WITH ORDINALITY AS p (place, rank)
         WHERE p.place = ANY (gained) AND NOT EXISTS (SELECT FROM stock_lacking(p.place, w.items))
         ORDER BY p.rank LIMIT 1), stock_split(w))
$$;

-- Before stock becomes available at `places`: keeps the queue as it is, and locks all that its
-- orders may be given.
CREATE FUNCTION stock_open(places text[], skus_ text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM stock_lock_skus(skus_);
    IF EXISTS (SELECT FROM bundle_components c WHERE c.bundle = ANY (skus_)) THEN
        RAISE EXCEPTION 'bundle_has_stock' USING ERRCODE = 'HF001';
    END IF;
    PERFORM 1 FROM stock s
      WHERE (s.location, s.sku) IN (
            SELECT p, k FROM unnest(places) p CROSS JOIN unnest(skus_) k
            UNION SELECT p, k FROM stock_waiting w CROSS JOIN unnest(w.ranked) p CROSS JOIN unnest(w.skus) k
             WHERE w.skus && skus_ AND w.ranked && places AND (w.parts_max > 1 OR p = ANY (places)))
      ORDER BY s.location, s.sku FOR NO KEY UPDATE;
END $$;

-- Who still waits beside what is left over may be served by a split that only sourcing finds: it
-- shall look again. Rows that others hold are passed by, so that nobody waits in a circle: who gives
-- them goods serves them, and who sources them comes to the SKUs' locks and then sees these goods.
CREATE FUNCTION stock_look_again(gained text[], skus_ text[]) RETURNS void LANGUAGE sql AS $$
    UPDATE stock_waiting w SET sourced_at = '-infinity' WHERE w.key IN (
        SELECT q.key FROM stock_waiting q
         WHERE q.skus && skus_ AND q.split_at && gained AND q.sourced_at > '-infinity'
           AND EXISTS (SELECT FROM stock s WHERE s.location = ANY (gained)
                          AND s.sku = ANY (skus_) AND s.available > 0)
           AND stock_enough(q.split_at, q.items)
           FOR NO KEY UPDATE SKIP LOCKED)
$$;

-- After stock became available: each order that waited gets all it wants, in turn, and its wake-up.
-- `cause` says in words what brought it. Nothing is locked after this. Dates are promised by the same
-- steps (`domain/pegging.py`): what changes here changes there.
CREATE FUNCTION stock_share_out(places text[], skus_ text[], cause text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE w stock_waiting; parts_ jsonb; gained text[] := stock_giving_places(places);
BEGIN
    FOR w IN SELECT * FROM stock_waiting q WHERE q.skus && skus_ AND q.ranked && gained
              ORDER BY q.priority DESC, q.since, q.position LOOP
        EXIT WHEN NOT EXISTS (SELECT FROM stock s WHERE s.location = ANY (gained)
                                 AND s.sku = ANY (skus_) AND s.available > 0);
        parts_ := stock_share(w, gained);
        CONTINUE WHEN parts_ IS NULL;
        DELETE FROM stock_waiting q WHERE q.key = w.key;
        CONTINUE WHEN NOT FOUND; -- served elsewhere or released while we waited for the row
        PERFORM sourcing_given(w, parts_, cause);
        PERFORM stock_promise(w.order_id, w.key, parts_);
        INSERT INTO inbox (source, kind, event_key, order_id, body)
        VALUES ('stock', 'stock_assigned', w.order_id || '/' || w.key, w.order_id,
                convert_to(jsonb_build_object('key', w.key, 'parts', parts_)::text, 'UTF8'))
        ON CONFLICT (source, event_key) DO NOTHING;
    END LOOP;
    PERFORM stock_look_again(gained, skus_);
END $$;
