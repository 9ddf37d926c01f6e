"""What people have to do."""

from sqlalchemy import Column, ForeignKey, Table, UniqueConstraint, Uuid, text

from storage.tables.columns import Time, may, metadata, must, said, since

tasks = Table(
    "tasks",
    metadata,
    Column("id", Uuid, primary_key=True, server_default=text("uuidv7()")),
    must("kind"),
    must("key"),
    may("order_id"),
    may("inbox_id", Uuid, ForeignKey("inbox.id")),
    must("message"),
    since("created_at"),
    may("done_at", Time),
    said("done_by"),
    UniqueConstraint("key"),
)
