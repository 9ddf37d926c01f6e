"""A checkout holds stock for a while: all of its cart or nothing, once, and never for ever."""

import asyncio
import json
from typing import Any

import pytest
from sqlalchemy import text
from temporalio.service import RPCError

from config.settings import Settings
from domain.ids import OrderId
from domain.orders import Destination, LineRef
from domain.sourcing.rules import RuleSet
from domain.sourcing.source import source
from domain.stock import ReserveRequest, Short
from storage.engine import create_engine
from tests.starter.goods import fields, put, receive, with_goods
from tests.starter.world import World, canonical_order, eventually

PATH = "/api/stock/reservations"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """With a starter that sweeps all the time."""
    return settings.model_copy(update={"sweep_s": 0.1})


def cart(*lines: tuple[str, int], name: str = "cart-1", **more: Any) -> dict[str, Any]:
    said = {"destination": {"country": "DE", "postal_code": "10115"}, "expires_in_s": 600} | more
    wanted = [{"sku": sku, "quantity": quantity} for sku, quantity in lines]
    return {"reservation_id": name, "lines": wanted, **said}


async def hold(world: World, *lines: tuple[str, int], **more: Any) -> Any:
    return await world.api("POST", PATH, cart(*lines, **more))


async def reserved(world: World, sku: str = "CUP") -> dict[str, int]:
    levels = await world.wired.inventory.levels(sku=sku)
    return {level.location: level.reserved for level in levels if level.reserved}


async def an_order_that_waits(world: World, quantity: int) -> str:
    """For cups, sourced as its workflow would have it."""
    own_id = world.own_id()
    made = await world.api(
        "POST", "/api/orders", canonical_order(own_id), Idempotency_Key=f"key-{own_id}"
    )
    order_id: str = made.json()["order_id"]
    request = ReserveRequest(
        order_id=OrderId(order_id),
        key=f"{order_id}/reserve/1",
        lines=(LineRef(line_id="1", sku="CUP", quantity=quantity),),
        destination=Destination(country="DE", postal_code="10117"),
    )
    case = await world.wired.sourcing.case(request)
    assert isinstance(await world.wired.sourcing.reserve(request, case, source(case)), Short)
    return order_id


async def its_time_is_over(world: World, name: str) -> None:
    """By the database's clock, as if it had been held for that long."""
    engine = create_engine(world.composition.settings.database, 1)
    late = text("UPDATE reservations SET expires_at = now() WHERE order_id = :cart RETURNING 1")
    async with engine.begin() as connection:
        over = (await connection.execute(late, {"cart": f"cart:{name}"})).all()
    await engine.dispose()
    assert len(over) == 1


async def served(world: World, order_id: str) -> bool:
    """Whether its workflow was told that it has its goods."""
    return [name for name, _ in await world.signals(order_id)] == ["stock_assigned"]


async def test_a_cart_holds_all_its_lines_where_they_would_ship_from(world: World) -> None:
    await with_goods(world)
    await receive(world, "CUP", 9, "lyon")
    await receive(world, "POT", 2, "lyon")
    answer = await hold(world, ("SET", 2), ("CUP", 1), channel="demo")
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"{PATH}/cart-1"
    assert answer.json()["state"] == "held"
    assert answer.json()["parts"] == [
        {
            "location": "lyon",
            "state": "held",
            "lines": [
                {"line_id": "1", "sku": "SET", "quantity": 2},
                {"line_id": "2", "sku": "CUP", "quantity": 1},
            ],
            "items": [{"sku": "CUP", "quantity": 5}, {"sku": "POT", "quantity": 2}],
        }
    ]
    assert await reserved(world) == {"lyon": 5}
    shown = await world.api("GET", f"{PATH}/cart-1")
    assert (shown.status_code, shown.json()) == (200, answer.json())


async def test_a_cart_that_is_short_holds_nothing_waits_for_nothing_and_is_told_what_lacks(
    world: World,
) -> None:
    await with_goods(world)
    await receive(world, "CUP", 3)
    answer = await hold(world, ("POT", 1), ("CUP", 5))
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["code"] == "short"
    assert "Berlin lacks 2 of CUP and 1 of POT" in problem["detail"]
    assert [(one["field"], one["message"]) for one in problem["errors"]] == [
        ("lines.1.quantity", "CUP: 2 more than there are"),
        ("lines.0.quantity", "POT: 1 more than there are"),
    ]
    answer = await hold(world, ("SET", 1))
    assert [one["field"] for one in answer.json()["errors"]] == ["lines"]  # a pot
    await receive(world, "POT", 5)
    await receive(world, "CUP", 5)
    assert await reserved(world) == {}
    assert (await world.api("GET", f"{PATH}/cart-1")).status_code == 404
    # it was never held, so it may be asked for again
    assert (await hold(world, ("POT", 1), ("CUP", 5))).status_code == 201


async def test_a_cart_said_again_is_held_once_and_longer_even_where_nothing_is_left(
    world: World,
) -> None:
    await with_goods(world)
    await receive(world, "CUP", 5)
    answers = await asyncio.gather(*(hold(world, ("CUP", 5)) for _ in range(6)))
    assert {answer.status_code for answer in answers} == {201}
    again = await hold(world, ("CUP", 5), expires_in_s=6000)
    assert again.json()["expires_at"] > max(answer.json()["expires_at"] for answer in answers)
    assert await reserved(world) == {"berlin": 5}
    await receive(world, "CUP", 9, "lyon")
    longest = await hold(world, ("CUP", 5), expires_in_s=60_000)
    assert longest.json()["expires_at"] > again.json()["expires_at"]
    assert await reserved(world) == {"berlin": 5}
    other = await hold(world, ("CUP", 4))
    assert (other.status_code, other.json()["code"]) == (409, "reservation_exists")
    assert await reserved(world) == {"berlin": 5}


async def test_what_a_cart_gives_back_goes_to_the_order_that_waits(world: World) -> None:
    await with_goods(world)
    await receive(world, "CUP", 5)
    await hold(world, ("CUP", 5))
    order_id = await an_order_that_waits(world, 3)
    for _ in range(2):
        assert (await world.api("DELETE", f"{PATH}/cart-1")).status_code == 204
    await eventually(lambda: served(world, order_id))
    assert await reserved(world) == {"berlin": 3}
    assert (await world.api("GET", f"{PATH}/cart-1")).json()["state"] == "released"
    late = await hold(world, ("CUP", 1))
    assert (late.status_code, late.json()["code"]) == (409, "reservation_over")


async def test_a_cart_that_was_given_up_before_it_came_is_never_held(world: World) -> None:
    await with_goods(world)
    await receive(world, "CUP", 5)
    assert (await world.api("DELETE", f"{PATH}/cart-1")).status_code == 204
    assert (await hold(world, ("CUP", 1))).status_code == 409
    assert await reserved(world) == {}


async def test_what_a_cart_held_too_long_goes_by_itself_to_the_order_that_waits(
    world: World,
) -> None:
    await with_goods(world)
    await receive(world, "CUP", 5)
    await hold(world, ("CUP", 4), name="kept")
    await hold(world, ("CUP", 1))
    order_id = await an_order_that_waits(world, 1)
    assert (await world.api("GET", f"{PATH}/cart-1")).json()["state"] == "held"
    await its_time_is_over(world, "cart-1")
    await eventually(lambda: served(world, order_id))
    assert await reserved(world) == {"berlin": 5}
    states = [(await world.api("GET", f"{PATH}/{name}")).json() for name in ("cart-1", "kept")]
    assert [state["state"] for state in states] == ["expired", "held"]
    assert (await hold(world, ("CUP", 1))).json()["code"] == "reservation_over"


async def test_an_order_tells_its_workflow_which_cart_it_was(world: World) -> None:
    own_id = world.own_id()
    body = canonical_order(own_id, reservation_id="cart-1")
    made = await world.api("POST", "/api/orders", body, Idempotency_Key=own_id)
    assert made.status_code == 201
    wrong = canonical_order(world.own_id(2), reservation_id="a/b")
    refused = await world.api("POST", "/api/orders", wrong, Idempotency_Key="wrong")
    assert fields(refused) == ["reservation_id"]
    handle = world.client.get_workflow_handle(f"order:{made.json()['order_id']}")

    async def begun() -> Any:
        try:
            return (await handle.fetch_history()).events
        except RPCError:
            return None

    said = (await eventually(begun))[0].workflow_execution_started_event_attributes.input
    assert json.loads(said.payloads[0].data)["reservation_id"] == "cart-1"


@pytest.mark.parametrize(
    ("price_minor", "currency", "status"),
    [
        (None, "", 201), (None, "EUR", 201), (1_500, "EUR", 201), (1_499, "EUR", 409),
        (0, "EUR", 409), (1_499, "GBP", 201), (100, "JPY", 409),
    ],
)  # fmt: skip
async def test_a_cart_is_split_where_an_order_at_its_prices_would_be(
    world: World, price_minor: int | None, currency: str, status: int
) -> None:
    await with_goods(world)
    await receive(world, "CUP", 1)
    await receive(world, "CUP", 1, "lyon")
    least = RuleSet(part_value_min_minor=1_500, part_value_min_in={"JPY": 3_000})
    kept = await world.wired.sourcing_rules.draft(least, "ann")
    await world.wired.sourcing_rules.activate(kept.version, "ann")
    price = {} if price_minor is None else {"unit_price_minor": price_minor}
    body = cart() | {"currency": currency, "lines": [{"sku": "CUP", "quantity": 2, **price}]}
    answer = await world.api("POST", PATH, body)
    assert answer.status_code == status, answer.text
    assert await reserved(world) == ({"berlin": 1, "lyon": 1} if status == 201 else {})


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"expires_in_s": 0}, "expires_in_s"),
        ({"expires_in_s": 7 * 24 * 3600 + 1}, "expires_in_s"),
        ({"expires_in_s": None}, "expires_in_s"),
        ({"reservation_id": "a/b"}, "reservation_id"),
        ({"reservation_id": ""}, "reservation_id"),
        ({"channel": "nowhere"}, "channel"),
        ({"destination": {"country": "Germany"}}, "destination.country"),
        ({"lines": []}, "lines"),
        ({"lines": [{"sku": "CUP", "quantity": 0}]}, "lines.0.quantity"),
        ({"lines": [{"sku": "HAT", "quantity": 1}]}, "lines.0.sku"),
        ({"lines": [{"sku": "CUP", "quantity": 1, "unit_price_minor": 900}]}, "currency"),
        (
            {"lines": [{"sku": "CUP", "quantity": 1, "unit_price_minor": -1}]},
            "lines.0.unit_price_minor",
        ),
        ({"currency": "EURO"}, "currency"),
        (
            {
                "lines": [
                    {"sku": "CUP", "quantity": 1, "line_id": "2"},
                    {"sku": "CUP", "quantity": 1},
                ]
            },
            "lines.1.line_id",
        ),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_a_bad_cart_names_the_field_and_holds_nothing(
    world: World, changes: dict[str, Any], field: str
) -> None:
    await with_goods(world)
    await receive(world, "CUP", 5)
    assert field in fields(await world.api("POST", PATH, cart(("CUP", 1)) | changes))
    assert await reserved(world) == {}
    assert (await world.api("GET", f"{PATH}/none")).status_code == 404


async def test_a_cart_with_a_bundle_that_became_too_heavy_names_its_line(world: World) -> None:
    await with_goods(world)
    await put(world, "skus/CUP", {"title": "Cup", "weight_g": 2_000_000})
    heavy = {"components": [{"sku": "CUP", "quantity": 51}]}
    refused = await world.api("PUT", "/api/bundles/SET", heavy)
    assert fields(refused) == ["components"]
    await put(world, "skus/CUP", {"title": "Cup", "weight_g": 0})
    await put(world, "bundles/SET", heavy)
    await put(world, "skus/CUP", {"title": "Cup", "weight_g": 2_000_000})
    answer = await hold(world, ("POT", 1), ("SET", 1))
    assert fields(answer) == ["lines.1.sku"]
    assert [error["reason"] for error in answer.json()["errors"]] == ["too_heavy"]
    assert (await world.api("GET", f"{PATH}/cart-1")).status_code == 404
