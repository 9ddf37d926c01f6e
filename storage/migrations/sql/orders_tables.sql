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
