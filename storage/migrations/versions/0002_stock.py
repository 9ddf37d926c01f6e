"""Stock: its ledger, the counters that only the ledger writes, reservations and the queue.

The functions are in `migrations/sql`, one file a topic. Words: *lines* are as sold, *items* are
physical (`[{sku, quantity}]`, each SKU once), a *part* is one location's share of both.

Locks are always taken in one order, so that nobody waits in a circle: the order's (advisory), then
`skus` in SKU order, then `stock` by location and SKU, then `stock_waiting` by priority and age.
Whoever makes stock available, and whoever enters the queue, first locks the `skus` concerned: so
nobody enters the queue between the moment that stock comes and the moment that it is shared out.
All of it relies on READ COMMITTED: what is read after a lock is newer than the lock.

To move stock, other migrations' functions do as `stock_change` does, once in a transaction, with
all places and SKUs that the transaction touches:

    PERFORM stock_open(places, skus);                      -- locks; before anything is looked at
    PERFORM stock_move(kind, key, order, place, items);    -- any number, each with its own key
    PERFORM stock_share_out(places, skus, cause);          -- if anything may have become available

What takes stock away asks `stock_hindrance(kind, place, items)` between the first and the second.
An item may say how much of its quantity is `damaged`, and how much was `expected` (it leaves
`incoming`). One movement at one place, once a key, is `stock_change` itself.
"""

from alembic import op

from storage.migrate import drop_functions, run_sql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql("stock", "tables", "ledger", "lines", "moves", "reserve", "queue", "release", "changes")


def downgrade() -> None:
    op.execute(
        "DROP TABLE stock, stock_movements, reservations, stock_waiting, stock_changes, "
        "bundle_components CASCADE"
    )
    drop_functions("stock", "reservation", "bundle")
