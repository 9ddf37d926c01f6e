"""Shares of orders that locations ship: their parcels, labels and scans."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from storage.tables.columns import Time, key, may, metadata, must, said, since

fulfilments = Table(
    "fulfilments",
    metadata,
    key("order_id", Text, ForeignKey("orders.order_id")),
    key("number", Integer),
    must("reference"),
    must("location"),
    must("status"),
    said("reason"),
    must("lines", JSONB),
    may("wait", JSONB),
    UniqueConstraint("reference"),
)

parcels = Table(
    "parcels",
    metadata,
    key("parcel_id"),
    must("order_id"),
    must("number", Integer),
    must("weight_g", Integer),
    must("length_mm", Integer),
    must("width_mm", Integer),
    must("height_mm", Integer),
    must("course"),
    must("signalled_course", default="'expected'::text"),
    ForeignKeyConstraint(["order_id", "number"], ["fulfilments.order_id", "fulfilments.number"]),
    Index("parcels_by_order", "order_id"),
)

labels = Table(
    "labels",
    metadata,
    key("shipment_ref"),
    must("parcel_id", Text, ForeignKey("parcels.parcel_id")),
    must("carrier"),
    must("tracking_number"),
    must("label_url"),
    said("tracking_url"),
    must("cost_minor", BigInteger),
    must("currency"),
    must("exponent", SmallInteger),
    must("voided", Boolean, default="false"),
    must("given_up", Boolean, default="false"),
    Index(
        "labels_one_live",
        "parcel_id",
        unique=True,
        postgresql_where=text("NOT voided AND NOT given_up"),
    ),
    Index("labels_by_parcel", "parcel_id"),
    Index(
        "labels_by_tracking",
        "tracking_number",
        postgresql_ops={"tracking_number": "text_pattern_ops"},
    ),
)

scans = Table(
    "scans",
    metadata,
    key("carrier"),
    key("tracking_number"),
    key("scan_key"),
    must("course"),
    must("carrier_status"),
    said("message"),
    said("place"),
    must("claimed_at", Time),
    since("received_at"),
    Index("scans_by_parcel", "tracking_number", "course", "claimed_at"),
)
