-- A location with a capacity is locked before any stock, by name in one order, and counted under its
-- lock: two orders cannot both be its last for a day. What is there already was counted before. Whose
-- day a reservation fills is not kept but told by the calendar, so that a holiday that is entered late
-- moves what fell on it to the next open day.

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
