-- What changes takes its time of day before it commits: whoever was sourced up to 15 seconds later
-- may not have seen it. A location whose cut-off is over takes on for its next day.
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
