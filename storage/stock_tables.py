"""The tables of stock as SQLAlchemy knows them; only the functions in PostgreSQL write them."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    ForeignKey,
    Identity,
    Index,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from storage.tables import Time, metadata

stock = Table(
    "stock",
    metadata,
    Column("sku", Text, ForeignKey("skus.sku"), primary_key=True),
    Column("location", Text, ForeignKey("locations.location"), primary_key=True),
    Column("on_hand", BigInteger, nullable=False, server_default=text("0")),
    Column("reserved", BigInteger, nullable=False, server_default=text("0")),
    Index("stock_by_location", "location", "sku"),
)

stock_movements = Table(
    "stock_movements",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("key", Text, nullable=False),
    Column("sku", Text, nullable=False),
    Column("location", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("on_hand_delta", BigInteger, nullable=False),
    Column("reserved_delta", BigInteger, nullable=False),
    Column("order_id", Text),
    Column("reason", Text, nullable=False, server_default=text("''::text")),
    Column("by", Text, nullable=False, server_default=text("''::text")),
    Column("at", Time, nullable=False, server_default=text("now()")),
    UniqueConstraint("key"),
    Index("stock_movements_by_sku", "sku", "location", "id"),
    Index("stock_movements_by_order", "order_id", postgresql_where=text("order_id IS NOT NULL")),
)

reservations = Table(
    "reservations",
    metadata,
    Column("key", Text, primary_key=True),
    Column("order_id", Text, nullable=False),
    Column("location", Text, ForeignKey("locations.location")),
    Column("state", Text, nullable=False),
    Column("lines", JSONB, nullable=False),
    Column("created_at", Time, nullable=False, server_default=text("now()")),
    Index("reservations_by_order", "order_id"),
)

stock_waiting = Table(
    "stock_waiting",
    metadata,
    Column("order_id", Text, primary_key=True),
    Column("key", Text, nullable=False),
    Column("lines", JSONB, nullable=False),
    Column("skus", ARRAY(Text), nullable=False),
    Column("ranked", ARRAY(Text), nullable=False),
    Column("excluded", ARRAY(Text), nullable=False),
    Column("position", BigInteger, Identity(always=True), nullable=False),
    Column("since", Time, nullable=False, server_default=text("now()")),
    UniqueConstraint("key"),
    UniqueConstraint("position"),
    Index("stock_waiting_by_sku", "skus", postgresql_using="gin"),
)

stock_changes = Table(
    "stock_changes",
    metadata,
    Column("key", Text, primary_key=True),
    Column("change", JSONB, nullable=False),
    Column("answer", JSONB, nullable=False),
    Column("at", Time, nullable=False, server_default=text("now()")),
)
