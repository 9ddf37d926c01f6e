"""Supply: purchase orders and transfers with what is still to come of them, counts, discrepancies.

The functions are in `migrations/sql`. They move stock as migration 0002 says; a document's own lock
comes before any of stock, and nobody who reserves stock ever takes it. Which waiting order gets
which supply is not kept: it is worked out where it is asked for, and so never stale.
"""

from pathlib import Path

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

SQL = Path(__file__).parent.parent / "sql"
TOPICS = ("tables", "documents", "deeds", "counts")


def upgrade() -> None:
    for topic in TOPICS:
        op.execute((SQL / f"supply_{topic}.sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    op.execute("""
DO $$
DECLARE f regprocedure;
BEGIN
    FOR f IN SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
              WHERE n.nspname = current_schema() AND p.proname ~ '^supply_' LOOP
        EXECUTE 'DROP FUNCTION ' || f;
    END LOOP;
END $$
""")
    op.execute("DROP VIEW supply_awaited")
    op.execute(
        "DROP TABLE stock_discrepancies, stock_count_lines, stock_counts, supply_deeds, "
        "supply_lines, supplies"
    )
