"""Brings a database to the newest schema: `python -m storage.migrate` or `upgrade(url)`."""

import os
import sys
from pathlib import Path

from alembic import command, op
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.exc import ArgumentError, OperationalError

FOLDER = Path(__file__).parent / "migrations"

MIXED = ("Z-1", "Za", "_", "a", "z", "ä", "\U0001f600")
SORTED = "SELECT array_agg(m ORDER BY m) FROM unnest(CAST(:mixed AS text[])) m"


class CollationUnfit(RuntimeError):
    """The database sorts texts as a language does."""


def check_collation(connection: Connection) -> None:
    """See that PostgreSQL sorts as Python does: rows are locked, and pages cut, in either's order.

    Raises:
        CollationUnfit: it does not; says what to do.
    """
    if connection.scalar(text(SORTED), {"mixed": list(MIXED)}) != sorted(MIXED):
        raise CollationUnfit(
            "the database must sort texts by the codes of their characters; make it with "
            "CREATE DATABASE … TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'"
        )


def alembic_config(database_url: str) -> Config:
    """What alembic needs, without a file of its own; the URL may hold percent signs."""
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["database_url"] = database_url
    return config


def run_sql(subject: str, *topics: str) -> None:
    """What a migration does, from its files in `migrations/sql`: one a topic."""
    for topic in topics:
        op.execute((FOLDER / "sql" / f"{subject}_{topic}.sql").read_text(encoding="utf-8"))


def drop_functions(*prefixes: str) -> None:
    """Drop what such files made whose names begin so."""
    op.execute(f"""
DO $$
DECLARE f regprocedure;
BEGIN
    FOR f IN SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
              WHERE n.nspname = current_schema() AND p.proname ~ '^({"|".join(prefixes)})_' LOOP
        EXECUTE 'DROP FUNCTION ' || f;
    END LOOP;
END $$
""")  # noqa: S608 - our own names


def upgrade(database_url: str) -> None:
    """Run all migrations that the database lacks; several processes may do so at once.

    Raises:
        CollationUnfit: nothing was changed.
    """
    command.upgrade(alembic_config(database_url), "head")


def main() -> int:
    database_url = os.environ.get("OMS_DATABASE_URL", "")
    if not database_url:
        print("OMS_DATABASE_URL is not set: which database?", file=sys.stderr)  # noqa: T201 - a command's answer
        return 2
    try:
        upgrade(database_url)
    except CollationUnfit as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command's answer
        return 2
    except (ArgumentError, OperationalError) as error:
        why = error.orig if isinstance(error, OperationalError) else error
        print(f"OMS_DATABASE_URL: {why}", file=sys.stderr)  # noqa: T201 - a command's answer
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
