"""A whole starter over a real database and a real Temporal, with a stand-in for the workflows."""

import asyncio
import base64
import hashlib
import hmac
import json
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
from fastapi import FastAPI
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.common import RawValue
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from config.inbound import senders_of
from config.settings import Settings
from config.wiring import Wiring, wire
from domain.lifecycles import OrderStatus
from domain.orders import OrderInput
from domain.records import OrderRecord, Settled
from starter.app import create_app
from starter.composition import Composition
from starter.signalling import Workflows

SECRET = "the-shop-s-own-secret"
Oms = Callable[..., subprocess.CompletedProcess[str]]


@workflow.defn(name="OrderWorkflow")
class StandIn:
    """Hears everything, settles it, and ends when it is cancelled."""

    @workflow.init
    def __init__(self, order: OrderInput) -> None:
        self._order = order
        self._heard: list[tuple[str, dict[str, Any]]] = []
        self._seq = 0
        self._status = OrderStatus.RECEIVED

    @workflow.run
    async def run(self, order: OrderInput) -> None:
        while self._status is not OrderStatus.CANCELLED:
            await self._record(())
            await workflow.wait_condition(lambda: bool(self._heard))
            name, verb = self._heard.pop(0)
            if name == "cancel":
                self._status = OrderStatus.CANCELLED
            refused = "hold_id: there is no such hold" if name == "release" else ""
            settled = Settled(command_id=verb["command_id"], refused=refused)
            await self._record((settled,))

    async def _record(self, settled: tuple[Settled, ...]) -> None:
        self._seq += 1
        record = OrderRecord(
            order_id=self._order.order_id,
            seq=self._seq,
            status=self._status,
            wait=None,
            holds=(),
            address_version=1,
            settled=settled,
        )
        await workflow.execute_activity(
            "record_stand_in", record, start_to_close_timeout=timedelta(seconds=10)
        )

    @workflow.signal(dynamic=True)
    def hear(self, name: str, args: Sequence[RawValue]) -> None:
        self._heard.append((name, json.loads(args[0].payload.data)))


@dataclass
class World:
    """The running starter, and what the tests ask it for."""

    app: FastAPI
    http: httpx.AsyncClient
    composition: Composition
    client: Client
    key: str
    run: str = field(default_factory=lambda: uuid4().hex[:10])

    @property
    def wired(self) -> Wiring:
        return self.composition.wired

    def own_id(self, n: int = 1) -> str:
        """An id that no other test has used: they share one Temporal."""
        return str(int(self.run, 16) * 1000 + n)

    async def api(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        said = {"Authorization": f"Bearer {self.key}"}
        said |= {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.http.request(method, path, json=body, headers=said)

    async def shop_says(
        self, topic: str, payload: Any, event: str = "", secret: str = SECRET
    ) -> httpx.Response:
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        digest = hmac.digest(secret.encode(), body, hashlib.sha256)
        headers = {
            "X-Shopify-Hmac-Sha256": base64.b64encode(digest).decode(),
            "X-Shopify-Topic": topic,
            "X-Shopify-Event-Id": event or uuid4().hex,
            "X-Shopify-Webhook-Id": uuid4().hex,
            "Content-Type": "application/json",
        }
        return await self.http.post("/webhooks/demo", content=body, headers=headers)

    async def signals(self, order_id: str) -> list[tuple[str, dict[str, Any]]]:
        """Those that its workflow has heard; none before the relay has started it."""
        try:
            history = await self.client.get_workflow_handle(f"order:{order_id}").fetch_history()
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            return []
        return [
            (
                event.workflow_execution_signaled_event_attributes.signal_name,
                json.loads(
                    event.workflow_execution_signaled_event_attributes.input.payloads[0].data
                ),
            )
            for event in history.events
            if event.HasField("workflow_execution_signaled_event_attributes")
        ]


@asynccontextmanager
async def running(settings: Settings, client: Client) -> AsyncIterator[World]:
    wired = wire(settings, 10)
    composition = Composition(settings, wired, Workflows(client), senders_of(settings))
    app = create_app(composition)
    key = (await wired.keys.create("test")).secret
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://starter") as http:
            yield World(app, http, composition, client, key)
    await wired.aclose()


def money(amount: int) -> dict[str, Any]:
    return {"amount_minor": amount, "currency": "EUR", "exponent": 2}


def canonical_order(own_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "channel_order_id": own_id,
        "number": "#1",
        "placed_at": "2026-11-20T10:00:00Z",
        "email": "ada@example.com",
        "lines": [
            {
                "line_id": "1",
                "sku": "MUG",
                "title": "Mug",
                "quantity": 2,
                "unit_price": money(1000),
                "discount": money(0),
                "tax": money(0),
            }
        ],
        "address": {
            "name": "Ada Lovelace",
            "lines": ["Unter den Linden 1"],
            "city": "Berlin",
            "postal_code": "10117",
            "country": "DE",
        },
        "totals": {
            "lines": money(2000),
            "discounts": money(0),
            "shipping": money(500),
            "duties": money(0),
            "tips": money(0),
            "rounding": money(0),
            "tax": money(0),
            "tax_included": True,
            "total": money(2500),
        },
        "payment": "paid",
        **changes,
    }


def shop_order(own_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": int(own_id),
        "name": "#1001",
        "created_at": "2026-11-20T10:00:00Z",
        "updated_at": "2026-11-20T10:00:00Z",
        "currency": "EUR",
        "email": "ada@example.com",
        "financial_status": "paid",
        "total_price": "25.00",
        "subtotal_price": "20.00",
        "total_line_items_price": "20.00",
        "total_discounts": "0.00",
        "total_tax": "0.00",
        "taxes_included": True,
        "current_total_price": "25.00",
        "current_subtotal_price": "20.00",
        "current_total_discounts": "0.00",
        "current_total_tax": "0.00",
        "shipping_lines": [{"price": "5.00", "discounted_price": "5.00", "tax_lines": []}],
        "line_items": [
            {
                "id": 11,
                "sku": "MUG",
                "title": "Mug",
                "quantity": 2,
                "current_quantity": 2,
                "price": "10.00",
                "total_discount": "0.00",
                "requires_shipping": True,
                "grams": 300,
                "tax_lines": [],
                "discount_allocations": [],
            }
        ],
        "shipping_address": {
            "name": "Ada Lovelace",
            "address1": "Unter den Linden 1",
            "city": "Berlin",
            "zip": "10117",
            "country_code": "DE",
        },
        **changes,
    }


async def eventually(look: Callable[[], Awaitable[Any]], within_s: float = 200) -> Any:
    """What `look` finds, as soon as it finds something."""
    async with asyncio.timeout(within_s):
        while not (found := await look()):  # noqa: ASYNC110 - another process may bring it about
            await asyncio.sleep(0.02)
        return found


class StandInBook:
    """Where the stand-ins write: the book of the world that a test has just now."""

    def __init__(self) -> None:
        self._world: World | None = None
        self._writing: set[asyncio.Task[None]] = set()

    @activity.defn(name="record_stand_in")
    async def record(self, said: OrderRecord) -> None:
        if self._world is None:
            return
        writing = asyncio.create_task(self._world.wired.order_book.record(said))
        self._writing.add(writing)
        writing.add_done_callback(self._writing.discard)
        await asyncio.shield(writing)

    @asynccontextmanager
    async def of(self, world: World) -> AsyncIterator[None]:
        self._world = world
        try:
            yield
        finally:
            self._world = None
            if self._writing:
                await asyncio.wait(self._writing)


@asynccontextmanager
async def stand_ins(client: Client) -> AsyncIterator[StandInBook]:
    """A worker for the stand-ins of one test after the other; a client may have one of a queue."""
    book = StandInBook()
    async with Worker(
        client,
        task_queue="orders",
        workflows=[StandIn],
        activities=[book.record],
        workflow_runner=UnsandboxedWorkflowRunner(),
    ):
        yield book
