"""What must hold of money: totals, captures, refunds, currencies."""

from storage.audit.snapshot import Question

_PARTS = """
SELECT o.order_id, o.status, o.totals, o.currency,
       CAST(o.totals#>>'{lines,amount_minor}' AS bigint) AS lines,
       CAST(o.totals#>>'{total,amount_minor}' AS bigint) AS total,
       CAST(o.totals#>>'{lines,amount_minor}' AS bigint)
     - CAST(o.totals#>>'{discounts,amount_minor}' AS bigint)
     + CAST(o.totals#>>'{shipping,amount_minor}' AS bigint)
     + CAST(o.totals#>>'{duties,amount_minor}' AS bigint)
     + CAST(o.totals#>>'{tips,amount_minor}' AS bigint)
     + CAST(o.totals#>>'{rounding,amount_minor}' AS bigint)
     + CASE WHEN CAST(o.totals->>'tax_included' AS boolean) THEN 0
            ELSE CAST(o.totals#>>'{tax,amount_minor}' AS bigint) END AS parts,
       (SELECT sum(CAST(l.unit_price_minor AS numeric) * l.quantity) FROM order_lines l
         WHERE l.order_id = o.order_id) AS by_line
  FROM orders o"""

TOTALS = Question(
    "totals_add_up",
    "An order's parts make its total, or checking it found that they do not.",
    "orders",
    f"""
SELECT p.order_id AS subject, p.order_id,
       format('lines %s, total %s', p.by_line, p.parts) AS expected,
       format('lines %s, total %s', p.lines, p.total) AS found,
       jsonb_build_array(p.totals) AS rows
  FROM ({_PARTS}) p
 WHERE (p.parts <> p.total OR coalesce(p.by_line, 0) <> p.lines)
   AND NOT EXISTS (SELECT FROM verdicts v
                    WHERE v.order_id = p.order_id AND v.data_problems <> '[]')
   -- before it is checked, nobody can have found it
   AND (p.status NOT IN ('received', 'cancelling', 'cancelled')
        OR EXISTS (SELECT FROM verdicts v WHERE v.order_id = p.order_id))
 ORDER BY p.order_id""",  # noqa: S608 - only constants are put in
)

ONE_CURRENCY = Question(
    "money_in_order_currency",
    "What moves for an order is in the order's currency.",
    "money",
    """
SELECT m.key AS subject, m.order_id, o.currency AS expected, m.currency AS found,
       jsonb_build_array(to_jsonb(m)) AS rows
  FROM money m JOIN orders o USING (order_id)
 WHERE m.currency <> o.currency ORDER BY m.key""",
)

REFUNDS_WITHIN = Question(
    "refunds_within_captured",
    "No more is refunded than was captured.",
    "money WHERE kind = 'refunded'",
    """
SELECT order_id AS subject, order_id,
       'at most ' || coalesce(sum(amount_minor) FILTER (WHERE kind = 'captured'), 0) AS expected,
       sum(amount_minor) FILTER (WHERE kind = 'refunded') || ' refunded' AS found,
       jsonb_agg(jsonb_build_object('key', key, 'kind', kind, 'amount_minor', amount_minor)
           ORDER BY at, key) AS rows
  FROM money WHERE kind IN ('captured', 'refunded') GROUP BY order_id
HAVING coalesce(sum(amount_minor) FILTER (WHERE kind = 'refunded'), 0)
     > coalesce(sum(amount_minor) FILTER (WHERE kind = 'captured'), 0)
 ORDER BY count(*), order_id""",
)

# What a channel that cancels by itself does with the money is its own decision; what is paid for an
# order that is cancelled already somebody is asked to give back by hand.
CANCELLED_KEEPS_NONE = Question(
    "cancelled_keeps_no_money",
    "Of a cancelled order, all that was captured is refunded.",
    "orders WHERE status = 'cancelled'",
    """
SELECT o.order_id AS subject, o.order_id, m.captured || ' refunded' AS expected,
       coalesce(m.refunded, 0) || ' refunded' AS found, m.rows
  FROM orders o JOIN (
       SELECT order_id, sum(amount_minor) FILTER (WHERE kind = 'captured') AS captured,
              sum(amount_minor) FILTER (WHERE kind = 'refunded') AS refunded,
              jsonb_agg(jsonb_build_object('key', key, 'kind', kind, 'amount_minor', amount_minor)
                  ORDER BY at, key) AS rows
         FROM money WHERE kind IN ('captured', 'refunded') GROUP BY order_id) m USING (order_id)
 WHERE o.status = 'cancelled' AND m.captured > coalesce(m.refunded, 0)
   AND NOT EXISTS (SELECT FROM journal j WHERE j.order_id = o.order_id
                      AND (j.code = 'cancelling' AND j.by = 'channel' AND j.seq > 0
                           OR j.code = 'paid_after_all'))
 ORDER BY o.order_id""",
)

RETURN_MONEY = Question(
    "refunded_returns_paid",
    "A return of which pieces were to be refunded has one refund in the ledger, or its journal says"
    " why it has none; no other has any.",
    "returns",
    """
SELECT r.return_id AS subject, r.order_id,
       due.refunds || ' refunds' AS expected,
       format('%s, %s refunds', r.status, count(m.key)) AS found,
       coalesce(jsonb_agg(to_jsonb(m)) FILTER (WHERE m.key IS NOT NULL), '[]') AS rows
  FROM returns r
 CROSS JOIN LATERAL (
       SELECT CAST(r.status IN ('refunded', 'closed') AND coalesce(bool_or(
                  CAST(line->>'refund' AS integer) > 0), false) AS integer) AS refunds
         FROM jsonb_array_elements(r.inspected) AS line) due
  LEFT JOIN money m ON m.return_id = r.return_id AND m.kind = 'refunded'
 GROUP BY r.return_id, due.refunds
HAVING count(m.key) > due.refunds OR (count(m.key) < due.refunds AND NOT EXISTS (
       SELECT FROM journal j WHERE j.return_id = r.return_id AND j.seq > 0
          AND j.code = ANY (:by_hand)))
 ORDER BY r.return_id""",
)

MONEY = (TOTALS, ONE_CURRENCY, REFUNDS_WITHIN, CANCELLED_KEEPS_NONE, RETURN_MONEY)
