-- the product's own call, with what `storage/sourcing.py` gives it
\set n random(:low, :high)
\set o random(1, 9000000000000000000)
SELECT stock_reserve('o-' || :o, 'o-' || :o || '/reserve/1',
    CAST('[{"location": "berlin", "lines": [{"line_id": "1", "sku": "sku-' || :n || '", "quantity": 1}]}]' AS jsonb),
    CAST(NULL AS timestamptz));
