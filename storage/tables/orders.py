"""Orders: as channels sent them, and as their workflows tell of them."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from storage.tables.columns import Time, key, may, metadata, must, of_order, said, since, wait

orders = Table(
    "orders",
    metadata,
    key("order_id"),
    must("channel"),
    must("channel_order_id"),
    must("number"),
    must("placed_at", Time),
    may("channel_updated_at", Time),
    since("received_at"),
    said("email"),
    said("phone"),
    said("note"),
    must("currency"),
    must("totals", JSONB),
    may("presentment_total", JSONB),
    must("payment"),
    must("channel_cancelled", Boolean, default="false"),
    said("channel_cancel_reason"),
    must("document", JSONB),
    must("track_token"),
    must("seq", Integer, default="0"),
    must("status", default="'received'::text"),
    must("address_version", Integer, default="1"),
    said("attention"),
    must("holds", JSONB, default="'[]'::jsonb"),
    must("cancelled_lines", JSONB, default="'[]'::jsonb"),
    *wait(),
    since("updated_at"),
    UniqueConstraint("channel", "channel_order_id"),
    UniqueConstraint("track_token"),
    Index("orders_by_time", text("placed_at DESC"), text("order_id DESC")),
    Index("orders_by_status", "status", text("placed_at DESC"), text("order_id DESC")),
    Index(
        "orders_by_wait",
        "wait_owner",
        text("placed_at DESC"),
        text("order_id DESC"),
        postgresql_where=text("wait_owner IS NOT NULL"),
    ),
)

order_words = Table(
    "order_words",
    metadata,
    key("order_id", Text, ForeignKey("orders.order_id")),
    must("words"),
    Index(
        "order_words_any_part",
        "words",
        postgresql_using="gin",
        postgresql_ops={"words": "gin_trgm_ops"},
    ),
)

order_lines = Table(
    "order_lines",
    metadata,
    key("order_id", Text, ForeignKey("orders.order_id")),
    key("line_no", Integer),
    must("line_id"),
    must("sku"),
    must("title"),
    must("quantity", BigInteger),
    must("unit_price_minor", BigInteger),
    must("discount_minor", BigInteger),
    must("tax_minor", BigInteger),
    must("currency"),
    must("exponent", SmallInteger),
    UniqueConstraint("order_id", "line_id"),
    Index("order_lines_by_sku", "sku"),
)

addresses = Table(
    "addresses",
    metadata,
    key("order_id", Text, ForeignKey("orders.order_id")),
    key("version", Integer),
    must("source"),
    may("based_on", Integer),
    must("address", JSONB),
    said("by"),
    since("created_at"),
)

channel_changes = Table(
    "channel_changes",
    metadata,
    key("order_id", Text, ForeignKey("orders.order_id")),
    key("event"),
    must("changes", JSONB),
    since("at"),
)

verdicts = Table(
    "verdicts",
    metadata,
    key("order_id"),
    key("address_version", Integer),
    must("outcome"),
    must("address_problems", JSONB),
    must("data_problems", JSONB),
    since("checked_at"),
    ForeignKeyConstraint(
        ["order_id", "address_version"], ["addresses.order_id", "addresses.version"]
    ),
)

retrying = Table(
    "retrying",
    metadata,
    key("workflow_id"),
    key("step"),
    key("deed"),
    must("owner"),
    must("code"),
    since("since"),
    must("attempt", Integer),
)

journal = Table(
    "journal",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    of_order(),
    may("return_id"),
    must("seq", Integer),
    must("entry", Integer),
    must("at", Time),
    must("by"),
    must("code"),
    said("why"),
    said("command_id"),
    must("data", JSONB, default="'{}'::jsonb"),
    Index(
        "journal_once",
        "order_id",
        text("coalesce(return_id, ''::text)"),
        "code",
        "command_id",
        "entry",
        unique=True,
        postgresql_where=text("seq > 0"),
    ),
    Index(
        "journal_apart_once",
        "order_id",
        "code",
        "command_id",
        unique=True,
        postgresql_where=text("seq = 0"),
    ),
    Index("journal_by_order", "order_id", "id"),
)
