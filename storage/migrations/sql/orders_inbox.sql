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
