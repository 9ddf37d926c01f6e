CREATE TABLE fulfilments (
    order_id text NOT NULL REFERENCES orders,
    number integer NOT NULL,
    reference text NOT NULL UNIQUE,
    location text NOT NULL,
    status text NOT NULL CHECK (status IN ('planned', 'requested', 'accepted', 'rejected',
        'packed', 'labelled', 'handed_over', 'delivered', 'undelivered', 'recalled')),
    reason text NOT NULL DEFAULT '',
    lines jsonb NOT NULL,
    wait jsonb,
    PRIMARY KEY (order_id, number)
);

CREATE TABLE parcels (
    parcel_id text PRIMARY KEY,
    order_id text NOT NULL,
    number integer NOT NULL,
    weight_g integer NOT NULL,
    length_mm integer NOT NULL,
    width_mm integer NOT NULL,
    height_mm integer NOT NULL,
    course text NOT NULL,
    -- the course that the workflow was told
    signalled_course text NOT NULL DEFAULT 'expected',
    FOREIGN KEY (order_id, number) REFERENCES fulfilments
);
CREATE INDEX parcels_by_order ON parcels (order_id);

CREATE TABLE labels (
    shipment_ref text PRIMARY KEY,
    parcel_id text NOT NULL REFERENCES parcels,
    carrier text NOT NULL,
    tracking_number text NOT NULL,
    label_url text NOT NULL,
    tracking_url text NOT NULL DEFAULT '',
    cost_minor bigint NOT NULL,
    currency text NOT NULL,
    exponent smallint NOT NULL,
    voided boolean NOT NULL DEFAULT false,
    -- the carrier will not void it, and an operator went on without it
    given_up boolean NOT NULL DEFAULT false
);
CREATE UNIQUE INDEX labels_one_live ON labels (parcel_id) WHERE NOT voided AND NOT given_up;
CREATE INDEX labels_by_parcel ON labels (parcel_id);
CREATE INDEX labels_by_tracking ON labels (tracking_number text_pattern_ops);

CREATE TABLE scans (
    carrier text NOT NULL,
    tracking_number text NOT NULL,
    scan_key text NOT NULL,
    course text NOT NULL,
    carrier_status text NOT NULL,
    message text NOT NULL DEFAULT '',
    place text NOT NULL DEFAULT '',
    claimed_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (carrier, tracking_number, scan_key)
);
CREATE INDEX scans_by_parcel ON scans (tracking_number, course, claimed_at);

CREATE TABLE returns (
    return_id text PRIMARY KEY,
    order_id text NOT NULL REFERENCES orders,
    location text NOT NULL DEFAULT '',
    seq integer NOT NULL DEFAULT 0,
    status text NOT NULL DEFAULT 'requested' CHECK (status IN
        ('requested', 'received', 'inspected', 'refunded', 'closed', 'cancelled')),
    lines jsonb NOT NULL,
    inspected jsonb NOT NULL DEFAULT '[]',
    attention text NOT NULL DEFAULT '',
    wait_owner text,
    wait_what text,
    wait_since timestamptz,
    wait_deadline timestamptz,
    wait_next text NOT NULL DEFAULT '',
    requested_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX returns_by_order ON returns (order_id);
CREATE INDEX returns_by_wait ON returns (wait_owner) WHERE wait_owner IS NOT NULL;

CREATE TABLE money (
    key text PRIMARY KEY,
    order_id text NOT NULL REFERENCES orders,
    return_id text,
    kind text NOT NULL CHECK (kind IN ('authorised', 'captured', 'refunded', 'owed')),
    amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
    currency text NOT NULL,
    exponent smallint NOT NULL,
    ref text NOT NULL DEFAULT '',
    at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX money_by_order ON money (order_id);
-- an order is captured once
CREATE UNIQUE INDEX money_captured_once ON money (order_id) WHERE kind = 'captured';
