CREATE FUNCTION supply_count_shown(id_ text) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object('count_id', c.count_id, 'number', c.number, 'location', c.location,
               'reason', c.reason, 'by', c.by, 'at', c.at,
               'lines', (SELECT jsonb_agg(jsonb_build_object('sku', l.sku, 'counted', l.counted,
                       'recorded', l.recorded) ORDER BY l.sku)
                   FROM stock_count_lines l WHERE l.count_id = id_))
      FROM stock_counts c WHERE c.count_id = id_
$$;

-- What somebody counted on hand, damaged ones included, becomes the record: all of it or, where
-- more is promised or damaged than was found, nothing.
CREATE FUNCTION supply_count(key_ text, place text, lines_ jsonb, reason_ text, by_ text) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE known stock_counts; id_ text; short_ bigint; before jsonb;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('supply/' || key_, 0));
    SELECT * INTO known FROM stock_counts c WHERE c.key = key_;
    IF (known.location, known.asked, known.reason) <> (place, lines_, reason_) THEN
        PERFORM supply_refuse('key_reused', 'key');
    ELSIF known.count_id IS NOT NULL THEN
        RETURN supply_count_shown(known.count_id);
    END IF;
    PERFORM supply_check_place(place, 'location');
    PERFORM supply_check_skus(lines_);
    PERFORM stock_open(ARRAY[place], stock_skus(lines_));
    SELECT min(x.n) - 1 INTO short_ FROM jsonb_array_elements(lines_) WITH ORDINALITY AS x (line, n)
      JOIN stock s ON s.location = place AND s.sku = x.line->>'sku'
     WHERE (x.line->>'quantity')::bigint < s.reserved + s.damaged;
    IF short_ IS NOT NULL THEN
        PERFORM supply_refuse('below_reserved', 'lines.' || short_ || '.quantity');
    END IF;
    before := stock_levels_at(place, stock_skus(lines_));
    PERFORM stock_change('counted', key_, NULL, place, lines_, reason_, by_);
    id_ := 'co-' || nextval(pg_get_serial_sequence('stock_counts', 'number'));
    INSERT INTO stock_counts (count_id, number, key, location, asked, reason, by) OVERRIDING SYSTEM VALUE
    VALUES (id_, substr(id_, 4)::bigint, key_, place, lines_, reason_, by_);
    INSERT INTO stock_count_lines (count_id, sku, counted, recorded)
    SELECT id_, l.sku, l.quantity, b.on_hand FROM jsonb_to_recordset(lines_) AS l (sku text, quantity bigint)
      JOIN jsonb_to_recordset(before) AS b (sku text, on_hand bigint) USING (sku);
    INSERT INTO stock_discrepancies (cause, kind, sku, location, quantity, reason, by)
    SELECT id_, 'counted', l.sku, place, l.counted - l.recorded, reason_, by_
      FROM stock_count_lines l WHERE l.count_id = id_ AND l.counted <> l.recorded ORDER BY l.sku;
    RETURN supply_count_shown(id_);
END $$;
