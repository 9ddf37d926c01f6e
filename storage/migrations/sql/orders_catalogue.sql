CREATE EXTENSION IF NOT EXISTS pg_trgm;

CREATE TABLE channels (
    channel text PRIMARY KEY CHECK (channel ~ '^[a-z0-9]+$'),
    kind text NOT NULL,
    name text NOT NULL
);

CREATE TABLE locations (
    location text PRIMARY KEY CHECK (location ~ '^[a-z0-9-]+$'),
    name text NOT NULL,
    country text NOT NULL CHECK (length(country) = 2),
    timezone text NOT NULL,
    address jsonb NOT NULL,
    active boolean NOT NULL DEFAULT true
);

CREATE TABLE skus (
    sku text PRIMARY KEY CHECK (sku <> ''),
    title text NOT NULL,
    weight_g integer NOT NULL DEFAULT 0 CHECK (weight_g >= 0),
    hs_code text,
    origin_country text
);
