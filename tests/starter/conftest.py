"""A whole starter over a real database and a real Temporal, with a stand-in for the workflows."""

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr
from temporalio.client import Client

from config.settings import Settings, ShopifyChannel
from tests.starter.world import SECRET, World, running, working


@pytest.fixture
def settings(database_url: str) -> Settings:
    return Settings(
        database_url=database_url,
        webhook_max_bytes=200_000,
        relay_lease_s=1,
        unknown_order_wait_s=2,
        channels={
            "demo": ShopifyChannel(
                base_url="http://127.0.0.1:9",
                token=SecretStr("token"),
                secrets=(SecretStr("an-older-secret"), SecretStr(SECRET)),
            )
        },
        _env_file=None,
    )


@pytest.fixture
async def world(settings: Settings, temporal_client: Client) -> AsyncIterator[World]:
    async with running(settings, temporal_client) as made, working(made):
        yield made
