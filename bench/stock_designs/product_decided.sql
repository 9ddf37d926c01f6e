-- the product's call as it is made for an order: the decision of the sourcing is kept with it
\set n random(:low, :high)
\set o random(1, 9000000000000000000)
SELECT sourcing_reserve('o-' || :o, 'o-' || :o || '/reserve/1',
    CAST('[{"location": "berlin", "lines": [{"line_id": "1", "sku": "sku-' || :n || '", "quantity": 1}]}]' AS jsonb),
    CAST(NULL AS timestamptz), CAST((SELECT why FROM bench.decided) AS jsonb));
