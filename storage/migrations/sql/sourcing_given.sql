-- What the queue gives: `facts` are those by which the order waited, with the stock that was seen
-- now. The queue asks for no capacity. Who waits for goods without sourcing has no facts.
CREATE FUNCTION sourcing_given(w stock_waiting, parts_ jsonb, cause_ text) RETURNS void LANGUAGE sql AS $$
    INSERT INTO sourcing_decisions (order_id, key, outcome, rules_version, decision, facts)
    SELECT w.order_id, w.key, 'assigned', r.version,
           jsonb_build_object('plan', jsonb_build_object('parts', parts_), 'cause', cause_),
           d.facts || jsonb_build_object('now', now(), 'parts_standing',
                          sourcing_standing(w.order_id, w.key), 'candidates', (
               SELECT jsonb_agg(c || jsonb_build_object('active', l.active, 'capacity_left', NULL,
                          'available', coalesce((
                              SELECT jsonb_object_agg(s.sku, s.available) FROM stock s
                               WHERE s.location = l.location AND s.sku = ANY (w.skus) AND s.available > 0), '{}')))
                 FROM jsonb_array_elements(d.facts->'candidates') c
                 JOIN locations l ON l.location = c->>'location'))
      FROM (SELECT x.facts FROM sourcing_decisions x WHERE x.key = w.key ORDER BY x.id DESC LIMIT 1) d
      JOIN sourcing_rules r ON r.state = 'active'
$$;
