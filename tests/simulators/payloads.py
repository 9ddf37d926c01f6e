"""Requests that a well-behaved caller sends."""

import httpx

TOKEN = {"X-Shopify-Access-Token": "shpat_demo_token"}
KEY = httpx.BasicAuth("EZTK_demo_key", "")
BEARER = {"Authorization": "Bearer whk_demo_key"}


def bag(amount: str, shop_amount: str | None = None, currency: str = "EUR") -> dict:
    return {
        "shop_money": {"amount": shop_amount or amount, "currency_code": "EUR"},
        "presentment_money": {"amount": amount, "currency_code": currency},
    }


def order(order_id: int, **changes: object) -> dict:
    lines = [
        {
            "id": order_id * 10 + place,
            "sku": sku,
            "title": sku.title(),
            "quantity": quantity,
            "price": "10.00",
            "price_set": bag("10.00"),
            "total_discount": "0.00",
        }
        for place, (sku, quantity) in enumerate([("MUG", 2), ("CAP", 1)])
    ]
    address = {
        "first_name": "Ada", "last_name": "Lovelace", "name": "Ada Lovelace",
        "address1": "Unter den Linden 1", "city": "Berlin", "zip": "10117",
        "country": "Germany", "country_code": "DE",
    }  # fmt: skip
    return {
        "id": order_id,
        "name": f"#{order_id}",
        "email": "ada@example.com",
        "phone": None,
        "currency": "EUR",
        "presentment_currency": "EUR",
        "created_at": "2026-07-01T10:00:00+02:00",
        "updated_at": "2026-07-01T10:00:00+02:00",
        "financial_status": "authorized",
        "line_items": lines,
        "shipping_address": address,
        "taxes_included": True,
        "total_tax": "4.79",
        "total_price": "30.00",
        "total_price_set": bag("30.00"),
    } | changes


async def make_order(client: httpx.AsyncClient, order_id: int, **changes: object) -> None:
    body = {"order": order(order_id, **changes)}
    answer = await client.post("/control/shopify/orders", json=body)
    assert answer.status_code == 201, answer.text


async def graphql(client: httpx.AsyncClient, query: str, **variables: object) -> dict:
    body = {"query": query, "variables": variables}
    path = "/admin/api/2026-07/graphql.json"
    answer = await client.post(path, json=body, headers=TOKEN)
    assert answer.status_code == 200, answer.text
    return answer.json()


ORDER = """query($id: ID!) { order(id: $id) {
  id displayFinancialStatus displayFulfillmentStatus cancelledAt email currencyCode
  totalPriceSet { shopMoney { amount currencyCode } presentmentMoney { amount currencyCode } }
  lineItems(first: 10) { nodes { id sku quantity } }
  shippingAddress { name address1 city zip countryCodeV2 }
  transactions { id kind status amountSet { presentmentMoney { amount } } parentTransaction { id } }
  fulfillmentOrders(first: 10) { nodes { id status lineItems(first: 10) { nodes {
    id remainingQuantity lineItem { id sku } } } } }
  fulfillments { id status trackingInfo { number company url } }
  refunds { id totalRefundedSet { presentmentMoney { amount } } }
} }"""
CAPTURE = """mutation($input: OrderCaptureInput!) { orderCapture(input: $input) {
  transaction { id kind status amountSet { presentmentMoney { amount currencyCode } } }
  userErrors { field message } } }"""
FULFIL = """mutation($fulfillment: FulfillmentInput!) {
  fulfillmentCreate(fulfillment: $fulfillment) {
  fulfillment { id status trackingInfo { number company url } } userErrors { field message } } }"""
CANCEL_FULFILMENT = """mutation($id: ID!) { fulfillmentCancel(id: $id) {
  fulfillment { id status } userErrors { field message } } }"""
CLOSE = """mutation($id: ID!) { fulfillmentOrderClose(id: $id) {
  fulfillmentOrder { id status } userErrors { field message } } }"""
CANCEL = """mutation($id: ID!, $reason: OrderCancelReason!, $refund: Boolean) {
  orderCancel(orderId: $id, reason: $reason, restock: true, refund: $refund) {
  job { id done } orderCancelUserErrors { field message code } } }"""
REFUND = """mutation($input: RefundInput!, $key: String!) {
  refundCreate(input: $input) @idempotent(key: $key) {
  refund { id totalRefundedSet { presentmentMoney { amount currencyCode } } }
  userErrors { field message } } }"""
VOID = """mutation($id: ID!) { transactionVoid(parentTransactionId: $id) {
  transaction { id kind } userErrors { field message code } } }"""


def gid(order_id: int) -> str:
    return f"gid://shopify/Order/{order_id}"


async def fetch(client: httpx.AsyncClient, order_id: int) -> dict:
    return (await graphql(client, ORDER, id=gid(order_id)))["data"]["order"]


def shipment(reference: str, **changes: object) -> dict:
    """https://docs.easypost.com/docs/shipments#create-a-shipment"""
    return {
        "shipment": {
            "to_address": {
                "name": "Dr. Steve Brule", "street1": "179 N Harbor Dr", "city": "Redondo Beach",
                "state": "CA", "zip": "90277", "country": "US", "phone": "8573875756",
                "email": "dr_steve_brule@gmail.com",
            },
            "from_address": {
                "name": "EasyPost", "street1": "417 Montgomery Street", "street2": "5th Floor",
                "city": "San Francisco", "state": "CA", "zip": "94104", "country": "US",
                "phone": "4153334445", "email": "support@easypost.com",
            },
            "parcel": {"length": "20.2", "width": "10.9", "height": "5", "weight": "65.9"},
            "reference": reference,
        }
        | changes
    }  # fmt: skip


CUSTOMS = {
    "contents_type": "merchandise",
    "customs_certify": True,
    "customs_signer": "Steve Brule",
    "customs_items": [
        {
            "description": "T-shirt", "quantity": 1, "weight": 5, "value": 10,
            "hs_tariff_number": "123456", "origin_country": "US",
        }
    ],
}  # fmt: skip


def fulfilment(reference: str, **changes: object) -> dict:
    return {
        "reference": reference,
        "order_id": reference.partition("/")[0],
        "lines": [{"sku": "MUG", "quantity": 2}],
        "ship_to": {
            "name": "Ada Lovelace", "company": None, "lines": ["Unter den Linden 1"],
            "city": "Berlin", "region": None, "postal_code": "10117", "country": "DE",
            "phone": None,
        },
    } | changes  # fmt: skip


async def ask(client: httpx.AsyncClient, body: dict, location: str = "berlin") -> httpx.Response:
    headers = BEARER | {"Idempotency-Key": body["reference"]}
    return await client.post(f"/v1/locations/{location}/fulfilments", json=body, headers=headers)
