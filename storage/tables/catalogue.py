"""What is sold, where it is kept, and through which channels."""

from sqlalchemy import ARRAY, BigInteger, Boolean, Date, Integer, SmallInteger, Table, Text
from sqlalchemy import Time as WallTime
from sqlalchemy.dialects.postgresql import JSONB

from storage.tables.columns import Time, key, may, metadata, must

channels = Table("channels", metadata, key("channel"), must("kind"), must("name"))

locations = Table(
    "locations",
    metadata,
    key("location"),
    must("name"),
    must("country"),
    must("timezone"),
    must("address", JSONB),
    must("active", Boolean, default="true"),
    must("serves", ARRAY(Text), default="'{}'::text[]"),
    must("hazmat", Boolean, default="true"),
    may("parcel_weight_max_g", Integer),
    may("capacity_per_day", Integer),
    must("cost_minor", BigInteger, default="0"),
    must("cut_off", WallTime, default="'14:00:00'::time without time zone"),
    must("handling_days", SmallInteger, default="0"),
    must("weekdays", ARRAY(SmallInteger), default="'{1,2,3,4,5}'::smallint[]"),
    must("holidays", ARRAY(Date), default="'{}'::date[]"),
    must("changed_at", Time, default="clock_timestamp()"),
)

skus = Table(
    "skus",
    metadata,
    key("sku"),
    must("title"),
    must("weight_g", Integer, default="0"),
    may("hs_code"),
    may("origin_country"),
    must("hazmat", Boolean, default="false"),
    must("backorder_max", BigInteger, default="0"),
    may("changed_at", Time),
)
