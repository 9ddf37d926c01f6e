"""Orders, their journal, fulfilments, parcels, returns, money; inbox, effects, tasks, keys."""

from alembic import op

from storage.migrate import run_sql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql("orders", "catalogue", "tables", "parcels", "inbox", "guards")


def downgrade() -> None:
    op.execute(
        "DROP TABLE channels, locations, skus, orders, order_words, order_lines, addresses, "
        "channel_changes, verdicts, retrying, journal, fulfilments, parcels, labels, scans, "
        "returns, money, inbox, deliveries, idempotency, effects, tasks, api_keys CASCADE"
    )
    op.execute("DROP FUNCTION refuse_change, money_within_captured")
