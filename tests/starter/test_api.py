"""The JSON API: keys, idempotency, verbs, stock, and a problem document for everything wrong."""

import asyncio
import json
from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any

import pytest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from config.settings import Settings
from domain.addresses import Address
from domain.locations import Location
from starter import verbs
from starter.api.order_bodies import canonical, read_order
from storage.catalogue import CatalogueSku
from storage.engine import create_engine
from storage.idempotency import Idempotency
from tests.starter.world import World, canonical_order, eventually, money, running


async def create(world: World, own_id: str, key: str = "", **changes: Any) -> Any:
    body = canonical_order(own_id, **changes)
    return await world.api("POST", "/api/orders", body, Idempotency_Key=key or f"key-{own_id}")


async def test_without_a_key_nothing_of_the_api_answers(world: World) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic eA=="}):
        answer = await world.http.get("/api/orders", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthorised")
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_huge_body_is_not_read_from_somebody_without_a_key(world: World) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(1_000):
            sent += 1
            yield b" " * 10_000

    for path in ("/api/orders/demo-1/hold", "/api/returns/r1/inspect", "/api/stock/receipts"):
        sent = 0
        headers = {"Content-Type": "application/json"}
        answer = await world.http.post(path, content=endless(), headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large"), path
        assert sent < 1_000, path


async def test_an_order_is_made_shown_listed_and_started(world: World) -> None:
    own_id = world.own_id()
    made = await create(world, own_id)
    assert made.status_code == 201
    order_id = made.json()["order_id"]
    assert order_id == f"api-{own_id}"
    assert made.headers["location"] == f"/api/orders/{order_id}"
    shown = (await world.api("GET", f"/api/orders/{order_id}")).json()
    assert shown["totals"]["total"] == money(2500)
    listed = (await world.api("GET", "/api/orders?q=ada%40example.com")).json()
    assert [order["order_id"] for order in listed["orders"]] == [order_id]

    async def started() -> Any:
        found = await world.wired.progress.of_order(order_id)
        return found is not None and found.seq > 0

    await eventually(started)


async def test_the_same_key_and_body_get_the_same_answer(world: World) -> None:
    own_id = world.own_id()
    first = await create(world, own_id)
    again = await create(world, own_id)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()


async def test_the_same_key_with_another_body_is_refused(world: World) -> None:
    own_id = world.own_id()
    await create(world, own_id)
    other = await create(world, own_id, number="#2")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_another_key_for_an_order_that_exists_is_refused(world: World) -> None:
    own_id = world.own_id()
    await create(world, own_id)
    other = await create(world, own_id, key="another")
    assert (other.status_code, other.json()["code"]) == (409, "order_exists")


@pytest.mark.parametrize(("number", "answered"), [("#1", 201), ("#2", 409)])
async def test_a_key_whose_process_died_is_told_of_its_own_order_only(
    world: World, number: str, answered: int
) -> None:
    own_id = world.own_id()
    body = json.dumps(canonical_order(own_id)).encode()
    digest = sha256(canonical(read_order(body, "api", ["api"]))).digest()
    (caller,) = await world.wired.keys.list()
    engine = create_engine(world.composition.settings.database, 1)
    await Idempotency(engine, busy_s=0).begin(f"{caller.key_id}/died", digest)
    await engine.dispose()
    assert (await create(world, own_id, key="another", number=number)).status_code == 201
    assert (await create(world, own_id, key="died")).status_code == answered


async def test_a_key_in_use_is_refused_and_one_whose_process_died_goes_on(world: World) -> None:
    own_id = world.own_id()
    order = canonical_order(own_id)
    answers = await asyncio.gather(*(create(world, own_id) for _ in range(4)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert [answer.status_code for answer in answers].count(201) >= 1
    later = await world.api("POST", "/api/orders", order, Idempotency_Key=f"key-{own_id}")
    assert later.status_code == 201


async def test_an_order_without_an_idempotency_key_is_a_bad_request(world: World) -> None:
    answer = await world.api("POST", "/api/orders", canonical_order(world.own_id()))
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_missing")


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        ({"lines": [{"line_id": "1"}]}, "lines.0.sku", "missing"),
        ({"payment": "perhaps"}, "payment", "enum"),
        ({"placed_at": "2026-11-20T10:00:00"}, "placed_at", "timezone_aware"),
        ({"placed_at": "0001-01-01T00:00:00+14:00"}, "placed_at", "out_of_range"),
        ({"channel_updated_at": "0001-01-01T00:00:00+14:00"}, "channel_updated_at", "out_of_range"),
        ({"channel_updated_at": "9999-12-31T23:59:59-12:00"}, "channel_updated_at", "out_of_range"),
        ({"number": " "}, "number", "missing"),
        ({"channel": "nobody"}, "channel", "unknown"),
        ({"channel_order_id": ""}, "channel_order_id", "malformed"),
        ({"surprise": 1}, "surprise", "extra_forbidden"),
    ],
)
async def test_a_bad_order_names_the_field_and_changes_nothing(
    world: World, changes: dict[str, Any], field: str, reason: str
) -> None:
    order = {**canonical_order(world.own_id()), **changes}
    answer = await world.api("POST", "/api/orders", order, Idempotency_Key="k")
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert (field, reason) in [(e["field"], e["reason"]) for e in answer.json()["errors"]]
    assert (await world.api("GET", "/api/orders")).json()["orders"] == []
    good = await create(world, world.own_id(), key="k")
    assert good.status_code == 201  # the key was not used up


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'{"a": NaN}', b'{"a": 1, "a": 2}', b"\xff", b"[" * 100_000, b'"\\ud800"'],
)
async def test_a_body_that_is_no_order_is_refused_in_words(world: World, body: bytes) -> None:
    headers = {"Authorization": f"Bearer {world.key}", "Idempotency-Key": "k"}
    answer = await world.http.post("/api/orders", content=body, headers=headers)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "body"


async def test_a_line_twice_or_a_number_beyond_all_sense_is_named(world: World) -> None:
    order = canonical_order(world.own_id())
    order["lines"] = [order["lines"][0], {**order["lines"][0], "quantity": 10**30}]
    answer = await world.api("POST", "/api/orders", order, Idempotency_Key="k")
    assert [(e["field"], e["reason"]) for e in answer.json()["errors"]] == [
        ("lines.1.line_id", "repeated"),
        ("lines.1.quantity", "out_of_range"),
    ]


async def test_names_that_no_index_can_hold_are_refused(world: World) -> None:
    order = canonical_order(world.own_id())
    order["lines"] = [{**order["lines"][0], "line_id": "x" * 501, "sku": "x" * 501}]
    answer = await world.api("POST", "/api/orders", order, Idempotency_Key="k")
    assert [(e["field"], e["reason"]) for e in answer.json()["errors"]] == [
        ("lines.0.line_id", "too_long"),
        ("lines.0.sku", "too_long"),
    ]


async def test_a_verb_that_took_effect_answers_with_the_order(world: World) -> None:
    order_id = (await create(world, world.own_id())).json()["order_id"]
    body = {"reason": "fraud_check", "note": "call Ada first"}
    answer = await world.api("POST", f"/api/orders/{order_id}/hold", body)
    assert (answer.status_code, answer.json()["order_id"]) == (200, order_id)
    ((name, verb),) = await world.signals(order_id)
    assert (name, verb["reason"], verb["note"]) == ("hold", "fraud_check", "")
    assert verb["by"].startswith("key-")


async def test_a_fixed_address_is_kept_here_and_travels_by_its_version(world: World) -> None:
    order_id = (await create(world, world.own_id())).json()["order_id"]
    address = {"name": "Grace", "lines": ["1 Main St"], "city": "Newark", "region": "NJ",
               "postal_code": "07102", "country": "US"}  # fmt: skip
    answer = await world.api("POST", f"/api/orders/{order_id}/address", {"address": address})
    assert answer.status_code == 200
    assert [a["source"] for a in answer.json()["addresses"]] == ["channel", "operator"]
    ((name, verb),) = await world.signals(order_id)
    assert name == "fix_address"
    assert verb["address_version"] == 2
    assert verb["destination"] == {"country": "US", "postal_code": "07102"}
    assert "Grace" not in json.dumps(verb)


async def test_what_the_order_refuses_names_the_field(world: World) -> None:
    order_id = (await create(world, world.own_id())).json()["order_id"]
    answer = await world.api("POST", f"/api/orders/{order_id}/release", {"hold_id": "none"})
    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {"field": "hold_id", "reason": "refused", "message": "there is no such hold"}
    ]


async def test_a_bad_verb_names_the_field_and_says_nothing_to_the_order(world: World) -> None:
    order_id = (await create(world, world.own_id())).json()["order_id"]
    for path, body, field in (
        ("hold", {"reason": "Not A Code"}, "reason"),
        ("hold", {"reason": "ok", "notes": "?"}, "notes"),
        ("hold", {"reason": "ok", "note": "\0"}, "note"),
        ("address", {}, "address"),
        ("release", {"hold_id": ""}, "hold_id"),
        ("cancel", {"reason": ""}, "reason"),
    ):
        answer = await world.api("POST", f"/api/orders/{order_id}/{path}", body)
        assert answer.status_code == 422
        assert field in [e["field"] for e in answer.json()["errors"]]
    assert await world.signals(order_id) == []


async def test_verbs_are_heard_while_temporal_is_down(
    settings: Settings, free_port, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verbs, "TAKES_EFFECT_WITHIN_S", 0.2)
    nowhere = await Client.connect(
        f"127.0.0.1:{free_port()}", lazy=True, data_converter=pydantic_data_converter
    )
    async with running(settings, nowhere) as world:
        made = await create(world, world.own_id())
        assert made.status_code == 201
        path = f"/api/orders/{made.json()['order_id']}/hold"
        answer = await world.api("POST", path, {"reason": "fraud_check"})
        assert answer.status_code == 202
        command = (await world.api("GET", answer.headers["location"])).json()
        assert (command["verb"], command["state"]) == ("hold", "waiting")


async def test_everything_unknown_is_a_problem_document(world: World) -> None:
    for method, path, status in (
        ("GET", "/nowhere", 404),
        ("DELETE", "/api/orders", 405),
        ("GET", "/api/orders/demo-404", 404),
        ("GET", "/api/orders/no%00thing", 404),
        ("GET", "/api/orders/demo-404/events", 404),
        ("POST", "/api/orders/demo-404/retry", 404),
        ("GET", "/api/returns/none", 404),
        ("POST", "/api/returns/none/receive", 404),
        ("GET", "/api/commands/none", 404),
        ("POST", "/api/tasks/none/done", 404),
        ("GET", "/api/orders?status=strange", 422),
        ("GET", "/api/orders?cursor=%00", 422),
        ("GET", "/api/orders?cursor=x", 422),
        ("GET", "/api/orders?limit=0", 422),
        ("GET", "/api/orders?placed_from=2026-01-01T00:00:00", 422),
        ("GET", "/track/nothing-to-see-here-at-all", 404),
    ):
        answer = await world.api(method, path, {} if method == "POST" else None)
        assert (path, answer.status_code) == (path, status)
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == status


async def test_goods_are_received_and_corrected_once_for_each_key(world: World) -> None:
    await world.wired.catalogue.put_skus([CatalogueSku(sku="MUG", title="Mug")])
    address = Address(name="Berlin", lines=("Weg 1",), city="Berlin", country="DE")
    berlin = Location(location="berlin", name="Berlin", address=address, timezone="Europe/Berlin")
    await world.wired.catalogue.put_locations([berlin])
    goods = {"sku": "MUG", "location": "berlin", "quantity": 5}
    for _ in range(2):
        answer = await world.api("POST", "/api/stock/receipts", goods, Idempotency_Key="r1")
        assert (answer.status_code, answer.json()["on_hand"]) == (201, 5)
    less = {**goods, "quantity": -2, "reason": "broken"}
    answer = await world.api("POST", "/api/stock/adjustments", less)
    assert answer.json()["available"] == 3
    levels = (await world.api("GET", "/api/stock?sku=MUG")).json()
    (level,) = levels["levels"]
    assert (level["sku"], level["location"], level["on_hand"]) == ("MUG", "berlin", 3)
    assert (level["reserved"], level["available"], levels["next"]) == (0, 3, None)
    for body, field in (
        ({**goods, "sku": "NONE"}, "sku"),
        ({**goods, "quantity": 0}, "quantity"),
        ({**goods, "quantity": "5"}, "quantity"),
        ({"sku": "MUG"}, "location"),
    ):
        answer = await world.api("POST", "/api/stock/receipts", body)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == field


async def test_the_customers_page_names_no_person(world: World) -> None:
    made = (await create(world, world.own_id())).json()
    page = await world.http.get(f"/track/{made['track_token']}")
    told = await world.http.get(f"/track/{made['track_token']}.json")
    assert (page.status_code, told.status_code) == (200, 200)
    assert told.json()["lines"] == ["2 x Mug"]
    for private in ("Ada", "Linden", "10117", "example.com"):
        assert private not in page.text + told.text
