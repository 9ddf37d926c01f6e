"""What comes back."""

from sqlalchemy import Index, Integer, Table, text
from sqlalchemy.dialects.postgresql import JSONB

from storage.tables.columns import key, metadata, must, of_order, said, since, wait

returns = Table(
    "returns",
    metadata,
    key("return_id"),
    of_order(),
    said("location"),
    must("seq", Integer, default="0"),
    must("status", default="'requested'::text"),
    must("lines", JSONB),
    must("inspected", JSONB, default="'[]'::jsonb"),
    said("attention"),
    *wait(),
    since("requested_at"),
    since("updated_at"),
    Index("returns_by_order", "order_id"),
    Index("returns_by_wait", "wait_owner", postgresql_where=text("wait_owner IS NOT NULL")),
)
