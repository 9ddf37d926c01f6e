"""Orders that two places share, over HTTP, from the shop's signed webhook to the doorstep.

The very processes that users run, with the simulators for the outside world; in the end the audit
finds that all of it is one story.
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
import pytest

from config.settings import Settings
from starter.local.ports import free_port
from starter.local.stack import Stack
from tests.folders import state_folder
from tests.simulators.payloads import order as shop_order

HASTY = {
    "OMS_POLICY__RETRY_INITIAL_S": "0.2",
    "OMS_POLICY__RETRY_CAP_S": "1",
    "SIMULATORS_PACK_S": "0.2",
    "SIMULATORS_SCAN_S": "0.1",
}
PLACES = {
    "berlin": ("Unter den Linden 5", "10117", "DE"),
    "leeds": ("1 The Headrow", "LS1 6PU", "GB"),
}
DEADLINE_S = 200
"""Generous: a slow machine must not fail it, and a sound one never waits so long."""
STOCK = {"MUG": "berlin", "CAP": "leeds"}
Order = dict[str, Any]


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    folder = state_folder("holdfast-split-")
    settings = Settings(
        _env_file=None,
        state_dir=folder,
        http_port=free_port(),
        simulators_port=free_port(),
        postgres_port=free_port(),
        temporal_port=free_port(),
        temporal_ui_port=free_port(),
    )
    made = Stack(settings, extra_env=HASTY)
    try:
        for _ in made.start():
            pass
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder, ignore_errors=True)


class World:
    """A shop with two places, and what its people and its customers ask of it."""

    def __init__(self, stack: Stack, http: httpx.AsyncClient) -> None:
        self._stack = stack
        self._http = http
        self._headers = {"Authorization": f"Bearer {stack.local_key()}"}

    async def api(self, method: str, path: str, body: object = None) -> httpx.Response:
        url = f"{self._stack.http_url}{path}"
        answer = await self._http.request(method, url, json=body, headers=self._headers)
        assert answer.is_success, answer.text
        return answer

    async def control(self, path: str, body: object) -> None:
        answer = await self._http.post(f"{self._stack.simulators_url}/control/{path}", json=body)
        assert answer.is_success, answer.text

    async def mend(self) -> None:
        await self._http.delete(f"{self._stack.simulators_url}/control/faults")

    async def effects(self, effect: str, order: str) -> list[dict[str, Any]]:
        asked = {"effect": effect, "order": order}
        url = f"{self._stack.simulators_url}/control/journal"
        answer = await self._http.get(url, params=asked)
        return [entry["data"] for entry in answer.json()["entries"]]

    async def furnish(self) -> None:
        for name, (street, postal_code, country) in PLACES.items():
            address = {"lines": [street], "city": name.title(), "postal_code": postal_code}
            address |= {"country": country, "phone": "+442071234567"}
            said = {"name": name.title(), "timezone": "Europe/Berlin", "address": address}
            await self.api("PUT", f"/api/locations/{name}", said)
        for sku in STOCK:
            await self.api("PUT", f"/api/skus/{sku}", {"title": sku.title()})
        rules = (await self.api("POST", "/api/sourcing/rules", {"parts_max": 2})).json()
        await self.api("POST", f"/api/sourcing/rules/{rules['version']}/activate")

    async def receive(self, sku: str, quantity: int) -> None:
        goods = {"sku": sku, "location": STOCK[sku], "quantity": quantity, "reason": "delivery"}
        await self.api("POST", "/api/stock/receipts", goods)

    async def sell(self, own_id: int) -> str:
        """Two mugs and a cap; the id that the order has with us."""
        await self.control("shopify/orders", {"order": shop_order(own_id), "send": True})
        return f"demo-{own_id}"

    async def until(self, order_id: str, there: Callable[[Order], bool]) -> Order:
        deadline = time.monotonic() + DEADLINE_S
        url = f"{self._stack.http_url}/api/orders/{order_id}"
        while True:
            answer = await self._http.get(url, headers=self._headers)
            order: Order = answer.json()
            if answer.is_success and there(order):
                return order
            assert time.monotonic() < deadline, answer.text
            await asyncio.sleep(0.1)

    async def tracked(self, order: Order) -> dict[str, Any]:
        answer = await self._http.get(f"{self._stack.http_url}/track/{order['track_token']}.json")
        told: dict[str, Any] = answer.json()
        return told

    async def audited(self) -> None:
        journal = self._stack.state / "simulators" / "journal.jsonl"
        command = [sys.executable, "-m", "starter.audit", "--json", "--journal", str(journal)]
        environment = {**os.environ, **self._stack.environment()}
        ran = await asyncio.to_thread(
            subprocess.run, command, env=environment, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        looked = {one["invariant"]: one["looked"] for one in json.loads(ran.stdout)["checked"]}
        assert looked["parts_match_fulfilments"] > 0
        assert looked["shop_lines_agree"] > 0


@pytest.fixture(scope="module")
async def world(stack: Stack) -> AsyncIterator[World]:
    async with httpx.AsyncClient(timeout=60, trust_env=False) as http:
        made = World(stack, http)
        await made.furnish()
        yield made


def is_now(*statuses: str) -> Callable[[Order], bool]:
    return lambda order: order["status"] in statuses


def has_arrived(order: Order) -> bool:
    """And nothing is left to do: a scan may say `delivered` before the shop and the books do."""
    waiting = order["waiting_on"]
    return bool(order["status"] == "delivered" and waiting and waiting["what"] == "return_window")


def parts(order: Order) -> dict[str, tuple[str, list[tuple[str, int]]]]:
    """By place: how its fulfilment stands and what it sends."""
    return {
        part["location"]: (part["status"], [(n["sku"], n["quantity"]) for n in part["lines"]])
        for part in order["fulfilments"]
    }


@pytest.mark.timeout(600)
async def test_an_order_is_sent_from_two_places_and_arrives(world: World) -> None:
    await world.receive("MUG", 2)
    await world.receive("CAP", 1)
    order_id = await world.sell(5_001)
    order = await world.until(order_id, has_arrived)
    assert parts(order) == {
        "berlin": ("delivered", [("MUG", 2)]),
        "leeds": ("delivered", [("CAP", 1)]),
    }
    why = (await world.api("GET", f"/api/orders/{order_id}/sourcing")).json()
    assert "Berlin" in json.dumps(why)
    assert "Leeds" in json.dumps(why)
    told = await world.tracked(order)
    assert told["sentence"] == "All parcels have arrived."
    assert sorted(one["lines"] for one in told["shipments"]) == [["1 x Cap"], ["2 x Mug"]]
    assert len(await world.effects("captured", "5001")) == 1
    fulfilled = await world.effects("fulfilled", "5001")
    sent = sorted((line["sku"], line["quantity"]) for one in fulfilled for line in one["lines"])
    assert (len(fulfilled), sent) == (2, [("CAP", 1), ("MUG", 2)])
    await world.audited()


@pytest.mark.timeout(600)
async def test_what_a_picker_does_not_find_comes_once_it_is_received(world: World) -> None:
    await world.receive("MUG", 2)
    await world.receive("CAP", 1)
    short = [{"sku": "CAP", "found": 0, "reason": "damaged"}]
    await world.control(
        "warehouse/reject",
        {"match": "5002", "reason": "short", "short": short, "when": "after_accepting"},
    )
    order_id = await world.sell(5_002)
    order = await world.until(
        order_id, lambda order: order["status"] == "partly_shipped" and _waits(order, "supplier")
    )
    assert parts(order)["leeds"] == ("rejected", [("CAP", 1)])
    levels = (await world.api("GET", "/api/stock?sku=CAP")).json()["levels"]
    (leeds,) = [level for level in levels if level["location"] == "leeds"]
    assert (leeds["on_hand"], leeds["damaged"], leeds["reserved"], leeds["available"]) == (
        1,
        1,
        0,
        0,
    )
    told = await world.tracked(order)
    assert (told["status"], told["to_come"]) == ("partly_shipped", ["1 x Cap"])
    await world.audited()
    await world.receive("CAP", 1)
    order = await world.until(order_id, has_arrived)
    assert [part["status"] for part in order["fulfilments"] if part["location"] == "leeds"] == [
        "rejected",
        "delivered",
    ]
    await world.audited()


@pytest.mark.timeout(600)
async def test_the_part_that_is_still_here_is_cancelled_and_refunded(world: World) -> None:
    await world.receive("MUG", 2)
    await world.receive("CAP", 1)
    down = {
        "system": "warehouse",
        "operation": "request",
        "match": "locations/leeds",
        "mode": "down",
    }
    await world.control("faults", down)
    order_id = await world.sell(5_003)
    await world.until(order_id, is_now("partly_shipped"))
    await world.api("POST", f"/api/orders/{order_id}/cancel", {"reason": "changed_mind"})
    await world.mend()
    order = await world.until(order_id, has_arrived)
    assert {line["sku"]: line["cancelled"] for line in order["lines"]} == {"MUG": 0, "CAP": 1}
    assert order["money"]["refunded"]["amount_minor"] == 1_000
    (refund,) = await world.effects("refunded", "5003")
    (line,) = refund["lines"]
    assert (line["quantity"], line["restock_type"]) == (1, "CANCEL")
    told = await world.tracked(order)
    assert (told["to_come"], told["cancelled"]) == ([], ["1 x Cap"])
    await world.audited()


def _waits(order: Order, owner: str) -> bool:
    return bool(order["waiting_on"]) and order["waiting_on"]["owner"] == owner
