-- a target (what was counted, how much to hold back) as the movement that leads there
CREATE FUNCTION stock_towards(kind_ text, place text, items_ jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT coalesce(jsonb_agg(jsonb_build_object('sku', x.sku, 'quantity', x.quantity) ORDER BY x.sku), '[]')
      FROM (SELECT i.sku, i.quantity - coalesce(
                       CASE kind_ WHEN 'safety' THEN s.safety_stock ELSE s.on_hand END, 0) AS quantity
              FROM jsonb_to_recordset(items_) AS i (sku text, quantity bigint)
              LEFT JOIN stock s ON s.sku = i.sku AND s.location = place) x
     WHERE x.quantity <> 0 OR kind_ = 'counted'
$$;

-- the first thing that a movement would make impossible, as a code
CREATE FUNCTION stock_hindrance(kind_ text, place text, items_ jsonb) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN coalesce(s.damaged, 0) + d.damaged < 0 THEN 'not_damaged'
                WHEN coalesce(s.incoming, 0) + d.incoming < 0 THEN 'not_expected'
                ELSE 'below_reserved' END
      FROM stock_deltas(kind_, items_) d LEFT JOIN stock s ON s.sku = d.sku AND s.location = place
     WHERE coalesce(s.damaged, 0) + d.damaged < 0 OR coalesce(s.incoming, 0) + d.incoming < 0
        OR coalesce(s.on_hand, 0) + d.on_hand < coalesce(s.reserved + s.damaged, 0) + d.damaged
     ORDER BY d.sku LIMIT 1
$$;

CREATE FUNCTION stock_levels_at(place text, skus_ text[]) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT coalesce(jsonb_agg(jsonb_build_object('sku', k, 'location', place, 'on_hand', coalesce(s.on_hand, 0),
               'reserved', coalesce(s.reserved, 0), 'damaged', coalesce(s.damaged, 0),
               'safety_stock', coalesce(s.safety_stock, 0), 'incoming', coalesce(s.incoming, 0))
               ORDER BY k), '[]')
      FROM unnest(skus_) k LEFT JOIN stock s ON s.location = place AND s.sku = k
$$;

-- Any movement but a reservation's, once a key; for `counted` and `safety` the quantities are what
-- shall be. Answers with the levels at `place` afterwards.
CREATE FUNCTION stock_change(kind_ text, key_ text, order_ text, place text, items_ jsonb,
                             reason_ text, by_ text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    asked jsonb := jsonb_build_object('kind', kind_, 'order_id', order_, 'location', place,
                                      'lines', items_, 'reason', reason_);
    skus_ text[] := stock_skus(items_);
    known stock_changes;
    hindrance text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('stock_change/' || key_, 0));
    SELECT * INTO known FROM stock_changes c WHERE c.key = key_;
    IF known.change <> asked THEN
        RAISE EXCEPTION 'key_reused' USING ERRCODE = 'HF001';
    ELSIF known.key IS NOT NULL THEN
        RETURN known.answer;
    ELSIF NOT EXISTS (SELECT FROM locations l WHERE l.location = place) THEN
        RAISE EXCEPTION 'unknown_location' USING ERRCODE = 'HF001';
    END IF;
    PERFORM stock_open(ARRAY[place], skus_);
    IF kind_ IN ('counted', 'safety') THEN
        items_ := stock_towards(kind_, place, items_);
    END IF;
    hindrance := stock_hindrance(kind_, place, items_);
    IF hindrance IS NOT NULL THEN
        RAISE EXCEPTION USING MESSAGE = hindrance, ERRCODE = 'HF001';
    END IF;
    PERFORM stock_move(kind_, key_, order_, place, items_, reason_, by_);
    PERFORM stock_share_out(ARRAY[place], skus_, kind_);
    INSERT INTO stock_changes (key, change, answer) VALUES (key_, asked, stock_levels_at(place, skus_));
    RETURN stock_levels_at(place, skus_);
END $$;

-- The items of goods that came back. A return does not say which of the order's pieces it is of: they are
-- what they were in the promises that left with them, first promised first, each for as many as left with
-- it; what is more than left is as the first of these or, if none left, what it is now. What has become a
-- bundle since is its components: a bundle has no stock.
CREATE FUNCTION stock_returned(order_ text, lines_ jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
    WITH back AS (
        SELECT l.sku, l.quantity, l.unit FROM stock_summed(lines_) l
    ), gone AS (
        SELECT b.sku, o.unit, o.quantity, row_number() OVER promised AS place,
               sum(o.quantity) OVER promised AS upto
          FROM back b
          JOIN reservations r ON r.order_id = order_ AND r.state = 'shipped'
         CROSS JOIN jsonb_to_recordset(r.lines) AS o (line_id text, sku text, quantity bigint, unit jsonb)
         WHERE o.sku = b.sku
        WINDOW promised AS (PARTITION BY b.sku ORDER BY r.created_at, r.key, o.line_id)
    ), pieces AS (
        SELECT g.unit, least(g.upto, b.quantity) - least(g.upto - g.quantity, b.quantity)
                   + CASE g.place WHEN 1 THEN greatest(b.quantity - (
                         SELECT max(x.upto) FROM gone x WHERE x.sku = b.sku), 0) ELSE 0 END AS quantity
          FROM back b JOIN gone g USING (sku)
         UNION ALL
        SELECT b.unit, b.quantity FROM back b WHERE NOT EXISTS (SELECT FROM gone g WHERE g.sku = b.sku)
    )
    SELECT stock_items(stock_exploded(stock_items(jsonb_agg(jsonb_build_object(
               'quantity', p.quantity, 'unit', p.unit))))) FROM pieces p WHERE p.quantity > 0
$$;

CREATE FUNCTION stock_restock(key_ text, order_ text, place text, lines_ jsonb, reason_ text) RETURNS jsonb
LANGUAGE sql AS $$
    SELECT stock_change('restocked', key_, order_, place, stock_returned(order_, lines_), reason_, '')
$$;
