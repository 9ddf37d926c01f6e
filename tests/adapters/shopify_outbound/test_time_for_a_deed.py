"""A deed has time for each of its calls, and a repeat of it fits into its activity."""

from typing import Any, cast

import annotated_types
import pytest

from adapters.channels.shopify.graphql import PATIENCE_S
from adapters.channels.shopify.outbound import CALLS_A_LOOK, CALLS_A_REFUND, ShopifyChannel
from adapters.http import Answer, OutsideHttp
from config.accounts import Account
from storage.effects import Effects
from tests.adapters.conftest import World
from tests.adapters.shopify_outbound.asking import rest_of
from tests.adapters.shopify_outbound.test_refunds_at_another_rate import paid_in_dollars
from workflows.outside import TRY

TIMEOUT = Account.model_fields["timeout_s"]
DEFAULT_S = float(TIMEOUT.default)
LONGEST_S = next(
    cast("float", one.le) for one in TIMEOUT.metadata if isinstance(one, annotated_types.Le)
)


@pytest.fixture
def calls(http: OutsideHttp, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The operations that the shop is asked for from now on."""
    send, asked = http.send, list[str]()

    async def noted(method: str, path: str, *, json: Any, **more: Any) -> Answer:
        asked.append(json["query"].split("(")[0].strip())
        return await send(method, path, json=json, **more)

    monkeypatch.setattr(http, "send", noted)
    return asked


async def test_a_refund_and_its_look_take_as_many_calls_as_are_reckoned_with(
    world: World, channel: ShopifyChannel, calls: list[str]
) -> None:
    order = await paid_in_dollars(world)
    request = rest_of(order, 1, 1)
    refunded = await channel.refund(request, order)
    assert len(calls) == CALLS_A_REFUND, calls
    calls.clear()
    async with world.engine.begin() as connection:
        await connection.exec_driver_sql(
            "UPDATE effects SET state = 'unknown', result = NULL WHERE key = %(key)s",
            {"key": request.key},
        )
    assert await channel.refund(request, order) == refunded
    assert len(calls) == CALLS_A_LOOK, calls


def channel_of(call_s: float, effects: Effects) -> ShopifyChannel:
    http = OutsideHttp("shopify", "http://127.0.0.1:1/", call_s=call_s, explain=lambda _: ("", ""))
    return ShopifyChannel(http, effects, "demo")


async def test_by_default_no_call_of_a_refund_has_less_than_its_time(effects: Effects) -> None:
    assert channel_of(DEFAULT_S, effects).refund_s == CALLS_A_REFUND * DEFAULT_S


@pytest.mark.parametrize("call_s", [1.0, DEFAULT_S, LONGEST_S])
async def test_a_repeat_has_waited_looked_and_acted_before_its_activity_is_over(
    effects: Effects, call_s: float
) -> None:
    look_s = CALLS_A_LOOK * (call_s + PATIENCE_S)
    channel = channel_of(call_s, effects)
    longest_s = max(channel.refund_s, channel.deed_s)
    assert 2 * longest_s + look_s <= TRY.total_seconds() - 10
    assert channel.deed_s > 2 * call_s
