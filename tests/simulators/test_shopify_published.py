"""The shop's schema, answers and refusals against those that Shopify publishes and gives."""

from collections.abc import Iterator
from typing import Any

import pytest
from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    InputValueDefinitionNode,
    is_required_argument,
    is_required_input_field,
    print_ast,
)

from simulators.shopify.schema import load
from tests.simulators.payloads import CANCEL, FULFIL, fetch, gid, graphql, make_order
from tests.simulators.published import admin_schema, known, published, same_shape
from tests.simulators.simulator_process import journal

PART_OF = frozenset({"OrderSortKeys"})
"""What may be asked for is a part of what Shopify takes; what is answered is all of it."""


def differences(ours: GraphQLNamedType, theirs: GraphQLNamedType) -> Iterator[str]:
    match ours, theirs:
        case GraphQLEnumType(), GraphQLEnumType():
            missing = set() if ours.name in PART_OF else theirs.values.keys() - ours.values.keys()
            yield from (f"{ours.name}.{one}" for one in missing)
            yield from (f"{ours.name}.{one}" for one in ours.values.keys() - theirs.values.keys())
        case GraphQLInputObjectType(), GraphQLInputObjectType():
            required = {n for n, field in theirs.fields.items() if is_required_input_field(field)}
            yield from unlike(ours.name, ours.fields, theirs.fields, required)
        case (
            (GraphQLObjectType() | GraphQLInterfaceType()),
            (GraphQLObjectType() | GraphQLInterfaceType()),
        ):
            yield from unlike(ours.name, ours.fields, theirs.fields, set())
            for name in ours.fields.keys() & theirs.fields.keys():
                mine, wanted = ours.fields[name].args, theirs.fields[name].args
                required = {n for n, argument in wanted.items() if is_required_argument(argument)}
                yield from unlike(f"{ours.name}.{name}", mine, wanted, required)
        case _:
            if type(ours) is not type(theirs):
                yield ours.name


Shaped = GraphQLField | GraphQLInputField | GraphQLArgument


def unlike(
    of: str, ours: dict[str, Any], theirs: dict[str, Any], required: set[str]
) -> Iterator[str]:
    yield from (f"{of}.{name}: is required" for name in required - ours.keys())
    for name, mine in ours.items():
        if name not in theirs:
            yield f"{of}.{name}: is not Shopify's"
        elif shape(mine) != shape(theirs[name]):
            yield f"{of}.{name}: {shape(mine)}, not {shape(theirs[name])}"


def shape(one: Shaped) -> str:
    node = one.ast_node
    written = node.default_value if isinstance(node, InputValueDefinitionNode) else None
    return f"{one.type} = {print_ast(written)}" if written else str(one.type)


def test_every_type_field_and_argument_is_as_shopify_has_it():
    ours, theirs = load(), admin_schema()
    types = {name: one for name, one in ours.type_map.items() if not name.startswith("__")}
    assert types.keys() <= theirs.type_map.keys()
    found = [
        each for name, one in types.items() for each in differences(one, theirs.type_map[name])
    ]
    assert found == []


async def asked(client, name: str, lacks: set[str], variables: dict) -> tuple[dict, dict]:
    """Our answer to a published query, and the published one, as far as the stand-in knows it."""
    example = published(name)
    query, data, unknown = known(example["query"], example["data"], load())
    assert unknown == lacks
    answer = await graphql(client, query, **variables)
    assert "errors" not in answer, answer
    return answer["data"], data


async def paid(client, order_id: int, **changes: object) -> dict:
    await make_order(client, order_id, financial_status="paid", **changes)
    return await fetch(client, order_id)


async def test_a_capture_is_answered_as_published(client, order_id):
    await make_order(client, order_id)
    order = await fetch(client, order_id)
    told = published("shopify_order_capture")["variables"]["input"]
    given = {"id": order["id"], "parentTransactionId": order["transactions"][0]["id"]}
    assert given.keys() | {"amount"} == told.keys()
    variables = {"input": told | given | {"amount": "29.00"}}
    ours, theirs = await asked(client, "shopify_order_capture", {"totalCapturable"}, variables)
    same_shape(ours, theirs)
    made = ours["orderCapture"]["transaction"]
    assert (made["kind"], made["status"]) == ("CAPTURE", "SUCCESS")
    assert made["amountSet"]["presentmentMoney"]["amount"] == "29.0"


async def test_a_cancellation_is_answered_as_published(client, order_id):
    order = await paid(client, order_id)
    variables = published("shopify_order_cancel")["variables"] | {"orderId": order["id"]}
    ours, theirs = await asked(client, "shopify_order_cancel", set(), variables)
    same_shape(ours, theirs)
    mine, wanted = (one["orderCancel"].pop("job") for one in (ours, theirs))
    assert ours == theirs
    assert mine["done"] is wanted["done"] is False
    parts = [[len(part) for part in one["id"].split("/")[-1].split("-")] for one in (mine, wanted)]
    assert parts[0] == parts[1]
    assert (await fetch(client, order_id))["displayFinancialStatus"] == "REFUNDED"


async def test_a_cancellation_is_refused_in_shopifys_words(client, order_id):
    order = await paid(client, order_id)
    recorded = published("shopify_order_cancel_refused")
    for refusal in recorded["refusals"]:
        asked_for = refusal["variables"] | {"orderId": order["id"]}
        answer = await graphql(client, recorded["query"], **asked_for)
        assert answer["data"] == refusal["data"]
    assert [one["effect"] for one in await journal(client, order=str(order_id))] == [
        "order_created"
    ]
    await graphql(client, CANCEL, id=order["id"], reason="OTHER")
    again = await graphql(
        client, recorded["query"], orderId=order["id"], restock=False, reason="OTHER"
    )
    assert again["data"] == recorded["already_cancelled"]


async def test_a_refund_of_a_line_is_answered_as_published(client, order_id):
    order = await paid(client, order_id)
    line = {"lineItemId": order["lineItems"]["nodes"][0]["id"], "quantity": 1}
    told = published("shopify_refund_line")["variables"]["input"]
    assert line.keys() == told["refundLineItems"][0].keys()
    variables = {"input": told | {"orderId": order["id"], "refundLineItems": [line]}}
    ours, theirs = await asked(client, "shopify_refund_line", set(), variables)
    same_shape(ours, theirs)
    given = ours["refundCreate"]["refund"]["totalRefundedSet"]["presentmentMoney"]["amount"]
    assert given == "0.0"


@pytest.mark.parametrize("name", ["shopify_refund_shipping", "shopify_refund_noted"])
async def test_a_refund_of_money_is_answered_as_published(client, order_id, name):
    order = await paid(client, order_id)
    told = published(name)["variables"]["input"] | {"orderId": order["id"]}
    parent = {"orderId": order["id"], "parentId": order["transactions"][0]["id"]}
    told["transactions"] = [told["transactions"][0] | parent]
    mug = order["lineItems"]["nodes"][0]["id"]
    lines = [line | {"lineItemId": mug} for line in told.get("refundLineItems", ())]
    told |= {"refundLineItems": lines} if lines else {}
    ours, theirs = await asked(client, name, set(), {"input": told})
    same_shape(ours, theirs)
    for one in (ours, theirs):
        one["refundCreate"]["refund"].pop("id")
    assert ours == theirs


async def test_a_refund_is_made_and_refused_as_the_live_shop_does(client, order_id):
    order = await paid(client, order_id, currency="CAD", presentment_currency="CAD",
                       payment_gateway_names=["bogus-parent-gateway"], total_price_set=None,
                       total_price="10.00")  # fmt: skip
    recorded = published("shopify_refund_transactions")
    refusals = recorded["refusals"]
    parent = order["transactions"][0]["id"]
    theirs_of = recorded["variables"]["input"]["transactions"][0]["parentId"]
    for case in [*refusals, recorded]:
        (share,) = case["variables"]["input"]["transactions"]
        share |= {"orderId": order["id"]}
        share |= {"parentId": parent} if share["parentId"] == theirs_of else {}
        given = {"orderId": order["id"], "transactions": [share]}
        key = f"{case['variables']['idempotencyKey']}-{order_id}"
        answer = await graphql(client, recorded["query"], input=given, idempotencyKey=key)
        ours, theirs = answer["data"]["refundCreate"], case["data"]["refundCreate"]
        same_shape(ours, theirs)
        assert ours["userErrors"] == theirs["userErrors"]
        assert ours["order"] == theirs["order"] | {"id": order["id"]}
        assert (ours["refund"] is None) is (theirs["refund"] is None)
    (made,), (wanted,) = (one["refund"]["transactions"]["nodes"] for one in (ours, theirs))
    assert made | {"id": ""} == wanted | {"id": ""}
    same_shape(answer["extensions"], recorded["extensions"])


async def test_no_more_is_refunded_than_was_received(client, order_id):
    order = await paid(client, order_id)
    share = {"orderId": order["id"], "parentId": order["transactions"][0]["id"],
             "gateway": "bogus", "kind": "REFUND", "amount": "31.00"}  # fmt: skip
    query = published("shopify_refund_transactions")["query"]
    given = {"orderId": order["id"], "transactions": [share]}
    answer = await graphql(client, query, input=given, idempotencyKey=f"{order_id}")
    words = "Refund amount $31.00 is greater than net payment received $30.00"
    assert answer["data"]["refundCreate"]["userErrors"] == [{"field": None, "message": words}]


@pytest.mark.parametrize(
    ("currency", "words"), [(None, "must be provided"), ("EUR", "must match the presentment")]
)
async def test_a_refund_of_two_currencies_names_the_customers(client, order_id, currency, words):
    order = await paid(client, order_id, presentment_currency="USD")
    lines = [{"lineItemId": order["lineItems"]["nodes"][0]["id"], "quantity": 1}]
    given = {"orderId": order["id"], "refundLineItems": lines, "transactions": []}
    given |= {"currency": currency} if currency else {}
    query = published("shopify_refund_line")["query"].replace("040da2ad", str(order_id))
    refused = (await graphql(client, query, input=given))["data"]["refundCreate"]
    assert refused["userErrors"][0]["field"] == ["currency"]
    assert words in refused["userErrors"][0]["message"]
    done = await graphql(client, query, input=given | {"currency": "USD"})
    assert done["data"]["refundCreate"]["userErrors"] == []


async def test_no_refund_is_restocked_as_they_were_of_old(client, order_id):
    order = await paid(client, order_id)
    line = {"lineItemId": order["lineItems"]["nodes"][0]["id"], "quantity": 1}
    given = {"orderId": order["id"], "refundLineItems": [line | {"restockType": "LEGACY_RESTOCK"}]}
    query = published("shopify_refund_line")["query"].replace("040da2ad", str(order_id))
    refused = (await graphql(client, query, input=given))["data"]["refundCreate"]
    assert refused["userErrors"][0]["field"] == ["refundLineItems", "0", "restockType"]


async def test_a_fulfilment_is_asked_for_as_published_and_shown_so(client, order_id):
    await make_order(client, order_id)
    order = await fetch(client, order_id)
    (made,) = order["fulfillmentOrders"]["nodes"]
    lacks = {"channelId", "destination", "fulfillAt", "fulfillBy", "inventoryItemId",
             "requestStatus", "requiresShipping", "weight"}  # fmt: skip
    same_shape(*await asked(client, "shopify_fulfillment_order", lacks, {"id": made["id"]}))
    example = published("shopify_fulfillment_create")["published"]
    share = example["variables"]["fulfillment"]["lineItemsByFulfillmentOrder"]
    tracking = {"number": "1Z1", "company": "UPS", "url": "https://ups.example/1Z1"}
    given = {"lineItemsByFulfillmentOrder": share | {"fulfillmentOrderId": made["id"]}}
    answer = await graphql(client, example["query"], fulfillment=given | {"trackingInfo": tracking})
    done = answer["data"]["fulfillmentCreate"]
    assert (done["userErrors"], done["fulfillment"]["status"]) == ([], "SUCCESS")
    lacks = {"estimatedDeliveryAt", "originAddress", "originalTotalSet", "service", "variant"}
    wanted = {"id": done["fulfillment"]["id"]}
    ours, theirs = await asked(client, "shopify_fulfillment", lacks, wanted)
    same_shape(ours, theirs)
    assert ours["fulfillment"]["trackingInfo"] == [tracking]


async def test_a_fulfilment_is_made_as_in_the_live_shop(client, order_id):
    await make_order(client, order_id)
    order = await fetch(client, order_id)
    (made,) = order["fulfillmentOrders"]["nodes"]
    told = published("shopify_fulfillment_create")["variables"]
    told["fulfillment"]["lineItemsByFulfillmentOrder"] = [{"fulfillmentOrderId": made["id"]}]
    ours, theirs = await asked(client, "shopify_fulfillment_create", set(), told)
    same_shape(ours, theirs)
    ours, theirs = (one["fulfillmentCreate"]["fulfillment"] for one in (ours, theirs))
    for name in ("status", "displayStatus", "trackingInfo"):
        assert ours[name] == theirs[name]
    recorded = published("shopify_order_cancel_refused")
    again = await graphql(
        client, recorded["query"], orderId=order["id"], restock=False, reason="OTHER"
    )
    assert again["data"] == recorded["outstanding"]


async def test_a_fulfilment_is_refused_in_shopifys_words(client, order_id):
    await make_order(client, order_id)
    order = await fetch(client, order_id)
    (made,) = order["fulfillmentOrders"]["nodes"]
    recorded = published("shopify_fulfillment_refused")
    mug = made["lineItems"]["nodes"][0]["id"]
    few = {"fulfillmentOrderId": made["id"]}
    many = few | {"fulfillmentOrderLineItems": [{"id": mug, "quantity": 3}]}
    nowhere = {"fulfillmentOrderId": "gid://shopify/FulfillmentOrder/1"}
    for share, case in ((nowhere, "unknown"), (many, "too_many")):
        given = {"lineItemsByFulfillmentOrder": [share]}
        assert (await graphql(client, FULFIL, fulfillment=given))["data"] == recorded[case]
    await graphql(client, CANCEL, id=gid(order_id), reason="OTHER")
    given = {"lineItemsByFulfillmentOrder": [few]}
    answer = (await graphql(client, FULFIL, fulfillment=given))["data"]["fulfillmentCreate"]
    number = made["id"].rpartition("/")[2]
    (error,) = recorded["closed"]["fulfillmentCreate"]["userErrors"]
    error["message"] = error["message"].replace("9654869229874", number)
    assert answer == {"fulfillment": None, "userErrors": [error]}


async def test_an_order_is_shown_as_the_live_shop_shows_it(client, order_id):
    order = await paid(client, order_id, note="Ring twice")
    recorded = published("shopify_order")
    query, data, unknown = known(recorded["paid"]["query"], recorded["paid"]["data"], load())
    assert unknown == {"originalTotalSet", "paymentGatewayNames", "totalOutstandingSet"}
    ours = (await graphql(client, query, id=order["id"]))["data"]
    same_shape(ours, data)
    statuses = ("displayFinancialStatus", "displayFulfillmentStatus")
    assert [ours["order"][one] for one in statuses] == [data["order"][one] for one in statuses]
    await graphql(client, CANCEL, id=order["id"], reason="OTHER")
    made = order["fulfillmentOrders"]["nodes"][0]["id"]
    case = recorded["cancelled"]
    query, data, unknown = known(case["query"], case["data"], load())
    assert unknown == {"fulfillableQuantity", "requestStatus", "tags"}
    ours = (await graphql(client, query, id=made))["data"]
    same_shape(ours, data)
    statuses = ("cancelReason", "displayFinancialStatus", "displayFulfillmentStatus")
    shown, theirs = (one["fulfillmentOrder"]["order"] for one in (ours, data))
    assert [shown[one] for one in statuses] == [theirs[one] for one in statuses]
    assert shown["fulfillmentOrders"]["nodes"][0]["status"] == "CLOSED"


async def test_a_field_that_does_not_exist_is_refused_as_the_live_shop_does(client):
    recorded = published("shopify_undefined_field")
    answer = await graphql(client, recorded["query"])
    for error in answer["errors"]:
        assert error.pop("locations")
    assert answer == {"errors": recorded["errors"]}


@pytest.mark.parametrize(
    ("changes", "path", "words"),
    [
        ({"amount": None}, ["amount"], "Expected value to not be null"),
        ({"paid": 1}, ["paid"], "Field is not defined on OrderCaptureInput"),
    ],
)
async def test_a_wrong_variable_is_named(client, changes, path, words):
    recorded = published("shopify_invalid_variable")
    answer = await graphql(client, recorded["query"], **recorded["variables"])
    (bare,) = answer["errors"]
    assert bare.pop("locations")
    assert [bare] == recorded["errors"]
    given = published("shopify_order_capture")["variables"]["input"] | changes
    query = """mutation($input: OrderCaptureInput!) {
        orderCapture(input: $input) { transaction { id } } }"""
    (error, *_) = (await graphql(client, query, input=given))["errors"]
    named = "Variable $input of type OrderCaptureInput! was provided invalid value for"
    assert error["message"] == f"{named} {path[0]} ({words})"
    problem = {"path": path, "explanation": words}
    told = {"code": "INVALID_VARIABLE", "value": given, "problems": [problem]}
    assert error["extensions"] == told
