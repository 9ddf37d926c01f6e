"""The tables of what channels may sell, as SQLAlchemy knows them."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from storage.tables.columns import Time, metadata

selling_rules = Table(
    "selling_rules",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("rules", JSONB, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", Time, nullable=False, server_default=text("now()")),
)

channel_stock = Table(
    "channel_stock",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("sku", Text, primary_key=True),
    Column("quantity", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("at", Time, nullable=False, server_default=text("now()")),
    Index("channel_stock_by_version", "channel", "version", unique=True),
)

channel_stock_marks = Table(
    "channel_stock_marks",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("sku", Text),
)

channel_stock_waiting = Table(
    "channel_stock_waiting",
    metadata,
    Column("sku", Text, primary_key=True),
    Column("quantity", BigInteger, nullable=False),
)

channel_stock_progress = Table(
    "channel_stock_progress",
    metadata,
    Column("one", Boolean, primary_key=True, server_default=text("true")),
    Column("seen_to", BigInteger, nullable=False, server_default=text("0")),
    Column("looked_to", BigInteger, nullable=False, server_default=text("0")),
    Column("looked_before", BigInteger, nullable=False, server_default=text("0")),
    Column("version", BigInteger, nullable=False, server_default=text("0")),
    Column("channels", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")),
)
