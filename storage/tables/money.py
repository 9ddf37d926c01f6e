"""What was captured and refunded."""

from sqlalchemy import BigInteger, Index, SmallInteger, Table, text

from storage.tables.columns import key, may, metadata, must, of_order, said, since

money = Table(
    "money",
    metadata,
    key("key"),
    of_order(),
    may("return_id"),
    must("kind"),
    must("amount_minor", BigInteger),
    must("currency"),
    must("exponent", SmallInteger),
    said("ref"),
    since("at"),
    Index("money_by_order", "order_id"),
    Index(
        "money_captured_once",
        "order_id",
        unique=True,
        postgresql_where=text("kind = 'captured'::text"),
    ),
)
