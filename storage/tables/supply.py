"""The tables of supply as SQLAlchemy knows them; only the functions in PostgreSQL write them."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
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

from storage.tables.columns import metadata, must, said, since


def _number(name: str = "number") -> Column[Any]:
    return Column(name, BigInteger, Identity(always=True), nullable=False)


def _why() -> tuple[Column[Any], ...]:
    """Why, by whom, when."""
    return (said("reason"), must("by"), since("at"))


supplies = Table(
    "supplies",
    metadata,
    Column("supply_id", Text, primary_key=True),
    _number(),
    must("kind"),
    must("state", Text, default="'open'::text"),
    Column("origin", Text, ForeignKey("locations.location")),
    must("destination", Text, ForeignKey("locations.location")),
    said("reference"),
    since("at"),
    UniqueConstraint("number"),
    Index("supplies_by_kind", "kind", "number"),
)

supply_lines = Table(
    "supply_lines",
    metadata,
    Column("supply_id", Text, ForeignKey("supplies.supply_id"), primary_key=True),
    Column("line", Integer, primary_key=True),
    must("sku", Text, ForeignKey("skus.sku")),
    must("quantity", BigInteger),
    must("expected_on", Date),
    must("received", BigInteger, default="0"),
    Index("supply_lines_awaited", "sku", postgresql_where=text("received < quantity")),
)

supply_deeds = Table(
    "supply_deeds",
    metadata,
    Column("key", Text, primary_key=True),
    _number("id"),
    must("supply_id", Text, ForeignKey("supplies.supply_id")),
    must("deed"),
    must("asked", JSONB),
    must("answer", JSONB),
    *_why(),
    UniqueConstraint("id"),
    Index("supply_deeds_by_supply", "supply_id", "id"),
)

stock_counts = Table(
    "stock_counts",
    metadata,
    Column("count_id", Text, primary_key=True),
    _number(),
    must("key"),
    must("location", Text, ForeignKey("locations.location")),
    must("asked", JSONB),
    *_why(),
    UniqueConstraint("number"),
    UniqueConstraint("key"),
)

stock_count_lines = Table(
    "stock_count_lines",
    metadata,
    Column("count_id", Text, ForeignKey("stock_counts.count_id"), primary_key=True),
    Column("sku", Text, ForeignKey("skus.sku"), primary_key=True),
    must("counted", BigInteger),
    must("recorded", BigInteger),
)

stock_discrepancies = Table(
    "stock_discrepancies",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    must("cause"),
    must("kind"),
    must("sku"),
    must("location"),
    must("quantity", BigInteger),
    *_why(),
    Index("stock_discrepancies_by_cause", "cause"),
)
