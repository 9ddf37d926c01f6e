-- Lines are [{sku, quantity, expected_on}]; a SKU may come on several days. A purchase order is
-- expected from now on, a transfer once it has left.
CREATE FUNCTION supply_open(kind_ text, key_ text, origin_ text, destination_ text, reference_ text,
                            lines_ jsonb, reason_ text, by_ text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    asked jsonb := jsonb_build_object('deed', 'opened', 'kind', kind_, 'origin', origin_,
        'destination', destination_, 'reference', reference_, 'lines', lines_, 'reason', reason_);
    answer jsonb := supply_answered(key_, asked);
    id_ text;
BEGIN
    IF answer IS NOT NULL THEN
        RETURN answer;
    END IF;
    PERFORM supply_check_place(origin_, 'origin');
    PERFORM supply_check_place(destination_, 'destination');
    PERFORM supply_check_skus(lines_);
    id_ := CASE kind_ WHEN 'transfer' THEN 'tr-' ELSE 'po-' END
        || nextval(pg_get_serial_sequence('supplies', 'number'));
    INSERT INTO supplies (supply_id, number, kind, origin, destination, reference) OVERRIDING SYSTEM VALUE
    VALUES (id_, substr(id_, 4)::bigint, kind_, origin_, destination_, reference_);
    INSERT INTO supply_lines (supply_id, line, sku, quantity, expected_on)
    SELECT id_, x.n, x.line->>'sku', (x.line->>'quantity')::bigint, (x.line->>'expected_on')::date
      FROM jsonb_array_elements(lines_) WITH ORDINALITY AS x (line, n);
    IF kind_ = 'purchase_order' THEN
        PERFORM stock_open(ARRAY[destination_], stock_skus(lines_));
        PERFORM stock_move('expected', key_, NULL, destination_, supply_items(id_), id_, by_);
    END IF;
    RETURN supply_done(key_, 'opened', id_, asked, reason_, by_);
END $$;

-- The goods of a transfer leave: all of them, from what is promised to nobody.
CREATE FUNCTION supply_dispatch(key_ text, id_ text, reason_ text, by_ text) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    asked jsonb := jsonb_build_object('deed', 'dispatched', 'supply_id', id_, 'reason', reason_);
    answer jsonb := supply_answered(key_, asked);
    s supplies;
    items_ jsonb;
BEGIN
    IF answer IS NOT NULL THEN
        RETURN answer;
    END IF;
    s := supply_locked(id_);
    IF s.kind <> 'transfer' THEN
        PERFORM supply_refuse('not_a_transfer');
    ELSIF s.state <> 'open' THEN
        PERFORM supply_refuse(s.state);
    END IF;
    items_ := supply_items(id_);
    PERFORM stock_open(ARRAY[s.origin, s.destination], stock_skus(items_));
    IF stock_hindrance('transferred_out', s.origin, items_) IS NOT NULL THEN
        PERFORM supply_refuse('below_reserved', 'lines.' || (
            SELECT min(l.line) - 1 FROM jsonb_array_elements(items_) AS i (item)
              JOIN supply_lines l ON l.supply_id = id_ AND l.sku = i.item->>'sku'
             WHERE stock_hindrance('transferred_out', s.origin, jsonb_build_array(i.item)) IS NOT NULL)
            || '.quantity');
    END IF;
    PERFORM stock_move('transferred_out', key_, NULL, s.origin, items_, id_, by_);
    PERFORM stock_move('expected', key_, NULL, s.destination, items_, id_, by_);
    UPDATE supplies x SET state = 'dispatched' WHERE x.supply_id = id_;
    RETURN supply_done(key_, 'dispatched', id_, asked, reason_, by_);
END $$;

-- what came of each SKU, with how much of it was damaged and how much was announced
CREATE FUNCTION supply_arrived(id_ text, lines_ jsonb) RETURNS TABLE (
    sku text, quantity bigint, damaged bigint, expected bigint) LANGUAGE sql STABLE AS $$
    SELECT x.sku, x.quantity, x.damaged, least(x.quantity, coalesce(a.quantity, 0))
      FROM (SELECT l.sku, sum(l.quantity)::bigint AS quantity,
                   coalesce(sum(l.damaged), 0)::bigint AS damaged
              FROM jsonb_to_recordset(lines_) AS l (sku text, quantity bigint, damaged bigint) GROUP BY l.sku) x
      LEFT JOIN jsonb_to_recordset(supply_items(id_)) AS a (sku text, quantity bigint) USING (sku)
$$;

-- books what came on the lines of each SKU, the earliest first; what is more, on the last
CREATE FUNCTION supply_fill(id_ text, lines_ jsonb) RETURNS void LANGUAGE sql AS $$
    UPDATE supply_lines l SET received = l.received + x.many
      FROM (SELECT o.line, CASE WHEN o.last THEN greatest(a.quantity - o.before, 0)
                                ELSE least(greatest(a.quantity - o.before, 0), o.lacking) END AS many
              FROM supply_arrived(id_, lines_) a
              JOIN (SELECT y.line, y.sku, y.lacking, y.last, sum(y.lacking) OVER w - y.lacking AS before
                      FROM (SELECT z.line, z.sku, z.expected_on,
                                   greatest(z.quantity - z.received, 0) AS lacking,
                                   row_number() OVER (PARTITION BY z.sku
                                       ORDER BY z.expected_on DESC, z.line DESC) = 1 AS last
                              FROM supply_lines z WHERE z.supply_id = id_) y
                    WINDOW w AS (PARTITION BY y.sku ORDER BY y.expected_on, y.line)) o USING (sku)) x
     WHERE l.supply_id = id_ AND l.line = x.line AND x.many > 0
$$;

-- Goods came, in part, whole, or more than were asked for: who waits for them gets them in the same
-- transaction. Nothing left to come closes the document.
CREATE FUNCTION supply_receive(key_ text, id_ text, lines_ jsonb, reason_ text, by_ text) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    asked jsonb := jsonb_build_object('deed', 'received', 'supply_id', id_, 'lines', lines_,
                                      'reason', reason_);
    answer jsonb := supply_answered(key_, asked);
    s supplies;
    skus_ text[] := stock_skus(lines_);
    stray bigint;
BEGIN
    IF answer IS NOT NULL THEN
        RETURN answer;
    END IF;
    s := supply_locked(id_);
    IF s.state <> (CASE s.kind WHEN 'transfer' THEN 'dispatched' ELSE 'open' END) THEN
        PERFORM supply_refuse(CASE s.state WHEN 'open' THEN 'not_dispatched' ELSE s.state END);
    END IF;
    SELECT min(x.n) - 1 INTO stray FROM jsonb_array_elements(lines_) WITH ORDINALITY AS x (line, n)
     WHERE NOT EXISTS (SELECT FROM supply_lines l WHERE l.supply_id = id_ AND l.sku = x.line->>'sku');
    IF stray IS NOT NULL THEN
        PERFORM supply_refuse('not_on_document', 'lines.' || stray || '.sku');
    END IF;
    PERFORM stock_open(ARRAY[s.destination], skus_);
    PERFORM stock_move(CASE s.kind WHEN 'transfer' THEN 'transferred_in' ELSE 'received' END, key_, NULL,
                       s.destination, (SELECT jsonb_agg(to_jsonb(a)) FROM supply_arrived(id_, lines_) a),
                       id_, by_);
    INSERT INTO stock_discrepancies (cause, kind, sku, location, quantity, reason, by)
    SELECT id_, d.kind, a.sku, s.destination, d.quantity, reason_, by_
      FROM supply_arrived(id_, lines_) a
     CROSS JOIN LATERAL (VALUES ('over', a.quantity - a.expected), ('damaged', a.damaged)) AS d (kind, quantity)
     WHERE d.quantity > 0 ORDER BY a.sku, d.kind;
    PERFORM supply_fill(id_, lines_);
    IF supply_items(id_) = '[]' THEN
        UPDATE supplies x SET state = 'closed' WHERE x.supply_id = id_;
    END IF;
    PERFORM stock_share_out(ARRAY[s.destination], skus_, 'received ' || id_);
    RETURN supply_done(key_, 'received', id_, asked, reason_, by_);
END $$;

-- another date for all lines, for those of one SKU, or for one of them; nothing moves but what was
-- promised
CREATE FUNCTION supply_reschedule(key_ text, id_ text, sku_ text, line_ integer, expected_on_ date,
                                  reason_ text, by_ text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    asked jsonb := jsonb_build_object('deed', 'rescheduled', 'supply_id', id_, 'sku', sku_, 'line', line_,
                                      'expected_on', expected_on_, 'reason', reason_);
    answer jsonb := supply_answered(key_, asked);
    s supplies;
BEGIN
    IF answer IS NOT NULL THEN
        RETURN answer;
    END IF;
    s := supply_locked(id_);
    IF s.state NOT IN ('open', 'dispatched') THEN
        PERFORM supply_refuse(s.state);
    END IF;
    UPDATE supply_lines l SET expected_on = expected_on_
     WHERE l.supply_id = id_ AND (sku_ IS NULL OR l.sku = sku_) AND (line_ IS NULL OR l.line = line_)
       AND l.received < l.quantity;
    IF NOT FOUND THEN
        PERFORM supply_refuse('not_on_document', CASE WHEN line_ IS NULL THEN 'sku' ELSE 'line' END);
    END IF;
    RETURN supply_done(key_, 'rescheduled', id_, asked, reason_, by_);
END $$;

-- why a document cannot end in this way now; NULL: it can
CREATE FUNCTION supply_cannot_end(s supplies, deed_ text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN s.state IN ('closed', 'cancelled') THEN s.state
                WHEN deed_ = 'closed' AND s.kind = 'transfer' AND s.state = 'open' THEN 'not_dispatched'
                WHEN deed_ = 'cancelled' AND s.state = 'dispatched' THEN 'dispatched'
                WHEN deed_ = 'cancelled' AND EXISTS (SELECT FROM supply_lines l
                     WHERE l.supply_id = s.supply_id AND l.received > 0) THEN 'received_in_part' END
$$;

-- No more will come. Closed, what lacks is a discrepancy, which needs a reason; cancelled, nothing
-- has come at all. What has ended in this way already stays as it is.
CREATE FUNCTION supply_end(key_ text, deed_ text, id_ text, reason_ text, by_ text) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    asked jsonb := jsonb_build_object('deed', deed_, 'supply_id', id_, 'reason', reason_);
    answer jsonb := supply_answered(key_, asked);
    s supplies;
    rest jsonb;
BEGIN
    IF answer IS NOT NULL THEN
        RETURN answer;
    END IF;
    s := supply_locked(id_);
    rest := supply_items(id_);
    IF s.state = deed_ THEN
        RETURN supply_shown(id_);
    ELSIF supply_cannot_end(s, deed_) IS NOT NULL THEN
        PERFORM supply_refuse(supply_cannot_end(s, deed_));
    ELSIF deed_ = 'closed' AND rest <> '[]' AND reason_ = '' THEN
        PERFORM supply_refuse('missing', 'reason');
    END IF;
    IF s.kind = 'purchase_order' OR s.state = 'dispatched' THEN
        PERFORM stock_open(ARRAY[s.destination], stock_skus(rest));
        PERFORM stock_move('unexpected', key_, NULL, s.destination, rest, id_, by_);
    END IF;
    IF deed_ = 'closed' THEN
        INSERT INTO stock_discrepancies (cause, kind, sku, location, quantity, reason, by)
        SELECT id_, 'short', r.sku, s.destination, -r.quantity, reason_, by_
          FROM jsonb_to_recordset(rest) AS r (sku text, quantity bigint) ORDER BY r.sku;
    END IF;
    UPDATE supplies x SET state = deed_ WHERE x.supply_id = id_;
    RETURN supply_done(key_, deed_, id_, asked, reason_, by_);
END $$;
