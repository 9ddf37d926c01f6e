-- Locks: first the deed's SKUs (`storage/supply_moves.py`), then its key, then the document, then as
-- `stock_open` does. A refusal's message is a code and, after a space, the field that is wrong, if it
-- is one.

CREATE FUNCTION supply_refuse(code text, field text DEFAULT '') RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING MESSAGE = rtrim(code || ' ' || field), ERRCODE = 'HF001';
END $$;

-- lines whose goods are still to come
CREATE VIEW supply_awaited AS
    SELECT s.supply_id, s.kind, s.origin, s.destination, l.line, l.sku, l.expected_on,
           l.quantity - l.received AS quantity
      FROM supplies s JOIN supply_lines l USING (supply_id)
     WHERE l.received < l.quantity
       AND s.state = CASE s.kind WHEN 'transfer' THEN 'dispatched' ELSE 'open' END;

-- where `incoming` is not what documents await; no rows is as it should be
CREATE FUNCTION supply_drift() RETURNS TABLE (sku text, location text, incoming bigint, awaited bigint)
LANGUAGE sql STABLE AS $$
    SELECT coalesce(s.sku, a.sku), coalesce(s.location, a.destination), coalesce(s.incoming, 0),
           coalesce(a.quantity, 0)
      FROM stock s
      FULL JOIN (SELECT w.sku, w.destination, sum(w.quantity)::bigint AS quantity FROM supply_awaited w
                  GROUP BY w.sku, w.destination) a ON (a.sku, a.destination) = (s.sku, s.location)
     WHERE coalesce(s.incoming, 0) <> coalesce(a.quantity, 0)
     ORDER BY 1, 2
$$;

CREATE FUNCTION supply_shown(id_ text) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object('supply_id', s.supply_id, 'number', s.number, 'kind', s.kind,
               'state', s.state, 'origin', s.origin, 'destination', s.destination,
               'reference', s.reference, 'at', s.at,
               'lines', (SELECT jsonb_agg(jsonb_build_object('line', l.line, 'sku', l.sku,
                       'quantity', l.quantity, 'received', l.received, 'expected_on', l.expected_on,
                       'awaited', coalesce(a.quantity, 0)) ORDER BY l.line)
                   FROM supply_lines l LEFT JOIN supply_awaited a USING (supply_id, line)
                  WHERE l.supply_id = id_),
               'discrepancies', (SELECT coalesce(jsonb_agg(to_jsonb(d) ORDER BY d.id), '[]')
                   FROM stock_discrepancies d WHERE d.cause = id_),
               'deeds', (SELECT coalesce(jsonb_agg(jsonb_build_object('deed', d.deed,
                       'reason', d.reason, 'by', d.by, 'at', d.at) ORDER BY d.id), '[]')
                   FROM supply_deeds d WHERE d.supply_id = id_))
      FROM supplies s WHERE s.supply_id = id_
$$;

-- what was answered to this deed before; NULL if it is new
CREATE FUNCTION supply_answered(key_ text, asked_ jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE known supply_deeds;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('supply/' || key_, 0));
    SELECT * INTO known FROM supply_deeds d WHERE d.key = key_;
    IF known.asked <> asked_ THEN
        PERFORM supply_refuse('key_reused', 'key');
    END IF;
    RETURN known.answer;
END $$;

-- keeps a deed that was done; the answer tells of the deed itself, too
CREATE FUNCTION supply_done(key_ text, deed_ text, id_ text, asked_ jsonb, reason_ text, by_ text)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    shown jsonb := supply_shown(id_);
    deed jsonb := jsonb_build_object('deed', deed_, 'reason', reason_, 'by', by_, 'at', now());
BEGIN
    shown := shown || jsonb_build_object('deeds', shown->'deeds' || deed);
    INSERT INTO supply_deeds (key, supply_id, deed, asked, answer, reason, by)
    VALUES (key_, id_, deed_, asked_, shown, reason_, by_);
    RETURN shown;
END $$;

CREATE FUNCTION supply_locked(id_ text) RETURNS supplies LANGUAGE plpgsql AS $$
DECLARE s supplies;
BEGIN
    SELECT * INTO s FROM supplies x WHERE x.supply_id = id_ FOR UPDATE;
    IF NOT FOUND THEN
        PERFORM supply_refuse('unknown_supply');
    END IF;
    RETURN s;
END $$;

-- refuses the first line whose SKU we do not have, or that is a bundle
CREATE FUNCTION supply_check_skus(lines_ jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE bad record;
BEGIN
    SELECT x.n - 1 AS at, k.sku IS NULL AS unknown INTO bad
      FROM jsonb_array_elements(lines_) WITH ORDINALITY AS x (line, n)
      LEFT JOIN skus k ON k.sku = x.line->>'sku'
     WHERE k.sku IS NULL OR EXISTS (SELECT FROM bundle_components c WHERE c.bundle = k.sku)
     ORDER BY x.n LIMIT 1;
    IF FOUND THEN
        PERFORM supply_refuse(CASE WHEN bad.unknown THEN 'unknown_sku' ELSE 'bundle_has_stock' END,
                              'lines.' || bad.at || '.sku');
    END IF;
END $$;

CREATE FUNCTION supply_check_place(place text, field text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF place IS NOT NULL AND NOT EXISTS (SELECT FROM locations l WHERE l.location = place) THEN
        PERFORM supply_refuse('unknown_location', field);
    END IF;
END $$;

-- what a document's lines still lack of each SKU
CREATE FUNCTION supply_items(id_ text) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT coalesce(jsonb_agg(jsonb_build_object('sku', x.sku, 'quantity', x.quantity) ORDER BY x.sku), '[]')
      FROM (SELECT l.sku, sum(l.quantity - l.received) AS quantity FROM supply_lines l
             WHERE l.supply_id = id_ AND l.received < l.quantity GROUP BY l.sku) x
$$;
