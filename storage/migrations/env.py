"""Runs the migrations over one connection, one process at a time."""

from alembic import context
from sqlalchemy import create_engine, pool, text

from storage.migrate import check_collation

# Any number does, as long as nothing else locks it.
ADVISORY_LOCK = 4_805_117_320


def run() -> None:
    url = context.config.attributes["database_url"]
    engine = create_engine(url, poolclass=pool.NullPool)
    with engine.connect() as connection:
        context.configure(connection=connection, transaction_per_migration=False)
        with context.begin_transaction():
            check_collation(connection)
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": ADVISORY_LOCK})
            context.run_migrations()
    engine.dispose()


run()
