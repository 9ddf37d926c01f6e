"""The migrations build what `storage.tables` says, whoever runs them and how often."""

import importlib
import os
import pkgutil
import subprocess
import sys

import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from starter.local.postgres import PostgresServer
from storage import migrate
from storage import tables as every_table
from storage.migrate import alembic_config, upgrade
from storage.tables.columns import metadata

for module in pkgutil.iter_modules(every_table.__path__, "storage.tables."):
    importlib.import_module(module.name)  # it adds its tables to the metadata

EVERYTHING = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"


def differences(url: str) -> list[object]:
    def ours(_thing: object, name: str | None, kind: str, *_: object) -> bool:
        return kind != "table" or name in metadata.tables

    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={"include_object": ours, "compare_type": True, "compare_server_default": True},
        )
        return list(compare_metadata(context, metadata))


def tables(postgres: PostgresServer, database: str) -> set[str]:
    with psycopg.connect(postgres.conninfo(database)) as connection:
        return {name for (name,) in connection.execute(EVERYTHING)}


def test_the_tables_in_code_are_the_tables_in_the_database(database_url: str) -> None:
    assert differences(database_url) == []


def test_a_difference_would_be_found(postgres: PostgresServer) -> None:
    postgres.ensure_database("different")
    upgrade(postgres.url("different"))
    with psycopg.connect(postgres.conninfo("different")) as connection:
        connection.execute("ALTER TABLE tasks DROP COLUMN message")
        connection.execute("DROP INDEX labels_one_live")
    assert len(differences(postgres.url("different"))) == 2


def test_several_processes_may_upgrade_at_once(postgres: PostgresServer) -> None:
    postgres.ensure_database("crowded")
    environment = {**os.environ, "OMS_DATABASE_URL": postgres.url("crowded")}
    command_line = [sys.executable, "-m", "storage.migrate"]
    started = [subprocess.Popen(command_line, env=environment) for _ in range(3)]  # noqa: S603 - ours
    assert [process.wait(timeout=200) for process in started] == [0, 0, 0]
    assert set(metadata.tables) <= tables(postgres, "crowded")


def test_a_database_that_sorts_as_a_language_does_is_refused(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The tests' server knows no such language: its sorting is told to be another."""
    postgres.ensure_database("german")
    monkeypatch.setenv("OMS_DATABASE_URL", postgres.url("german"))
    monkeypatch.setattr(migrate, "SORTED", migrate.SORTED.replace("BY m", "BY lower(m)"))
    assert migrate.main() == 2
    assert "LOCALE 'C'" in capsys.readouterr().err
    assert tables(postgres, "german") == set()


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("me:hush@db", "Could not parse SQLAlchemy URL"),
        ("mysql+nothing://me:hush@db/x", "Can't load plugin"),
        ("postgresql+psycopg://me:hush@127.0.0.1:1/x", "Connection refused"),
    ],
)
def test_a_database_that_is_not_there_is_named_by_its_setting(
    url: str, why: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OMS_DATABASE_URL", url)
    assert migrate.main() == 1
    said = capsys.readouterr().err
    assert said.startswith("OMS_DATABASE_URL: ")
    assert why in said
    assert "hush" not in said


def test_a_downgrade_leaves_nothing(postgres: PostgresServer) -> None:
    postgres.ensure_database("gone")
    upgrade(postgres.url("gone"))
    command.downgrade(alembic_config(postgres.url("gone")), "base")
    assert tables(postgres, "gone") == {"alembic_version"}
