"""Shopify converts a refund at the rate of the day: it may give back more than it ever took."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from adapters.channels.shopify.outbound import API_VERSION, ShopifyChannel
from adapters.http import Answer, OutsideHttp
from domain.errors import Unavailable
from domain.orders import Order
from domain.payments import Refunded
from storage.effects import Effects
from tests.adapters.conftest import CALL_S, World, euros
from tests.adapters.shopify_outbound.asking import bought, refund_of
from tests.adapters.shopify_outbound.conftest import TOKEN
from tests.adapters.shopify_outbound.test_refunds_by_hand import by_hand

RATE = Decimal("1.2")
"""What the shop's money has lost since its customers paid in theirs."""


class RateHasMoved(OutsideHttp):
    """The simulated shop keeps one rate: here each refund costs it more than it says."""

    meanwhile: Callable[[], Awaitable[object]] | None = None
    """What happens between the first refund's look and its deed."""

    async def send(self, *args: Any, **more: Any) -> Answer:
        if "mutation Refund(" in more["json"]["query"] and self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            await meanwhile()
        answer = await super().send(*args, **more)
        return replace(answer, content=_dearer(answer.content, of_refund=False))


def _dearer(said: Any, *, of_refund: bool) -> Any:
    """The shop's side of what each refund gave back, at today's rate."""
    if isinstance(said, list):
        return [_dearer(one, of_refund=of_refund) for one in said]
    if not isinstance(said, dict):
        return said
    if of_refund and "shopMoney" in said:
        amount = Decimal(said["shopMoney"]["amount"]) * RATE
        return said | {"shopMoney": said["shopMoney"] | {"amount": f"{amount:.2f}"}}
    return {
        name: _dearer(one, of_refund=of_refund or name in ("refund", "refunds"))
        for name, one in said.items()
    }


@pytest.fixture
async def http(simulators_url: str) -> AsyncIterator[RateHasMoved]:
    one = RateHasMoved(
        "shopify",
        f"{simulators_url}/admin/api/{API_VERSION}/",
        call_s=CALL_S,
        explain=lambda _: ("", ""),
        headers={"X-Shopify-Access-Token": TOKEN},
    )
    yield one
    await one.aclose()


@pytest.fixture
def dear(http: RateHasMoved, effects: Effects) -> ShopifyChannel:
    return ShopifyChannel(http, effects, "demo")


async def paid_in_dollars(world: World) -> Order:
    """Two of them for each of the shop's euros."""
    total = {
        "shop_money": {"amount": "48.55", "currency_code": "EUR"},
        "presentment_money": {"amount": "97.10", "currency_code": "USD"},
    }
    return await bought(
        world, financial_status="paid", presentment_currency="USD", total_price_set=total
    )


async def test_no_more_is_booked_than_was_captured_and_what_the_shop_says_is_told(
    world: World, dear: ShopifyChannel
) -> None:
    order = await paid_in_dollars(world)
    refunded = await dear.refund(refund_of(order, "r1", 3, 2), order)
    assert (refunded.amount, refunded.given) == (euros("48.55"), euros("52.38"))
    assert await dear.refund(refund_of(order, "r1", 3, 2), order) == refunded


async def test_a_later_return_is_booked_up_to_what_the_earlier_ones_left(
    world: World, dear: ShopifyChannel
) -> None:
    order = await paid_in_dollars(world)
    first = await dear.refund(refund_of(order, "r1", 1, 0), order)
    second = await dear.refund(refund_of(order, "r2", 2, 2), order)
    assert (first.amount, first.given) == (euros("13.20"), None)
    assert (second.amount, second.given) == (euros("35.35"), euros("39.18"))
    assert first.amount + second.amount == order.totals.total


async def test_a_refund_whose_answer_was_lost_is_booked_like_any_other(
    world: World, dear: ShopifyChannel
) -> None:
    order = await paid_in_dollars(world)
    await dear.refund(refund_of(order, "r1", 1, 0), order)
    await world.fault("shopify", "refundCreate", "lost", match=order.channel_order_id)
    with pytest.raises(Unavailable):
        await dear.refund(refund_of(order, "r2", 2, 2), order)
    await world.calls_are_over()
    found = await dear.refund(refund_of(order, "r2", 2, 2), order)
    assert (found.amount, found.given) == (euros("35.35"), euros("39.18"))
    assert len(await world.journal(order.channel_order_id, "refunded")) == 2


async def test_what_staff_gave_back_is_not_in_our_books(world: World, dear: ShopifyChannel) -> None:
    order = await paid_in_dollars(world)
    await by_hand(world, order, "8.00", note="sorry for the delay")
    refunded = await dear.refund(refund_of(order, "r1", 3, 2), order)
    assert (refunded.amount, refunded.given) == (euros("48.55"), euros("52.38"))


async def test_of_two_refunds_at_once_the_later_leaves_room_for_the_other(
    world: World, http: RateHasMoved, dear: ShopifyChannel
) -> None:
    order = await paid_in_dollars(world)
    others: list[Refunded] = []

    async def another() -> None:
        others.append(await dear.refund(refund_of(order, "r2", 1, 2), order))

    http.meanwhile = another
    refunded = await dear.refund(refund_of(order, "r1", 2, 0), order)
    (other,) = others
    assert (other.amount, other.given) == (euros("25.98"), None)
    assert (refunded.amount, refunded.given) == (euros("22.57"), euros("26.40"))


async def test_a_look_that_fails_after_the_deed_leaves_its_fate_open(
    world: World, http: RateHasMoved, dear: ShopifyChannel
) -> None:
    order = await paid_in_dollars(world)

    async def lose_the_next_look() -> None:
        await world.fault("shopify", "order", "down", match=order.channel_order_id)

    http.meanwhile = lose_the_next_look
    with pytest.raises(Unavailable) as caught:
        await dear.refund(refund_of(order, "r1", 3, 2), order)
    assert caught.value.fate_unknown
    await world.calls_are_over()
    found = await dear.refund(refund_of(order, "r1", 3, 2), order)
    assert (found.amount, found.given) == (euros("48.55"), euros("52.38"))
    assert len(await world.journal(order.channel_order_id, "refunded")) == 1
