-- sixteen callers in one transaction, by a function made for it
\set n random(:low, :high)
\set o random(1, 9000000000000000000)
SELECT many.reserve((
    SELECT jsonb_agg(jsonb_build_object('order_id', 'o-' || :o || '-' || i, 'key', 'o-' || :o || '-' || i || '/reserve/1',
                                        'sku', 'sku-' || :n, 'location', 'berlin', 'quantity', 1))
      FROM generate_series(1, 16) i));
