-- A purchase order brings goods from outside to `destination`, a transfer from `origin`. What a line
-- still lacks is `incoming` at the destination: of a purchase order while it is open, of a transfer
-- from its dispatch, when the goods left the source. Line by line: `quantity` was asked for,
-- `received` may become more.
CREATE TABLE supplies (
    supply_id text PRIMARY KEY,
    number bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    kind text NOT NULL CHECK (kind IN ('purchase_order', 'transfer')),
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'dispatched', 'closed', 'cancelled')),
    origin text REFERENCES locations,
    destination text NOT NULL REFERENCES locations,
    reference text NOT NULL DEFAULT '',
    at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT supplies_origin CHECK ((kind = 'transfer') = (origin IS NOT NULL) AND origin <> destination),
    CONSTRAINT supplies_dispatched CHECK (kind = 'transfer' OR state <> 'dispatched')
);
CREATE INDEX supplies_by_kind ON supplies (kind, number);

CREATE TABLE supply_lines (
    supply_id text NOT NULL REFERENCES supplies,
    line integer NOT NULL CHECK (line > 0),
    sku text NOT NULL REFERENCES skus,
    quantity bigint NOT NULL CHECK (quantity > 0),
    expected_on date NOT NULL,
    received bigint NOT NULL DEFAULT 0 CHECK (received >= 0),
    PRIMARY KEY (supply_id, line)
);
CREATE INDEX supply_lines_awaited ON supply_lines (sku) WHERE received < quantity;

-- what was done to a document, once a key, by whom and why, and what was answered
CREATE TABLE supply_deeds (
    key text PRIMARY KEY,
    id bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    supply_id text NOT NULL REFERENCES supplies,
    deed text NOT NULL CHECK (deed IN
        ('opened', 'dispatched', 'received', 'rescheduled', 'closed', 'cancelled')),
    asked jsonb NOT NULL,
    answer jsonb NOT NULL,
    reason text NOT NULL DEFAULT '',
    by text NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX supply_deeds_by_supply ON supply_deeds (supply_id, id);
CREATE TRIGGER supply_deeds_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON supply_deeds
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE stock_counts (
    count_id text PRIMARY KEY,
    number bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    key text NOT NULL UNIQUE,
    location text NOT NULL REFERENCES locations,
    asked jsonb NOT NULL,
    reason text NOT NULL DEFAULT '',
    by text NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);
CREATE TRIGGER stock_counts_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON stock_counts
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE stock_count_lines (
    count_id text NOT NULL REFERENCES stock_counts,
    sku text NOT NULL REFERENCES skus,
    counted bigint NOT NULL CHECK (counted >= 0),
    recorded bigint NOT NULL CHECK (recorded >= 0),
    PRIMARY KEY (count_id, sku)
);
CREATE TRIGGER stock_count_lines_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON stock_count_lines
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Where what came or was counted is not what was said. `cause` is the document; `quantity` is how
-- much more (above 0) or less there is, of damaged goods how many came damaged.
CREATE TABLE stock_discrepancies (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    cause text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('over', 'short', 'damaged', 'counted')),
    sku text NOT NULL,
    location text NOT NULL,
    quantity bigint NOT NULL CHECK (CASE kind WHEN 'short' THEN quantity < 0
        WHEN 'counted' THEN quantity <> 0 ELSE quantity > 0 END),
    reason text NOT NULL DEFAULT '',
    by text NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX stock_discrepancies_by_cause ON stock_discrepancies (cause);
CREATE TRIGGER stock_discrepancies_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON stock_discrepancies
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
