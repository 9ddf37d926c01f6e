"""The simulators as a real process, the effects in a real database, and an order to ship."""

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from domain.addresses import Address
from domain.ids import OrderId
from domain.locations import Location
from domain.money import Money
from domain.orders import LineRef, Order, OrderLine, PaymentStatus, Totals
from storage.effects import Effects
from tests.simulators.simulator_process import Receiver, receiving, running

CARRIER_KEY = "EZTK_of_the_tests"
CARRIER_SECRET = "sécret of the tests"
WAREHOUSE_KEY = "whk_of_the_tests"
WAREHOUSE_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
CALL_S = 1.5
"""Long enough on a busy machine; what a hanging call costs a test."""

_ORDERS = count(1)


@dataclass
class World:
    """The outside as a test sees it: its journal, its faults, and the webhooks it sent."""

    url: str
    control: httpx.AsyncClient
    receiver: Receiver

    async def journal(self, order_id: str, effect: str) -> list[dict[str, Any]]:
        asked = {"order": order_id, "effect": effect}
        answer = await self.control.get("/control/journal", params=asked)
        return list(answer.json()["entries"])

    async def fault(self, system: str, operation: str, mode: str, **more: object) -> None:
        """The next call of that kind goes wrong, once unless told."""
        asked = {"system": system, "operation": operation, "mode": mode, "times": 1, **more}
        await self.tell("faults", asked)

    async def tell(self, what: str, asked: dict[str, Any]) -> None:
        answer = await self.control.post(f"/control/{what}", json=asked)
        assert answer.is_success, answer.text

    async def labels(self, order_id: str) -> list[dict[str, Any]]:
        return [entry["data"] for entry in await self.journal(order_id, "label_bought")]


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one


@pytest.fixture(scope="module")
async def simulators_url(
    receiver: Receiver, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[str]:
    secrets = {
        "carrier_key": CARRIER_KEY,
        "carrier_secret": CARRIER_SECRET,
        "warehouse_key": WAREHOUSE_KEY,
        "warehouse_secret": WAREHOUSE_SECRET,
    }
    state_dir = tmp_path_factory.mktemp("simulators")
    async with running(state_dir, receiver, scan_s=600, **secrets) as process:
        yield process.url


@pytest.fixture
async def world(simulators_url: str, receiver: Receiver) -> AsyncIterator[World]:
    async with httpx.AsyncClient(base_url=simulators_url, timeout=10, trust_env=False) as control:
        yield World(simulators_url, control, receiver)
        await control.delete("/control/faults")


@pytest.fixture(scope="module")
async def engine(module_database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(module_database_url, pool_size=10)
    yield engine
    await engine.dispose()


@pytest.fixture
def effects(engine: AsyncEngine) -> Effects:
    return Effects(engine)


def euros(text: str) -> Money:
    return Money.parse(text, "EUR")


@pytest.fixture
def order() -> Order:
    """Two of one thing and one of another, from Berlin to Munich; each test has its own."""
    nothing = euros("0")
    number = next(_ORDERS)
    return Order(
        channel="demo",
        channel_order_id=str(number),
        number=f"#{number}",
        placed_at=datetime(2026, 3, 1, tzinfo=UTC),
        email="erika@example.org",
        lines=(
            OrderLine(
                line_id="1",
                sku="CUP-BLUE",
                title="Blue cup",
                quantity=3,
                unit_price=euros("9.90"),
                discount=euros("1.00"),
                tax=nothing,
                weight_g=300,
                hs_code="6912.00",
                origin_country="PT",
            ),
            OrderLine(
                line_id="2",
                sku="TOWEL",
                quantity=1,
                unit_price=euros("0.00"),
                discount=nothing,
                tax=nothing,
            ),
        ),
        address=Address(
            name="Erika Mustermann",
            lines=("Sendlinger Str. 8", "2. Stock", "links"),
            city="München",
            postal_code="80331",
            country="DE",
            phone="+4989123456",
        ),
        totals=Totals(
            lines=euros("29.70"),
            discounts=euros("1.00"),
            shipping=nothing,
            duties=nothing,
            tips=nothing,
            rounding=nothing,
            tax=nothing,
            tax_included=True,
            total=euros("28.70"),
        ),
        payment=PaymentStatus.PAID,
    )


@pytest.fixture
def order_id(order: Order) -> OrderId:
    return order.order_id


@pytest.fixture
def sender() -> Location:
    address = Address(
        company="Holdfast Berlin",
        lines=("Torstr. 1",),
        city="Berlin",
        postal_code="10119",
        country="DE",
        phone="+4930123456",
    )
    return Location(location="berlin", name="Berlin", address=address, timezone="Europe/Berlin")


def line_refs(order: Order) -> tuple[LineRef, ...]:
    return tuple(
        LineRef(line_id=line.line_id, sku=line.sku, quantity=line.quantity) for line in order.lines
    )


def said(body: bytes) -> dict[str, Any]:
    parsed = json.loads(body)
    assert isinstance(parsed, dict)
    return parsed
