"""Whatever we ask of Shopify, its own published schema takes."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from graphql import (
    DocumentNode,
    GraphQLSchema,
    OperationDefinitionNode,
    get_operation_ast,
    parse,
    validate,
)
from graphql.execution.values import VariableValues, get_variable_values

from adapters.channels.shopify import operations
from adapters.channels.shopify.outbound import ShopifyChannel, shopify_http
from adapters.http import Answer, OutsideHttp
from domain.payments import CaptureDeclined
from storage.effects import Effects
from tests.adapters.conftest import CALL_S, World
from tests.adapters.shopify_outbound.asking import (
    bought,
    cancel_of,
    capture_of,
    notice_of,
    refund_of,
    rest_of,
)
from tests.adapters.shopify_outbound.conftest import TOKEN
from tests.simulators.published import admin_schema, published

SENT = {name: text for name, text in vars(operations).items() if name.isupper() and name[0] != "_"}
Asked = dict[str, list[dict[str, Any]]]
"""The variables of each call, by the name of its operation."""


@pytest.fixture(scope="module")
def vendor() -> GraphQLSchema:
    return admin_schema()


@pytest.fixture
async def http(simulators_url: str) -> AsyncIterator[OutsideHttp]:
    one = shopify_http(simulators_url, TOKEN, call_s=CALL_S)
    yield one
    await one.aclose()


@pytest.fixture
def asked(http: OutsideHttp, monkeypatch: pytest.MonkeyPatch) -> Asked:
    """Everything that goes out over `http`, as JSON."""
    heard: Asked = {}
    send = http.send

    async def listen(method: str, path: str, *, json: Any = None, **more: Any) -> Answer:
        name = _operation(parse(json["query"])).name
        assert name is not None
        heard.setdefault(name.value, []).append(json["variables"])
        return await send(method, path, json=json, **more)

    monkeypatch.setattr(http, "send", listen)
    return heard


@pytest.fixture
def channel(http: OutsideHttp, effects: Effects) -> ShopifyChannel:
    return ShopifyChannel(http, effects, "demo")


def _operation(document: DocumentNode) -> OperationDefinitionNode:
    found = get_operation_ast(document)
    assert found is not None
    return found


def accepted(vendor: GraphQLSchema, name: str, variables: dict[str, Any]) -> None:
    """The variables have the vendor's fields, types and nesting, as JSON carries them."""
    document = next(parse(text) for text in SENT.values() if f" {name}(" in text)
    defined = _operation(document).variable_definitions or ()
    carried = json.loads(json.dumps(variables))
    assert carried.keys() <= {one.variable.name.value for one in defined}
    read = get_variable_values(vendor, defined, carried)
    assert isinstance(read, VariableValues), read


@pytest.mark.parametrize("name", sorted(SENT))
def test_what_we_ask_is_in_the_published_schema(vendor: GraphQLSchema, name: str) -> None:
    assert validate(vendor, parse(SENT[name])) == []


def test_a_wrong_variable_is_not_taken_by_the_published_schema(vendor: GraphQLSchema) -> None:
    given = published("shopify_order_capture")["variables"]
    accepted(vendor, "Capture", given)
    for wrong in ({"amount": None}, {"currency": "ABC"}, {"paid": True}):
        with pytest.raises(AssertionError):
            accepted(vendor, "Capture", {"input": given["input"] | wrong})


async def test_every_call_has_variables_that_the_published_schema_takes(
    world: World, channel: ShopifyChannel, asked: Asked, vendor: GraphQLSchema
) -> None:
    order = await bought(world)
    assert await channel.fetch(order.channel_order_id) is not None
    assert not isinstance(await channel.capture(capture_of(order), order), CaptureDeclined)
    await channel.tell_shipped(notice_of(order, 2, 0, parcels=(1, 2)), order)
    bare = notice_of(order, 0, 1, parcel=2).model_copy(update={"parcels": ()})
    await channel.tell_shipped(bare, order)
    await channel.refund(refund_of(order, "r1", 1, 0), order)
    await channel.refund(rest_of(order, 1, 0), order)
    other = await bought(world, financial_status="paid")
    await channel.cancel(cancel_of(other), other)
    for name, calls in asked.items():
        for variables in calls:
            accepted(vendor, name, variables)
    told = {"Capture": "shopify_order_capture", "Refund": "shopify_refund_noted"}
    for name, example in told.items():
        extra = {"Capture": {"currency"}, "Refund": {"currency", "notify"}}[name]
        theirs = published(example)["variables"]["input"].keys()
        assert all(call["input"].keys() - theirs == extra for call in asked[name])
    theirs = published("shopify_fulfillment_create")["variables"]["fulfillment"].keys()
    assert all(one["fulfillment"].keys() <= theirs for one in asked["Fulfil"])
    (cancelled,) = asked["Cancel"]
    assert cancelled.keys() <= published("shopify_order_cancel")["variables"].keys()
    called = {"Fulfil", "Cancellation", "Payment", "Shipments", "Refunds", "Order"}
    assert called | told.keys() <= asked.keys()
    assert {"trackingInfo" in one["fulfillment"] for one in asked["Fulfil"]} == {True, False}
