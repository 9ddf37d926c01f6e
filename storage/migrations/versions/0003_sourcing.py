"""Sourcing: rule sets and decisions, and what locations and SKUs say that sourcing must know."""

import json
from pathlib import Path

from alembic import op
from sqlalchemy import text

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SQL = Path(__file__).parent.parent / "sql"

COLUMNS = """
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
"""

CHANGED = """
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
"""

RULES = """
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
"""

# `facts` is the case without its rules: what was seen, so that it can be decided anew. What the queue
# gave is `assigned`: its `decision` is the parts alone and what brought the goods.
DECISIONS = """
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
"""

# A location with a capacity is locked before any stock, by name in one order, and counted under its
# lock: two orders cannot both be its last for a day. What is there already was counted before. Whose
# day a reservation fills is not kept but told by the calendar, so that a holiday that is entered late
# moves what fell on it to the next open day.
RESERVE = """
CREATE INDEX reservations_by_day ON reservations (location, created_at);

-- The instant of a day's cut-off, as domain/promises.py tells it: the first, where the wall time comes twice.
CREATE FUNCTION sourcing_cut_off(l locations, day date) RETURNS timestamptz LANGUAGE plpgsql STABLE AS $$
DECLARE wall timestamp := day + l.cut_off; told timestamptz := wall AT TIME ZONE l.timezone; earlier timestamptz;
BEGIN
    earlier := told - interval '24 hours';
    earlier := (wall - ((earlier AT TIME ZONE l.timezone) - (earlier AT TIME ZONE 'UTC'))) AT TIME ZONE 'UTC';
    RETURN CASE WHEN earlier AT TIME ZONE l.timezone = wall THEN least(earlier, told) ELSE told END;
END $$;

-- Since when a location takes on what it handles on one day, its next open one or today until the cut-off:
-- since the last cut-off of an open day. One that had none in 400 days takes on one day's worth.
CREATE FUNCTION sourcing_day_began(l locations, seen_at timestamptz DEFAULT now()) RETURNS timestamptz
LANGUAGE plpgsql STABLE AS $$
DECLARE day date := (seen_at AT TIME ZONE l.timezone)::date; cut timestamptz;
BEGIN
    FOR ago IN 0..400 LOOP
        IF extract(isodow FROM day - ago)::smallint = ANY (l.weekdays) AND NOT day - ago = ANY (l.holidays) THEN
            cut := sourcing_cut_off(l, day - ago);
            EXIT WHEN cut < seen_at;
        END IF;
        cut := NULL;
    END LOOP;
    RETURN coalesce(cut, seen_at - interval '400 days');
END $$;

CREATE FUNCTION sourcing_taken(place text) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT count(*) FROM reservations r
     WHERE r.location = place AND r.state <> 'released'
       AND r.created_at > (SELECT sourcing_day_began(l) FROM locations l WHERE l.location = place)
$$;

CREATE FUNCTION sourcing_full(parts_ jsonb) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE l locations;
BEGIN
    FOR l IN SELECT x.* FROM locations x WHERE x.capacity_per_day IS NOT NULL
                AND x.location IN (SELECT p->>'location' FROM jsonb_array_elements(parts_) p)
              ORDER BY x.location LOOP
        PERFORM pg_advisory_xact_lock(hashtextextended('sourcing/' || l.location, 0));
        IF sourcing_taken(l.location) >= l.capacity_per_day THEN
            RETURN true;
        END IF;
    END LOOP;
    RETURN false;
END $$;

-- How many parts an order has beside those of a key, or may be given by the queue.
CREATE FUNCTION sourcing_standing(order_ text, key_ text) RETURNS integer LANGUAGE sql STABLE AS $$
    SELECT ((SELECT count(*) FROM reservations r
              WHERE r.order_id = order_ AND r.base <> key_ AND r.part > 0 AND r.state <> 'released')
          + (SELECT coalesce(sum(w.parts_max), 0) FROM stock_waiting w
              WHERE w.order_id = order_ AND w.key <> key_))::integer
$$;

-- Whether there are more of them than sourcing saw when it allowed a split. The caller has locked the order.
CREATE FUNCTION sourcing_more_stand(order_ text, key_ text, why jsonb) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT sourcing_standing(order_, key_) > coalesce((why->'facts'->>'parts_standing')::integer, 0)
$$;

-- Other lines of the order that wait were promised parts that these may have taken: the queue sends them
-- whole, unless they are sourced again. Who gives them goods just now holds their row; it is passed by.
CREATE FUNCTION sourcing_recount(order_ text, key_ text) RETURNS void LANGUAGE sql AS $$
    UPDATE stock_waiting w SET parts_max = 1 WHERE w.key IN (
        SELECT q.key FROM stock_waiting q WHERE q.order_id = order_ AND q.key <> key_ AND q.parts_max > 1
           FOR NO KEY UPDATE SKIP LOCKED)
$$;

-- why an order waits, without what each new day changes
CREATE FUNCTION sourcing_lacking(decision jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_build_array(decision->'rules_version', decision->'missing', (
           SELECT jsonb_agg(jsonb_build_array(c->'location', c->'bar', c->'lacks'))
             FROM jsonb_array_elements(decision->'candidates') c))
$$;

-- Nothing is kept of an order that waits on for the same reasons. The caller has locked the order.
CREATE FUNCTION sourcing_keep(order_ text, key_ text, outcome_ text, why jsonb) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO sourcing_decisions (order_id, key, outcome, rules_version, decision, facts)
    SELECT order_, key_, outcome_, (why->'decision'->>'rules_version')::integer, why->'decision', why->'facts'
     WHERE outcome_ <> 'waiting' OR sourcing_lacking(why->'decision') IS DISTINCT FROM (
           SELECT sourcing_lacking(d.decision) FROM sourcing_decisions d
            WHERE d.key = key_ ORDER BY d.id DESC LIMIT 1)
    ON CONFLICT (key) WHERE outcome <> 'waiting' DO NOTHING
$$;

-- Reserves all parts and keeps why ({decision, facts}), or answers NULL: source again. A repeat
-- answers what stands under the key, which others may have decided: nothing is kept of it.
CREATE FUNCTION sourcing_reserve(order_ text, key_ text, parts_ jsonb, expires_ timestamptz, why jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE answer jsonb;
BEGIN
    PERFORM stock_lock_order(order_);
    IF NOT EXISTS (SELECT FROM reservations r WHERE r.base = key_) THEN
        IF jsonb_array_length(parts_) > 1 AND sourcing_more_stand(order_, key_, why) THEN
            RETURN NULL;
        ELSIF sourcing_full(parts_) THEN
            RETURN NULL;
        END IF;
    END IF;
    answer := stock_reserve(order_, key_, parts_, expires_);
    IF EXISTS (SELECT FROM reservations r WHERE r.base = key_ AND r.xmin = pg_current_xact_id()::xid) THEN
        PERFORM sourcing_keep(order_, key_, 'reserved', why);
        PERFORM sourcing_recount(order_, key_);
    END IF;
    RETURN answer;
END $$;

-- Gives an order that waits what was decided for many at once, and wakes it as the queue does. NULL:
-- it waits no more, or the stock is gone.
CREATE FUNCTION sourcing_assign(order_ text, key_ text, parts_ jsonb, why jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE answer jsonb;
BEGIN
    PERFORM stock_lock_order(order_);
    IF NOT EXISTS (SELECT FROM stock_waiting w WHERE w.key = key_ AND w.order_id = order_) THEN
        RETURN NULL;
    END IF;
    answer := sourcing_reserve(order_, key_, parts_, NULL, why);
    INSERT INTO inbox (source, kind, event_key, order_id, body)
    SELECT 'stock', 'stock_assigned', order_ || '/' || key_, order_,
           convert_to(jsonb_build_object('key', key_, 'parts', answer)::text, 'UTF8')
     WHERE answer IS NOT NULL
    ON CONFLICT (source, event_key) DO NOTHING;
    RETURN answer;
END $$;

-- Enters the queue and keeps why. Neither `parts` nor `missing`: there is more now, source again.
-- Goods that came since the case was read would be seen, so that nobody's wish to look again is lost.
CREATE FUNCTION sourcing_wait(order_ text, key_ text, lines_ jsonb, ranked text[], seen jsonb,
                              parts_max integer, priority integer, split_at text[], why jsonb,
                              OUT parts jsonb, OUT missing jsonb) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM stock_lock_order(order_);
    IF parts_max > 1 AND sourcing_more_stand(order_, key_, why) THEN
        RETURN;
    END IF;
    SELECT w.parts, w.missing INTO parts, missing
      FROM stock_wait(order_, key_, lines_, ranked, seen, parts_max, priority, split_at) w;
    IF missing IS NOT NULL THEN
        UPDATE stock_waiting q SET sourced_at = (why->'facts'->>'now')::timestamptz, full_at = ARRAY(
               SELECT c->>'location' FROM jsonb_array_elements(why->'decision'->'candidates') c
                WHERE c->>'bar' = 'no_capacity')
         WHERE q.key = key_;
        PERFORM sourcing_keep(order_, key_, 'waiting', why);
        PERFORM sourcing_recount(order_, key_);
    END IF;
END $$;
"""

# What changes takes its time of day before it commits: whoever was sourced up to 15 seconds later
# may not have seen it. A location whose cut-off is over takes on for its next day.
OUTDATED = """
CREATE FUNCTION sourcing_settled() RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT greatest((SELECT max(l.changed_at) FROM locations l) + interval '15 seconds',
                    (SELECT max(r.activated_at) FROM sourcing_rules r) + interval '15 seconds',
                    (SELECT max(sourcing_day_began(l)) FROM locations l
                      WHERE l.capacity_per_day IS NOT NULL))
$$;

-- whether a SKU that was sold, or one that it is made of, has changed since
CREATE FUNCTION sourcing_resold(w stock_waiting) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM skus k
         WHERE k.sku = ANY (w.skus || ARRAY(SELECT l->>'sku' FROM jsonb_array_elements(w.lines) l))
           AND k.changed_at > w.sourced_at - interval '15 seconds')
$$;

-- where an order that found it full may be taken on now
CREATE FUNCTION sourcing_roomy() RETURNS text[] LANGUAGE sql STABLE AS $$
    SELECT ARRAY(SELECT l.location FROM locations l
                  WHERE l.active AND l.capacity_per_day IS NOT NULL
                     AND sourcing_taken(l.location) < l.capacity_per_day)
$$;
"""

# Written out in full: a default in the code may change, what an order was sourced by may not.
FIRST_RULES = {
    "currency": "EUR",
    "parts_max": 2,
    "ship_complete": False,
    "part_value_min_minor": 0,
    "part_value_min_in": {},
    "distance_minor_per_100km": 50,
    "split_minor": 500,
    "balance_minor": 10,
    "lateness_minor_per_day": 200,
    "shipping_percent": 100,
    "location_percent": 100,
    "promise_days": None,
    "transit_days": 2,
    "zones": [],
    "priorities": {},
}


def upgrade() -> None:
    for part in (COLUMNS, CHANGED, RULES, DECISIONS, RESERVE, OUTDATED):
        op.execute(part)
    for topic in ("given", "carts"):
        op.execute((SQL / f"sourcing_{topic}.sql").read_text(encoding="utf-8"))
    first = text(
        "INSERT INTO sourcing_rules (name, state, document, created_by, activated_by, activated_at) "
        "VALUES ('default', 'active', CAST(:rules AS jsonb), 'holdfast', 'holdfast', now())"
    )
    op.execute(first.bindparams(rules=json.dumps(FIRST_RULES)))


def downgrade() -> None:
    op.execute("DROP TABLE sourcing_decisions, sourcing_rules")
    op.execute("DROP TRIGGER locations_changed ON locations")
    op.execute("DROP TRIGGER skus_changed ON skus")
    op.execute(
        "DROP FUNCTION sourcing_take_over, sourcing_given, sourcing_settled, sourcing_resold, sourcing_roomy, "
        "sourcing_changed, sourcing_wait, sourcing_assign, sourcing_reserve, sourcing_keep, sourcing_lacking, sourcing_full, sourcing_more_stand, sourcing_standing, sourcing_recount, "
        "sourcing_taken, sourcing_day_began, sourcing_cut_off, sourcing_activate, sourcing_rules_active, sourcing_rules_guard"
    )
    op.execute("DROP INDEX reservations_by_day")
    op.execute(
        "ALTER TABLE skus DROP COLUMN hazmat, DROP COLUMN backorder_max, DROP COLUMN changed_at"
    )
    op.execute(
        "ALTER TABLE locations DROP COLUMN changed_at, DROP COLUMN serves, DROP COLUMN hazmat, "
        "DROP COLUMN parcel_weight_max_g, DROP COLUMN capacity_per_day, DROP COLUMN cost_minor, "
        "DROP COLUMN cut_off, DROP COLUMN handling_days, DROP COLUMN weekdays, DROP COLUMN holidays"
    )
