"""What a warehouse does and refuses, as docs/warehouse-protocol.md has it."""

import json

import pytest

from tests.simulators.payloads import BEARER, ask, fulfilment
from tests.simulators.simulator_process import journal, until

LABEL = {"carrier": "UPS", "tracking_number": "1Z1", "label_url": "http://label.example/1"}
HAND_OVER = {"parcels": [LABEL]}


async def get(client, path: str) -> dict:
    return (await client.get(path, headers=BEARER)).json()


async def packed(client, receiver, reference: str) -> str:
    made = (await ask(client, fulfilment(reference))).json()["id"]
    await until(lambda: receiver.of(f'"{reference}"'))
    assert (await get(client, f"/v1/fulfilments/{made}"))["status"] == "packed"
    return made


async def post(client, made: str, verb: str, body: object = None):
    return await client.post(f"/v1/fulfilments/{made}/{verb}", json=body, headers=BEARER)


async def test_the_same_reference_gives_the_same_fulfilment(client, order_id):
    body = fulfilment(f"demo-{order_id}/f1/1")
    first, again = await ask(client, body), await ask(client, body)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    other = await ask(client, body | {"lines": [{"sku": "CAP", "quantity": 1}]})
    assert (other.status_code, other.json()["code"]) == (409, "reference_reused")
    entries = await journal(client, effect="accepted", order=f"demo-{order_id}")
    assert [entry["key"] for entry in entries] == [f"demo-{order_id}/f1/1"]


async def test_a_fulfilment_is_found_by_its_reference(client, order_id):
    reference = f"demo-{order_id}/f1/1"
    path = f"/v1/locations/berlin/fulfilments?reference={reference}"
    assert await get(client, path) == {"fulfilments": []}
    made = (await ask(client, fulfilment(reference))).json()
    assert [one["id"] for one in (await get(client, path))["fulfilments"]] == [made["id"]]
    elsewhere = await get(client, path.replace("berlin", "lyon"))
    assert elsewhere == {"fulfilments": []}


async def test_a_recalled_fulfilment_is_not_handed_over(client, receiver, order_id):
    made = await packed(client, receiver, f"demo-{order_id}/f1/1")
    for _ in range(2):
        assert (await post(client, made, "recall")).json()["status"] == "recalled"
    refused = await post(client, made, "hand-over", HAND_OVER)
    assert (refused.status_code, refused.json()["code"]) == (409, "recalled")
    entries = await journal(client, order=f"demo-{order_id}")
    assert [entry["effect"] for entry in entries] == ["accepted", "packed", "recalled"]


async def test_what_is_handed_over_stays_handed_over(client, receiver, order_id):
    made = await packed(client, receiver, f"demo-{order_id}/f1/1")
    first = await post(client, made, "hand-over", HAND_OVER)
    again = await post(client, made, "hand-over", HAND_OVER)
    assert first.json()["handed_over_at"] == again.json()["handed_over_at"] is not None
    other = await post(client, made, "hand-over", {"parcels": [LABEL | {"tracking_number": "1Z2"}]})
    assert other.json()["code"] == "handed_over"
    assert (await post(client, made, "recall")).json()["code"] == "handed_over"
    late = await post(client, made, "ship-to", fulfilment("x")["ship_to"])
    assert late.json()["code"] == "handed_over"
    told = await until(lambda: receiver.of('"fulfilment.handed_over"'))
    assert json.loads(told[-1].body)["data"]["id"] == made
    assert len(await journal(client, effect="handed_over", order=f"demo-{order_id}")) == 1


async def test_nothing_is_handed_over_before_it_is_packed(client, order_id):
    await client.post("/control/settings", json={"pack_s": 30})
    made = (await ask(client, fulfilment(f"demo-{order_id}/f1/1"))).json()["id"]
    await client.post("/control/settings", json={"pack_s": 0.05})
    refused = await post(client, made, "hand-over", HAND_OVER)
    assert refused.json()["code"] == "not_packed"


async def test_the_address_can_be_corrected(client, order_id):
    made = (await ask(client, fulfilment(f"demo-{order_id}/f1/1"))).json()["id"]
    better = fulfilment("x")["ship_to"] | {"lines": ["Unter den Linden 2"]}
    assert (await post(client, made, "ship-to", better)).status_code == 200
    entry = (await journal(client, effect="readdressed", order=f"demo-{order_id}"))[0]
    assert entry["data"]["ship_to"]["lines"] == ["Unter den Linden 2"]


@pytest.mark.parametrize("when", ["at_once", "after_accepting"])
async def test_a_warehouse_rejects_when_told_to(client, receiver, order_id, when):
    reference = f"demo-{order_id}/f1/1"
    rejection = {"match": f"demo-{order_id}", "location": "berlin", "reason": "damaged"}
    await client.post("/control/warehouse/reject", json=rejection | {"when": when})
    answer = await ask(client, fulfilment(reference))
    assert answer.json()["status"] == ("rejected" if when == "at_once" else "accepted")
    if when == "after_accepting":
        told = (await until(lambda: receiver.of(f'"{reference}"')))[0]
        assert json.loads(told.body)["type"] == "fulfilment.rejected"
    now = await get(client, f"/v1/fulfilments/{answer.json()['id']}")
    assert (now["status"], now["reason"]) == ("rejected", "damaged")
    second = await ask(client, fulfilment(f"demo-{order_id}/f2/1"))
    assert second.json()["status"] == "accepted"


async def test_a_picker_finds_less_of_what_was_asked_for(client, receiver, order_id):
    short = [{"sku": "MUG", "found": 1, "reason": "mismatch"}, {"sku": "CAP"}]
    told = {"reason": "short", "short": short, "when": "after_accepting"}
    await client.post("/control/warehouse/reject", json=told)
    enough = await ask(
        client, fulfilment(f"demo-{order_id}/f1", lines=[{"sku": "MUG", "quantity": 1}])
    )
    await until(lambda: receiver.of(f'"demo-{order_id}/f1"'))
    packed = await get(client, f"/v1/fulfilments/{enough.json()['id']}")
    assert (packed["status"], packed["short"]) == ("packed", [])
    asked = await ask(client, fulfilment(f"demo-{order_id}/f2"))
    assert (asked.json()["status"], asked.json()["short"]) == ("accepted", [])
    said = (await until(lambda: receiver.of(f'"demo-{order_id}/f2"')))[0]
    rejected = await get(client, f"/v1/fulfilments/{asked.json()['id']}")
    assert json.loads(said.body) | {"timestamp": ""} == {
        "type": "fulfilment.rejected", "timestamp": "", "data": rejected,
    }  # fmt: skip
    assert (rejected["status"], rejected["reason"]) == ("rejected", "short")
    assert rejected["short"] == [{"sku": "MUG", "found": 1, "reason": "mismatch"}]
    (entry,) = await journal(client, effect="rejected", order=f"demo-{order_id}")
    assert entry["data"]["short"] == rejected["short"]


@pytest.mark.parametrize(
    "told", [{"reason": "short"}, {"reason": "damaged", "short": [{"sku": "MUG"}]}]
)
async def test_what_is_short_and_its_reason_go_together(client, told):
    answer = await client.post("/control/warehouse/reject", json=told)
    assert answer.status_code == 422


async def test_the_parcel_weighs_what_its_pieces_weigh(client, receiver, order_id):
    weights = {"unit_weights_g": {"ANVIL": 5000}}
    await client.post("/control/warehouse/weights", json=weights)
    reference = f"demo-{order_id}/f1/1"
    await ask(client, fulfilment(reference, lines=[{"sku": "ANVIL", "quantity": 3}]))
    told = (await until(lambda: receiver.of(f'"{reference}"')))[0]
    assert json.loads(told.body)["data"]["parcels"][0]["weight_g"] == 15_120


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"lines": []}, "lines"),
        ({"lines": [{"sku": "MUG", "quantity": 0}]}, "lines.0.quantity"),
        ({"lines": [{"sku": "MUG", "quantity": "2"}]}, "lines.0.quantity"),
        ({"order_id": 7}, "order_id"),
        ({"ship_to": {"name": "A", "lines": ["x"], "country": "Germany"}}, "ship_to.country"),
        ({"surprise": 1}, "surprise"),
    ],
)
async def test_a_bad_request_names_the_field(client, changes, field):
    before = len(await journal(client))
    answer = await ask(client, fulfilment("demo-bad/f1/1") | changes)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert len(await journal(client)) == before


async def test_the_key_and_the_idempotency_key_are_needed(client):
    path, body = "/v1/locations/berlin/fulfilments", fulfilment("demo-1/f1/1")
    assert (await client.post(path, json=body)).status_code == 401
    bare = await client.post(path, json=body, headers=BEARER)
    assert (bare.status_code, bare.json()["code"]) == (400, "idempotency_key_required")
    other = await client.post(path, json=body, headers=BEARER | {"Idempotency-Key": "x"})
    assert other.json()["code"] == "idempotency_key_mismatch"
