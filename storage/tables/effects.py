"""Deeds outside, each done once."""

from sqlalchemy import BigInteger, Table
from sqlalchemy.dialects.postgresql import JSONB

from storage.tables.columns import Time, key, may, metadata, must, since

effects = Table(
    "effects",
    metadata,
    key("key"),
    must("system"),
    must("fence", BigInteger),
    must("state"),
    may("outside_ref"),
    may("call_until", Time),
    may("result", JSONB),
    since("created_at"),
    since("updated_at"),
)
