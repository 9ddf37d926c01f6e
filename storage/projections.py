"""The statements that project a workflow's own state into our rows, each one round trip.

A record travels as one JSON document and is taken apart by PostgreSQL: some ten of them are written
for an order, and a statement for each row cost several times as much. Nothing is written unless the
guard `seq < …` let the row itself be written, except that settled commands are marked in any case.
"""

from sqlalchemy import text

_DOCUMENT = "doc AS MATERIALIZED (SELECT CAST(:document AS jsonb) AS d)"

_WAIT = """
       wait_owner = d#>>'{wait,owner}', wait_what = d#>>'{wait,what}',
       wait_since = CAST(d#>>'{wait,since}' AS timestamptz),
       wait_deadline = CAST(d#>>'{wait,deadline}' AS timestamptz),
       wait_next = coalesce(d#>>'{wait,next_action}', '')"""

_MOVED = """(old.status, old.wait_owner, old.wait_what, old.wait_since)
           IS DISTINCT FROM (new.status, new.wait_owner, new.wait_what, new.wait_since) AS moved"""

# `written` has one row if the guard let us write, else none.
_AFTER = """
journalled AS (
    INSERT INTO journal (order_id, return_id, seq, entry, at, by, code, why, command_id, data)
    SELECT d->>'order_id', d->>'return_id', CAST(d->>'seq' AS integer),
           CAST(j.line->>'nth' AS integer),
           CAST(j.line->>'at' AS timestamptz), j.line->>'by', j.line->>'code', j.line->>'why',
           j.line->>'command_id', j.line->'data'
      FROM doc, written, jsonb_array_elements(d->'journal') WITH ORDINALITY AS j (line, n)
     ORDER BY j.n
    ON CONFLICT DO NOTHING),
paid AS (
    INSERT INTO money (key, order_id, return_id, kind, amount_minor, currency, exponent, ref)
    SELECT m->>'key', d->>'order_id', d->>'return_id', m->>'kind',
           CAST(m#>>'{amount,amount_minor}' AS bigint), m#>>'{amount,currency}',
           CAST(m#>>'{amount,exponent}' AS smallint), m->>'ref'
      FROM doc, written, jsonb_array_elements(d->'money') AS m
    ON CONFLICT DO NOTHING),
forgotten AS (
    DELETE FROM retrying USING written WHERE workflow_id = :workflow_id AND written.moved),
settled AS (
    UPDATE inbox SET settled_at = now(), refused = s->>'refused'
      FROM jsonb_array_elements(CAST(:settled AS jsonb)) AS s
     WHERE inbox.id = CAST(s->>'command_id' AS uuid) AND settled_at IS NULL)
SELECT count(*) FROM written
"""

_PARCELS = """
boxes AS MATERIALIZED (
    SELECT f.share, p.box FROM doc, written,
           jsonb_array_elements(d->'fulfilments') AS f (share),
           jsonb_array_elements(f.share->'parcels') AS p (box)),
shares AS (
    INSERT INTO fulfilments (order_id, number, reference, location, status, reason, lines, wait)
    SELECT d->>'order_id', CAST(f->>'number' AS integer), f->>'reference', f->>'location',
           f->>'status', f->>'reason', f->'lines', nullif(f->'wait', 'null')
      FROM doc, written, jsonb_array_elements(d->'fulfilments') AS f
    ON CONFLICT (order_id, number) DO UPDATE
       SET reference = excluded.reference, location = excluded.location,
           status = excluded.status, reason = excluded.reason, lines = excluded.lines,
           wait = excluded.wait
     WHERE (fulfilments.reference, fulfilments.location, fulfilments.status, fulfilments.reason,
            fulfilments.lines, fulfilments.wait) IS DISTINCT FROM
           (excluded.reference, excluded.location, excluded.status, excluded.reason,
            excluded.lines, excluded.wait)),
boxed AS (
    INSERT INTO parcels (parcel_id, order_id, number, weight_g, length_mm, width_mm, height_mm,
                         course)
    SELECT b.box->>'parcel_id', d->>'order_id', CAST(b.share->>'number' AS integer),
           packed.weight_g, packed.length_mm, packed.width_mm, packed.height_mm, b.box->>'course'
      FROM doc, boxes b, jsonb_to_record(b.box->'packed')
           AS packed (weight_g integer, length_mm integer, width_mm integer, height_mm integer)
    ON CONFLICT (parcel_id) DO UPDATE
       SET weight_g = excluded.weight_g, length_mm = excluded.length_mm,
           width_mm = excluded.width_mm, height_mm = excluded.height_mm,
           -- a course is the scans' to move, but for what somebody says has arrived without a label
           course = CASE WHEN excluded.course = 'delivered' THEN excluded.course
                         ELSE parcels.course END
     WHERE (parcels.weight_g, parcels.length_mm, parcels.width_mm, parcels.height_mm)
           IS DISTINCT FROM
           (excluded.weight_g, excluded.length_mm, excluded.width_mm, excluded.height_mm)
        OR (excluded.course = 'delivered' AND parcels.course <> 'delivered')),
tags AS MATERIALIZED (
    SELECT b.box->>'parcel_id' AS parcel_id, v.label, true AS voided, false AS given_up
      FROM boxes b, jsonb_array_elements(b.box->'voided_labels') AS v (label)
     UNION ALL
    SELECT b.box->>'parcel_id', g.label, false, true
      FROM boxes b, jsonb_array_elements(b.box->'given_up_labels') AS g (label)
     UNION ALL
    SELECT b.box->>'parcel_id', b.box->'label', false, false
      FROM boxes b WHERE b.box->'label' <> 'null'),
torn AS (
    UPDATE labels SET voided = tags.voided, given_up = tags.given_up FROM tags
     WHERE labels.shipment_ref = tags.label->>'shipment_ref' AND NOT labels.voided
       AND (labels.voided, labels.given_up) <> (tags.voided, tags.given_up)
    RETURNING 1),
tagged AS (
    INSERT INTO labels (shipment_ref, parcel_id, carrier, tracking_number, label_url, tracking_url,
                        cost_minor, currency, exponent, voided, given_up)
    SELECT label->>'shipment_ref', parcel_id, label->>'carrier', label->>'tracking_number',
           label->>'label_url', label->>'tracking_url',
           CAST(label#>>'{cost,amount_minor}' AS bigint), label#>>'{cost,currency}',
           CAST(label#>>'{cost,exponent}' AS smallint), voided, given_up
      -- the count makes PostgreSQL void the old labels first: one live label for each parcel
      FROM tags WHERE (SELECT count(*) FROM torn) >= 0
    ON CONFLICT (shipment_ref) DO NOTHING),
"""

RECORD_ORDER = text(f"""
WITH {_DOCUMENT},
written AS (
    UPDATE orders SET seq = CAST(d->>'seq' AS integer), status = d->>'status',
       address_version = CAST(d->>'address_version' AS integer), attention = d->>'attention',
       holds = d->'holds', cancelled_lines = d->'cancelled_lines', updated_at = now(), {_WAIT}
      FROM doc
     WHERE order_id = d->>'order_id' AND seq < CAST(d->>'seq' AS integer)
    RETURNING {_MOVED}),
{_PARCELS}
{_AFTER}
""")  # noqa: S608 - made of our own constants alone

MAKE_RETURN = text(f"""
WITH {_DOCUMENT},
made AS (
    INSERT INTO returns (return_id, order_id, location, lines)
    SELECT d->>'return_id', d->>'order_id', d->>'location', d->'lines' FROM doc
    ON CONFLICT DO NOTHING)
SELECT count(*) FROM doc
""")  # noqa: S608 - made of our own constants alone

RECORD_RETURN = text(f"""
WITH {_DOCUMENT},
written AS (
    UPDATE returns SET seq = CAST(d->>'seq' AS integer), status = d->>'status',
       location = d->>'location', lines = d->'lines', inspected = d->'inspected',
       attention = d->>'attention', updated_at = now(), {_WAIT}
      FROM doc
     WHERE return_id = d->>'return_id' AND seq < CAST(d->>'seq' AS integer)
    RETURNING {_MOVED}),
{_AFTER}
""")  # noqa: S608 - made of our own constants alone
