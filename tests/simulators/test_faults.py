"""Each way a call can go wrong, in each system's own words."""

import time

import httpx
import pytest

from tests.simulators.payloads import (
    BEARER,
    CAPTURE,
    KEY,
    ORDER,
    TOKEN,
    ask,
    fetch,
    fulfilment,
    gid,
    make_order,
    shipment,
)
from tests.simulators.simulator_process import journal

SHIPMENTS = "/easypost/v2/shipments"


async def fault(client, **asked: object) -> str:
    answer = await client.post("/control/faults", json=asked)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def fired(client, fault_id: str) -> int:
    faults = (await client.get("/control/faults")).json()["faults"]
    return next(one["fired"] for one in faults if one["id"] == fault_id)


async def query(client, order_id: int) -> httpx.Response:
    body = {"query": ORDER, "variables": {"id": gid(order_id)}}
    return await client.post("/admin/api/2026-07/graphql.json", json=body, headers=TOKEN)


async def capture(client, order_id: int) -> httpx.Response:
    order = await fetch(client, order_id)
    wanted = {
        "id": order["id"],
        "parentTransactionId": order["transactions"][0]["id"],
        "amount": "30.00",
    }
    body = {"query": CAPTURE, "variables": {"input": wanted}}
    return await client.post("/admin/api/2026-07/graphql.json", json=body, headers=TOKEN)


async def test_a_system_is_down_as_often_as_asked_and_only_that_system(client, order_id):
    await make_order(client, order_id)
    down = await fault(client, system="shopify", operation="order", mode="down", times=2)
    assert [(await query(client, order_id)).status_code for _ in range(3)] == [503, 503, 200]
    assert await fired(client, down) == 2
    await fault(client, system="easypost", mode="down", for_s=30)
    answer = await client.get(SHIPMENTS, auth=KEY)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "SERVICE.UNAVAILABLE")
    await fault(client, system="warehouse", operation="request", mode="down")
    answer = await ask(client, fulfilment(f"demo-{order_id}/f1/1"))
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert await journal(client, order=f"demo-{order_id}") == []


async def test_a_fault_ends_with_its_time(client, order_id):
    await make_order(client, order_id)
    begun_s = time.monotonic()
    await fault(client, system="shopify", mode="down", for_s=0.2)
    while (await query(client, order_id)).status_code == 503:
        assert time.monotonic() - begun_s < 60
    assert time.monotonic() - begun_s >= 0.2


async def test_a_fault_hits_only_what_it_is_meant_for(client, order_id):
    await make_order(client, order_id)
    await make_order(client, order_id + 10**6)
    await fault(
        client, system="shopify", operation="orderCapture", match=str(order_id), mode="down"
    )
    assert (await capture(client, order_id + 10**6)).status_code == 200
    assert (await capture(client, order_id)).status_code == 503


async def test_a_throttled_shop_says_how_many_points_there_are(client, order_id):
    await make_order(client, order_id)
    await fault(client, system="shopify", mode="throttle", times=1, seconds=2)
    answer = await query(client, order_id)
    assert (answer.status_code, answer.headers["retry-after"]) == (200, "2")
    assert answer.json()["errors"][0]["extensions"]["code"] == "THROTTLED"
    assert answer.json()["extensions"]["cost"]["actualQueryCost"] is None
    assert "data" not in answer.json()


async def test_a_drained_bucket_throttles_by_itself(client, order_id):
    await make_order(client, order_id)
    small = {"shop_bucket_points": 20, "shop_restore_points": 0.001}
    before = (await client.get("/control/settings")).json()
    await client.post("/control/settings", json=small)
    answers = [await query(client, order_id) for _ in range(3)]
    plenty = {"shop_bucket_points": before["shop_bucket_points"], "shop_restore_points": 10**9}
    await client.post("/control/settings", json=plenty)
    assert answers[-1].json()["errors"][0]["message"] == "Throttled"


async def test_a_throttled_carrier_and_warehouse_say_when_to_come_back(client):
    await fault(client, system="easypost", mode="throttle", times=1, seconds=3)
    answer = await client.get(SHIPMENTS, auth=KEY)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "3")
    await fault(client, system="warehouse", mode="throttle", times=1)
    answer = await client.get("/v1/fulfilments/x", headers=BEARER)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")


async def test_a_refusal_comes_in_the_vendors_format_and_does_nothing(client, order_id):
    await make_order(client, order_id)
    await fault(
        client, system="shopify", operation="orderCapture", mode="refuse", message="Card expired"
    )
    answer = (await capture(client, order_id)).json()["data"]["orderCapture"]
    assert answer["userErrors"] == [{"field": None, "message": "Card expired"}]
    await fault(client, system="easypost", operation="create", mode="refuse", code="X.Y")
    answer = await client.post(SHIPMENTS, json=shipment(f"demo-{order_id}/l"), auth=KEY)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "X.Y")
    await fault(client, system="warehouse", operation="request", mode="refuse", status=403)
    assert (await ask(client, fulfilment(f"demo-{order_id}/f1/1"))).status_code == 403
    assert [one["effect"] for one in await journal(client, order=str(order_id))] == [
        "order_created"
    ]
    assert await journal(client, order=f"demo-{order_id}") == []


@pytest.mark.parametrize("status", [None, 500])
async def test_an_answer_is_lost_after_the_label_was_bought(client, order_id, status):
    reference = f"demo-{order_id}/f1/p1/label/1"
    made = (await client.post(SHIPMENTS, json=shipment(reference), auth=KEY)).json()
    lost = {"system": "easypost", "operation": "buy", "match": reference, "mode": "lost"}
    await fault(client, **lost, times=1, status=status)
    buy, path = {"rate": {"id": made["rates"][0]["id"]}}, f"{SHIPMENTS}/{made['id']}/buy"
    if status is None:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.post(path, json=buy, auth=KEY)
    else:
        assert (await client.post(path, json=buy, auth=KEY)).status_code == 500
    assert len(await journal(client, effect="label_bought", key=reference)) == 1
    found = (await client.get(f"{SHIPMENTS}/{made['id']}", auth=KEY)).json()
    assert found["tracking_code"] is not None


async def test_an_answer_is_lost_after_the_money_was_captured_or_the_work_accepted(
    client, order_id
):
    await make_order(client, order_id)
    await fault(client, system="shopify", operation="orderCapture", mode="lost", times=1)
    with pytest.raises(httpx.RemoteProtocolError):
        await capture(client, order_id)
    assert len(await journal(client, effect="captured", order=str(order_id))) == 1
    await fault(client, system="warehouse", operation="request", mode="lost", times=1)
    with pytest.raises(httpx.RemoteProtocolError):
        await ask(client, fulfilment(f"demo-{order_id}/f1/1"))
    again = await ask(client, fulfilment(f"demo-{order_id}/f1/1"))
    assert again.status_code == 200


async def test_slow_is_late_and_hang_is_never(client, order_id):
    await make_order(client, order_id)
    await fault(client, system="shopify", mode="slow", seconds=0.3, times=1)
    begun_s = time.monotonic()
    assert (await query(client, order_id)).status_code == 200
    assert time.monotonic() - begun_s >= 0.3
    hang = await fault(client, system="warehouse", mode="hang", times=1)
    with pytest.raises(httpx.ReadTimeout):
        await client.get("/v1/fulfilments/x", headers=BEARER, timeout=httpx.Timeout(60, read=0.3))
    while not await fired(client, hang):
        pass  # the call may still be on its way


async def test_a_fault_that_makes_no_sense_names_the_field(client):
    answer = await client.post("/control/faults", json={"system": "shopify", "mode": "explode"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["loc"] == ["mode"]
    made = await fault(client, system="shopify", mode="down")
    removed = await client.delete(f"/control/faults/{made}")
    assert removed.json() == {"removed": 1}
    assert (await client.get("/control/faults")).json() == {"faults": []}
