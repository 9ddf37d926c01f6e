"""What must hold of lives: intake, waits, addresses, and the way each status was reached."""

from storage.audit.snapshot import Question

INBOX_DELIVERED = Question(
    "inbox_delivered",
    "Nothing that was said lies undelivered for long, unless its order is to be looked at later.",
    "inbox",
    """
SELECT i.id::text AS subject, i.order_id, 'delivered, or with an operator' AS expected,
       format('undelivered %s, %s tries: %s', i.kind, i.attempts, i.last_error) AS found,
       jsonb_build_array(to_jsonb(i) - 'body') AS rows
  FROM inbox i LEFT JOIN deliveries d ON d.order_id = coalesce(i.order_id, '~' || i.id)
 WHERE i.delivered_at IS NULL AND i.parked_at IS NULL
   AND greatest(i.received_at, i.not_before) < now() - make_interval(secs => :late_s)
   AND coalesce(d.leased_until <= now(), true)
 ORDER BY i.id""",
)

PARKED_TASKS = Question(
    "parked_rows_have_tasks",
    "What nobody can deliver or read is an operator's task.",
    "inbox WHERE parked_at IS NOT NULL",
    """
SELECT i.id::text AS subject, i.order_id, 'a task' AS expected,
       format('parked %s without one', i.kind) AS found,
       jsonb_build_array(to_jsonb(i) - 'body') AS rows
  FROM inbox i WHERE i.parked_at IS NOT NULL
   AND NOT EXISTS (SELECT FROM tasks t WHERE t.inbox_id = i.id)
 ORDER BY i.id""",
)

EVENTS_ONCE = Question(
    "inbox_events_once",
    "An event of a source is in the inbox once.",
    "inbox",
    """
SELECT source || ' ' || event_key AS subject, min(order_id) AS order_id, '1 row' AS expected,
       count(*) || ' rows' AS found,
       jsonb_agg(jsonb_build_object('id', id, 'received_at', received_at) ORDER BY id) AS rows
  FROM inbox GROUP BY source, event_key HAVING count(*) > 1
 ORDER BY count(*), subject""",
)

ADDRESSES_DENSE = Question(
    "address_versions_dense",
    "The versions of an order's address are 1, 2, 3 …, and it uses one of them.",
    "orders",
    """
SELECT o.order_id AS subject, o.order_id,
       format('versions 1 to %s, one of them in use', count(a.version)) AS expected,
       format('%s; %s in use', coalesce(string_agg(a.version::text, ', ' ORDER BY a.version),
                                        'none'), o.address_version) AS found,
       coalesce(jsonb_agg(jsonb_build_object('version', a.version, 'source', a.source)
           ORDER BY a.version) FILTER (WHERE a.version IS NOT NULL), '[]') AS rows
  FROM orders o LEFT JOIN addresses a USING (order_id)
 GROUP BY o.order_id
HAVING count(a.version) = 0 OR min(a.version) <> 1 OR max(a.version) <> count(a.version)
    OR NOT bool_or(a.version = o.address_version)
 ORDER BY count(a.version), o.order_id""",
)

OPEN_WAITS = Question(
    "open_orders_wait",
    "Every open order names what it waits on.",
    "orders WHERE status = ANY (:order_open)",
    """
SELECT order_id AS subject, order_id, 'a wait: whom for, what for, since when' AS expected,
       format('%s, waits on nothing', status) AS found,
       jsonb_build_array(jsonb_build_object('seq', seq, 'status', status, 'wait_owner', wait_owner,
           'wait_what', wait_what, 'wait_since', wait_since, 'updated_at', updated_at)) AS rows
  FROM orders
 WHERE status = ANY (:order_open)
   AND (wait_owner IS NULL OR wait_what IS NULL OR wait_since IS NULL)
   -- until its workflow's first word, it waits to be delivered
   AND (seq > 0 OR received_at < now() - make_interval(secs => :late_s))
   AND NOT (seq = 0 AND EXISTS (
       SELECT FROM inbox i WHERE i.order_id = orders.order_id AND i.delivered_at IS NULL
          AND i.parked_at IS NULL))
 ORDER BY order_id""",
)

_STEPS = """
WITH steps AS (
    SELECT {owner} AS owner, order_id, id, seq, entry, at, substr(code, {skip}) AS status,
           coalesce(lag(substr(code, {skip})) OVER life, '{first}') AS before,
           row_number() OVER life AS place
      FROM journal
     WHERE {which} AND seq > 0
    WINDOW life AS (PARTITION BY {owner} ORDER BY id))"""

_ILLEGAL = """
SELECT s.owner AS subject, s.order_id, 'a way that the lifecycle knows' AS expected,
       format('%s after %s', s.status, s.before) AS found,
       jsonb_build_array(to_jsonb(s) - 'owner') AS rows
  FROM steps s
 WHERE NOT EXISTS (
       SELECT FROM unnest(CAST(:{table}_before AS text[]), CAST(:{table}_after AS text[]))
           AS legal (before, after)
        WHERE legal.before = s.before AND legal.after = s.status)
 ORDER BY s.place, s.owner"""

_LAST = """,
last AS (SELECT DISTINCT ON (owner) owner, id, status FROM steps ORDER BY owner, place DESC)
SELECT t.{key} AS subject, t.order_id,
       coalesce(l.status, '{first}') || ', by its journal' AS expected,
       t.status AS found,
       jsonb_build_array(jsonb_build_object('journal_id', l.id, 'seq', t.seq)) AS rows
  FROM {table} t LEFT JOIN last l ON l.owner = t.{key}
 WHERE t.status <> coalesce(l.status, '{first}') ORDER BY t.{key}"""

_ORDER_STEPS = _STEPS.format(
    owner="order_id", skip=8, first="received", which="return_id IS NULL AND code LIKE 'status\\_%'"
)
# `return_requested` is the order's own word of the request, not the return's of its status
_RETURN_STEPS = _STEPS.format(
    owner="return_id", skip=8, first="requested",
    which="return_id IS NOT NULL AND code LIKE 'return\\_%'",
)  # fmt: skip

ORDER_PATHS = Question(
    "order_paths_legal",
    "Each order went only ways that its lifecycle knows.",
    "journal WHERE return_id IS NULL AND code LIKE 'status\\_%' AND seq > 0",
    _ORDER_STEPS + _ILLEGAL.format(table="order"),
)
ORDER_LAST = Question(
    "order_status_journalled",
    "An order's status is the last that its journal tells of.",
    "orders",
    _ORDER_STEPS + _LAST.format(table="orders", key="order_id", first="received"),
)
RETURN_PATHS = Question(
    "return_paths_legal",
    "Each return went only ways that its lifecycle knows.",
    "journal WHERE return_id IS NOT NULL AND code LIKE 'return\\_%' AND seq > 0",
    _RETURN_STEPS + _ILLEGAL.format(table="return"),
)
RETURN_LAST = Question(
    "return_status_journalled",
    "A return's status is the last that its journal tells of.",
    "returns",
    _RETURN_STEPS + _LAST.format(table="returns", key="return_id", first="requested"),
)

LIVES = (
    INBOX_DELIVERED,
    PARKED_TASKS,
    EVENTS_ONCE,
    ADDRESSES_DENSE,
    OPEN_WAITS,
    ORDER_PATHS,
    ORDER_LAST,
    RETURN_PATHS,
    RETURN_LAST,
)
