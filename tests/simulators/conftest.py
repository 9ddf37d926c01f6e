import itertools

import httpx
import pytest

from tests.simulators.simulator_process import receiving, running

ORDER_IDS = itertools.count(820_982_911_946_154_508)


@pytest.fixture(scope="module")
def receiver():
    with receiving() as one:
        yield one


@pytest.fixture(scope="module")
async def simulators(receiver, tmp_path_factory):
    async with running(tmp_path_factory.mktemp("simulators"), receiver) as process:
        yield process


@pytest.fixture
async def client(simulators):
    async with httpx.AsyncClient(base_url=simulators.url, timeout=60) as one:
        yield one
        await one.delete("/control/faults")


@pytest.fixture
def order_id() -> int:
    return next(ORDER_IDS)
