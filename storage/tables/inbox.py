"""What came in and who may bring it: events, their delivery, repeated calls, keys."""

from sqlalchemy import Column, Index, Integer, LargeBinary, Table, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from storage.tables.columns import Time, key, may, metadata, must, said, since

inbox = Table(
    "inbox",
    metadata,
    Column("id", Uuid, primary_key=True, server_default=text("uuidv7()")),
    must("source"),
    must("kind"),
    must("event_key"),
    may("order_id"),
    said("by"),
    must("body", LargeBinary),
    since("received_at"),
    must("attempts", Integer, default="0"),
    said("last_error"),
    since("not_before"),
    may("delivered_at", Time),
    may("parked_at", Time),
    may("settled_at", Time),
    said("refused"),
    UniqueConstraint("source", "event_key"),
    Index(
        "inbox_undelivered",
        "order_id",
        "id",
        postgresql_where=text("delivered_at IS NULL AND parked_at IS NULL"),
    ),
)

deliveries = Table(
    "deliveries", metadata, key("order_id"), may("token", Uuid), may("leased_until", Time)
)

idempotency = Table(
    "idempotency",
    metadata,
    key("key"),
    must("request_hash", LargeBinary),
    may("status", Integer),
    may("answer", JSONB),
    since("created_at"),
    must("busy_until", Time),
)

api_keys = Table(
    "api_keys",
    metadata,
    key("key_id"),
    must("name"),
    must("hash", LargeBinary),
    since("created_at"),
    may("revoked_at", Time),
    UniqueConstraint("hash"),
)
