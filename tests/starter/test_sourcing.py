"""Why an order went where it went, which rules decide, and what a draft would change."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.addresses import Address
from domain.ids import OrderId
from domain.locations import Location
from domain.orders import Destination, LineRef
from domain.sourcing.source import source
from domain.stock import ReserveRequest, StockChange
from starter.api import sourcing as sourcing_api
from storage.catalogue import CatalogueSku
from tests.starter.world import World, canonical_order, eventually


def place(location: str, country: str, postal_code: str) -> Location:
    address = Address(city=location.title(), country=country, postal_code=postal_code)
    return Location(
        location=location, name=location.title(), address=address, timezone="Europe/Berlin"
    )


async def furnish(world: World, **quantities: int) -> None:
    await world.wired.catalogue.put_skus([CatalogueSku(sku="MUG", title="Mug", weight_g=400)])
    await world.wired.catalogue.put_locations(
        [place("berlin", "DE", "10115"), place("lyon", "FR", "69001")]
    )
    for location, quantity in quantities.items():
        change = StockChange(
            key=location, sku="MUG", location=location, quantity=quantity, reason="", by="ann"
        )
        await world.wired.inventory.receive(change)


async def order(world: World, quantity: int = 1, number: int = 1) -> str:
    """An order that was sourced as its workflow would have it."""
    own_id = world.own_id(number)
    made = await world.api(
        "POST", "/api/orders", canonical_order(own_id), Idempotency_Key=f"key-{own_id}"
    )
    order_id: str = made.json()["order_id"]
    request = ReserveRequest(
        order_id=OrderId(order_id),
        key=f"{order_id}/reserve/1",
        lines=(LineRef(line_id="1", sku="MUG", quantity=quantity),),
        destination=Destination(country="DE", postal_code="10117"),
    )
    case = await world.wired.sourcing.case(request)
    await world.wired.sourcing.reserve(request, case, source(case))
    return order_id


async def test_an_order_says_in_a_sentence_and_in_full_why_it_ships_from_there(
    world: World,
) -> None:
    await furnish(world, berlin=5, lyon=5)
    order_id = await order(world, quantity=2)
    answer = await world.api("GET", f"/api/orders/{order_id}/sourcing")
    assert answer.status_code == 200
    (kept,) = answer.json()["decisions"]
    assert kept["sentence"].startswith("Berlin ships the line: ")
    assert (kept["outcome"], kept["rules_version"]) == ("reserved", 1)
    assert kept["reservations"] == [
        {"key": f"{order_id}/reserve/1/1", "location": "berlin", "state": "reserved"}
    ]
    lyon = kept["decision"]["candidates"][1]
    assert lyon["location"] == "lyon"
    assert lyon["cost"]["total_minor"] > kept["decision"]["plan"]["cost"]["total_minor"]


async def test_one_of_the_two_mugs_of_an_order_is_not_called_the_line(world: World) -> None:
    await furnish(world, berlin=5, lyon=5)
    order_id = await order(world, quantity=1)
    (kept,) = (await world.api("GET", f"/api/orders/{order_id}/sourcing")).json()["decisions"]
    assert kept["sentence"].startswith("Berlin ships the unit asked for: ")


async def test_what_was_not_sourced_has_no_decision_and_what_is_unknown_is_said_to_be(
    world: World,
) -> None:
    own_id = world.own_id()
    made = await world.api("POST", "/api/orders", canonical_order(own_id), Idempotency_Key="k")
    order_id = made.json()["order_id"]
    answer = await world.api("GET", f"/api/orders/{order_id}/sourcing")
    assert answer.json() == {"order_id": order_id, "decisions": []}
    for path in ("/api/orders/demo-404/sourcing", "/api/sourcing/rules/99"):
        answer = await world.api("GET", path)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    answer = await world.api("POST", "/api/sourcing/rules/99/activate")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_rules_are_drafted_shown_and_activated(world: World) -> None:
    zone = {"destinations": ["DE"], "tiers": [{"weight_max_g": 5000, "price_minor": 390}]}
    made = await world.api("POST", "/api/sourcing/rules", {"name": "zones", "zones": [zone]})
    assert (made.status_code, made.json()["version"], made.json()["state"]) == (201, 2, "draft")
    listed = (await world.api("GET", "/api/sourcing/rules")).json()["rules"]
    assert [(kept["version"], kept["state"]) for kept in listed] == [(2, "draft"), (1, "active")]
    active = await world.api("POST", "/api/sourcing/rules/2/activate")
    assert (active.status_code, active.json()["state"]) == (200, "active")
    assert active.json()["activated_by"].startswith("key-")
    shown = (await world.api("GET", "/api/sourcing/rules/1")).json()
    assert (shown["state"], shown["rules"]["parts_max"]) == ("retired", 2)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"parts_max": 0}, "parts_max"),
        ({"partsmax": 2}, "partsmax"),
        ({"version": 7}, "version"),
        ({"currency": "ABC"}, "currency"),
        ({"zones": [{"tiers": []}]}, "zones.0.tiers"),
        ({"zones": [{"tiers": [{"weight_max_g": 1, "price_minor": -1}]}]},
         "zones.0.tiers.0.price_minor"),
        ({"split_minor": "much"}, "split_minor"),
        ([], "body"),
    ],
)  # fmt: skip
async def test_bad_rules_name_the_field_and_are_not_kept(
    world: World, body: Any, field: str
) -> None:
    answer = await world.api("POST", "/api/sourcing/rules", body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert field in [error["field"] for error in answer.json()["errors"]]
    assert len((await world.api("GET", "/api/sourcing/rules")).json()["rules"]) == 1


def span(**changes: Any) -> dict[str, Any]:
    now = datetime.now(UTC)
    return {
        "rules_version": 1,
        "from": (now - timedelta(hours=1)).isoformat(),
        "to": (now + timedelta(hours=1)).isoformat(),
        **changes,
    }


async def test_a_draft_is_compared_with_what_was_done(world: World) -> None:
    await furnish(world, berlin=2, lyon=9)
    for number in range(3):
        await order(world, quantity=2, number=number)  # the first at Berlin, the others at Lyon
    same = (await world.api("POST", "/api/sourcing/replay", span())).json()
    assert same["comparison"]["was"] == same["comparison"]["would"]
    assert (same["comparison"]["priced"], same["comparison"]["changed"]) == (3, 0)
    draft = {"promise_days": 0, "zones": [{"origins": ["FR"], "transit_days": 4,
             "tiers": [{"weight_max_g": 2000, "price_minor": 700}]}]}  # fmt: skip
    body = span(rules=draft)
    del body["rules_version"]
    other = (await world.api("POST", "/api/sourcing/replay", body)).json()
    found = other["comparison"]
    assert (found["changed"], found["priced"]) == (1, 2)  # Berlin has no zone by the draft
    assert (found["was"]["shipping_minor"], found["would"]["shipping_minor"]) == (1400, 1400)
    assert (found["would"]["parts"], found["would"]["late"]) == (3, 3)
    assert found["was"]["distance_km"] < found["would"]["distance_km"]


async def test_the_pages_of_a_replay_add_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sourcing_api, "REPLAYED_AT_ONCE", 2)
    await furnish(world, berlin=9)
    for number in range(3):
        await order(world, number=number)
    first = (await world.api("POST", "/api/sourcing/replay", span())).json()
    assert first["comparison"]["was"]["decisions"] == 2
    rest = (await world.api("POST", "/api/sourcing/replay", span(after=first["next"]))).json()
    assert (rest["comparison"]["was"]["decisions"], rest["next"]) == (1, None)


async def test_a_replay_leaves_no_trace(world: World) -> None:
    await furnish(world, berlin=9)
    order_id = await order(world)
    await asyncio.gather(*(world.api("POST", "/api/sourcing/replay", span()) for _ in range(3)))
    kept = (await world.api("GET", f"/api/orders/{order_id}/sourcing")).json()["decisions"]
    assert len(kept) == 1
    (level,) = await world.wired.inventory.levels(sku="MUG")
    assert level.reserved == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"from": "2026-01-01"}, "from"),
        ({"to": "2020-01-01T00:00:00Z"}, "to"),
        ({"rules_version": 0}, "rules_version"),
        ({"rules_version": None}, "rules"),
        ({"rules": {}}, "rules"),
        ({"after": -1}, "after"),
    ],
)
async def test_a_bad_question_for_a_replay_names_the_field(
    world: World, changes: dict[str, Any], field: str
) -> None:
    answer = await world.api("POST", "/api/sourcing/replay", span(**changes))
    assert answer.status_code == 422
    assert field in [error["field"] for error in answer.json()["errors"]]
    assert (
        await world.api("POST", "/api/sourcing/replay", span(rules_version=9))
    ).status_code == 404


async def test_orders_that_wait_are_assigned_together_and_woken(world: World) -> None:
    """No order alone can use what a location with new rules may ship, until the batch asks."""
    await furnish(world, berlin=3)
    waiting = [await order(world, quantity=4, number=n) for n in range(2)]
    waiting.append(await order(world, quantity=5, number=2))
    await world.wired.catalogue.put_locations([place("wien", "AT", "1010")])
    split = (await world.api("POST", "/api/sourcing/rules", {"parts_max": 2})).json()["version"]
    await world.api("POST", f"/api/sourcing/rules/{split}/activate")
    change = StockChange(key="w", sku="MUG", location="wien", quantity=2, reason="", by="ann")
    await world.wired.inventory.receive(change)
    proposed = (await world.api("POST", "/api/sourcing/batch", {})).json()
    assert (proposed["waiting"], proposed["served"], proposed["proven"]) == (3, 1, True)
    (given,) = proposed["orders"]
    assert given["state"] == "proposed"
    assert given["sentence"].startswith("Decided together for 3 orders that waited: ")
    assert (await world.wired.inventory.levels(sku="MUG"))[0].reserved == 0

    applied = (await world.api("POST", "/api/sourcing/batch", {"apply": True})).json()
    assert [(g["order_id"], g["state"]) for g in applied["orders"]] == [
        (given["order_id"], "assigned")
    ]
    kept = (await world.api("GET", f"/api/orders/{given['order_id']}/sourcing")).json()
    assert [one["outcome"] for one in kept["decisions"]] == ["reserved", "waiting"]
    assert {share["location"] for share in kept["decisions"][0]["reservations"]} == {
        "berlin",
        "wien",
    }

    async def woken() -> Any:
        return [name for name, _ in await world.signals(given["order_id"])]

    assert await eventually(woken) == ["stock_assigned"]
    again = (await world.api("POST", "/api/sourcing/batch", {"apply": True})).json()
    assert (again["waiting"], again["served"]) == (2, 0)


async def test_a_batch_takes_no_nonsense(world: World) -> None:
    for body, field in (({"seconds": 0}, "seconds"), ({"apply": "yes"}, "apply"), ({"x": 1}, "x")):
        answer = await world.api("POST", "/api/sourcing/batch", body)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
    empty = (await world.api("POST", "/api/sourcing/batch", {"apply": True})).json()
    assert (empty["waiting"], empty["served"], empty["orders"]) == (0, 0, [])
