"""What channels may sell: their rules, and the numbers last found with the version of each.

Nothing here is written where stock is reserved: the ledger itself says which SKUs moved, and the
queue is compared with what it was. Only what changes seldom leaves a mark, by trigger.
"""

from alembic import op

from storage.migrate import run_sql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql("channels", "tables", "marks")


def downgrade() -> None:
    op.execute("DROP TABLE selling_rules")
    op.execute("DROP TRIGGER bundle_components_mark ON bundle_components")
    op.execute("DROP TRIGGER locations_mark_changed ON locations")
    op.execute("DROP TRIGGER skus_mark_changed ON skus")
    op.execute("DROP TRIGGER skus_mark_new ON skus")
    op.execute("DROP FUNCTION channel_stock_mark")
    op.execute(
        "DROP TABLE channel_stock, channel_stock_marks, channel_stock_waiting, "
        "channel_stock_progress"
    )
