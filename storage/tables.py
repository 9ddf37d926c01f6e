"""The tables as SQLAlchemy knows them; the migrations build them, a test keeps both the same."""

from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy import Time as WallTime
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()

Time = DateTime(timezone=True)


def _key(name: str, kind: Any = Text, *constraints: Any) -> Column[Any]:
    return Column(name, kind, *constraints, primary_key=True)


def _must(
    name: str, kind: Any = Text, *constraints: Any, default: str | None = None
) -> Column[Any]:
    server_default = text(default) if default is not None else None
    return Column(name, kind, *constraints, nullable=False, server_default=server_default)


def _may(name: str, kind: Any = Text, *constraints: Any) -> Column[Any]:
    return Column(name, kind, *constraints, nullable=True)


def _said(name: str) -> Column[Any]:
    """A text that may be empty."""
    return _must(name, default="''::text")


def _since(name: str) -> Column[Any]:
    return _must(name, Time, default="now()")


def _wait() -> tuple[Column[Any], ...]:
    return (
        _may("wait_owner"),
        _may("wait_what"),
        _may("wait_since", Time),
        _may("wait_deadline", Time),
        _said("wait_next"),
    )


def _of_order() -> Column[Any]:
    return _must("order_id", Text, ForeignKey("orders.order_id"))


channels = Table("channels", metadata, _key("channel"), _must("kind"), _must("name"))

locations = Table(
    "locations",
    metadata,
    _key("location"),
    _must("name"),
    _must("country"),
    _must("timezone"),
    _must("address", JSONB),
    _must("active", Boolean, default="true"),
    _must("serves", ARRAY(Text), default="'{}'::text[]"),
    _must("hazmat", Boolean, default="true"),
    _may("parcel_weight_max_g", Integer),
    _may("capacity_per_day", Integer),
    _must("cost_minor", BigInteger, default="0"),
    _must("cut_off", WallTime, default="'14:00:00'::time without time zone"),
    _must("handling_days", SmallInteger, default="0"),
    _must("weekdays", ARRAY(SmallInteger), default="'{1,2,3,4,5}'::smallint[]"),
    _must("holidays", ARRAY(Date), default="'{}'::date[]"),
    _must("changed_at", Time, default="clock_timestamp()"),
)

skus = Table(
    "skus",
    metadata,
    _key("sku"),
    _must("title"),
    _must("weight_g", Integer, default="0"),
    _may("hs_code"),
    _may("origin_country"),
    _must("hazmat", Boolean, default="false"),
    _must("backorder_max", BigInteger, default="0"),
)

orders = Table(
    "orders",
    metadata,
    _key("order_id"),
    _must("channel"),
    _must("channel_order_id"),
    _must("number"),
    _must("placed_at", Time),
    _may("channel_updated_at", Time),
    _since("received_at"),
    _said("email"),
    _said("phone"),
    _said("note"),
    _must("currency"),
    _must("totals", JSONB),
    _may("presentment_total", JSONB),
    _must("payment"),
    _must("channel_cancelled", Boolean, default="false"),
    _said("channel_cancel_reason"),
    _must("document", JSONB),
    _must("track_token"),
    _must("seq", Integer, default="0"),
    _must("status", default="'received'::text"),
    _must("address_version", Integer, default="1"),
    _said("attention"),
    _must("holds", JSONB, default="'[]'::jsonb"),
    _must("cancelled_lines", JSONB, default="'[]'::jsonb"),
    *_wait(),
    _since("updated_at"),
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
    _key("order_id", Text, ForeignKey("orders.order_id")),
    _must("words"),
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
    _key("order_id", Text, ForeignKey("orders.order_id")),
    _key("line_no", Integer),
    _must("line_id"),
    _must("sku"),
    _must("title"),
    _must("quantity", BigInteger),
    _must("unit_price_minor", BigInteger),
    _must("discount_minor", BigInteger),
    _must("tax_minor", BigInteger),
    _must("currency"),
    _must("exponent", SmallInteger),
    UniqueConstraint("order_id", "line_id"),
    Index("order_lines_by_sku", "sku"),
)

addresses = Table(
    "addresses",
    metadata,
    _key("order_id", Text, ForeignKey("orders.order_id")),
    _key("version", Integer),
    _must("source"),
    _may("based_on", Integer),
    _must("address", JSONB),
    _said("by"),
    _since("created_at"),
)

channel_changes = Table(
    "channel_changes",
    metadata,
    _key("order_id", Text, ForeignKey("orders.order_id")),
    _key("event"),
    _must("changes", JSONB),
    _since("at"),
)

verdicts = Table(
    "verdicts",
    metadata,
    _key("order_id"),
    _key("address_version", Integer),
    _must("outcome"),
    _must("address_problems", JSONB),
    _must("data_problems", JSONB),
    _since("checked_at"),
    ForeignKeyConstraint(
        ["order_id", "address_version"], ["addresses.order_id", "addresses.version"]
    ),
)

retrying = Table(
    "retrying",
    metadata,
    _key("workflow_id"),
    _key("step"),
    _must("owner"),
    _must("code"),
    _since("since"),
    _must("attempt", Integer),
)

journal = Table(
    "journal",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    _of_order(),
    _may("return_id"),
    _must("seq", Integer),
    _must("entry", Integer),
    _must("at", Time),
    _must("by"),
    _must("code"),
    _said("why"),
    _said("command_id"),
    _must("data", JSONB, default="'{}'::jsonb"),
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

fulfilments = Table(
    "fulfilments",
    metadata,
    _key("order_id", Text, ForeignKey("orders.order_id")),
    _key("number", Integer),
    _must("reference"),
    _must("location"),
    _must("status"),
    _said("reason"),
    _must("lines", JSONB),
    _may("wait", JSONB),
    UniqueConstraint("reference"),
)

parcels = Table(
    "parcels",
    metadata,
    _key("parcel_id"),
    _must("order_id"),
    _must("number", Integer),
    _must("weight_g", Integer),
    _must("length_mm", Integer),
    _must("width_mm", Integer),
    _must("height_mm", Integer),
    _must("course"),
    _must("signalled_course", default="'expected'::text"),
    ForeignKeyConstraint(["order_id", "number"], ["fulfilments.order_id", "fulfilments.number"]),
    Index("parcels_by_order", "order_id"),
)

labels = Table(
    "labels",
    metadata,
    _key("shipment_ref"),
    _must("parcel_id", Text, ForeignKey("parcels.parcel_id")),
    _must("carrier"),
    _must("tracking_number"),
    _must("label_url"),
    _said("tracking_url"),
    _must("cost_minor", BigInteger),
    _must("currency"),
    _must("exponent", SmallInteger),
    _must("voided", Boolean, default="false"),
    _must("given_up", Boolean, default="false"),
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
    _key("carrier"),
    _key("tracking_number"),
    _key("scan_key"),
    _must("course"),
    _must("carrier_status"),
    _said("message"),
    _said("place"),
    _must("claimed_at", Time),
    _since("received_at"),
    Index("scans_by_parcel", "tracking_number", "course", "claimed_at"),
)

returns = Table(
    "returns",
    metadata,
    _key("return_id"),
    _of_order(),
    _said("location"),
    _must("seq", Integer, default="0"),
    _must("status", default="'requested'::text"),
    _must("lines", JSONB),
    _must("inspected", JSONB, default="'[]'::jsonb"),
    _said("attention"),
    *_wait(),
    _since("requested_at"),
    _since("updated_at"),
    Index("returns_by_order", "order_id"),
)

money = Table(
    "money",
    metadata,
    _key("key"),
    _of_order(),
    _may("return_id"),
    _must("kind"),
    _must("amount_minor", BigInteger),
    _must("currency"),
    _must("exponent", SmallInteger),
    _said("ref"),
    _since("at"),
    Index("money_by_order", "order_id"),
    Index(
        "money_captured_once",
        "order_id",
        unique=True,
        postgresql_where=text("kind = 'captured'::text"),
    ),
)

inbox = Table(
    "inbox",
    metadata,
    Column("id", Uuid, primary_key=True, server_default=text("uuidv7()")),
    _must("source"),
    _must("kind"),
    _must("event_key"),
    _may("order_id"),
    _said("by"),
    _must("body", LargeBinary),
    _since("received_at"),
    _must("attempts", Integer, default="0"),
    _said("last_error"),
    _since("not_before"),
    _may("delivered_at", Time),
    _may("parked_at", Time),
    _may("settled_at", Time),
    _said("refused"),
    UniqueConstraint("source", "event_key"),
    Index(
        "inbox_undelivered",
        "order_id",
        "id",
        postgresql_where=text("delivered_at IS NULL AND parked_at IS NULL"),
    ),
)

deliveries = Table(
    "deliveries", metadata, _key("order_id"), _may("token", Uuid), _may("leased_until", Time)
)

idempotency = Table(
    "idempotency",
    metadata,
    _key("key"),
    _must("request_hash", LargeBinary),
    _may("status", Integer),
    _may("answer", JSONB),
    _since("created_at"),
    _must("busy_until", Time),
)

effects = Table(
    "effects",
    metadata,
    _key("key"),
    _must("system"),
    _must("fence", BigInteger),
    _must("state"),
    _may("outside_ref"),
    _may("call_until", Time),
    _may("result", JSONB),
    _since("created_at"),
    _since("updated_at"),
)

tasks = Table(
    "tasks",
    metadata,
    Column("id", Uuid, primary_key=True, server_default=text("uuidv7()")),
    _must("kind"),
    _must("key"),
    _may("order_id"),
    _may("inbox_id", Uuid, ForeignKey("inbox.id")),
    _must("message"),
    _since("created_at"),
    _may("done_at", Time),
    _said("done_by"),
    UniqueConstraint("key"),
)

api_keys = Table(
    "api_keys",
    metadata,
    _key("key_id"),
    _must("name"),
    _must("hash", LargeBinary),
    _since("created_at"),
    _may("revoked_at", Time),
    UniqueConstraint("hash"),
)
