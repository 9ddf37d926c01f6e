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
    CONSTRAINT stock_reserved_not_negative CHECK (reserved >= 0),
    CONSTRAINT stock_damaged_not_negative CHECK (damaged >= 0),
    CONSTRAINT stock_safety_not_negative CHECK (safety_stock >= 0),
    CONSTRAINT stock_incoming_not_negative CHECK (incoming >= 0),
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
    CONSTRAINT stock_movements_kind CHECK (CASE kind
        WHEN 'received' THEN on_hand_delta > 0
        WHEN 'restocked' THEN on_hand_delta > 0
        WHEN 'transferred_in' THEN on_hand_delta > 0
        WHEN 'transferred_out' THEN on_hand_delta < 0
        WHEN 'adjusted' THEN on_hand_delta <> 0
        WHEN 'counted' THEN true -- a count that agrees is kept as well
        WHEN 'reserved' THEN reserved_delta > 0
        WHEN 'released' THEN reserved_delta < 0
        WHEN 'shipped' THEN on_hand_delta < 0 AND reserved_delta = on_hand_delta
        WHEN 'damaged' THEN damaged_delta <> 0
        WHEN 'safety' THEN safety_delta <> 0
        WHEN 'expected' THEN incoming_delta > 0
        WHEN 'unexpected' THEN incoming_delta < 0
        ELSE false END),
    -- no kind moves a counter that is none of its own
    CONSTRAINT stock_movements_on_hand CHECK (on_hand_delta = 0 OR kind IN
        ('received', 'restocked', 'transferred_in', 'transferred_out', 'adjusted', 'counted', 'shipped')),
    CONSTRAINT stock_movements_reserved CHECK (reserved_delta = 0 OR kind IN
        ('reserved', 'released', 'shipped')),
    CONSTRAINT stock_movements_damaged CHECK (damaged_delta = 0 OR kind = 'damaged'
        OR (kind IN ('received', 'restocked', 'transferred_in')
            AND damaged_delta BETWEEN 0 AND on_hand_delta)
        OR (kind = 'adjusted' AND damaged_delta BETWEEN on_hand_delta AND 0)),
    CONSTRAINT stock_movements_safety CHECK (safety_delta = 0 OR kind = 'safety'),
    CONSTRAINT stock_movements_incoming CHECK (incoming_delta = 0 OR kind IN ('expected', 'unexpected')
        OR (kind IN ('received', 'transferred_in') AND incoming_delta BETWEEN -on_hand_delta AND 0)),
    CONSTRAINT stock_movements_order CHECK (order_id IS NOT NULL
        OR kind NOT IN ('reserved', 'released', 'shipped', 'restocked'))
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
    state text NOT NULL CHECK (state IN ('reserved', 'released', 'shipped')),
    lines jsonb NOT NULL,
    items jsonb NOT NULL,
    expires_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT reservations_key CHECK (key = CASE part WHEN 0 THEN base ELSE base || '/' || part END),
    CONSTRAINT reservations_somewhere CHECK (
        CASE part WHEN 0 THEN location IS NULL AND state = 'released' AND items = '[]'
                  ELSE location IS NOT NULL AND items <> '[]' END)
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
