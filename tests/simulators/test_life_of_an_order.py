"""One order from checkout to the doorstep, through all three systems."""

import json

from tests.simulators.payloads import (
    BEARER,
    CAPTURE,
    FULFIL,
    KEY,
    ask,
    fetch,
    fulfilment,
    gid,
    graphql,
    make_order,
    shipment,
)
from tests.simulators.simulator_process import journal, until


async def test_an_order_is_paid_packed_labelled_handed_over_and_delivered(
    client, receiver, order_id
):
    order_ref = f"demo-{order_id}"
    await make_order(client, order_id)
    before = await fetch(client, order_id)
    assert before["displayFinancialStatus"] == "AUTHORIZED"

    asked = await ask(client, fulfilment(f"{order_ref}/f1/1"))
    assert (asked.status_code, asked.json()["status"]) == (201, "accepted")
    packed = await until(lambda: receiver.of('"fulfilment.packed"'))
    assert packed[-1].path == "/webhooks/warehouses/berlin"
    parcel = json.loads(packed[-1].body)["data"]["parcels"][0]
    assert parcel == {"weight_g": 820, "length_mm": 300, "width_mm": 200, "height_mm": 110}

    captured = await graphql(
        client,
        CAPTURE,
        input={
            "id": gid(order_id),
            "parentTransactionId": before["transactions"][0]["id"],
            "amount": "30.00",
        },
    )
    assert captured["data"]["orderCapture"]["userErrors"] == []

    made = await client.post(
        "/easypost/v2/shipments", json=shipment(f"{order_ref}/f1/p1/label/1"), auth=KEY
    )
    assert made.status_code == 201, made.text
    rate = min(made.json()["rates"], key=lambda one: float(one["rate"]))
    path = f"/easypost/v2/shipments/{made.json()['id']}"
    bought = (await client.post(f"{path}/buy", json={"rate": {"id": rate["id"]}}, auth=KEY)).json()
    code = bought["tracking_code"]
    label = await client.get(bought["postage_label"]["label_url"])
    assert label.content.startswith(b"\x89PNG")

    handed = await client.post(
        f"/v1/fulfilments/{asked.json()['id']}/hand-over",
        json={
            "parcels": [
                {
                    "carrier": "USPS",
                    "tracking_number": code,
                    "label_url": bought["postage_label"]["label_url"],
                }
            ]
        },
        headers=BEARER,
    )
    assert (handed.status_code, handed.json()["status"]) == (200, "handed_over")

    lines = before["fulfillmentOrders"]["nodes"][0]
    told = await graphql(
        client,
        FULFIL,
        fulfillment={
            "lineItemsByFulfillmentOrder": [{"fulfillmentOrderId": lines["id"]}],
            "trackingInfo": {"number": code, "company": "USPS"},
            "notifyCustomer": True,
        },
    )
    assert told["data"]["fulfillmentCreate"]["userErrors"] == []

    await until(lambda: [one for one in receiver.of(code) if b'"status": "delivered"' in one.body])
    scans = await journal(client, system="easypost", effect="scan", order=order_ref)
    assert [scan["data"]["status"] for scan in scans] == [
        "pre_transit", "in_transit", "out_for_delivery", "delivered",
    ]  # fmt: skip
    after = await fetch(client, order_id)
    assert after["displayFinancialStatus"] == "PAID"
    assert after["displayFulfillmentStatus"] == "FULFILLED"
    effects = [
        (one["system"], one["effect"])
        for one in await journal(client)
        if one["order"] in (str(order_id), order_ref) and one["effect"] != "scan"
    ]
    assert effects == [
        ("shopify", "order_created"),
        ("warehouse", "accepted"),
        ("warehouse", "packed"),
        ("shopify", "captured"),
        ("easypost", "shipment_created"),
        ("easypost", "label_bought"),
        ("warehouse", "handed_over"),
        ("shopify", "fulfilled"),
    ]
