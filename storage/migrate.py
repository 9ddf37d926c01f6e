"""Brings a database to the newest schema: `python -m storage.migrate` or `upgrade(url)`."""

import os
import sys
from pathlib import Path

from alembic import command
from alembic.config import Config

FOLDER = Path(__file__).parent / "migrations"


def alembic_config(database_url: str) -> Config:
    """What alembic needs, without a file of its own; the URL may hold percent signs."""
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["database_url"] = database_url
    return config


def upgrade(database_url: str) -> None:
    """Run all migrations that the database lacks; several processes may do so at once."""
    command.upgrade(alembic_config(database_url), "head")


def main() -> int:
    database_url = os.environ.get("OMS_DATABASE_URL", "")
    if not database_url:
        print("OMS_DATABASE_URL is not set: which database?", file=sys.stderr)  # noqa: T201 - a command's answer
        return 2
    upgrade(database_url)
    return 0


if __name__ == "__main__":
    sys.exit(main())
