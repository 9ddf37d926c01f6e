"""What the tests of stock and catalogue sell, and from where."""

from typing import Any

from tests.starter.world import World

BERLIN: dict[str, Any] = {
    "name": "Berlin",
    "timezone": "Europe/Berlin",
    "address": {"name": "B", "lines": ["Weg 1"], "city": "Berlin", "country": "DE"},
}


async def put(world: World, path: str, body: Any) -> None:
    answer = await world.api("PUT", f"/api/{path}", body)
    assert answer.is_success, answer.text


async def with_goods(world: World) -> None:
    """Two locations; cups, pots and a set of two cups and a pot; no stock."""
    await put(world, "locations/berlin", BERLIN)
    await put(world, "locations/lyon", {**BERLIN, "name": "Lyon", "timezone": "Europe/Paris"})
    for sku in ("CUP", "POT", "SET"):
        await put(world, f"skus/{sku}", {"title": sku.capitalize()})
    components = [{"sku": "CUP", "quantity": 2}, {"sku": "POT", "quantity": 1}]
    await put(world, "bundles/SET", {"components": components})


async def receive(world: World, sku: str, quantity: int, location: str = "berlin") -> None:
    body = {"sku": sku, "location": location, "quantity": quantity}
    answer = await world.api("POST", "/api/stock/receipts", body)
    assert answer.status_code == 201, answer.text


def fields(answer: Any) -> list[str]:
    """Which fields a refusal names."""
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    return [error["field"] for error in answer.json()["errors"]]
