"""What every test may ask for: a real PostgreSQL, real Temporal servers, free ports."""

import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from psycopg import sql
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import TimeSkippingConfig, WorkflowEnvironment

from config.settings import Settings
from config.temporal import search_attribute_keys
from starter.local.ports import free_port as find_free_port
from starter.local.postgres import PostgresServer
from starter.local.processes import Supervisor
from starter.local.temporal import temporal_binary
from tests.folders import STARTS_WITHIN, state_folder

TEMPLATE = "template_migrated"
MACHINE_STANDS_S = 600.0
"""A test's own transactions are not ended while the whole machine stands still."""
SERVER_ARGS = ["--sqlite-pragma=journal_mode=WAL", "--sqlite-pragma=synchronous=OFF"]
SKIPPING_ARGS = [
    *SERVER_ARGS,
    "--dynamic-config-value",
    "frontend.WorkflowTimeSkippingEnabled=true",
]

# On a busy machine any example may take long, or the making of it.
settings.register_profile(
    "searching",
    settings.default,
    deadline=None,
    derandomize=False,
    suppress_health_check=[HealthCheck.too_slow],
)
# Each run has the same examples; `--hypothesis-profile searching` looks for others.
settings.register_profile(
    "unhurried", settings.get_profile("searching"), database=None, derandomize=True
)
settings.load_profile("unhurried")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--workflow-cache",
        type=int,
        default=500,
        help="workflows a worker keeps in memory; with 0 each is replayed at every step",
    )
    parser.addoption(
        "--stories", type=int, default=48, help="how many random stories of an order are lived"
    )
    parser.addoption("--first-story", type=int, default=1, help="the seed of the first of them")


@pytest.fixture(scope="session", autouse=True)
def _no_settings_of_the_developer() -> None:
    """A test must not depend on what its developer has set."""
    Settings.model_config["env_file"] = None
    for name in [name for name in os.environ if name.startswith(("OMS_", "TEMPORAL_"))]:
        del os.environ[name]


@pytest.fixture
def free_port() -> Callable[[], int]:
    """Call it for a loopback port that nobody listens on."""
    return find_free_port


@pytest.fixture(scope="session")
def open_folder() -> Iterator[Path]:
    """Where the session's own PostgreSQL lives."""
    folder = state_folder("holdfast-tests-")
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgres(open_folder: Path) -> Iterator[PostgresServer]:
    """One server a session, hasty about the disk, ended with the session."""
    server = PostgresServer(open_folder, find_free_port(), durable=False)
    supervisor = Supervisor(open_folder)
    supervisor.start(server.spec())
    yield server
    supervisor.stop_all()


@pytest.fixture(scope="session")
def postgres_url(postgres: PostgresServer) -> str:
    """The address of the server's own database, for who wants to make more of them."""
    return postgres.url("postgres")


@pytest.fixture(scope="session")
def new_database(postgres: PostgresServer) -> Callable[[], str]:
    """Call it for the address of a fresh, migrated database: a copy of a template, fast."""
    # Late, so that tests of what lies below storage run while storage is broken.
    from storage import engine
    from storage.migrate import upgrade

    engine.STANDSTILL_S = MACHINE_STANDS_S
    postgres.ensure_database(TEMPLATE)
    upgrade(postgres.url(TEMPLATE))
    numbers = count(1)

    def make() -> str:
        name = f"test_{next(numbers)}"
        with psycopg.connect(postgres.conninfo(), autocommit=True) as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                    sql.Identifier(name), sql.Identifier(TEMPLATE)
                )
            )
        return postgres.url(name)

    return make


@pytest.fixture
def database_url(postgres: PostgresServer, new_database: Callable[[], str]) -> Iterator[str]:
    """A database of the test's own."""
    url = new_database()
    yield url
    drop_database(postgres, url)


@pytest.fixture(scope="module")
def module_database_url(postgres: PostgresServer, new_database: Callable[[], str]) -> Iterator[str]:
    """One database for all tests of a module, where they do not disturb each other."""
    url = new_database()
    yield url
    drop_database(postgres, url)


def drop_database(postgres: PostgresServer, url: str) -> None:
    """Whoever is still connected to it is cut off."""
    name = sql.Identifier(url.rpartition("/")[2])
    with psycopg.connect(postgres.conninfo(), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


@pytest.fixture(scope="session")
async def temporal_env() -> AsyncIterator[WorkflowEnvironment]:
    """A real development server whose clock is the wall's."""
    environment = await WorkflowEnvironment.start_local(
        data_converter=pydantic_data_converter,
        search_attributes=search_attribute_keys(),
        dev_server_existing_path=temporal_binary(),
        dev_server_startup_timeout=STARTS_WITHIN,
        dev_server_extra_args=SERVER_ARGS,
    )
    async with environment:
        yield environment


@pytest.fixture(scope="session")
def temporal_client(temporal_env: WorkflowEnvironment) -> Client:
    return temporal_env.client


@pytest.fixture(scope="session")
async def skipping_env() -> AsyncIterator[WorkflowEnvironment]:
    """A real server whose workflows' clocks are moved with `fast_forward(handle, duration)`.

    It never skips by itself: a wait for an answer from outside would run into its deadline.
    """
    environment = await WorkflowEnvironment.start_time_skipping_v2(
        ts_config=TimeSkippingConfig(enabled=False),
        data_converter=pydantic_data_converter,
        search_attributes=search_attribute_keys(),
        dev_server_existing_path=temporal_binary(),
        dev_server_startup_timeout=STARTS_WITHIN,
        dev_server_extra_args=SKIPPING_ARGS,
    )
    async with environment:
        yield environment
