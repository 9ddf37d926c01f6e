"""A PostgreSQL of the bench's own, as durable as the product's, with goods to reserve in it."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

from config.settings import load_settings
from starter.local.ports import free_port
from starter.local.postgres import PostgresServer
from starter.local.processes import Supervisor
from storage.migrate import upgrade

DESIGNS = Path(__file__).with_name("stock_designs")
LOCATION = "berlin"
HOT = 0
"""The number of the SKU that everybody wants; the others are counted from 1."""
PLENTY = 1_000_000_000
KEPT = {
    "reservations": sql.SQL("SELECT count(*) FROM {schema}.reservations"),
    "movements": sql.SQL("SELECT count(*) FROM {schema}.stock_movements WHERE kind = 'reserved'"),
    "units": sql.SQL("SELECT sum(reserved) FROM {schema}.stock"),
}
"""What must be as many as orders were served."""


@dataclass(frozen=True)
class Ground:
    """A migrated database, the process whose children serve it, and PostgreSQL's own programs."""

    url: str
    pid: int
    programs: Path

    @property
    def conninfo(self) -> str:
        """For psycopg and pgbench."""
        return make_url(self.url).set(drivername="postgresql").render_as_string()


@contextmanager
def stock_server() -> Iterator[PostgresServer]:
    """A server on a free port over an empty folder, gone afterwards."""
    folder = load_settings().state_dir / "bench-stock"
    shutil.rmtree(folder, ignore_errors=True)
    server = PostgresServer(folder, free_port())
    supervisor = Supervisor(folder)
    try:
        supervisor.start(server.spec())
        yield server
    finally:
        supervisor.stop_all()
        shutil.rmtree(folder)


def database(server: PostgresServer, name: str) -> Ground:
    """A new database, as the migrations make it."""
    server.ensure_database(name)
    upgrade(server.url(name))
    return ground(server, server.url(name))


def ground(server: PostgresServer, url: str) -> Ground:
    first_line, *_ = (server.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    return Ground(url, int(first_line), server.programs)


def fill(where: Ground, skus: int, units: int) -> None:
    """One location with plenty of the hot SKU and of `skus` others; the designs' own tables.

    `units` of the hot SKU have a row each.
    """
    with psycopg.connect(where.conninfo, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO locations (location, name, country, timezone, address) "
            "VALUES (%s, 'Berlin', 'DE', 'Europe/Berlin', '{}')",
            [LOCATION],
        )
        connection.execute(
            "INSERT INTO skus (sku, title) "
            "SELECT 'sku-' || n, 'goods' FROM generate_series(0, %s::int) n",
            [skus],
        )
        connection.execute(
            "SELECT stock_move('received', 'bench', NULL, %s, jsonb_agg(jsonb_build_object("
            "'sku', sku, 'quantity', %s::bigint))) FROM skus",
            [LOCATION, PLENTY],
        )
        connection.execute((DESIGNS / "ground.sql").read_text(encoding="utf-8"))
        connection.execute(
            "INSERT INTO units.units (sku, location, n) "
            "SELECT 'sku-' || %s::int, %s, n FROM generate_series(1, %s::int) n",
            [HOT, LOCATION, units],
        )
        connection.execute("VACUUM ANALYZE")


def faults(where: Ground, served: Mapping[str, int]) -> list[str]:
    """Where the tables differ from what was served by schema, in words: nowhere, if all is well."""
    found = []
    with psycopg.connect(where.conninfo, autocommit=True) as connection:
        for schema, many in served.items():
            for kept, question in KEPT.items():
                rows = _number(connection, question.format(schema=sql.Identifier(schema)))
                if rows != many:
                    found.append(f"{schema}: {rows} {kept}, {many} were served")
        drifted = _number(connection, sql.SQL("SELECT count(*) FROM stock_drift()"))
    return found + ([f"{drifted} counters drifted"] if drifted else [])


def _number(connection: psycopg.Connection, question: sql.SQL | sql.Composed) -> int:
    row = connection.execute(question).fetchone()
    return int(row[0]) if row else 0
