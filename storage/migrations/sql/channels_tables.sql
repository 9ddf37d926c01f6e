-- a version is never changed; the highest counts
CREATE TABLE selling_rules (
    channel text NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    rules jsonb NOT NULL,
    by text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (channel, version)
);
CREATE TRIGGER selling_rules_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON selling_rules
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- `version` is higher than every one before whenever `quantity` is another; one process at a time
-- gives them out, so that a higher one is never seen before a lower one
CREATE TABLE channel_stock (
    channel text NOT NULL,
    sku text NOT NULL,
    quantity bigint NOT NULL CHECK (quantity >= 0),
    version bigint NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (channel, sku)
);
CREATE UNIQUE INDEX channel_stock_by_version ON channel_stock (channel, version);

-- SKUs whose number may be another since it was worked out; no SKU means all of them
CREATE TABLE channel_stock_marks (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sku text
);
INSERT INTO channel_stock_marks DEFAULT VALUES;

-- what the queue wanted of each SKU when the numbers were worked out
CREATE TABLE channel_stock_waiting (
    sku text PRIMARY KEY,
    quantity bigint NOT NULL
);

-- How far the ledger was read. A movement becomes visible when its transaction ends, and that is
-- not in the order of ids: so the next look begins again at `seen_to`, and `looked_to` becomes the
-- new `seen_to` only when every transaction before `looked_before` (a transaction id) has ended.
-- `channels` are those that the numbers were worked out for: another one needs all of them.
CREATE TABLE channel_stock_progress (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    seen_to bigint NOT NULL DEFAULT 0,
    looked_to bigint NOT NULL DEFAULT 0,
    looked_before bigint NOT NULL DEFAULT 0,
    version bigint NOT NULL DEFAULT 0,
    channels text[] NOT NULL DEFAULT '{}'
);
INSERT INTO channel_stock_progress DEFAULT VALUES;
