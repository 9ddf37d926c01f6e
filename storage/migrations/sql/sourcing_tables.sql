ALTER TABLE locations
    ADD COLUMN serves text[] NOT NULL DEFAULT '{}',
    ADD COLUMN hazmat boolean NOT NULL DEFAULT true,
    ADD COLUMN parcel_weight_max_g integer CHECK (parcel_weight_max_g > 0),
    ADD COLUMN capacity_per_day integer CHECK (capacity_per_day >= 0),
    ADD COLUMN cost_minor bigint NOT NULL DEFAULT 0 CHECK (cost_minor >= 0),
    ADD COLUMN cut_off time NOT NULL DEFAULT '14:00',
    ADD COLUMN handling_days smallint NOT NULL DEFAULT 0 CHECK (handling_days >= 0),
    ADD COLUMN weekdays smallint[] NOT NULL DEFAULT '{1,2,3,4,5}'
        CHECK (cardinality(weekdays) > 0 AND weekdays <@ '{1,2,3,4,5,6,7}'),
    ADD COLUMN holidays date[] NOT NULL DEFAULT '{}',
    ADD COLUMN changed_at timestamptz NOT NULL DEFAULT clock_timestamp();
ALTER TABLE skus
    ADD COLUMN hazmat boolean NOT NULL DEFAULT false,
    ADD COLUMN backorder_max bigint NOT NULL DEFAULT 0 CHECK (backorder_max >= 0),
    ADD COLUMN changed_at timestamptz;

CREATE FUNCTION sourcing_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.changed_at := clock_timestamp();
    RETURN NEW;
END $$;
CREATE TRIGGER locations_changed BEFORE UPDATE ON locations
    FOR EACH ROW EXECUTE FUNCTION sourcing_changed();

-- Who may ship a SKU, and in how heavy a parcel. Sourcing knew nothing of one that is new.
CREATE TRIGGER skus_changed BEFORE UPDATE ON skus
    FOR EACH ROW WHEN ((OLD.hazmat, OLD.weight_g) IS DISTINCT FROM (NEW.hazmat, NEW.weight_g))
    EXECUTE FUNCTION sourcing_changed();

-- a set is never changed: another one is drafted and activated, and an earlier one may come back
CREATE TABLE sourcing_rules (
    version integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    state text NOT NULL DEFAULT 'draft' CHECK (state IN ('draft', 'active', 'retired')),
    document jsonb NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    activated_by text,
    activated_at timestamptz,
    CONSTRAINT sourcing_rules_activated CHECK (
        (state = 'draft') = (activated_at IS NULL) AND (activated_by IS NULL) = (activated_at IS NULL))
);
CREATE UNIQUE INDEX sourcing_rules_one_active ON sourcing_rules (state) WHERE state = 'active';

CREATE FUNCTION sourcing_rules_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.version, NEW.name, NEW.document, NEW.created_by, NEW.created_at) IS DISTINCT FROM
            (OLD.version, OLD.name, OLD.document, OLD.created_by, OLD.created_at) OR NEW.state = 'draft' THEN
        RAISE EXCEPTION 'a rule set is only ever activated or retired';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER sourcing_rules_fixed BEFORE UPDATE ON sourcing_rules
    FOR EACH ROW EXECUTE FUNCTION sourcing_rules_guard();
CREATE TRIGGER sourcing_rules_kept BEFORE DELETE OR TRUNCATE ON sourcing_rules
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- at the end of a transaction there is always one to source by
CREATE FUNCTION sourcing_rules_active() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM sourcing_rules r WHERE r.state = 'active') THEN
        RAISE EXCEPTION 'one rule set must be active';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER sourcing_rules_never_none AFTER UPDATE ON sourcing_rules
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION sourcing_rules_active();

-- The one that was active retires; what is active already stays as it is. False: no such version.
CREATE FUNCTION sourcing_activate(version_ integer, by_ text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('sourcing_rules', 0));
    IF NOT EXISTS (SELECT FROM sourcing_rules r WHERE r.version = version_) THEN
        RETURN false;
    END IF;
    UPDATE sourcing_rules r SET state = 'retired' WHERE r.state = 'active' AND r.version <> version_;
    UPDATE sourcing_rules r SET state = 'active', activated_by = by_, activated_at = now()
     WHERE r.version = version_ AND r.state <> 'active';
    RETURN true;
END $$;

-- `facts` is the case without its rules: what was seen, so that it can be decided anew. What the queue
-- gave is `assigned`: its `decision` is the parts alone and what brought the goods.
CREATE TABLE sourcing_decisions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id text NOT NULL,
    key text NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('reserved', 'waiting', 'assigned')),
    rules_version integer NOT NULL REFERENCES sourcing_rules,
    decision jsonb NOT NULL,
    facts jsonb NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX sourcing_decisions_once ON sourcing_decisions (key) WHERE outcome <> 'waiting';
CREATE INDEX sourcing_decisions_by_key ON sourcing_decisions (key, id);
CREATE INDEX sourcing_decisions_by_order ON sourcing_decisions (order_id, id);
CREATE INDEX sourcing_decisions_by_time ON sourcing_decisions (at, id);
CREATE TRIGGER sourcing_decisions_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON sourcing_decisions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
