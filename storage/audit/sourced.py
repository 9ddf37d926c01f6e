"""What must hold of what sourcing decided: the rules that it was decided by were kept."""

from storage.audit.snapshot import Question

# What the queue gave was allowed by the rules by which the order waited, which may have changed.
WITHIN_RULES = Question(
    "plans_within_rules",
    "No order or cart was given more parts than its rule set allows beside those that it had.",
    "sourcing_decisions WHERE outcome <> 'waiting'",
    """
WITH allows AS (
    SELECT version, CASE WHEN CAST(document->>'ship_complete' AS boolean) THEN 1
                         ELSE CAST(document->>'parts_max' AS integer) END AS parts
      FROM sourcing_rules),
given AS (
    SELECT d.id, d.key, d.order_id, d.outcome, d.rules_version,
           jsonb_array_length(d.decision#>'{plan,parts}') AS parts,
           CASE WHEN d.outcome = 'assigned' THEN greatest(a.parts, (
               SELECT max(x.parts) FROM sourcing_decisions w JOIN allows x
                   ON x.version = w.rules_version WHERE w.key = d.key AND w.id < d.id))
           ELSE greatest(1, a.parts - coalesce(
               CAST(d.facts->>'parts_standing' AS integer), 0)) END AS allowed
      FROM sourcing_decisions d JOIN allows a ON a.version = d.rules_version
     WHERE d.outcome <> 'waiting' AND jsonb_typeof(d.decision#>'{plan,parts}') = 'array')
SELECT key AS subject, order_id, format('at most %s parts', allowed) AS expected,
       format('%s parts', parts) AS found, jsonb_build_array(to_jsonb(given)) AS rows
  FROM given WHERE parts > allowed ORDER BY parts, key""",
)

# Days that began before somebody changed the location are left out: it had another calendar, or
# another capacity. What was given back since made room for others; the queue asks for none.
WITHIN_CAPACITY = Question(
    "days_within_capacity",
    "No location was sent more parts for a day on which it handles goods than it takes on.",
    "locations WHERE capacity_per_day IS NOT NULL",
    """
WITH sent AS (
    SELECT l.location, l.capacity_per_day, l.changed_at, r.key, r.order_id,
           sourcing_day_began(l, r.created_at) AS began
      FROM locations l
      JOIN reservations r ON r.location = l.location AND r.state <> 'released' AND r.part > 0
       AND r.created_at > greatest(l.changed_at, now() - interval '31 days')
     WHERE l.capacity_per_day IS NOT NULL AND EXISTS (
           SELECT FROM sourcing_decisions d WHERE d.key = r.base AND d.outcome = 'reserved')),
days AS (
    SELECT location, capacity_per_day, began, count(*) AS many,
           (array_agg(order_id ORDER BY key))[1] AS order_id, jsonb_agg(key ORDER BY key) AS keys
      FROM sent WHERE began >= changed_at GROUP BY 1, 2, 3)
SELECT format('%s since %s', location, began) AS subject, order_id,
       format('at most %s parts', capacity_per_day) AS expected, format('%s', many) AS found,
       jsonb_build_array(to_jsonb(days)) AS rows
  FROM days WHERE many > capacity_per_day ORDER BY many, location, began""",
)

SOURCED = (WITHIN_RULES, WITHIN_CAPACITY)
