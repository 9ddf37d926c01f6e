"""Returns over HTTP, of orders that really live: too late ones, and whom the others wait on."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from temporalio.client import Client

from config.settings import Settings
from domain.addresses import Address
from domain.locations import Location
from domain.policies import OrderPolicy
from starter.commands.order_page import print_order
from storage.catalogue import CatalogueSku
from tests.starter.world import World, canonical_order, eventually, running
from tests.workflows import world as outside
from tests.workflows.lives import say_packed
from tests.workflows.ports import Dock, Post, Shop, Stockroom, Worlds
from tests.workflows.running import SETTINGS
from worker.workers import Ports, build

PIECE = {"lines": [{"line_id": "1", "quantity": 1, "reason": "unwanted"}]}
FOUND = {"lines": [{"line_id": "1", "restock": 1, "discard": 0, "refund": 1}]}
TOO_MANY = {"lines": [{"line_id": "1", "quantity": 9, "reason": "unwanted"}]}
MINUTES_S = 600


class OneWorld(Worlds):
    """All orders of a test share what is outside."""

    def __init__(self) -> None:
        super().__init__()
        self.world = outside.World()

    def here(self) -> outside.World:
        return self.world


@dataclass
class Shipping:
    """A starter and a worker over the same rows; only what is outside of both is in memory."""

    starter: World
    outside: outside.World

    async def api(self, method: str, path: str, body: Any = None) -> Any:
        return await self.starter.api(method, path, body)

    async def delivered(self) -> str:
        """The id of an order that has just arrived."""
        own_id = self.starter.own_id()
        body = canonical_order(own_id)
        made = await self.starter.api("POST", "/api/orders", body, Idempotency_Key=own_id)
        order_id = str(made.json()["order_id"])
        shipped = await self.until(order_id, lambda order: order["status"] == "shipped")
        number = shipped["fulfilments"][0]["parcels"][0]["label"]["tracking_number"]
        handle = self.starter.client.get_workflow_handle(f"order:{order_id}")
        moved = {"tracking_number": number, "course": "delivered"}
        await handle.signal("parcel_moved", moved)
        await self.until(order_id, lambda order: order["status"] in ("delivered", "closed"))
        return order_id

    async def until(self, order_id: str, true: Callable[[Any], bool]) -> Any:
        async def look() -> Any:
            order = (await self.api("GET", f"/api/orders/{order_id}")).json()
            return order if true(order) else None

        return await eventually(look)

    async def asked_back(self, order_id: str) -> str:
        asked = await self.api("POST", f"/api/orders/{order_id}/returns", PIECE)
        assert asked.status_code == 201
        return str(asked.json()["return_id"])

    async def waits_for(self, order_id: str, what: str) -> Any:
        return await self.until(order_id, lambda order: _what(order) == what)

    async def listed(self, owner: str) -> list[Any]:
        return list((await self.api("GET", f"/api/orders?waiting_on={owner}")).json()["orders"])


def _what(order: Any) -> str:
    return str(order["waiting_on"]["what"]) if order["waiting_on"] else ""


@pytest.fixture
async def shipping(
    settings: Settings, temporal_client: Client, request: pytest.FixtureRequest
) -> AsyncIterator[Shipping]:
    """Its parameter is how long returns may be asked for, in seconds."""
    worlds = OneWorld()
    policy = OrderPolicy(return_window_s=request.param, retry_initial_s=0.05, retry_cap_s=0.2)

    async def tell_packed(order_id: str, reference: str) -> None:
        await say_packed(temporal_client, order_id, reference, (outside.BOX,))

    async with AsyncExitStack() as ending:
        starter = await ending.enter_async_context(
            running(settings.model_copy(update={"policy": policy}), temporal_client)
        )
        wired = starter.wired
        await wired.catalogue.put_skus([CatalogueSku(sku="MUG", title="Mug")])
        address = Address(name="B", lines=("Weg 1",), city="Berlin", country="DE")
        berlin = Location(
            location="berlin", name="Berlin", address=address, timezone="Europe/Berlin"
        )
        await wired.catalogue.put_locations([berlin])
        room, dock = Stockroom(worlds), Dock(worlds, tell_packed)
        ports = Ports(wired.order_book, wired.scans, room, room, {"berlin": dock}, Post(worlds),
                      {"api": Shop(worlds)})  # fmt: skip
        for worker in build(temporal_client, ports, SETTINGS):
            await ending.enter_async_context(worker)
        yield Shipping(starter, worlds.world)


@pytest.mark.parametrize("shipping", [1], indirect=True)
async def test_a_return_that_is_asked_for_after_the_window_is_too_late(shipping: Shipping) -> None:
    order_id = await shipping.delivered()
    await shipping.until(order_id, lambda order: order["status"] == "closed")
    answer = await shipping.api("POST", f"/api/orders/{order_id}/returns", PIECE)
    assert (answer.status_code, answer.headers["content-type"]) == (409, "application/problem+json")
    problem = answer.json()
    assert (problem["status"], problem["code"]) == (409, "too_late")
    assert problem["detail"] == "too_late: the order is closed"
    order = (await shipping.api("GET", f"/api/orders/{order_id}")).json()
    assert (order["returns"], order["status"]) == ([], "closed")


@pytest.mark.parametrize("shipping", [20], indirect=True)
async def test_so_is_one_while_an_earlier_one_keeps_the_order_open(shipping: Shipping) -> None:
    order_id = await shipping.delivered()
    return_id = await shipping.asked_back(order_id)
    path = f"/api/orders/{order_id}/returns"
    early = await shipping.api("POST", path, TOO_MANY)
    assert (early.status_code, early.json()["errors"][0]["field"]) == (422, "lines")

    async def refused() -> Any:
        answer = await shipping.api("POST", path, TOO_MANY)
        return answer if answer.status_code != 422 else None

    late = await eventually(refused)
    assert (late.status_code, late.headers["content-type"]) == (409, "application/problem+json")
    assert late.json()["code"] == "too_late"
    assert late.json()["detail"].startswith("too_late: returns could be asked for until 20")
    order = (await shipping.api("GET", f"/api/orders/{order_id}")).json()
    assert [back["return_id"] for back in order["returns"]] == [return_id]


@pytest.mark.parametrize("shipping", [MINUTES_S], indirect=True)
async def test_an_order_is_listed_under_whom_its_return_waits_on(
    shipping: Shipping, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    order_id = await shipping.delivered()
    return_id = await shipping.asked_back(order_id)
    await shipping.waits_for(order_id, "goods")
    await shipping.api("POST", f"/api/returns/{return_id}/receive")
    await shipping.waits_for(order_id, "inspection")
    assert [order["order_id"] for order in await shipping.listed("warehouse")] == [order_id]
    shipping.outside.refuse("refund")
    await shipping.api("POST", f"/api/returns/{return_id}/inspect", FOUND)
    order = await shipping.waits_for(order_id, "refused:outside:refund_no")
    assert [listed["waiting_on"] for listed in await shipping.listed("operator")] == [
        order["waiting_on"]
    ]
    assert await shipping.listed("customer") == await shipping.listed("warehouse") == []
    assert order["waiting_on"]["return_id"] == return_id
    monkeypatch.setitem(os.environ, "COLUMNS", "300")
    print_order(order)
    said = f"return {return_id}: inspected, {order['waiting_on']['sentence']}"
    assert said in capsys.readouterr().out
    await shipping.api("POST", f"/api/returns/{return_id}/retry")
    await shipping.waits_for(order_id, "return_window")
    assert await shipping.listed("operator") == []
