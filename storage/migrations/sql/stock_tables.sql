-- A table's checks are read anew for each statement that writes it, and the longer they are the longer
-- that takes: a third of a reservation's time. What needs many words is a function, compiled once.

-- whether a movement of this kind may move the counters so: no kind moves one that is none of its own
CREATE FUNCTION stock_movement_fits(kind text, on_hand bigint, reserved bigint, damaged bigint, safety bigint,
                                    incoming bigint, order_ text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    CASE kind
        WHEN 'reserved' THEN
            RETURN reserved > 0 AND order_ IS NOT NULL AND (on_hand, damaged, safety, incoming) = (0, 0, 0, 0);
        WHEN 'shipped' THEN
            RETURN on_hand < 0 AND reserved = on_hand AND order_ IS NOT NULL AND (damaged, safety, incoming) = (0, 0, 0);
        WHEN 'released' THEN
            RETURN reserved < 0 AND order_ IS NOT NULL AND (on_hand, damaged, safety, incoming) = (0, 0, 0, 0);
        WHEN 'received', 'transferred_in' THEN
            RETURN on_hand > 0 AND damaged BETWEEN 0 AND on_hand AND incoming BETWEEN -on_hand AND 0
                AND (reserved, safety) = (0, 0);
        WHEN 'restocked' THEN
            RETURN on_hand > 0 AND damaged BETWEEN 0 AND on_hand AND order_ IS NOT NULL
                AND (reserved, safety, incoming) = (0, 0, 0);
        WHEN 'transferred_out' THEN
            RETURN on_hand < 0 AND (reserved, damaged, safety, incoming) = (0, 0, 0, 0);
        WHEN 'adjusted' THEN
            RETURN on_hand <> 0 AND damaged BETWEEN least(on_hand, 0) AND 0 AND (reserved, safety, incoming) = (0, 0, 0);
        WHEN 'counted' THEN -- a count that agrees is kept as well
            RETURN (reserved, damaged, safety, incoming) = (0, 0, 0, 0);
        WHEN 'damaged' THEN
            RETURN damaged <> 0 AND (on_hand, reserved, safety, incoming) = (0, 0, 0, 0);
        WHEN 'safety' THEN
            RETURN safety <> 0 AND (on_hand, reserved, damaged, incoming) = (0, 0, 0, 0);
        WHEN 'expected' THEN
            RETURN incoming > 0 AND (on_hand, reserved, damaged, safety) = (0, 0, 0, 0);
        WHEN 'unexpected' THEN
            RETURN incoming < 0 AND (on_hand, reserved, damaged, safety) = (0, 0, 0, 0);
        ELSE
            RETURN false;
    END CASE;
END $$;

-- whether a part of a reservation is one, or the mark of a key that nothing may be reserved under
CREATE FUNCTION reservation_fits(key text, base text, part integer, location text, state text, items jsonb)
RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF part = 0 THEN
        RETURN key = base AND location IS NULL AND state = 'released' AND items = '[]';
    END IF;
    RETURN key = base || '/' || part AND location IS NOT NULL AND items <> '[]'
        AND state IN ('reserved', 'released', 'shipped');
END $$;

-- `safety_stock` is a target: it holds back at most what is there.
CREATE TABLE stock (
    sku text NOT NULL REFERENCES skus,
    location text NOT NULL REFERENCES locations,
    on_hand bigint NOT NULL DEFAULT 0,
    reserved bigint NOT NULL DEFAULT 0,
    damaged bigint NOT NULL DEFAULT 0,
    safety_stock bigint NOT NULL DEFAULT 0,
    incoming bigint NOT NULL DEFAULT 0,
    available bigint NOT NULL GENERATED ALWAYS AS
        (GREATEST(on_hand - reserved - damaged - safety_stock, 0)) STORED,
    PRIMARY KEY (sku, location),
    CONSTRAINT stock_not_negative CHECK (least(reserved, damaged, safety_stock, incoming) >= 0),
    CONSTRAINT stock_covers_reserved CHECK (on_hand >= reserved + damaged)
) WITH (fillfactor = 70);
CREATE INDEX stock_by_location ON stock (location, sku);

CREATE TABLE stock_movements (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key text NOT NULL,
    sku text NOT NULL,
    location text NOT NULL,
    kind text NOT NULL,
    on_hand_delta bigint NOT NULL DEFAULT 0,
    reserved_delta bigint NOT NULL DEFAULT 0,
    damaged_delta bigint NOT NULL DEFAULT 0,
    safety_delta bigint NOT NULL DEFAULT 0,
    incoming_delta bigint NOT NULL DEFAULT 0,
    order_id text,
    reason text NOT NULL DEFAULT '',
    by text NOT NULL DEFAULT '',
    at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (key, sku), -- a key ends in its SKU, and both may hold a '#'
    CONSTRAINT stock_movements_fit CHECK (stock_movement_fits(kind, on_hand_delta, reserved_delta,
        damaged_delta, safety_delta, incoming_delta, order_id))
);
CREATE INDEX stock_movements_by_sku ON stock_movements (sku, location, id);
CREATE INDEX stock_movements_by_order ON stock_movements (order_id) WHERE order_id IS NOT NULL;

-- One row a part. Part 0 is a key that was released before anything was reserved, and never may be.
-- No foreign key to `locations`: every reservation would lock the same few rows.
CREATE TABLE reservations (
    key text PRIMARY KEY,
    base text NOT NULL,
    part integer NOT NULL,
    order_id text NOT NULL,
    location text,
    state text NOT NULL,
    lines jsonb NOT NULL,
    items jsonb NOT NULL,
    expires_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT reservations_fit CHECK (reservation_fits(key, base, part, location, state, items))
);
CREATE INDEX reservations_by_base ON reservations (base);
CREATE INDEX reservations_by_order ON reservations (order_id);
CREATE INDEX reservations_expiring ON reservations (expires_at)
    WHERE state = 'reserved' AND expires_at IS NOT NULL;

-- The queue for goods to come: a greater priority is served first, then who came first, which is by
-- `since`, when the order was sourced for the first time, and then by `position`. `ranked`
-- are the locations that may serve, the best first, as it was at `sourced_at`; `split_at` are all
-- that may ship a part, where sourcing may find a split that the queue does not, and `full_at` those
-- that took on no more that day. `skus` are those of `items`, for the index. Who shall be sourced
-- again as soon as may be was last sourced at '-infinity'.
CREATE TABLE stock_waiting (
    key text PRIMARY KEY,
    order_id text NOT NULL,
    lines jsonb NOT NULL,
    items jsonb NOT NULL,
    skus text[] NOT NULL,
    ranked text[] NOT NULL,
    split_at text[] NOT NULL DEFAULT '{}',
    full_at text[] NOT NULL DEFAULT '{}',
    parts_max integer NOT NULL DEFAULT 1 CHECK (parts_max > 0),
    priority integer NOT NULL DEFAULT 0,
    position bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    since timestamptz NOT NULL DEFAULT now(),
    sourced_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX stock_waiting_by_sku ON stock_waiting USING gin (skus);
CREATE INDEX stock_waiting_by_order ON stock_waiting (order_id);

-- what was booked under a key and what was answered
CREATE TABLE stock_changes (
    key text PRIMARY KEY,
    change jsonb NOT NULL,
    answer jsonb NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);

-- a bundle is sold as one and picked as its components; it has no stock of its own
CREATE TABLE bundle_components (
    bundle text NOT NULL REFERENCES skus,
    component text NOT NULL REFERENCES skus,
    quantity bigint NOT NULL CHECK (quantity > 0),
    PRIMARY KEY (bundle, component),
    CONSTRAINT bundle_components_other CHECK (bundle <> component)
);
CREATE INDEX bundle_components_by_component ON bundle_components (component);
