CREATE TRIGGER stock_movements_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON stock_movements
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER stock_changes_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON stock_changes
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- not an upsert: its proposed row would have to satisfy the constraints by itself
CREATE FUNCTION stock_fold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE stock SET on_hand = on_hand + NEW.on_hand_delta, reserved = reserved + NEW.reserved_delta,
           damaged = damaged + NEW.damaged_delta, safety_stock = safety_stock + NEW.safety_delta,
           incoming = incoming + NEW.incoming_delta
     WHERE sku = NEW.sku AND location = NEW.location;
    IF NOT FOUND THEN
        INSERT INTO stock (sku, location, on_hand, reserved, damaged, safety_stock, incoming)
        VALUES (NEW.sku, NEW.location, NEW.on_hand_delta, NEW.reserved_delta, NEW.damaged_delta,
                NEW.safety_delta, NEW.incoming_delta);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER stock_movements_fold AFTER INSERT ON stock_movements
    FOR EACH ROW EXECUTE FUNCTION stock_fold();

CREATE FUNCTION stock_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP IN ('DELETE', 'TRUNCATE')
            OR pg_trigger_depth() < 2 AND current_setting('holdfast.rebuild', true) IS DISTINCT FROM 'on' THEN
        RAISE EXCEPTION 'stock is written by its ledger alone';
    END IF;
    RETURN CASE WHEN TG_LEVEL = 'ROW' THEN NEW END;
END $$;
CREATE TRIGGER stock_by_ledger BEFORE UPDATE OR DELETE OR TRUNCATE ON stock
    FOR EACH STATEMENT EXECUTE FUNCTION stock_guard();
CREATE TRIGGER stock_begins_empty BEFORE INSERT ON stock FOR EACH ROW
    WHEN ((NEW.on_hand, NEW.reserved, NEW.damaged, NEW.safety_stock, NEW.incoming) <> (0, 0, 0, 0, 0))
    EXECUTE FUNCTION stock_guard();

CREATE FUNCTION reservation_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> 'reserved' OR (to_jsonb(NEW) - '{state,expires_at}'::text[])
            <> (to_jsonb(OLD) - '{state,expires_at}'::text[]) THEN
        RAISE EXCEPTION 'a reservation is only ever released or shipped, once';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER reservations_once BEFORE UPDATE ON reservations
    FOR EACH ROW EXECUTE FUNCTION reservation_guard();
CREATE TRIGGER reservations_kept BEFORE DELETE OR TRUNCATE ON reservations
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION stock_nothing() RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT '{"on_hand": 0, "reserved": 0, "damaged": 0, "safety_stock": 0, "incoming": 0}'::jsonb
$$;

-- where the counters differ from the fold of the ledger; no rows is as it should be
CREATE FUNCTION stock_drift() RETURNS TABLE (sku text, location text, counted jsonb, folded jsonb)
LANGUAGE sql STABLE AS $$
    SELECT coalesce(s.sku, m.sku), coalesce(s.location, m.location), s.counters, m.counters
      FROM (SELECT k.sku, k.location, jsonb_build_object('on_hand', k.on_hand, 'reserved', k.reserved,
                   'damaged', k.damaged, 'safety_stock', k.safety_stock, 'incoming', k.incoming) AS counters
              FROM stock k) s
      FULL JOIN (SELECT v.sku, v.location, jsonb_build_object('on_hand', sum(v.on_hand_delta),
                   'reserved', sum(v.reserved_delta), 'damaged', sum(v.damaged_delta),
                   'safety_stock', sum(v.safety_delta), 'incoming', sum(v.incoming_delta)) AS counters
              FROM stock_movements v GROUP BY v.sku, v.location) m
        ON (m.sku, m.location) = (s.sku, s.location)
     WHERE coalesce(s.counters, stock_nothing()) <> coalesce(m.counters, stock_nothing())
     ORDER BY 1, 2
$$;

-- Makes the counters what the ledger says, shares out what was there all along, and answers what was
-- wrong. Nobody else moves stock meanwhile: whoever does locks rows of `stock` first.
CREATE FUNCTION stock_rebuild() RETURNS TABLE (sku text, location text, counted jsonb, folded jsonb)
LANGUAGE plpgsql AS $$
DECLARE d record; places text[]; skus_ text[];
BEGIN
    PERFORM stock_lock_skus(ARRAY(SELECT f.sku FROM stock_drift() f)); -- before `stock`, as always
    LOCK TABLE stock IN EXCLUSIVE MODE;
    PERFORM set_config('holdfast.rebuild', 'on', true);
    FOR d IN SELECT * FROM stock_drift() LOOP
        INSERT INTO stock (sku, location) VALUES (d.sku, d.location) ON CONFLICT DO NOTHING;
        UPDATE stock s SET (on_hand, reserved, damaged, safety_stock, incoming) = (
               SELECT f.on_hand, f.reserved, f.damaged, f.safety_stock, f.incoming
                 FROM jsonb_populate_record(NULL::stock, coalesce(d.folded, stock_nothing())) f)
         WHERE (s.sku, s.location) = (d.sku, d.location);
        places := places || d.location; skus_ := skus_ || d.sku;
        sku := d.sku; location := d.location; counted := d.counted; folded := d.folded;
        RETURN NEXT;
    END LOOP;
    PERFORM set_config('holdfast.rebuild', '', true);
    PERFORM stock_share_out(places, skus_, 'rebuilt');
END $$;
