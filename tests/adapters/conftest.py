"""The simulators as a real process, the effects in a real database, and an order to ship."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from adapters.http import Answer, OutsideHttp
from domain.addresses import Address
from domain.ids import OrderId
from domain.locations import Location
from domain.money import Money
from domain.orders import LineRef, Order, OrderLine, PaymentStatus, Totals
from storage.effects import Effects
from tests.passing_time import Clock, calls_are_over
from tests.simulators.simulator_process import Receiver, receiving, running

CARRIER_KEY = "EZTK_of_the_tests"
CARRIER_SECRET = "sécret of the tests"
WAREHOUSE_KEY = "whk_of_the_tests"
WAREHOUSE_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
CALL_S = 10.0
"""Long enough on any machine. No test waits until it is over: see `calls_are_over` and `Clock`."""
PATIENCE_S = 200.0

_ORDERS = count(1)


@dataclass
class World:
    """The outside as a test sees it: its journal, its faults, and the webhooks it sent."""

    url: str
    control: httpx.AsyncClient
    receiver: Receiver
    engine: AsyncEngine

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

    async def calls_are_over(self) -> None:
        await calls_are_over(self.engine)

    async def fired(self) -> bool:
        """A call has arrived that goes wrong."""
        faults = (await self.control.get("/control/faults")).json()["faults"]
        return any(fault["fired"] for fault in faults)

    async def taken_up(self, key: str, times: int) -> bool:
        """So many have begun the deed, or to take it back."""
        asked = text("SELECT fence >= :times FROM effects WHERE key = :key")
        async with self.engine.connect() as connection:
            return bool(await connection.scalar(asked, {"key": key, "times": times}))


async def eventually(ask: Callable[..., Awaitable[bool]], *about: Any) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline_s:
        if await ask(*about):
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"did not happen within {PATIENCE_S} s")


@pytest.fixture
async def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


Meanwhile = Callable[[str, Callable[[], Awaitable[object]]], None]


@pytest.fixture
def meanwhile(http: OutsideHttp, monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
    """Call it with what happens between the next call that has such a text and its leaving."""
    send = http.send

    def before(call: str, happens: Callable[[], Awaitable[object]]) -> None:
        async def later(method: str, path: str, **more: Any) -> Answer:
            if call in f"{method} {path} {more.get('json')}":
                monkeypatch.setattr(http, "send", send)
                await happens()
            return await send(method, path, **more)

        monkeypatch.setattr(http, "send", later)

    return before


@dataclass
class Held:
    """A call that has begun and is on its way until it may `go`."""

    begun: asyncio.Event = field(default_factory=asyncio.Event)
    go: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self) -> None:
        self.begun.set()
        await self.go.wait()


@pytest.fixture
def comes_true(http: OutsideHttp, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Awaitable[None]]:
    """Call it, and the far side does what it was asked for last, whoever still waits for that."""
    send, asked = http.send, dict[str, Any]()

    async def listen(method: str, path: str, *, until: float | None = None, **more: Any) -> Answer:
        if method == "POST":
            asked.update(more, method=method, path=path)
        return await send(method, path, until=until, **more)

    async def late() -> None:
        await send(**asked)

    monkeypatch.setattr(http, "send", listen)
    return late


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
async def world(
    simulators_url: str, receiver: Receiver, engine: AsyncEngine
) -> AsyncIterator[World]:
    async with httpx.AsyncClient(base_url=simulators_url, timeout=30, trust_env=False) as control:
        yield World(simulators_url, control, receiver, engine)
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
