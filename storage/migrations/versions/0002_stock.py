"""Stock: its ledger, the counters that only the ledger writes, reservations and the queue.

Locks are always taken in one order, so that nobody waits in a circle: the order's (advisory) →
`skus` in SKU order → `stock` of one location in SKU order → `stock_waiting`, oldest first.
Whoever makes stock available, and whoever enters the queue, first locks the `skus` concerned: so
nobody enters the queue between the moment that stock comes and the moment that it is shared out.
All of it relies on READ COMMITTED: what is read after a lock is newer than the lock.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE stock (
    sku text NOT NULL REFERENCES skus,
    location text NOT NULL REFERENCES locations,
    on_hand bigint NOT NULL DEFAULT 0,
    reserved bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (sku, location),
    CONSTRAINT stock_reserved_not_negative CHECK (reserved >= 0),
    CONSTRAINT stock_covers_reserved CHECK (on_hand >= reserved)
) WITH (fillfactor = 70);
CREATE INDEX stock_by_location ON stock (location, sku);

CREATE TABLE stock_movements (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key text NOT NULL UNIQUE,
    sku text NOT NULL,
    location text NOT NULL,
    kind text NOT NULL,
    on_hand_delta bigint NOT NULL,
    reserved_delta bigint NOT NULL,
    order_id text,
    reason text NOT NULL DEFAULT '',
    by text NOT NULL DEFAULT '',
    at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT stock_movements_kind CHECK (CASE kind
        WHEN 'received' THEN on_hand_delta > 0 AND reserved_delta = 0
        WHEN 'reserved' THEN on_hand_delta = 0 AND reserved_delta > 0
        WHEN 'released' THEN on_hand_delta = 0 AND reserved_delta < 0
        WHEN 'shipped' THEN on_hand_delta < 0 AND reserved_delta = on_hand_delta
        WHEN 'adjusted' THEN on_hand_delta <> 0 AND reserved_delta = 0
        WHEN 'restocked' THEN on_hand_delta > 0 AND reserved_delta = 0
        ELSE false END),
    CONSTRAINT stock_movements_order CHECK (kind IN ('received', 'adjusted') OR order_id IS NOT NULL)
);
CREATE INDEX stock_movements_by_sku ON stock_movements (sku, location, id);
CREATE INDEX stock_movements_by_order ON stock_movements (order_id) WHERE order_id IS NOT NULL;

-- a released key without a location is one that never was reserved and never may be
CREATE TABLE reservations (
    key text PRIMARY KEY,
    order_id text NOT NULL,
    location text REFERENCES locations,
    state text NOT NULL CHECK (state IN ('reserved', 'released', 'shipped')),
    lines jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT reservations_somewhere CHECK (location IS NOT NULL OR (state = 'released' AND lines = '[]'))
);
CREATE INDEX reservations_by_order ON reservations (order_id);

-- the queue for goods to come; `skus` are those of `lines`, for the index
CREATE TABLE stock_waiting (
    order_id text PRIMARY KEY,
    key text NOT NULL UNIQUE,
    lines jsonb NOT NULL,
    skus text[] NOT NULL,
    ranked text[] NOT NULL,
    excluded text[] NOT NULL,
    position bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    since timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX stock_waiting_by_sku ON stock_waiting USING gin (skus);

-- goods in, corrections and restocks: what was asked under a key and what was answered
CREATE TABLE stock_changes (
    key text PRIMARY KEY,
    change jsonb NOT NULL,
    answer jsonb NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);
"""

LEDGER = """
CREATE TRIGGER stock_movements_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON stock_movements
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER stock_changes_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON stock_changes
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- not an upsert: its proposed row would have to satisfy the constraints by itself
CREATE FUNCTION stock_fold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE stock SET on_hand = on_hand + NEW.on_hand_delta, reserved = reserved + NEW.reserved_delta
     WHERE sku = NEW.sku AND location = NEW.location;
    IF NOT FOUND THEN
        INSERT INTO stock (sku, location, on_hand, reserved)
        VALUES (NEW.sku, NEW.location, NEW.on_hand_delta, NEW.reserved_delta);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER stock_movements_fold AFTER INSERT ON stock_movements
    FOR EACH ROW EXECUTE FUNCTION stock_fold();

CREATE FUNCTION stock_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() < 2 OR TG_OP NOT IN ('INSERT', 'UPDATE') THEN
        RAISE EXCEPTION 'stock is written by its ledger alone';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER stock_by_ledger BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON stock
    FOR EACH STATEMENT EXECUTE FUNCTION stock_guard();

CREATE FUNCTION reservation_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> 'reserved' OR (NEW.key, NEW.order_id, NEW.location, NEW.lines)
            IS DISTINCT FROM (OLD.key, OLD.order_id, OLD.location, OLD.lines) THEN
        RAISE EXCEPTION 'a reservation is only ever released or shipped, once';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER reservations_once BEFORE UPDATE ON reservations
    FOR EACH ROW EXECUTE FUNCTION reservation_guard();
CREATE TRIGGER reservations_kept BEFORE DELETE OR TRUNCATE ON reservations
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""

# SQLSTATE HF001 is a refusal whose message is a code; HF000 never leaves these functions.
MOVES = """
CREATE FUNCTION stock_skus(lines_ jsonb) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(array_agg(l.sku ORDER BY l.sku), '{}') FROM jsonb_to_recordset(lines_) AS l (sku text)
$$;

-- what a location lacks of these lines, each SKU once
CREATE FUNCTION stock_lacking(place text, lines_ jsonb) RETURNS TABLE (sku text, quantity bigint)
LANGUAGE sql STABLE AS $$
    SELECT l.sku, l.quantity - coalesce(s.on_hand - s.reserved, 0)
      FROM jsonb_to_recordset(lines_) AS l (sku text, quantity bigint)
      LEFT JOIN stock s ON s.sku = l.sku AND s.location = place
     WHERE l.quantity > coalesce(s.on_hand - s.reserved, 0)
$$;

CREATE FUNCTION stock_lock(place text, skus_ text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM stock s WHERE s.location = place AND s.sku = ANY (skus_) ORDER BY s.sku FOR UPDATE;
END $$;

CREATE FUNCTION stock_lock_skus(skus_ text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE many bigint;
BEGIN
    PERFORM 1 FROM skus k WHERE k.sku = ANY (skus_) ORDER BY k.sku FOR NO KEY UPDATE;
    GET DIAGNOSTICS many = ROW_COUNT;
    IF many < cardinality(skus_) THEN
        RAISE EXCEPTION 'unknown_sku' USING ERRCODE = 'HF001';
    END IF;
END $$;

-- one movement a line; the caller has locked the rows, so ids are in the order of their effect
CREATE FUNCTION stock_move(kind_ text, key_ text, order_ text, place text, lines_ jsonb,
                           reason_ text DEFAULT '', by_ text DEFAULT '') RETURNS void
LANGUAGE sql AS $$
    INSERT INTO stock_movements (key, sku, location, kind, on_hand_delta, reserved_delta, order_id, reason, by)
    SELECT kind_ || '/' || key_ || '#' || l.sku, l.sku, place, kind_,
           CASE WHEN kind_ IN ('received', 'adjusted', 'restocked') THEN l.quantity
                WHEN kind_ = 'shipped' THEN -l.quantity ELSE 0 END,
           CASE WHEN kind_ = 'reserved' THEN l.quantity
                WHEN kind_ IN ('released', 'shipped') THEN -l.quantity ELSE 0 END,
           order_, reason_, by_
      FROM jsonb_to_recordset(lines_) AS l (sku text, quantity bigint) ORDER BY l.sku
$$;

CREATE FUNCTION stock_promise(order_ text, key_ text, place text, lines_ jsonb) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO reservations (key, order_id, location, state, lines)
    VALUES (key_, order_, place, 'reserved', lines_);
    PERFORM stock_move('reserved', key_, order_, place, lines_);
END $$;
"""

RESERVE = """
-- The first location that has all lines. A location that turns out short under its locks gives
-- them back at once (the inner block is rolled back): locks of two locations never pile up.
CREATE FUNCTION stock_try(order_ text, key_ text, places text[], lines_ jsonb) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE place text;
BEGIN
    FOREACH place IN ARRAY places LOOP
        CONTINUE WHEN NOT EXISTS (SELECT FROM locations l WHERE l.location = place AND l.active)
                   OR EXISTS (SELECT FROM stock_lacking(place, lines_));
        BEGIN
            PERFORM stock_lock(place, stock_skus(lines_));
            IF EXISTS (SELECT FROM stock_lacking(place, lines_)) THEN
                RAISE EXCEPTION 'gone' USING ERRCODE = 'HF000';
            END IF;
            PERFORM stock_promise(order_, key_, place, lines_);
            RETURN place;
        EXCEPTION WHEN SQLSTATE 'HF000' THEN NULL;
        END;
    END LOOP;
    RETURN NULL;
END $$;

CREATE FUNCTION stock_reserved_at(order_ text, key_ text, lines_ jsonb) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE earlier reservations;
BEGIN
    SELECT * INTO earlier FROM reservations r WHERE r.key = key_;
    IF NOT FOUND THEN
        RETURN NULL;
    ELSIF earlier.order_id <> order_ THEN
        RAISE EXCEPTION 'key_reused' USING ERRCODE = 'HF001';
    ELSIF earlier.state = 'released' THEN
        RAISE EXCEPTION 'reservation_released' USING ERRCODE = 'HF001';
    ELSIF earlier.lines <> lines_ THEN
        RAISE EXCEPTION 'key_reused' USING ERRCODE = 'HF001';
    END IF;
    RETURN earlier.location;
END $$;

-- what the location that lacks least lacks; all of it where there is no location to try
CREATE FUNCTION stock_missing(places text[], lines_ jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT coalesce((
        SELECT x.lacking FROM unnest(places) WITH ORDINALITY AS p (place, rank)
          JOIN locations l ON l.location = p.place AND l.active
         CROSS JOIN LATERAL (
            SELECT sum(m.quantity) AS units, jsonb_agg(
                       jsonb_build_object('sku', m.sku, 'quantity', m.quantity) ORDER BY m.sku) AS lacking
              FROM stock_lacking(p.place, lines_) m) x
         ORDER BY x.units, p.rank LIMIT 1), lines_)
$$;

-- Reserves at the first of `places` that has all lines, or puts the order into the queue. Its own
-- lock keeps a repeat of the same call, and a release, apart. The queue is entered under the SKUs'
-- locks and after another look, so that no goods come in unseen. Who waits keeps his place.
CREATE FUNCTION stock_reserve(order_ text, key_ text, places text[], excluded_ text[], lines_ jsonb,
                              OUT place text, OUT missing jsonb) LANGUAGE plpgsql AS $$
DECLARE skus_ text[] := stock_skus(lines_); earlier stock_waiting;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('stock/' || order_, 0));
    place := stock_reserved_at(order_, key_, lines_);
    SELECT * INTO earlier FROM stock_waiting w WHERE w.order_id = order_;
    IF place IS NULL AND earlier.key IS NULL THEN
        place := stock_try(order_, key_, places, lines_);
    ELSIF earlier.key = key_ AND earlier.lines <> lines_ THEN
        RAISE EXCEPTION 'key_reused' USING ERRCODE = 'HF001';
    END IF;
    IF place IS NOT NULL THEN
        RETURN;
    END IF;
    PERFORM stock_lock_skus(skus_);
    place := coalesce(stock_reserved_at(order_, key_, lines_), stock_try(order_, key_, places, lines_));
    IF place IS NOT NULL THEN
        DELETE FROM stock_waiting w WHERE w.order_id = order_;
        RETURN;
    END IF;
    missing := stock_missing(places, lines_);
    INSERT INTO stock_waiting (order_id, key, lines, skus, ranked, excluded)
    VALUES (order_, key_, lines_, skus_, places, excluded_)
    ON CONFLICT (order_id) DO UPDATE SET key = key_, lines = lines_, skus = skus_,
        ranked = places, excluded = excluded_;
END $$;
"""

SHARE = """
-- before stock becomes available at `place`: keeps the queue as it is, and locks all that its
-- orders may be given
CREATE FUNCTION stock_open(place text, skus_ text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE wanted text[];
BEGIN
    PERFORM stock_lock_skus(skus_);
    SELECT array_agg(DISTINCT x.sku) INTO wanted FROM (
        SELECT unnest(skus_) AS sku
        UNION SELECT unnest(w.skus) FROM stock_waiting w
         WHERE w.skus && skus_ AND place = ANY (w.ranked)) x;
    PERFORM stock_lock(place, wanted);
END $$;

-- after stock became available: whole orders, the oldest first, each with its wake-up
CREATE FUNCTION stock_share_out(place text, skus_ text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE w stock_waiting;
BEGIN
    IF NOT EXISTS (SELECT FROM locations l WHERE l.location = place AND l.active) THEN
        RETURN;
    END IF;
    FOR w IN SELECT * FROM stock_waiting q
              WHERE q.skus && skus_ AND place = ANY (q.ranked) AND place <> ALL (q.excluded)
              ORDER BY q.position LOOP
        EXIT WHEN NOT EXISTS (SELECT FROM stock s WHERE s.location = place
                                 AND s.sku = ANY (skus_) AND s.on_hand > s.reserved);
        CONTINUE WHEN EXISTS (SELECT FROM stock_lacking(place, w.lines));
        DELETE FROM stock_waiting q WHERE q.order_id = w.order_id AND q.key = w.key;
        CONTINUE WHEN NOT FOUND; -- served elsewhere or released while we waited for the row
        PERFORM stock_promise(w.order_id, w.key, place, w.lines);
        INSERT INTO inbox (source, kind, event_key, order_id, body)
        VALUES ('stock', 'stock_assigned', w.order_id || '/' || w.key, w.order_id,
                convert_to(jsonb_build_object('key', w.key, 'parts', jsonb_build_array(jsonb_build_object(
                    'location', place, 'lines', '[]'::jsonb, 'items', w.lines)))::text, 'UTF8'))
        ON CONFLICT (source, event_key) DO NOTHING;
    END LOOP;
END $$;

CREATE FUNCTION stock_release(order_ text, key_ text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE r reservations; skus_ text[];
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('stock/' || order_, 0));
    -- waits for whoever is giving stock to this order, so that the look below sees it
    DELETE FROM stock_waiting w WHERE w.order_id = order_ AND w.key = key_;
    SELECT * INTO r FROM reservations x WHERE x.key = key_;
    IF NOT FOUND THEN
        INSERT INTO reservations (key, order_id, state, lines) VALUES (key_, order_, 'released', '[]');
        RETURN;
    ELSIF r.order_id <> order_ THEN
        RAISE EXCEPTION 'key_reused' USING ERRCODE = 'HF001';
    ELSIF r.state = 'shipped' THEN
        RAISE EXCEPTION 'reservation_shipped' USING ERRCODE = 'HF001';
    ELSIF r.state = 'released' THEN
        RETURN;
    END IF;
    skus_ := stock_skus(r.lines);
    PERFORM stock_open(r.location, skus_);
    UPDATE reservations x SET state = 'released' WHERE x.key = key_;
    PERFORM stock_move('released', key_, order_, r.location, r.lines);
    PERFORM stock_share_out(r.location, skus_);
END $$;

CREATE FUNCTION stock_ship(order_ text, key_ text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE r reservations;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('stock/' || order_, 0));
    SELECT * INTO r FROM reservations x WHERE x.key = key_;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'reservation_unknown' USING ERRCODE = 'HF001';
    ELSIF r.order_id <> order_ THEN
        RAISE EXCEPTION 'key_reused' USING ERRCODE = 'HF001';
    ELSIF r.state = 'released' THEN
        RAISE EXCEPTION 'reservation_released' USING ERRCODE = 'HF001';
    ELSIF r.state = 'shipped' THEN
        RETURN;
    END IF;
    PERFORM stock_lock(r.location, stock_skus(r.lines));
    UPDATE reservations x SET state = 'shipped' WHERE x.key = key_;
    PERFORM stock_move('shipped', key_, order_, r.location, r.lines);
END $$;

-- received, adjusted or restocked, once a key; answers with the levels at `place` afterwards
CREATE FUNCTION stock_change(kind_ text, key_ text, order_ text, place text, lines_ jsonb,
                             reason_ text, by_ text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    skus_ text[] := stock_skus(lines_);
    asked jsonb := jsonb_build_object('kind', kind_, 'order_id', order_, 'location', place,
                                      'lines', lines_, 'reason', reason_);
    known stock_changes;
    result jsonb;
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
    PERFORM stock_open(place, skus_);
    IF EXISTS (SELECT FROM jsonb_to_recordset(lines_) AS l (sku text, quantity bigint)
                 LEFT JOIN stock s ON s.sku = l.sku AND s.location = place
                WHERE l.quantity < 0 AND coalesce(s.on_hand - s.reserved, 0) + l.quantity < 0) THEN
        RAISE EXCEPTION 'below_reserved' USING ERRCODE = 'HF001';
    END IF;
    PERFORM stock_move(kind_, key_, order_, place, lines_, reason_, by_);
    PERFORM stock_share_out(place, skus_);
    SELECT jsonb_agg(to_jsonb(s) ORDER BY s.sku) INTO result FROM stock s
     WHERE s.location = place AND s.sku = ANY (skus_);
    INSERT INTO stock_changes (key, change, answer) VALUES (key_, asked, result);
    RETURN result;
END $$;
"""


def upgrade() -> None:
    for part in (TABLES, LEDGER, MOVES, RESERVE, SHARE):
        op.execute(part)


def downgrade() -> None:
    op.execute(
        "DROP FUNCTION stock_change, stock_ship, stock_release, stock_share_out, stock_open, "
        "stock_reserve, stock_missing, stock_reserved_at, stock_try, stock_promise, stock_move, "
        "stock_lock_skus, stock_lock, stock_lacking, stock_skus"
    )
    op.execute("DROP TABLE stock, stock_movements, reservations, stock_waiting, stock_changes")
    op.execute("DROP FUNCTION stock_fold, stock_guard, reservation_guard")
