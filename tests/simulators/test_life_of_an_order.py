"""One order from checkout to the doorstep, through all three systems."""

import json

import httpx

from tests.simulators.payloads import (
    BEARER,
    CAPTURE,
    FULFIL,
    KEY,
    ask,
    fetch,
    fulfilment,
    graphql,
    make_order,
    shipment,
)
from tests.simulators.simulator_process import journal, until

BOX = {"weight_g": 820, "length_mm": 300, "width_mm": 200, "height_mm": 110}
WAY = ["pre_transit", "in_transit", "out_for_delivery", "delivered"]
EFFECTS = [
    ("shopify", "order_created"),
    ("warehouse", "accepted"),
    ("warehouse", "packed"),
    ("shopify", "captured"),
    ("easypost", "shipment_created"),
    ("easypost", "label_bought"),
    ("warehouse", "handed_over"),
    ("shopify", "fulfilled"),
]


async def test_an_order_is_paid_packed_labelled_handed_over_and_delivered(
    client, receiver, order_id
):
    order_ref = f"demo-{order_id}"
    await make_order(client, order_id)
    order = await fetch(client, order_id)
    assert order["displayFinancialStatus"] == "AUTHORIZED"

    asked = await pack(client, receiver, f"{order_ref}/f1/1")
    await capture(client, order)
    bought = await buy_label(client, f"{order_ref}/f1/p1/label/1")
    await hand_over(client, asked, bought)
    await tell_shipped(client, order, bought["tracking_code"])

    await until(lambda: delivered(receiver, bought["tracking_code"]))
    scans = await journal(client, system="easypost", effect="scan", order=order_ref)
    assert [scan["data"]["status"] for scan in scans] == WAY
    after = await fetch(client, order_id)
    assert after["displayFinancialStatus"] == "PAID"
    assert after["displayFulfillmentStatus"] == "FULFILLED"
    assert await effects(client, str(order_id), order_ref) == EFFECTS


async def pack(client: httpx.AsyncClient, receiver, reference: str) -> str:
    """The warehouse's id of what it has packed, and said so."""
    asked = await ask(client, fulfilment(reference))
    assert (asked.status_code, asked.json()["status"]) == (201, "accepted")
    packed = await until(lambda: receiver.of('"fulfilment.packed"'))
    assert packed[-1].path == "/webhooks/warehouses/berlin"
    assert json.loads(packed[-1].body)["data"]["parcels"][0] == BOX
    return asked.json()["id"]


async def capture(client: httpx.AsyncClient, order: dict) -> None:
    authorised = order["transactions"][0]["id"]
    money = {"id": order["id"], "parentTransactionId": authorised, "amount": "30.00"}
    captured = await graphql(client, CAPTURE, input=money)
    assert captured["data"]["orderCapture"]["userErrors"] == []


async def buy_label(client: httpx.AsyncClient, reference: str) -> dict:
    """The shipment, bought at its cheapest rate; its label is a picture."""
    made = await client.post("/easypost/v2/shipments", json=shipment(reference), auth=KEY)
    assert made.status_code == 201, made.text
    rate = min(made.json()["rates"], key=lambda one: float(one["rate"]))
    path = f"/easypost/v2/shipments/{made.json()['id']}/buy"
    bought = (await client.post(path, json={"rate": {"id": rate["id"]}}, auth=KEY)).json()
    label = await client.get(bought["postage_label"]["label_url"])
    assert label.content.startswith(b"\x89PNG")
    return bought


async def hand_over(client: httpx.AsyncClient, packed_id: str, bought: dict) -> None:
    parcel = {
        "carrier": "USPS",
        "tracking_number": bought["tracking_code"],
        "label_url": bought["postage_label"]["label_url"],
    }
    path = f"/v1/fulfilments/{packed_id}/hand-over"
    handed = await client.post(path, json={"parcels": [parcel]}, headers=BEARER)
    assert (handed.status_code, handed.json()["status"]) == (200, "handed_over")


async def tell_shipped(client: httpx.AsyncClient, order: dict, tracking_number: str) -> None:
    lines = order["fulfillmentOrders"]["nodes"][0]
    shipped = {
        "lineItemsByFulfillmentOrder": [{"fulfillmentOrderId": lines["id"]}],
        "trackingInfo": {"number": tracking_number, "company": "USPS"},
        "notifyCustomer": True,
    }
    told = await graphql(client, FULFIL, fulfillment=shipped)
    assert told["data"]["fulfillmentCreate"]["userErrors"] == []


def delivered(receiver, tracking_number: str) -> list:
    """The carrier's webhooks that say so."""
    said = receiver.of(tracking_number)
    return [one for one in said if b'"status": "delivered"' in one.body]


async def effects(client: httpx.AsyncClient, *names: str) -> list[tuple[str, str]]:
    """What the order's journal says was done, under its names; not its scans."""
    return [
        (one["system"], one["effect"])
        for one in await journal(client)
        if one["order"] in names and one["effect"] != "scan"
    ]
