"""A caller that lost the answer says the same thing again, and is heard once."""

from typing import Any

import pytest

from domain.addresses import Address
from domain.ids import OrderId
from domain.locations import Location
from domain.verbs import Retry
from starter import verbs
from storage.catalogue import CatalogueSku
from tests.starter.world import World, canonical_order

ADDRESS = {"name": "Grace", "lines": ["1 Main St"], "city": "Newark", "region": "NJ",
           "postal_code": "07102", "country": "US"}  # fmt: skip


async def an_order(world: World, n: int = 1) -> str:
    body = canonical_order(world.own_id(n))
    made = await world.api("POST", "/api/orders", body, Idempotency_Key=f"key-{n}")
    return str(made.json()["order_id"])


async def with_stock(world: World) -> None:
    await world.wired.catalogue.put_skus([CatalogueSku(sku="MUG", title="Mug")])
    address = Address(name="Berlin", lines=("Weg 1",), city="Berlin", country="DE")
    berlin = Location(location="berlin", name="Berlin", address=address, timezone="Europe/Berlin")
    await world.wired.catalogue.put_locations([berlin])


@pytest.mark.parametrize(
    ("verb", "body"),
    [
        ("hold", {"reason": "fraud_check", "note": "call first"}),
        ("address", {"address": ADDRESS}),
        ("retry", {}),
        ("retry", {"arrived": "demo-1/f1"}),
    ],
)
async def test_a_verb_that_is_said_again_with_its_key_is_heard_once(
    world: World, verb: str, body: dict[str, Any]
) -> None:
    order_id = await an_order(world)
    for _ in range(2):
        answer = await world.api(
            "POST", f"/api/orders/{order_id}/{verb}", body, Idempotency_Key="once"
        )
        assert answer.status_code == 200
    assert len(await world.signals(order_id)) == 1
    versions = (await world.api("GET", f"/api/orders/{order_id}")).json()["addresses"]
    assert len(versions) == (2 if verb == "address" else 1)
    await world.api("POST", f"/api/orders/{order_id}/{verb}", body, Idempotency_Key="other")
    assert len(await world.signals(order_id)) == 2


async def test_a_command_is_the_same_after_a_release_that_gave_it_another_field(
    world: World,
) -> None:
    class LaterRetry(Retry):
        gently: bool = False

    order_id = OrderId(await an_order(world))
    first = await verbs.retry(world.composition, order_id, Retry(by="ann"), "k")
    again = await verbs.retry(world.composition, order_id, LaterRetry(by="ann"), "k")
    assert again.event_id == first.event_id
    with pytest.raises(verbs.KeyReused):
        await verbs.retry(world.composition, order_id, LaterRetry(gently=True, by="ann"), "k")
    assert len(await world.signals(order_id)) == 1


async def test_a_key_that_said_something_else_is_refused_and_says_nothing(world: World) -> None:
    first, other = await an_order(world, 1), await an_order(world, 2)
    hold = {"reason": "fraud_check"}
    await world.api("POST", f"/api/orders/{first}/hold", hold, Idempotency_Key="k")
    for path, body in (
        (f"/api/orders/{first}/hold", {"reason": "call_customer"}),
        (f"/api/orders/{other}/hold", hold),
        (f"/api/orders/{first}/address", {"address": ADDRESS}),
    ):
        answer = await world.api("POST", path, body, Idempotency_Key="k")
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert (len(await world.signals(first)), await world.signals(other)) == (1, [])


async def test_a_return_that_is_asked_for_again_with_its_key_is_one_command(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("starter.api.returns.BEGINS_WITHIN_S", 0.0)  # the stand-in begins none
    order_id = await an_order(world)
    body = {"lines": [{"line_id": "1", "quantity": 1, "reason": "damaged"}]}
    path = f"/api/orders/{order_id}/returns"
    answers = [await world.api("POST", path, body, Idempotency_Key="r") for _ in range(2)]
    assert {answer.json()["command_id"] for answer in answers} == {answers[0].json()["command_id"]}
    assert len(await world.signals(order_id)) == 1


async def test_the_same_key_of_two_callers_names_two_commands_and_two_changes(
    world: World,
) -> None:
    await with_stock(world)
    order_id = await an_order(world)
    goods = {"sku": "MUG", "location": "berlin", "quantity": 5}
    keys = [world.key, (await world.wired.keys.create("another")).secret]
    for world.key in keys:
        for _ in range(2):
            await world.api("POST", "/api/stock/receipts", goods, Idempotency_Key="1")
            await world.api(
                "POST", f"/api/orders/{order_id}/hold", {"reason": "x"}, Idempotency_Key="1"
            )
    (level,) = (await world.api("GET", "/api/stock")).json()["levels"]
    assert level["on_hand"] == 10
    assert len(await world.signals(order_id)) == 2


async def test_goods_that_nobody_announced_become_a_task_once(world: World) -> None:
    await with_stock(world)
    order_id = await an_order(world)
    came = {"location": "berlin", "order_id": order_id, "tracking_number": "1Z9", "note": "a mug"}
    answers = [
        await world.api("POST", "/api/returns/unannounced", came, Idempotency_Key="box-1")
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    (task,) = (await world.api("GET", "/api/tasks")).json()["tasks"]
    assert task == answers[0].json() == answers[1].json()
    assert (task["kind"], task["order_id"]) == ("unannounced_return", order_id)
    assert task["message"] == ("goods came back to berlin unannounced (tracking number 1Z9): a mug")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"location": "moon"}, "location"),
        ({"order_id": "demo-404"}, "order_id"),
        ({"note": ""}, "note"),
        ({"tracking_number": "\0"}, "tracking_number"),
    ],
)
async def test_goods_with_a_wrong_field_make_no_task(
    world: World, changes: dict[str, str], field: str
) -> None:
    await with_stock(world)
    came = {"location": "berlin", "note": "a mug", **changes}
    answer = await world.api("POST", "/api/returns/unannounced", came)
    assert answer.status_code == 422
    assert [e["field"] for e in answer.json()["errors"]] == [field]
    assert (await world.api("GET", "/api/tasks")).json() == {"tasks": [], "next": None}


async def test_tasks_come_in_pages(world: World) -> None:
    ids = [await world.wired.tasks.add("k", f"k{n}", "?") for n in range(5)]
    first = (await world.api("GET", "/api/tasks?limit=2")).json()
    await world.wired.tasks.done(ids[1], "somebody")  # the cursor itself may be done meanwhile
    rest = (await world.api("GET", f"/api/tasks?limit=3&cursor={first['next']}")).json()
    last = (await world.api("GET", f"/api/tasks?limit=3&cursor={rest['next']}")).json()
    assert [[t["task_id"] for t in page["tasks"]] for page in (first, rest, last)] == [
        ids[:2], ids[2:], []]  # fmt: skip
    assert last["next"] is None
    for cursor in ("x", "00000000-0000-0000-0000-000000000000"):
        assert (await world.api("GET", f"/api/tasks?cursor={cursor}")).status_code == 422
