"""Labels that a carrier will not void, which an operator went on without."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE labels ADD COLUMN given_up boolean NOT NULL DEFAULT false")
    op.execute("DROP INDEX labels_one_live")
    op.execute(
        "CREATE UNIQUE INDEX labels_one_live ON labels (parcel_id) WHERE NOT voided AND NOT given_up"
    )


def downgrade() -> None:
    op.execute("DROP INDEX labels_one_live")
    op.execute("ALTER TABLE labels DROP COLUMN given_up")
    op.execute("CREATE UNIQUE INDEX labels_one_live ON labels (parcel_id) WHERE NOT voided")
