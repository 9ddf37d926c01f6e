"""Orders, their journal, fulfilments, parcels, returns, money; inbox, effects, tasks, keys."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
CREATE EXTENSION IF NOT EXISTS pg_trgm;

CREATE TABLE channels (
    channel text PRIMARY KEY CHECK (channel ~ '^[a-z0-9]+$'),
    kind text NOT NULL,
    name text NOT NULL
);

CREATE TABLE locations (
    location text PRIMARY KEY CHECK (location ~ '^[a-z0-9-]+$'),
    name text NOT NULL,
    country text NOT NULL CHECK (length(country) = 2),
    timezone text NOT NULL,
    address jsonb NOT NULL,
    active boolean NOT NULL DEFAULT true
);

CREATE TABLE skus (
    sku text PRIMARY KEY CHECK (sku <> ''),
    title text NOT NULL,
    weight_g integer NOT NULL DEFAULT 0 CHECK (weight_g >= 0),
    hs_code text,
    origin_country text
);

CREATE TABLE orders (
    order_id text PRIMARY KEY CHECK (length(order_id) <= 200),
    channel text NOT NULL,
    channel_order_id text NOT NULL,
    number text NOT NULL,
    placed_at timestamptz NOT NULL,
    channel_updated_at timestamptz,
    received_at timestamptz NOT NULL DEFAULT now(),
    email text NOT NULL DEFAULT '',
    phone text NOT NULL DEFAULT '',
    note text NOT NULL DEFAULT '',
    currency text NOT NULL,
    totals jsonb NOT NULL,
    presentment_total jsonb,
    payment text NOT NULL CHECK (payment IN ('pending', 'authorised', 'paid')),
    channel_cancelled boolean NOT NULL DEFAULT false,
    channel_cancel_reason text NOT NULL DEFAULT '',
    -- the order as it first came, in our own form
    document jsonb NOT NULL,
    track_token text NOT NULL UNIQUE,
    -- what the workflow says of itself
    seq integer NOT NULL DEFAULT 0,
    status text NOT NULL DEFAULT 'received' CHECK (status IN ('received', 'validated', 'reserved',
        'fulfilling', 'partly_shipped', 'shipped', 'delivered', 'undelivered', 'closed',
        'cancelling', 'cancelled')),
    address_version integer NOT NULL DEFAULT 1,
    attention text NOT NULL DEFAULT '',
    holds jsonb NOT NULL DEFAULT '[]',
    cancelled_lines jsonb NOT NULL DEFAULT '[]',
    wait_owner text,
    wait_what text,
    wait_since timestamptz,
    wait_deadline timestamptz,
    wait_next text NOT NULL DEFAULT '',
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (channel, channel_order_id)
);
CREATE INDEX orders_by_time ON orders (placed_at DESC, order_id DESC);
CREATE INDEX orders_by_status ON orders (status, placed_at DESC, order_id DESC);
CREATE INDEX orders_by_wait ON orders (wait_owner, placed_at DESC, order_id DESC)
    WHERE wait_owner IS NOT NULL;

-- apart from orders, whose rows change some ten times: the words change with an address alone
CREATE TABLE order_words (
    order_id text PRIMARY KEY REFERENCES orders,
    words text NOT NULL
);
CREATE INDEX order_words_any_part ON order_words USING gin (words gin_trgm_ops);

CREATE TABLE order_lines (
    order_id text NOT NULL REFERENCES orders,
    line_no integer NOT NULL,
    line_id text NOT NULL,
    sku text NOT NULL,
    title text NOT NULL,
    quantity bigint NOT NULL,
    unit_price_minor bigint NOT NULL,
    discount_minor bigint NOT NULL,
    tax_minor bigint NOT NULL,
    currency text NOT NULL,
    exponent smallint NOT NULL,
    PRIMARY KEY (order_id, line_no),
    UNIQUE (order_id, line_id)
);
CREATE INDEX order_lines_by_sku ON order_lines (sku);

CREATE TABLE addresses (
    order_id text NOT NULL REFERENCES orders,
    version integer NOT NULL CHECK (version > 0),
    source text NOT NULL CHECK (source IN ('channel', 'normalised', 'operator')),
    based_on integer,
    address jsonb NOT NULL,
    by text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (order_id, version)
);

-- what a later word of the channel changed: the same event gets the same answer again
CREATE TABLE channel_changes (
    order_id text NOT NULL REFERENCES orders,
    event text NOT NULL,
    changes jsonb NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (order_id, event)
);

CREATE TABLE verdicts (
    order_id text NOT NULL,
    address_version integer NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('accepted', 'normalised', 'problems')),
    address_problems jsonb NOT NULL,
    data_problems jsonb NOT NULL,
    checked_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (order_id, address_version),
    FOREIGN KEY (order_id, address_version) REFERENCES addresses
);

CREATE TABLE retrying (
    workflow_id text NOT NULL,
    step text NOT NULL,
    deed text NOT NULL,
    owner text NOT NULL,
    code text NOT NULL,
    since timestamptz NOT NULL DEFAULT now(),
    attempt integer NOT NULL,
    PRIMARY KEY (workflow_id, step, deed)
);

CREATE TABLE journal (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id text NOT NULL REFERENCES orders,
    return_id text,
    seq integer NOT NULL,
    entry integer NOT NULL,
    at timestamptz NOT NULL,
    by text NOT NULL,
    code text NOT NULL,
    why text NOT NULL DEFAULT '',
    command_id text NOT NULL DEFAULT '',
    data jsonb NOT NULL DEFAULT '{}'
);
-- a workflow task that is lost after its write is done anew, under a higher seq: `entry` counts the
-- lines of one code and command, so that what it says again is known
CREATE UNIQUE INDEX journal_once
    ON journal (order_id, coalesce(return_id, ''), code, command_id, entry) WHERE seq > 0;
-- lines that no workflow wrote
CREATE UNIQUE INDEX journal_apart_once ON journal (order_id, code, command_id) WHERE seq = 0;
CREATE INDEX journal_by_order ON journal (order_id, id);

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

CREATE TABLE inbox (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    source text NOT NULL,
    kind text NOT NULL,
    event_key text NOT NULL,
    order_id text,
    by text NOT NULL DEFAULT '',
    body bytea NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    attempts integer NOT NULL DEFAULT 0,
    last_error text NOT NULL DEFAULT '',
    not_before timestamptz NOT NULL DEFAULT now(),
    delivered_at timestamptz,
    parked_at timestamptz,
    settled_at timestamptz,
    refused text NOT NULL DEFAULT '',
    UNIQUE (source, event_key)
);
CREATE INDEX inbox_undelivered ON inbox (order_id, id)
    WHERE delivered_at IS NULL AND parked_at IS NULL;

CREATE TABLE deliveries (
    order_id text PRIMARY KEY,
    token uuid,
    leased_until timestamptz
);

CREATE TABLE idempotency (
    key text PRIMARY KEY,
    request_hash bytea NOT NULL,
    status integer,
    answer jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- whoever began it is given up after that
    busy_until timestamptz NOT NULL
);

CREATE TABLE effects (
    key text PRIMARY KEY,
    system text NOT NULL,
    fence bigint NOT NULL,
    state text NOT NULL CHECK (state IN ('intended', 'done', 'unknown', 'withdrawn')),
    outside_ref text,
    call_until timestamptz,
    result jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE tasks (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    kind text NOT NULL,
    key text NOT NULL UNIQUE,
    order_id text,
    inbox_id uuid REFERENCES inbox,
    message text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    done_at timestamptz,
    done_by text NOT NULL DEFAULT ''
);

CREATE TABLE api_keys (
    key_id text PRIMARY KEY,
    name text NOT NULL,
    hash bytea NOT NULL UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz
);
"""

GUARDS = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END $$;

CREATE TRIGGER journal_append_only BEFORE UPDATE OR DELETE ON journal
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER money_append_only BEFORE UPDATE OR DELETE ON money
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER addresses_append_only BEFORE UPDATE OR DELETE ON addresses
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- refunds never exceed what was captured
CREATE FUNCTION money_within_captured() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE captured bigint; refunded bigint;
BEGIN
    PERFORM 1 FROM orders WHERE order_id = NEW.order_id FOR NO KEY UPDATE;
    SELECT coalesce(sum(amount_minor) FILTER (WHERE kind = 'captured'), 0),
           coalesce(sum(amount_minor) FILTER (WHERE kind = 'refunded'), 0)
      INTO captured, refunded FROM money WHERE order_id = NEW.order_id;
    IF refunded > captured THEN
        RAISE EXCEPTION 'refunds % exceed captured %', refunded, captured
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER money_refunds AFTER INSERT ON money
    FOR EACH ROW WHEN (NEW.kind = 'refunded') EXECUTE FUNCTION money_within_captured();
"""


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(GUARDS)


def downgrade() -> None:
    op.execute(
        "DROP TABLE channels, locations, skus, orders, order_words, order_lines, addresses, "
        "channel_changes, verdicts, retrying, journal, fulfilments, parcels, labels, scans, "
        "returns, money, inbox, deliveries, idempotency, effects, tasks, api_keys CASCADE"
    )
    op.execute("DROP FUNCTION refuse_change, money_within_captured")
