"""What the shop does and refuses through its GraphQL Admin API."""

import pytest

from tests.simulators.payloads import (
    CANCEL,
    CANCEL_FULFILMENT,
    CAPTURE,
    CLOSE,
    FULFIL,
    REFUND,
    TOKEN,
    VOID,
    bag,
    fetch,
    gid,
    graphql,
    make_order,
)
from tests.simulators.payloads import order as an_order
from tests.simulators.published import published
from tests.simulators.simulator_process import journal

PATH = "/admin/api/2026-07/graphql.json"


async def effects(client, order_id: int) -> list[str]:
    entries = await journal(client, system="shopify", order=str(order_id))
    return [entry["effect"] for entry in entries]


async def capture(client, order: dict, amount: str, **more: str) -> dict:
    wanted = {
        "id": order["id"],
        "parentTransactionId": order["transactions"][0]["id"],
        "amount": amount,
    }
    return (await graphql(client, CAPTURE, input=wanted | more))["data"]["orderCapture"]


async def fulfil(client, order: dict, lines: list | None = None, **more: object) -> dict:
    share = {"fulfillmentOrderId": order["fulfillmentOrders"]["nodes"][0]["id"]}
    if lines is not None:
        share["fulfillmentOrderLineItems"] = lines
    asked = {"lineItemsByFulfillmentOrder": [share]} | more
    return (await graphql(client, FULFIL, fulfillment=asked))["data"]["fulfillmentCreate"]


async def refund(client, order: dict, amount: str, key: str, **more: object) -> dict:
    parent = next(t for t in order["transactions"] if t["kind"] in ("CAPTURE", "SALE"))
    share = {
        "orderId": order["id"], "gateway": "bogus", "kind": "REFUND", "amount": amount,
        "parentId": parent["id"],
    }  # fmt: skip
    asked = {"orderId": order["id"], "transactions": [share]} | more
    return (await graphql(client, REFUND, input=asked, key=key))["data"]["refundCreate"]


async def test_an_unknown_order_is_null(client):
    answer = await graphql(client, 'query { order(id: "gid://shopify/Order/1") { id } }')
    assert answer["data"] == {"order": None}


async def test_a_wrong_token_is_refused(client):
    answer = await client.post(
        PATH, json={"query": "{ shop { name } }"}, headers={"X-Shopify-Access-Token": "no"}
    )
    assert answer.status_code == 401
    assert answer.json()["errors"].startswith("[API] Invalid API key or access token")


async def test_an_old_version_is_not_there(client):
    answer = await client.post(
        "/admin/api/2019-07/graphql.json", json={"query": "{ shop { name } }"}, headers=TOKEN
    )
    assert answer.status_code == 404


async def test_an_amount_may_be_captured_once(client, order_id):
    await make_order(client, order_id)
    order = await fetch(client, order_id)
    done = await capture(client, order, "30.00")
    assert done["userErrors"] == []
    assert done["transaction"]["kind"] == "CAPTURE"
    money = done["transaction"]["amountSet"]["presentmentMoney"]
    assert money == {"amount": "30.0", "currencyCode": "EUR"}
    again = await capture(client, order, "30.00")
    assert again["transaction"] is None
    assert again["userErrors"][0]["field"] == ["input", "parentTransactionId"]
    assert await effects(client, order_id) == ["order_created", "captured"]
    entry = (await journal(client, effect="captured", order=str(order_id)))[0]
    assert (entry["data"]["amount"], entry["data"]["currency"]) == ("30.00", "EUR")


@pytest.mark.parametrize("amount", ["30.01", "0", "-1", "NaN", "1E+3", "many"])
async def test_more_than_was_authorised_or_nonsense_is_not_captured(client, order_id, amount):
    await make_order(client, order_id)
    refused = await capture(client, await fetch(client, order_id), amount)
    assert refused["userErrors"][0]["field"] == ["input", "amount"]
    assert await effects(client, order_id) == ["order_created"]


async def test_another_currency_is_captured_in_the_customers_money(client, order_id):
    await make_order(
        client, order_id, presentment_currency="USD", total_price_set=bag("33.00", "30.00", "USD")
    )
    order = await fetch(client, order_id)
    refused = await capture(client, order, "33.00")
    assert refused["userErrors"][0]["field"] == ["input", "currency"]
    done = await capture(client, order, "33.00", currency="USD")
    assert done["userErrors"] == []
    assert order["totalPriceSet"]["shopMoney"] == {"amount": "30.0", "currencyCode": "EUR"}
    assert (await fetch(client, order_id))["displayFinancialStatus"] == "PAID"


async def test_an_authorisation_is_voided_once_and_then_cannot_be_captured(client, order_id):
    await make_order(client, order_id)
    order = await fetch(client, order_id)
    parent = order["transactions"][0]["id"]
    done = (await graphql(client, VOID, id=parent))["data"]["transactionVoid"]
    assert (done["transaction"]["kind"], done["userErrors"]) == ("VOID", [])
    again = (await graphql(client, VOID, id=parent))["data"]["transactionVoid"]
    assert again["userErrors"][0]["code"] == "AUTH_NOT_VOIDABLE"
    assert (await capture(client, order, "30.00"))["transaction"] is None
    unknown = await graphql(client, VOID, id="gid://shopify/OrderTransaction/1")
    error = unknown["data"]["transactionVoid"]["userErrors"][0]
    assert error["code"] == "TRANSACTION_NOT_FOUND"


async def test_a_second_fulfilment_is_refused(client, order_id):
    await make_order(client, order_id)
    order = await fetch(client, order_id)
    tracking = {"number": "1Z1", "company": "UPS", "url": "https://ups.example/1Z1"}
    done = await fulfil(client, order, trackingInfo=tracking)
    assert done["fulfillment"]["status"] == "SUCCESS"
    assert done["fulfillment"]["trackingInfo"] == [tracking]
    again = await fulfil(client, order)
    tail = order["fulfillmentOrders"]["nodes"][0]["id"].rpartition("/")[2]
    words = f"Fulfillment order {tail} has an unfulfillable status= closed."
    assert again["userErrors"] == [{"field": ["fulfillment"], "message": words}]
    entries = await journal(client, effect="fulfilled", order=str(order_id))
    assert [entry["data"]["tracking_numbers"] for entry in entries] == [["1Z1"]]
    lines = [(line["sku"], line["quantity"]) for line in entries[0]["data"]["lines"]]
    assert lines == [("MUG", 2), ("CAP", 1)]


async def test_no_more_than_remains_is_fulfilled(client, order_id):
    await make_order(client, order_id)
    order = await fetch(client, order_id)
    mug = order["fulfillmentOrders"]["nodes"][0]["lineItems"]["nodes"][0]
    refused = await fulfil(client, order, [{"id": mug["id"], "quantity": 3}])
    words = "Invalid fulfillment order line item quantity requested."
    assert refused["userErrors"][0]["message"] == words
    await fulfil(client, order, [{"id": mug["id"], "quantity": 2}])
    after = await fetch(client, order_id)
    assert after["displayFulfillmentStatus"] == "PARTIALLY_FULFILLED"
    left = after["fulfillmentOrders"]["nodes"][0]["lineItems"]["nodes"]
    assert [line["remainingQuantity"] for line in left] == [0, 1]


async def test_a_cancelled_fulfilment_can_be_made_again(client, order_id):
    await make_order(client, order_id)
    order = await fetch(client, order_id)
    made = (await fulfil(client, order))["fulfillment"]["id"]
    done = (await graphql(client, CANCEL_FULFILMENT, id=made))["data"]["fulfillmentCancel"]
    assert done == {"fulfillment": {"id": made, "status": "CANCELLED"}, "userErrors": []}
    again = (await graphql(client, CANCEL_FULFILMENT, id=made))["data"]["fulfillmentCancel"]
    assert again["userErrors"] != []
    assert (await fulfil(client, order))["userErrors"] == []


async def test_what_its_fulfilment_service_gave_back_is_incomplete(client, order_id):
    await make_order(client, order_id)
    order = await fetch(client, order_id)
    (made,) = order["fulfillmentOrders"]["nodes"]
    early = (await graphql(client, CLOSE, id=made["id"]))["data"]["fulfillmentOrderClose"]
    assert [error["field"] for error in early["userErrors"]] == [["id"]]
    mug = made["lineItems"]["nodes"][0]
    await fulfil(client, order, [{"id": mug["id"], "quantity": 1}])
    done = (await graphql(client, CLOSE, id=made["id"]))["data"]["fulfillmentOrderClose"]
    assert done["fulfillmentOrder"] == {"id": made["id"], "status": "INCOMPLETE"}
    (left,) = (await fetch(client, order_id))["fulfillmentOrders"]["nodes"]
    assert left["lineItems"]["nodes"][0]["remainingQuantity"] == mug["remainingQuantity"] - 1
    refused = await fulfil(client, order)
    assert "unfulfillable status= incomplete" in refused["userErrors"][0]["message"]


async def test_cancelling_releases_the_authorisation(client, order_id):
    await make_order(client, order_id)
    done = (await graphql(client, CANCEL, id=gid(order_id), reason="CUSTOMER"))["data"]
    assert done["orderCancel"]["orderCancelUserErrors"] == []
    assert done["orderCancel"]["job"]["id"].startswith("gid://shopify/Job/")
    assert await effects(client, order_id) == ["order_created", "voided", "cancelled"]
    after = await fetch(client, order_id)
    assert after["cancelledAt"] is not None
    assert after["displayFinancialStatus"] == "VOIDED"
    again = (await graphql(client, CANCEL, id=gid(order_id), reason="CUSTOMER"))["data"]
    assert again["orderCancel"]["orderCancelUserErrors"][0]["code"] == "INVALID"
    assert (await fulfil(client, after))["fulfillment"] is None


async def test_cancelling_a_paid_order_refunds_it_if_asked(client, order_id):
    await make_order(client, order_id, financial_status="paid")
    await graphql(client, CANCEL, id=gid(order_id), reason="STAFF", refund=True)
    assert await effects(client, order_id) == ["order_created", "refunded", "cancelled"]
    assert (await fetch(client, order_id))["displayFinancialStatus"] == "REFUNDED"


async def test_an_order_that_was_sent_is_not_cancelled(client, order_id):
    await make_order(client, order_id)
    await fulfil(client, await fetch(client, order_id))
    done = (await graphql(client, CANCEL, id=gid(order_id), reason="CUSTOMER"))["data"]
    assert done["orderCancel"]["orderCancelUserErrors"][0]["code"] == "INVALID"
    assert await effects(client, order_id) == ["order_created", "fulfilled"]


async def test_a_refund_happens_once_for_a_key(client, order_id):
    await make_order(client, order_id, financial_status="paid")
    order = await fetch(client, order_id)
    first = await refund(client, order, "12.50", f"{order_id}-a")
    assert first["refund"]["totalRefundedSet"]["presentmentMoney"]["amount"] == "12.5"
    assert await refund(client, order, "12.50", f"{order_id}-a") == first
    other = await refund(client, order, "12.51", f"{order_id}-a")
    words = "The same idempotency key cannot be used with different operation parameters."
    assert other["userErrors"] == [{"field": None, "message": words}]
    entries = await journal(client, effect="refunded", order=str(order_id))
    assert [(one["key"], one["data"]["amount"]) for one in entries] == [(f"{order_id}-a", "12.50")]
    assert (await fetch(client, order_id))["displayFinancialStatus"] == "PARTIALLY_REFUNDED"


async def test_no_more_is_refunded_than_was_captured(client, order_id):
    await make_order(client, order_id, financial_status="paid")
    order = await fetch(client, order_id)
    assert (await refund(client, order, "20.00", f"{order_id}-a"))["userErrors"] == []
    refused = await refund(client, order, "10.01", f"{order_id}-b")
    assert "greater than net payment received $10.00" in refused["userErrors"][0]["message"]
    assert (await refund(client, order, "10.00", f"{order_id}-c"))["userErrors"] == []


async def test_no_more_pieces_are_refunded_than_were_bought(client, order_id):
    await make_order(client, order_id, financial_status="paid")
    order = await fetch(client, order_id)
    cap = order["lineItems"]["nodes"][1]["id"]
    one = {"refundLineItems": [{"lineItemId": cap, "quantity": 1, "restockType": "NO_RESTOCK"}]}
    assert (await refund(client, order, "10.00", f"{order_id}-a", **one))["userErrors"] == []
    refused = await refund(client, order, "10.00", f"{order_id}-b", **one)
    assert refused["userErrors"][0]["field"] == ["refundLineItems", "0", "quantity"]


async def test_a_refund_without_a_key_is_refused(client, order_id):
    await make_order(client, order_id, financial_status="paid")
    query = """mutation($input: RefundInput!) { refundCreate(input: $input) {
        refund { id } userErrors { field message } } }"""
    answer = await graphql(client, query, input={"orderId": gid(order_id)})
    wanted = published("shopify_idempotency_missing")["payload"]
    assert answer["errors"][0]["message"] == wanted["errors"][0]["message"]
    assert answer["errors"][0]["extensions"] == wanted["errors"][0]["extensions"]
    assert answer["errors"][0]["path"] == ["refundCreate"]
    assert answer["data"] == {"refundCreate": None}


async def test_orders_are_found_by_when_they_changed(client, order_id):
    await make_order(client, order_id)
    query = """query($q: String!) { orders(first: 5, query: $q, sortKey: UPDATED_AT, reverse: true)
        { nodes { id } pageInfo { hasNextPage endCursor } } }"""
    updated = await graphql(client, query, q="updated_at:>'2026-01-01T00:00:00Z'")
    assert updated["data"]["orders"]["nodes"][0]["id"] == gid(order_id)
    later = await graphql(client, query, q="updated_at:>'2100-01-01T00:00:00Z'")
    assert later["data"]["orders"]["nodes"] == []


async def test_every_answer_tells_its_cost(client, order_id):
    await make_order(client, order_id)
    cost = (await graphql(client, "{ shop { name } }"))["extensions"]["cost"]
    wanted = published("shopify_throttled")["payload"]["extensions"]["cost"]
    assert cost.keys() == wanted.keys()
    assert cost["throttleStatus"].keys() == wanted["throttleStatus"].keys()


async def test_a_call_gets_back_what_it_asked_for_and_did_not_need(client, order_id):
    await make_order(client, order_id)
    before = (await client.get("/control/settings")).json()
    small = {"shop_bucket_points": 1_000, "shop_restore_points": 0.001}
    await client.post("/control/settings", json=small)
    try:
        places = "fulfillmentOrders(first: 100) { nodes { assignedLocation { location { id } } } }"
        query = f"query($id: ID!) {{ order(id: $id) {{ {places} }} }}"
        first, second = [
            (await graphql(client, query, id=gid(order_id)))["extensions"]["cost"] for _ in range(2)
        ]
    finally:
        restored = {name: before[name] for name in small}
        await client.post("/control/settings", json=restored)
    assert first["requestedQueryCost"] > 100
    assert first["actualQueryCost"] < 10
    left = [cost["throttleStatus"]["currentlyAvailable"] for cost in (first, second)]
    assert left[0] - left[1] == pytest.approx(first["actualQueryCost"], abs=1)


PLACES = """query($id: ID!) { order(id: $id) { displayFulfillmentStatus
  fulfillmentOrders(first: 10) { nodes { id status assignedLocation { location { id } }
    lineItems(first: 10) { nodes { id totalQuantity remainingQuantity lineItem { id } } } } }
  refunds { refundLineItems(first: 5) { nodes { restockType location { id } } } } } }"""


async def places(client, order_id) -> dict:
    return (await graphql(client, PLACES, id=gid(order_id)))["data"]["order"]


async def test_what_is_cancelled_by_a_refund_is_no_longer_to_be_sent(client, order_id):
    await make_order(client, order_id, financial_status="paid")
    order = await fetch(client, order_id)
    mug = order["lineItems"]["nodes"][0]["id"]
    (before,) = (await places(client, order_id))["fulfillmentOrders"]["nodes"]
    place = before["assignedLocation"]["location"]["id"]
    line = {"lineItemId": mug, "quantity": 1, "restockType": "CANCEL"}
    nowhere = await refund(client, order, "1.00", f"{order_id}-a", refundLineItems=[line])
    assert nowhere["userErrors"][0]["field"] == ["refundLineItems", "0", "locationId"]
    line |= {"locationId": place}
    done = await refund(client, order, "10.00", f"{order_id}-b", refundLineItems=[line])
    assert done["userErrors"] == []
    after = await places(client, order_id)
    (made,) = after["fulfillmentOrders"]["nodes"]
    assert [(n["totalQuantity"], n["remainingQuantity"]) for n in made["lineItems"]["nodes"]] == [
        (1, 1), (1, 1),
    ]  # fmt: skip
    assert (made["status"], after["displayFulfillmentStatus"]) == ("OPEN", "UNFULFILLED")
    (told,) = after["refunds"][0]["refundLineItems"]["nodes"]
    assert told == {"restockType": "CANCEL", "location": {"id": place}}
    more = [line | {"quantity": 2}]
    refused = await refund(client, order, "1.00", f"{order_id}-c", refundLineItems=more)
    assert refused["userErrors"][0]["field"] == ["refundLineItems", "0", "quantity"]


async def test_what_was_fulfilled_cannot_be_cancelled(client, order_id):
    await make_order(client, order_id, financial_status="paid")
    order = await fetch(client, order_id)
    (made,) = (await places(client, order_id))["fulfillmentOrders"]["nodes"]
    mug = made["lineItems"]["nodes"][0]
    shares = [{"id": mug["id"], "quantity": 2}]
    share = {"fulfillmentOrderId": made["id"], "fulfillmentOrderLineItems": shares}
    await graphql(client, FULFIL, fulfillment={"lineItemsByFulfillmentOrder": [share]})
    line = {"lineItemId": mug["lineItem"]["id"], "quantity": 1, "restockType": "CANCEL",
            "locationId": made["assignedLocation"]["location"]["id"]}  # fmt: skip
    refused = await refund(client, order, "1.00", f"{order_id}-a", refundLineItems=[line])
    assert refused["userErrors"][0]["field"] == ["refundLineItems", "0", "quantity"]
    cap = made["lineItems"]["nodes"][1]["lineItem"]["id"]
    rest = [line | {"lineItemId": cap}]
    await refund(client, order, "10.00", f"{order_id}-b", refundLineItems=rest)
    after = await places(client, order_id)
    assert after["displayFulfillmentStatus"] == "FULFILLED"
    assert after["fulfillmentOrders"]["nodes"][0]["status"] == "CLOSED"


async def test_one_fulfilment_is_of_one_location(client, order_id):
    body = {"order": an_order(order_id), "locations": {str(order_id * 10 + 1): 2}}
    assert (await client.post("/control/shopify/orders", json=body)).status_code == 201
    first, second = (await places(client, order_id))["fulfillmentOrders"]["nodes"]
    assert first["assignedLocation"] != second["assignedLocation"]
    shares = [{"fulfillmentOrderId": one["id"]} for one in (first, second)]
    answer = await graphql(client, FULFIL, fulfillment={"lineItemsByFulfillmentOrder": shares})
    (error,) = answer["data"]["fulfillmentCreate"]["userErrors"]
    assert "same location" in error["message"]
    for share in shares:
        asked = {"lineItemsByFulfillmentOrder": [share]}
        answer = await graphql(client, FULFIL, fulfillment=asked)
        assert answer["data"]["fulfillmentCreate"]["userErrors"] == []
    assert (await places(client, order_id))["displayFulfillmentStatus"] == "FULFILLED"
