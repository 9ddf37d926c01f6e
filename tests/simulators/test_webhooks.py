"""What the simulators send: signed, shaped as published, repeated, and out of order on demand."""

import base64
import hashlib
import hmac
import json

from standardwebhooks import Webhook

from simulators.shopify.ledger import FIRST_LOCATION_ID
from simulators.webhooks import easypost_signature, shopify_signature, standard_signature
from tests.simulators.payloads import (
    BEARER,
    CUSTOMS,
    FULFIL,
    KEY,
    REFUND,
    ask,
    bag,
    fetch,
    fulfilment,
    graphql,
    make_order,
    order,
    shipment,
)
from tests.simulators.published import published, same_shape
from tests.simulators.simulator_process import journal, until
from tests.simulators.test_easypost_api import BERLIN, SHIPMENTS

LATE_S = 12
"""Within which a slow machine, too, sends what is to overtake."""


def test_the_signatures_are_the_published_ones():
    given = shopify_signature("test_secret_key", b'{"foo": "bar"}')
    assert given == "B23tXN681gZ0qIWNRrgtzBE9XSDo5yaUu6wfmhu3a7g="
    # https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
    given = standard_signature(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1_614_265_330,
        b'{"test": 2432232314}',
    )
    assert given == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    composed, decomposed = "s\u00e9cret", "se\u0301cret"
    assert easypost_signature(composed, b"x") == easypost_signature(decomposed, b"x")


async def test_an_order_arrives_signed_with_every_header(client, receiver, order_id):
    body = {"order": order(order_id), "send": True}
    made = (await client.post("/control/shopify/orders", json=body)).json()
    got = (await until(lambda: receiver.of(str(order_id))))[0]
    assert got.path == "/webhooks/demo"
    mac = hmac.new(b"shpss_demo_secret", got.body, hashlib.sha256).digest()
    assert got.headers["x-shopify-hmac-sha256"] == base64.b64encode(mac).decode()
    assert got.headers["x-shopify-topic"] == "orders/create"
    assert got.headers["x-shopify-shop-domain"] == "demo-shop.myshopify.com"
    assert got.headers["x-shopify-api-version"] == "2026-07"
    assert [got.headers["x-shopify-webhook-id"]] == made["webhook_ids"]
    assert {"x-shopify-event-id", "x-shopify-triggered-at"} <= got.headers.keys()
    assert json.loads(got.body)["line_items"] == body["order"]["line_items"]


async def test_the_published_order_is_taken_and_sent_as_it_is(client, receiver):
    given = published("shopify_orders_create")["payload"]
    given["id"] += 500_000
    await client.post("/control/shopify/orders", json={"order": given, "send": True})
    sent = json.loads((await until(lambda: receiver.of(str(given["id"]))))[0].body)
    changed = {name for name in given if sent[name] != given[name]}
    assert changed == {"updated_at"}


async def test_a_duplicate_shares_the_event_but_not_the_delivery(client, receiver, order_id):
    await make_order(client, order_id)
    asked = {"order": order_id, "topic": "orders/create", "duplicate": 2}
    await client.post("/control/shopify/webhooks", json=asked)
    await until(lambda: len(receiver.of(str(order_id))) == 3)
    got = [one.headers for one in receiver.of(str(order_id))]
    assert len({one["x-shopify-event-id"] for one in got}) == 1
    assert len({one["x-shopify-webhook-id"] for one in got}) == 3


async def test_a_pending_order_is_told_to_be_paid(client, receiver, order_id):
    await make_order(client, order_id, financial_status="pending")
    asked = {
        "order": order_id, "topic": "orders/paid", "changes": {"financial_status": "paid"},
    }  # fmt: skip
    await client.post("/control/shopify/webhooks", json=asked)
    got = (await until(lambda: receiver.of(str(order_id))))[0]
    assert got.headers["x-shopify-topic"] == "orders/paid"
    assert json.loads(got.body)["financial_status"] == "paid"
    state = (await client.get("/control/state")).json()["shopify"]["orders"]
    assert next(o for o in state if o["id"] == str(order_id))["captured"] == "30.00"


async def test_an_unreadable_body_is_sent_signed(client, receiver):
    raw = base64.b64encode(b"\xff{not json").decode()
    await client.post("/control/shopify/raw", json={"body_base64": raw})
    got = await until(lambda: [one for one in receiver.got if one.body == b"\xff{not json"])
    mac = hmac.new(b"shpss_demo_secret", got[0].body, hashlib.sha256).digest()
    assert got[0].headers["x-shopify-hmac-sha256"] == base64.b64encode(mac).decode()


async def test_a_webhook_is_tried_until_it_arrives(client, receiver, order_id):
    await make_order(client, order_id)
    receiver.answers += [500, 503]
    asked = {"order": order_id, "topic": "orders/updated"}
    await client.post("/control/shopify/webhooks", json=asked)
    await until(lambda: len(receiver.of(str(order_id))) == 3)
    got = receiver.of(str(order_id))
    assert len({one.headers["x-shopify-webhook-id"] for one in got}) == 1


async def test_webhooks_are_doubled_overtaken_and_dropped_on_demand(client, receiver, order_id):
    await make_order(client, order_id)
    for mode, topic in (("drop", "a/dropped"), ("duplicate", "a/doubled"), ("reorder", "a/late")):
        fault = {"system": "shopify", "operation": "webhook", "mode": mode, "match": topic}
        fault |= {"seconds": LATE_S} if mode == "reorder" else {}
        assert (await client.post("/control/faults", json=fault)).status_code == 201
    for topic in ("a/dropped", "a/late", "a/doubled", "a/last"):
        asked = {"order": order_id, "topic": topic}
        await client.post("/control/shopify/webhooks", json=asked)
    await until(lambda: len(receiver.of(str(order_id))) == 4)
    topics = [one.headers["x-shopify-topic"] for one in receiver.of(str(order_id))]
    assert sorted(topics[:3]) == ["a/doubled", "a/doubled", "a/last"]
    assert topics[3] == "a/late"


async def test_the_warehouses_webhooks_verify_as_standard_webhooks(client, receiver, order_id):
    body = json.dumps({"hello": order_id})
    await client.post("/control/warehouse/raw", json={"location": "lyon", "body": body})
    got = (await until(lambda: receiver.of(f'"hello": {order_id}')))[0]
    assert got.path == "/webhooks/warehouses/lyon"
    secret = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
    assert Webhook(secret).verify(got.body, got.headers) == {"hello": order_id}


async def send_parcel(client, order_id: int, **changes: object) -> str:
    reference = f"demo-{order_id}/f1/p1/label/1"
    made = await client.post(SHIPMENTS, json=shipment(reference, **changes), auth=KEY)
    buy = {"rate": {"id": made.json()["rates"][0]["id"]}}
    path = f"{SHIPMENTS}/{made.json()['id']}/buy"
    code: str = (await client.post(path, json=buy, auth=KEY)).json()["tracking_code"]
    return code


async def scan(client, code: str, status: str, **more: object) -> None:
    asked = {"tracking_code": code, "status": status} | more
    answer = await client.post("/control/easypost/scans", json=asked)
    assert answer.status_code == 202, answer.text


async def test_a_scan_arrives_as_a_signed_event_of_the_published_shape(client, receiver, order_id):
    code = await send_parcel(client, order_id)
    await scan(client, code, "in_transit", message="Sorted")
    got = (await until(lambda: receiver.of(code)))[0]
    assert got.path == "/webhooks/carriers/easypost"
    mac = hmac.new(b"carrier_demo_secret", got.body, hashlib.sha256).hexdigest()
    assert got.headers["x-hmac-signature"] == f"hmac-sha256-hex={mac}"
    event = json.loads(got.body)
    same_shape(event, published("easypost_event")["payload"])
    assert event["result"]["tracking_details"][0]["message"] == "Sorted"


async def test_scans_come_twice_and_late(client, receiver, order_id):
    code = await send_parcel(client, order_id)
    await scan(client, code, "in_transit")
    await scan(client, code, "delivered")
    await scan(client, code, "in_transit", datetime="2026-01-01T00:00:00Z")
    replay = {"tracking_code": code, "index": 0, "times": 2}
    await client.post("/control/easypost/replay", json=replay)
    await until(lambda: len(receiver.of(code)) == 5)
    events = [json.loads(one.body) for one in receiver.of(code)]
    ids = [event["id"] for event in events]
    assert sorted(ids.count(one) for one in set(ids)) == [1, 1, 3]
    late = max(events, key=lambda event: len(event["result"]["tracking_details"]))
    assert late["result"]["status"] == "delivered"
    entries = await journal(client, effect="scan", order=f"demo-{order_id}")
    assert [one["data"]["status"] for one in entries] == ["in_transit", "delivered", "in_transit"]


async def hand_over(client, receiver, order_id: int, code: str) -> None:
    reference = f"demo-{order_id}/f1/1"
    made = (await ask(client, fulfilment(reference))).json()["id"]
    await until(lambda: receiver.of(f'"{reference}"'))
    label = {"carrier": "UPS", "tracking_number": code, "label_url": "http://label.example/1"}
    done = await client.post(
        f"/v1/fulfilments/{made}/hand-over", json={"parcels": [label]}, headers=BEARER
    )
    assert done.status_code == 200


async def test_a_parcel_is_stuck_in_customs_until_it_is_let_go(client, receiver, order_id):
    await client.post("/control/easypost/customs", json={"match": f"demo-{order_id}"})
    code = await send_parcel(client, order_id, to_address=BERLIN, customs_info=CUSTOMS)
    await hand_over(client, receiver, order_id, code)
    await until(lambda: [one for one in receiver.of(code) if b"Held by customs" in one.body])
    let_go = {"match": f"demo-{order_id}", "stuck": False}
    await client.post("/control/easypost/customs", json=let_go)
    await until(lambda: [one for one in receiver.of(code) if b'"status": "delivered"' in one.body])
    entries = await journal(client, effect="scan", order=f"demo-{order_id}")
    messages = [one["data"]["detail"]["message"] for one in entries]
    assert messages == [
        "Shipping Label Created", "Picked up", "Presented to customs",
        "Held by customs: clearance delayed", "Released by customs", "Out for delivery",
        "Delivered",
    ]  # fmt: skip


async def test_a_parcel_that_goes_back_is_not_delivered(client, receiver, order_id):
    await client.post("/control/easypost/customs", json={"match": f"demo-{order_id}"})
    code = await send_parcel(client, order_id, to_address=BERLIN, customs_info=CUSTOMS)
    await hand_over(client, receiver, order_id, code)
    await until(lambda: [one for one in receiver.of(code) if b"Held by customs" in one.body])
    await scan(client, code, "return_to_sender")
    let_go = {"match": f"demo-{order_id}", "stuck": False}
    await client.post("/control/easypost/customs", json=let_go)
    await until(lambda: [one for one in receiver.of(code) if b"return_to_sender" in one.body])
    entries = await journal(client, effect="scan", order=f"demo-{order_id}")
    assert entries[-1]["data"]["status"] == "return_to_sender"


async def test_what_is_refunded_is_no_longer_in_the_order(client, receiver, order_id):
    taxed = {"tax_lines": [{"title": "VAT", "rate": 0.19, "price": "3.19"}]}
    let_off = {"discount_allocations": [{"amount": "1.00"}]}
    given = order(order_id)
    mug, cap = ({**line, **taxed, **let_off} for line in given["line_items"])
    given |= {"line_items": [mug, cap], "total_discounts": "2.00", "financial_status": "paid"}
    await make_order(client, order_id, **given)
    await ask_for_refund(client, order_id, "9.50", mug["id"])
    await client.post(
        "/control/shopify/webhooks", json={"order": order_id, "topic": "orders/updated"}
    )
    said = json.loads((await until(lambda: receiver.of(str(order_id))))[0].body)
    assert [
        (line["quantity"], line["current_quantity"], line["fulfillable_quantity"])
        for line in said["line_items"]
    ] == [(2, 1, 1), (1, 1, 1)]
    assert said["line_items"][0]["discount_allocations"] == let_off["discount_allocations"]
    assert (said["total_price"], said["total_tax"]) == ("30.00", "4.79")
    assert said["financial_status"] == "partially_refunded"
    assert "current_subtotal_price" not in said
    for name, amount in (("total_price", "20.50"), ("total_tax", "3.19"),
                         ("total_discounts", "1.50")):  # fmt: skip
        assert said[f"current_{name}"] == amount
        assert said[f"current_{name}_set"] == bag(amount)


async def test_what_was_sent_and_is_refunded_leaves_nothing_to_be_sent(client, receiver, order_id):
    await make_order(client, order_id, financial_status="paid")
    await client.post("/control/settings", json={"shop_echo": True})
    found = await fetch(client, order_id)
    share = [{"fulfillmentOrderId": found["fulfillmentOrders"]["nodes"][0]["id"]}]
    await graphql(client, FULFIL, fulfillment={"lineItemsByFulfillmentOrder": share})
    await ask_for_refund(client, order_id, "10.00", order_id * 10, restock="NO_RESTOCK")
    await client.post("/control/settings", json={"shop_echo": False})
    said = [json.loads(got.body) for got in await until(lambda: two(receiver, order_id))]
    sent, back = sorted(said, key=lambda one: "current_total_price" in one)  # may overtake
    for said, left in ((sent, 2), (back, 1)):
        line = said["line_items"][0]
        assert (line["current_quantity"], line["fulfillable_quantity"]) == (left, 0)
    assert "current_total_price" not in sent
    assert back["current_total_price"] == "20.00"


def two(receiver, order_id):
    got = receiver.of(str(order_id))
    return got if len(got) == 2 else None


async def ask_for_refund(client, order_id, amount, line_id, restock="CANCEL"):
    found = await fetch(client, order_id)
    line = {
        "lineItemId": f"gid://shopify/LineItem/{line_id}", "quantity": 1, "restockType": restock,
        "locationId": f"gid://shopify/Location/{FIRST_LOCATION_ID}",
    }  # fmt: skip
    money = {
        "orderId": found["id"], "gateway": "bogus", "kind": "REFUND", "amount": amount,
        "parentId": found["transactions"][0]["id"],
    }  # fmt: skip
    asked = {"orderId": found["id"], "refundLineItems": [line], "transactions": [money]}
    done = await graphql(client, REFUND, input=asked, key=f"{order_id}-back")
    assert done["data"]["refundCreate"]["userErrors"] == []
