"""What channels may sell: their rules, and the numbers last found with the version of each.

Nothing here is written where stock is reserved: the ledger itself says which SKUs moved, and the
queue is compared with what it was. Only what changes seldom leaves a mark, by trigger.
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLES = """
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
"""

MARKS = """
CREATE FUNCTION channel_stock_mark() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO channel_stock_marks (sku) VALUES (
        CASE TG_TABLE_NAME WHEN 'skus' THEN to_jsonb(NEW) ->> 'sku'
                           WHEN 'bundle_components' THEN to_jsonb(coalesce(NEW, OLD)) ->> 'bundle' END);
    RETURN NULL;
END $$;
CREATE TRIGGER skus_mark_new AFTER INSERT ON skus
    FOR EACH ROW EXECUTE FUNCTION channel_stock_mark();
CREATE TRIGGER skus_mark_changed AFTER UPDATE OF backorder_max ON skus
    FOR EACH ROW WHEN (OLD.backorder_max <> NEW.backorder_max) EXECUTE FUNCTION channel_stock_mark();
CREATE TRIGGER locations_mark_changed AFTER UPDATE OF active ON locations
    FOR EACH ROW WHEN (OLD.active <> NEW.active) EXECUTE FUNCTION channel_stock_mark();
CREATE TRIGGER bundle_components_mark AFTER INSERT OR UPDATE OR DELETE ON bundle_components
    FOR EACH ROW EXECUTE FUNCTION channel_stock_mark();
CREATE TRIGGER selling_rules_mark AFTER INSERT ON selling_rules
    FOR EACH STATEMENT EXECUTE FUNCTION channel_stock_mark();
"""


def upgrade() -> None:
    for part in (TABLES, MARKS):
        op.execute(part)


def downgrade() -> None:
    op.execute("DROP TABLE selling_rules")
    op.execute("DROP TRIGGER bundle_components_mark ON bundle_components")
    op.execute("DROP TRIGGER locations_mark_changed ON locations")
    op.execute("DROP TRIGGER skus_mark_changed ON skus")
    op.execute("DROP TRIGGER skus_mark_new ON skus")
    op.execute("DROP FUNCTION channel_stock_mark")
    op.execute(
        "DROP TABLE channel_stock, channel_stock_marks, channel_stock_waiting, "
        "channel_stock_progress"
    )
