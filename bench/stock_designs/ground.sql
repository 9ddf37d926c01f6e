-- What the designs share: the product's tables with all their indexes and checks, but without
-- triggers and foreign keys. Each design gets a schema of its own.
CREATE FUNCTION pg_temp.design(name text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE SCHEMA %I', name);
    EXECUTE format('CREATE TABLE %I.stock (LIKE public.stock INCLUDING ALL)', name);
    EXECUTE format('CREATE TABLE %I.stock_movements (LIKE public.stock_movements INCLUDING ALL)', name);
    EXECUTE format('CREATE TABLE %I.reservations (LIKE public.reservations INCLUDING ALL)', name);
    EXECUTE format('INSERT INTO %I.stock (sku, location, on_hand) '
                   'SELECT sku, location, on_hand FROM public.stock', name);
END $$;
SELECT pg_temp.design(d) FROM unnest('{statements,one_statement,units,many}'::text[]) d;

-- what sourcing said of one order, as text, as the product sends it
CREATE SCHEMA bench;
CREATE TABLE bench.decided (why text NOT NULL);

-- one row a unit, for the SKU that is hot
CREATE TABLE units.units (
    sku text NOT NULL,
    location text NOT NULL,
    n bigint NOT NULL,
    reservation text,
    PRIMARY KEY (sku, location, n)
) WITH (fillfactor = 70);
CREATE INDEX units_free ON units.units (sku, location, n) WHERE reservation IS NULL;
DROP TABLE units.stock;
CREATE VIEW units.stock AS SELECT count(reservation) AS reserved FROM units.units;

-- Reserves for many callers at once, each order one line; answers with the keys that got goods.
-- The best case of batching: an order that does not fit lets none behind it pass.
CREATE FUNCTION many.reserve(orders_ jsonb) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM many.stock s
      WHERE (s.sku, s.location) IN (
            SELECT o.sku, o.location FROM jsonb_to_recordset(orders_) AS o (sku text, location text))
      ORDER BY s.location, s.sku FOR NO KEY UPDATE;
    RETURN QUERY
    WITH asked AS (
        SELECT o.*, sum(o.quantity) OVER (PARTITION BY o.sku, o.location ORDER BY o.order_id) AS so_far
          FROM jsonb_to_recordset(orders_) AS o (order_id text, key text, sku text, location text, quantity bigint)
    ), served AS MATERIALIZED (
        SELECT a.* FROM asked a JOIN many.stock s USING (sku, location) WHERE a.so_far <= s.available
    ), counted AS (
        UPDATE many.stock s SET reserved = s.reserved + t.quantity
          FROM (SELECT sku, location, sum(quantity) AS quantity FROM served GROUP BY 1, 2) t
         WHERE (s.sku, s.location) = (t.sku, t.location)
    ), moved AS (
        INSERT INTO many.stock_movements (key, sku, location, kind, reserved_delta, order_id)
        SELECT 'reserved/' || v.key || '/1#' || v.sku, v.sku, v.location, 'reserved', v.quantity, v.order_id FROM served v
    )
    INSERT INTO many.reservations (key, base, part, order_id, location, state, lines, items)
    SELECT v.key || '/1', v.key, 1, v.order_id, v.location, 'reserved',
           jsonb_build_array(jsonb_build_object('line_id', '1', 'sku', v.sku, 'quantity', v.quantity,
               'unit', jsonb_build_array(jsonb_build_object('sku', v.sku, 'quantity', 1)))),
           jsonb_build_array(jsonb_build_object('sku', v.sku, 'quantity', v.quantity)) FROM served v
    RETURNING base;
END $$;
