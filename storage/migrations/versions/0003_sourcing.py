"""Sourcing: rule sets and decisions, and what locations and SKUs say that sourcing must know."""

import json

from alembic import op
from sqlalchemy import text

from storage.migrate import drop_functions, run_sql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# Written out in full: a default in the code may change, what an order was sourced by may not.
FIRST_RULES = {
    "currency": "EUR",
    "parts_max": 2,
    "ship_complete": False,
    "part_value_min_minor": 0,
    "part_value_min_in": {},
    "distance_minor_per_100km": 50,
    "split_minor": 500,
    "balance_minor": 10,
    "lateness_minor_per_day": 200,
    "shipping_percent": 100,
    "location_percent": 100,
    "promise_days": None,
    "transit_days": 2,
    "zones": [],
    "priorities": {},
}


def upgrade() -> None:
    run_sql("sourcing", "tables", "capacity", "reserve", "outdated", "given", "carts")
    first = text(
        "INSERT INTO sourcing_rules (name, state, document, created_by, activated_by, activated_at) "
        "VALUES ('default', 'active', CAST(:rules AS jsonb), 'holdfast', 'holdfast', now())"
    )
    op.execute(first.bindparams(rules=json.dumps(FIRST_RULES)))


def downgrade() -> None:
    op.execute("DROP TABLE sourcing_decisions, sourcing_rules")
    op.execute("DROP TRIGGER locations_changed ON locations")
    op.execute("DROP TRIGGER skus_changed ON skus")
    drop_functions("sourcing")
    op.execute("DROP INDEX reservations_by_day")
    op.execute(
        "ALTER TABLE skus DROP COLUMN hazmat, DROP COLUMN backorder_max, DROP COLUMN changed_at"
    )
    op.execute(
        "ALTER TABLE locations DROP COLUMN changed_at, DROP COLUMN serves, DROP COLUMN hazmat, "
        "DROP COLUMN parcel_weight_max_g, DROP COLUMN capacity_per_day, DROP COLUMN cost_minor, "
        "DROP COLUMN cut_off, DROP COLUMN handling_days, DROP COLUMN weekdays, DROP COLUMN holidays"
    )
