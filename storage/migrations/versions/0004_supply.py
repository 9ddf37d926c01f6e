"""Supply: purchase orders and transfers with what is still to come of them, counts, discrepancies.

The functions are in `migrations/sql`. They move stock as migration 0002 says; a document's own lock
comes before any of stock, and nobody who reserves stock ever takes it. Which waiting order gets
which supply is not kept: it is worked out where it is asked for, and so never stale.
"""

from alembic import op

from storage.migrate import drop_functions, run_sql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql("supply", "tables", "documents", "deeds", "counts")


def downgrade() -> None:
    drop_functions("supply")
    op.execute("DROP VIEW supply_awaited")
    op.execute(
        "DROP TABLE stock_discrepancies, stock_count_lines, stock_counts, supply_deeds, "
        "supply_lines, supplies"
    )
