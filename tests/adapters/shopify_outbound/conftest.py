"""The port `Channel` over the simulated shop."""

from collections.abc import AsyncIterator

import pytest

from adapters.channels.shopify.outbound import ShopifyChannel, shopify_http
from adapters.http import OutsideHttp
from storage.effects import Effects
from tests.adapters.conftest import CALL_S

TOKEN = "shpat_demo_token"


@pytest.fixture
async def http(simulators_url: str) -> AsyncIterator[OutsideHttp]:
    one = shopify_http(simulators_url, TOKEN, call_s=CALL_S)
    yield one
    await one.aclose()


@pytest.fixture
def channel(http: OutsideHttp, effects: Effects) -> ShopifyChannel:
    return ShopifyChannel(http, effects, "demo")
