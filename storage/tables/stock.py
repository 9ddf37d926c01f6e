"""The tables of stock as SQLAlchemy knows them; only the functions in PostgreSQL write them."""

from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    Computed,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from storage.tables.columns import Time, metadata, must, said, since


def _units(name: str) -> Column[Any]:
    """So many of a SKU, or a change of so many."""
    return must(name, BigInteger, default="0")


stock = Table(
    "stock",
    metadata,
    Column("sku", Text, ForeignKey("skus.sku"), primary_key=True),
    Column("location", Text, ForeignKey("locations.location"), primary_key=True),
    _units("on_hand"),
    _units("reserved"),
    _units("damaged"),
    _units("safety_stock"),
    _units("incoming"),
    Column(
        "available",
        BigInteger,
        Computed(
            "GREATEST((((on_hand - reserved) - damaged) - safety_stock), (0)::bigint)",
            persisted=True,
        ),
        nullable=False,
    ),
    Index("stock_by_location", "location", "sku"),
)

stock_movements = Table(
    "stock_movements",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    must("key"),
    must("sku"),
    must("location"),
    must("kind"),
    _units("on_hand_delta"),
    _units("reserved_delta"),
    _units("damaged_delta"),
    _units("safety_delta"),
    _units("incoming_delta"),
    Column("order_id", Text),
    said("reason"),
    said("by"),
    since("at"),
    UniqueConstraint("key", "sku"),
    Index("stock_movements_by_sku", "sku", "location", "id"),
    Index("stock_movements_by_order", "order_id", postgresql_where=text("order_id IS NOT NULL")),
)

reservations = Table(
    "reservations",
    metadata,
    Column("key", Text, primary_key=True),
    must("base"),
    must("part", Integer),
    must("order_id"),
    Column("location", Text),
    must("state"),
    must("lines", JSONB),
    must("items", JSONB),
    Column("expires_at", Time),
    since("created_at"),
    Index("reservations_by_base", "base"),
    Index("reservations_by_order", "order_id"),
    Index(
        "reservations_expiring",
        "expires_at",
        postgresql_where=text("state = 'reserved'::text AND expires_at IS NOT NULL"),
    ),
)

stock_waiting = Table(
    "stock_waiting",
    metadata,
    Column("key", Text, primary_key=True),
    must("order_id"),
    must("lines", JSONB),
    must("items", JSONB),
    Column("skus", ARRAY(Text), nullable=False),
    Column("ranked", ARRAY(Text), nullable=False),
    Column("split_at", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")),
    Column("full_at", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")),
    must("parts_max", Integer, default="1"),
    must("priority", Integer, default="0"),
    Column("position", BigInteger, Identity(always=True), nullable=False),
    since("since"),
    since("sourced_at"),
    UniqueConstraint("position"),
    Index("stock_waiting_by_sku", "skus", postgresql_using="gin"),
    Index("stock_waiting_by_order", "order_id"),
)

stock_changes = Table(
    "stock_changes",
    metadata,
    Column("key", Text, primary_key=True),
    must("change", JSONB),
    must("answer", JSONB),
    since("at"),
)

bundle_components = Table(
    "bundle_components",
    metadata,
    Column("bundle", Text, ForeignKey("skus.sku"), primary_key=True),
    Column("component", Text, ForeignKey("skus.sku"), primary_key=True),
    must("quantity", BigInteger),
    Index("bundle_components_by_component", "component"),
)
