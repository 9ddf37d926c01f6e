-- the product's function for sixteen callers in one transaction
\set n random(:low, :high)
\set o random(1, 9000000000000000000)
SELECT stock_reserve('o-' || :o || '-' || i, 'o-' || :o || '-' || i || '/reserve/1',
    CAST('[{"location": "berlin", "lines": [{"line_id": "1", "sku": "sku-' || :n || '", "quantity": 1}]}]' AS jsonb),
    CAST(NULL AS timestamptz)) FROM generate_series(1, 16) i;
