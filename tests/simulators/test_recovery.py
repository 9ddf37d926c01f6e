"""A simulator that is killed goes on where it was."""

import json

import httpx

from tests.simulators.payloads import (
    CAPTURE,
    KEY,
    ask,
    fetch,
    fulfilment,
    gid,
    graphql,
    make_order,
    shipment,
)
from tests.simulators.simulator_process import journal, receiving, running, until

SHIPMENTS = "/easypost/v2/shipments"
ORDER_ID = 5_551_234


def updates(receiver) -> list:
    return [one for one in receiver.got if one.headers.get("x-shopify-topic") == "orders/updated"]


async def test_a_killed_simulator_knows_everything_and_finishes_what_it_began(tmp_path):
    reference = f"demo-{ORDER_ID}"
    with receiving() as receiver:
        async with (
            running(tmp_path, receiver, pack_s=30, webhook_tries=10) as first,
            httpx.AsyncClient(base_url=first.url, timeout=60) as client,
        ):
            await make_order(client, ORDER_ID)
            order = await fetch(client, ORDER_ID)
            wanted = {
                "id": gid(ORDER_ID),
                "parentTransactionId": order["transactions"][0]["id"],
                "amount": "30.00",
            }
            await graphql(client, CAPTURE, input=wanted)
            accepted = (await ask(client, fulfilment(f"{reference}/f1/1"))).json()
            made = await client.post(SHIPMENTS, json=shipment(f"{reference}/l"), auth=KEY)
            buy = {"rate": {"id": made.json()["rates"][0]["id"]}}
            path = f"{SHIPMENTS}/{made.json()['id']}"
            bought = (await client.post(f"{path}/buy", json=buy, auth=KEY)).json()
            receiver.answers += [500] * 10  # until it is killed, however late that is
            await client.post(
                "/control/shopify/webhooks", json={"order": ORDER_ID, "topic": "orders/updated"}
            )
            await until(lambda: updates(receiver))
            before = await journal(client)
            captured = await fetch(client, ORDER_ID)
            first.kill()
            await first.process.wait()
            receiver.answers.clear()
            tried = len(updates(receiver))
        with (tmp_path / "journal.jsonl").open("ab") as torn:
            torn.write(b'{"seq":99,"at":"cut sho')
        async with (
            running(tmp_path, receiver) as second,
            httpx.AsyncClient(base_url=second.url, timeout=60) as client,
        ):
            packed = await until(lambda: receiver.of('"fulfilment.packed"'))
            assert json.loads(packed[0].body)["data"]["id"] == accepted["id"]
            again = await ask(client, fulfilment(f"{reference}/f1/1"))
            assert (again.status_code, again.json()["id"]) == (200, accepted["id"])
            assert (await journal(client))[: len(before)] == before
            assert await fetch(client, ORDER_ID) == captured
            assert captured["displayFinancialStatus"] == "PAID"
            found = (await client.get(path, auth=KEY)).json()
            assert found == bought
            refused = await client.post(f"{path}/buy", json=buy, auth=KEY)
            assert refused.json()["error"]["code"] == "SHIPMENT.POSTAGE.EXISTS"
            await until(lambda: len(updates(receiver)) > tried)
            ids = {one.headers["x-shopify-webhook-id"] for one in updates(receiver)}
            assert len(ids) == 1
            tail = await journal(client, effect="packed")
            assert [entry["seq"] for entry in tail] == [len(before) + 1]


async def test_a_parcel_on_its_way_arrives_after_a_kill(tmp_path):
    with receiving() as receiver:
        async with (
            running(tmp_path, receiver, scan_s=0.2) as first,
            httpx.AsyncClient(base_url=first.url, timeout=60) as client,
        ):
            made = await client.post(SHIPMENTS, json=shipment("demo-1/l"), auth=KEY)
            buy = {"rate": {"id": made.json()["rates"][0]["id"]}}
            path = f"{SHIPMENTS}/{made.json()['id']}/buy"
            code = (await client.post(path, json=buy, auth=KEY)).json()["tracking_code"]
            accepted = (await ask(client, fulfilment("demo-1/f1/1"))).json()["id"]
            await until(lambda: receiver.of('"fulfilment.packed"'))
            await client.post(
                f"/v1/fulfilments/{accepted}/hand-over",
                json={
                    "parcels": [
                        {
                            "carrier": "USPS",
                            "tracking_number": code,
                            "label_url": "http://x.example",
                        }
                    ]
                },
                headers={"Authorization": "Bearer whk_demo_key"},
            )
            await until(lambda: receiver.of("tracker.updated"))
            first.kill()
            await first.process.wait()
        async with (
            running(tmp_path, receiver) as second,
            httpx.AsyncClient(base_url=second.url, timeout=60) as client,
        ):
            await until(lambda: receiver.of('"status": "delivered"'))
            scans = await journal(client, effect="scan")
            assert [scan["data"]["status"] for scan in scans] == [
                "pre_transit", "in_transit", "out_for_delivery", "delivered",
            ]  # fmt: skip
