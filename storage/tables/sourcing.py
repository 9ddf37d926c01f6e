"""The tables of sourcing as SQLAlchemy knows them: rule sets, and what was decided by them."""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from storage.tables.columns import Time, metadata
from storage.tables.stock import reservations

sourcing_rules = Table(
    "sourcing_rules",
    metadata,
    Column("version", Integer, Identity(always=True), primary_key=True),
    Column("name", Text, nullable=False),
    Column("state", Text, nullable=False, server_default=text("'draft'::text")),
    Column("document", JSONB, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", Time, nullable=False, server_default=text("now()")),
    Column("activated_by", Text),
    Column("activated_at", Time),
    Index(
        "sourcing_rules_one_active",
        "state",
        unique=True,
        postgresql_where=text("state = 'active'::text"),
    ),
)

sourcing_decisions = Table(
    "sourcing_decisions",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("order_id", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("rules_version", Integer, ForeignKey("sourcing_rules.version"), nullable=False),
    Column("decision", JSONB, nullable=False),
    Column("facts", JSONB, nullable=False),
    Column("at", Time, nullable=False, server_default=text("now()")),
    Index(
        "sourcing_decisions_once",
        "key",
        unique=True,
        postgresql_where=text("outcome <> 'waiting'::text"),
    ),
    Index("sourcing_decisions_by_key", "key", "id"),
    Index("sourcing_decisions_by_order", "order_id", "id"),
    Index("sourcing_decisions_by_time", "at", "id"),
)

Index("reservations_by_day", reservations.c.location, reservations.c.created_at)
