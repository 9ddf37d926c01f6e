"""A whole starter over a real database and a real Temporal, with a stand-in for the workflows."""

import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from config.accounts import ShopifyAccount
from config.settings import Settings
from starter import verbs
from starter.api import returns
from tests.starter.world import SECRET, Oms, StandInBook, World, running, stand_ins


@pytest.fixture(autouse=True)
def _patient_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes effect on a slow machine at last is answered with its effect there, too."""
    monkeypatch.setattr(verbs, "TAKES_EFFECT_WITHIN_S", 60.0)
    monkeypatch.setattr(returns, "BEGINS_WITHIN_S", 60.0)


@pytest.fixture
def settings(database_url: str) -> Settings:
    return Settings(
        database_url=database_url,
        webhook_max_bytes=200_000,
        unknown_order_wait_s=60,
        sweep_s=3600,
        channels={
            "demo": ShopifyAccount(
                base_url="http://127.0.0.1:9",
                token=SecretStr("token"),
                secrets=(SecretStr("an-older-secret"), SecretStr(SECRET)),
            )
        },
        _env_file=None,
    )


@pytest.fixture(scope="module")
async def book(temporal_client: Client) -> AsyncIterator[StandInBook]:
    async with stand_ins(temporal_client) as made:
        yield made


@pytest.fixture
async def world(
    settings: Settings, temporal_client: Client, book: StandInBook
) -> AsyncIterator[World]:
    async with running(settings, temporal_client) as made, book.of(made):
        yield made


@pytest.fixture
def environment(
    database_url: str,
    temporal_env: WorkflowEnvironment,
    free_port: Callable[[], int],
    tmp_path: Path,
) -> dict[str, str]:
    return {
        **os.environ,
        "OMS_DATABASE_URL": database_url,
        "OMS_HTTP_PORT": str(free_port()),
        "OMS_STATE_DIR": str(tmp_path),
        "TEMPORAL_ADDRESS": temporal_env.client.service_client.config.target_host,
        "COLUMNS": "200",
    }


@pytest.fixture
def oms(oms_process: Oms) -> Oms:
    return oms_process


@pytest.fixture
def oms_process(environment: dict[str, str]) -> Oms:
    """The command line, as a process of its own."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "starter.cli", *arguments]
        return subprocess.run(  # noqa: S603 - our own command
            command, env=environment, capture_output=True, text=True, timeout=200, check=False
        )

    return run


@pytest.fixture
def served(environment: dict[str, str], oms_process: Oms) -> Iterator[str]:
    """The address of a starter as it runs, whose key `oms` shows."""
    environment["OMS_API_KEY"] = oms_process("key", "create", "test").stdout.split()[-1]
    url = f"http://127.0.0.1:{environment['OMS_HTTP_PORT']}"
    process = subprocess.Popen([sys.executable, "-m", "starter"], env=environment)
    try:
        deadline = time.monotonic() + 200
        while not _answers(url):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        assert process.wait(200) == 0


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz", timeout=10, trust_env=False).is_success
    except httpx.HTTPError:
        return False
