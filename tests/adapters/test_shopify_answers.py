"""What Shopify may answer and the simulator never does: slow jobs, undecided money, nonsense."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.channels.shopify.outbound import ShopifyChannel, shopify_http
from adapters.channels.shopify.pace import Pace
from domain.errors import Refused, Unavailable
from domain.orders import Order
from domain.payments import (
    CancelRequest,
    Captured,
    CaptureDeclined,
    CaptureRequest,
    RefundLine,
    RefundRequest,
)
from storage.effects import Effects
from tests.adapters.conftest import CALL_S, euros
from tests.passing_time import Clock, calls_are_over
from tests.simulators.simulator_process import until

_KEYS = count(1)
NOW = "2026-07-01T10:00:00Z"


def bag(amount: str) -> dict[str, Any]:
    side = {"amount": amount, "currencyCode": "EUR"}
    return {"shopMoney": side, "presentmentMoney": side}


@dataclass
class Script:
    """Answers each call by its operation's name: the next of its list, the last one for ever."""

    answers: dict[str, list[Any]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)

    def answer(self, body: bytes) -> Any:
        name = json.loads(body)["query"].split()[1].split("(")[0]
        self.calls.append(name)
        waiting = self.answers[name]
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]


@pytest.fixture
async def script() -> AsyncIterator[tuple[Script, str]]:
    script = Script()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.split("content-length:")[1].split()[0])
        answer = json.dumps(script.answer(await reader.readexactly(length))).encode()
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n"
            b"content-length: " + str(len(answer)).encode() + b"\r\n\r\n" + answer
        )
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    yield script, f"http://127.0.0.1:{port}"
    server.close()
    await server.wait_closed()


@pytest.fixture
async def shop(script: tuple[Script, str], effects: Effects) -> AsyncIterator[ShopifyChannel]:
    http = shopify_http(script[1], "token", call_s=CALL_S)
    yield ShopifyChannel(http, effects, "demo")
    await http.aclose()


@pytest.fixture
def says(script: tuple[Script, str]) -> Callable[..., Script]:
    def say(**answers: list[Any]) -> Script:
        script[0].answers |= answers
        return script[0]

    return say


def transaction(kind: str, status: str, **more: Any) -> dict[str, Any]:
    return {
        "id": f"gid://shopify/OrderTransaction/{kind}",
        "kind": kind,
        "status": status,
        "amountSet": bag("28.7"),
    } | more


AUTHORISED = transaction("AUTHORIZATION", "SUCCESS")


def captured(status: str, **more: Any) -> dict[str, Any]:
    return transaction("CAPTURE", status, parentTransaction={"id": AUTHORISED["id"]}, **more)


def payment(*transactions: dict[str, Any], cancelled: bool = False) -> dict[str, Any]:
    order = {
        "cancelledAt": NOW if cancelled else None,
        "totalRefundedSet": bag("0.0"),
        "transactions": list(transactions),
    }
    return {"data": {"order": order}}


def capturing(made: dict[str, Any] | None, *errors: dict[str, Any]) -> dict[str, Any]:
    return {"data": {"orderCapture": {"transaction": made, "userErrors": list(errors)}}}


def job(*, cancelled: bool, done: bool) -> dict[str, Any]:
    order = {"cancelledAt": NOW if cancelled else None, "totalRefundedSet": bag("0.0")}
    return {"data": {"order": order, "job": {"done": done}}}


CANCELLING = {
    "data": {
        "orderCancel": {
            "job": {"id": "gid://shopify/Job/1", "done": False},
            "orderCancelUserErrors": [],
        }
    }
}


def capture_of(order: Order) -> CaptureRequest:
    key = f"{order.order_id}/capture/{next(_KEYS)}"
    return CaptureRequest(order_id=order.order_id, key=key, channel="demo")


def cancel_of(order: Order) -> CancelRequest:
    key = f"{order.order_id}/cancelled/{next(_KEYS)}"
    return CancelRequest(order_id=order.order_id, key=key, channel="demo", reason="stock")


def refund_of(order: Order) -> RefundRequest:
    key = f"{order.order_id}/refund/{next(_KEYS)}"
    line = RefundLine(line_id="1", quantity=1)
    return RefundRequest(
        order_id=order.order_id, key=key, channel="demo", return_id="r1", lines=(line,)
    )


async def test_a_cancellation_waits_for_shopifys_job(
    shop: ShopifyChannel, says: Callable[..., Script], order: Order
) -> None:
    script = says(
        Payment=[payment(AUTHORISED)],
        Cancel=[CANCELLING],
        Cancellation=[job(cancelled=False, done=False), job(cancelled=True, done=True)],
    )
    assert (await shop.cancel(cancel_of(order), order)).refunded is None
    assert script.calls == ["Payment", "Cancel", "Cancellation", "Cancellation"]


async def test_a_job_that_takes_too_long_is_waited_for_and_not_started_again(
    shop: ShopifyChannel,
    says: Callable[..., Script],
    order: Order,
    engine: AsyncEngine,
    clock: Clock,
) -> None:
    script = says(
        Payment=[payment(AUTHORISED)],
        Cancel=[CANCELLING],
        Cancellation=[job(cancelled=False, done=False)],
    )
    request = cancel_of(order)
    asking = asyncio.ensure_future(shop.cancel(request, order))
    await until(lambda: "Cancellation" in script.calls)
    clock.forward(shop.deed_s)
    with pytest.raises(Unavailable) as caught:
        await asking
    assert caught.value.fate_unknown
    await calls_are_over(engine)
    with pytest.raises(Unavailable) as caught:
        await shop.cancel(request, order)
    assert (caught.value.code, caught.value.fate_unknown) == ("cancel_pending", True)
    says(Cancellation=[job(cancelled=True, done=True)])
    await shop.cancel(request, order)
    assert script.calls.count("Cancel") == 1


async def test_a_job_that_ends_without_cancelling_is_refused(
    shop: ShopifyChannel, says: Callable[..., Script], order: Order
) -> None:
    says(
        Payment=[payment(AUTHORISED)],
        Cancel=[CANCELLING],
        Cancellation=[job(cancelled=False, done=True)],
    )
    with pytest.raises(Refused) as caught:
        await shop.cancel(cancel_of(order), order)
    assert caught.value.code == "cancel_failed"


async def test_money_under_way_is_waited_for_and_never_asked_for_twice(
    shop: ShopifyChannel, says: Callable[..., Script], order: Order, engine: AsyncEngine
) -> None:
    script = says(
        Payment=[payment(AUTHORISED), payment(AUTHORISED, captured("PENDING"))],
        Capture=[capturing(captured("PENDING"))],
    )
    request = capture_of(order)
    for _ in range(2):
        with pytest.raises(Unavailable) as caught:
            await shop.capture(request, order)
        assert caught.value.code == "capture_pending"
        await calls_are_over(engine)
    says(Payment=[payment(AUTHORISED, captured("SUCCESS"))])
    said = await shop.capture(request, order)
    assert isinstance(said, Captured)
    assert said.amount == euros("28.70")
    assert script.calls.count("Capture") == 1


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (capturing(captured("FAILURE", errorCode="CARD_DECLINED")), "card_declined"),
        (capturing(captured("ERROR")), "declined"),
        (capturing(None, {"field": None, "message": "Insufficient funds"}), "declined"),
        (capturing(None, {"field": ["base"], "message": "Insufficient funds"}), "declined"),
    ],
)
async def test_every_way_of_declining_is_a_value(
    shop: ShopifyChannel,
    says: Callable[..., Script],
    order: Order,
    answer: dict[str, Any],
    reason: str,
) -> None:
    says(Payment=[payment(AUTHORISED)], Capture=[answer])
    assert await shop.capture(capture_of(order), order) == CaptureDeclined(reason=reason)


async def test_a_mistake_of_ours_is_refused_and_no_decline(
    shop: ShopifyChannel, says: Callable[..., Script], order: Order
) -> None:
    error = {"field": ["input", "parentTransactionId"], "message": "does not exist"}
    says(Payment=[payment(AUTHORISED)], Capture=[capturing(None, error)])
    with pytest.raises(Refused) as caught:
        await shop.capture(capture_of(order), order)
    assert caught.value.code == "invalid_parent_transaction_id"


def graphql_error(code: str | None, **extensions: Any) -> dict[str, Any]:
    error = {"message": "Erika", "extensions": {} if code is None else {"code": code}}
    return {"errors": [error], "extensions": extensions}


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (graphql_error("INTERNAL_SERVER_ERROR"), "internal_server_error"),
        (graphql_error("TIMEOUT"), "timeout"),
        ({"data": None}, "unreadable_answer"),
        ({"data": {"orderCapture": {"transaction": {"id": 1}, "userErrors": []}}},
         "unreadable_answer"),
        ({"data": {"orderCapture": {"transaction": captured("SUCCESS", amountSet=bag("NaN")),
          "userErrors": []}}}, "unreadable_answer"),
        (capturing(captured("SUCCESS", amountSet=bag("-28.7"))), "unreadable_answer"),
        (capturing(captured("SUCCESS", id="gid://\ud800")), "unreadable_answer"),
        (capturing(captured("SUCCESS", id="gid://\0")), "unreadable_answer"),
        (capturing(None) | graphql_error("ACCESS_DENIED"), "capture_pending"),
        ({"data": {"orderCapture": {}}} | graphql_error("ACCESS_DENIED"), "unreadable_answer"),
        ([], "unreadable_answer"),
    ],
)  # fmt: skip
async def test_a_mutation_without_a_clear_answer_may_have_been_done(
    shop: ShopifyChannel, says: Callable[..., Script], order: Order, answer: Any, code: str
) -> None:
    says(Payment=[payment(AUTHORISED)], Capture=[answer])
    with pytest.raises(Unavailable) as caught:
        await shop.capture(capture_of(order), order)
    assert (caught.value.code, caught.value.fate_unknown) == (code, True)


async def test_what_was_done_is_taken_though_a_part_may_not_be_seen(
    shop: ShopifyChannel, says: Callable[..., Script], order: Order
) -> None:
    done = capturing(captured("SUCCESS", gateway=None)) | graphql_error("ACCESS_DENIED")
    says(Payment=[payment(AUTHORISED)], Capture=[done])
    said = await shop.capture(capture_of(order), order)
    assert isinstance(said, Captured)


@pytest.mark.parametrize("gateway", ["Überweisung", "half a pair: \ud83d"])
async def test_a_gateways_name_is_said_back_as_it_came(
    shop: ShopifyChannel, says: Callable[..., Script], order: Order, gateway: str
) -> None:
    made = {
        "id": "gid://shopify/Refund/1",
        "note": None,
        "totalRefundedSet": bag("9.57"),
    }
    refunding = {"data": {"refundCreate": {"refund": made, "userErrors": []}}}
    script = says(
        Refunds=[{"data": {"order": {"refunds": []}}}],
        Payment=[payment(transaction("SALE", "SUCCESS", gateway=gateway))],
        Refund=[refunding],
    )
    refunded = await shop.refund(refund_of(order), order)
    assert refunded.amount == euros("9.57")
    assert script.calls == ["Refunds", "Payment", "Refund"]


@pytest.mark.parametrize("cursor", [None, "page-1"])
async def test_a_page_that_never_ends_is_no_answer(
    shop: ShopifyChannel, says: Callable[..., Script], order: Order, cursor: str | None
) -> None:
    more = {"hasNextPage": True, "endCursor": cursor}
    lines = {"nodes": [], "pageInfo": more}
    refund = {"id": "gid://shopify/Refund/1", "totalRefundedSet": bag("0.0")}
    script = says(
        Refunds=[{"data": {"order": {"refunds": [refund | {"refundLineItems": lines}]}}}],
        RefundLines=[{"data": {"refund": {"refundLineItems": lines}}}],
    )
    with pytest.raises(Unavailable) as caught:
        await shop.refund(refund_of(order), order)
    assert (caught.value.code, caught.value.fate_unknown) == ("unreadable_answer", False)
    assert script.calls.count("RefundLines") <= 2


@pytest.mark.parametrize(
    ("code", "short"),
    [
        ("ACCESS_DENIED", "access_denied"),
        ("undefinedField", "undefined_field"),
        ("SHOP_INACTIVE", "shop_inactive"),
        (None, "graphql_error"),
    ],
)
async def test_what_graphql_refuses_has_a_short_code_without_words(
    shop: ShopifyChannel, says: Callable[..., Script], code: str | None, short: str
) -> None:
    says(Order=[graphql_error(code)])
    with pytest.raises(Refused) as caught:
        await shop.fetch("1")
    assert caught.value.code == short
    assert "Erika" not in str(caught.value)


def bucket(needed: float, there: float, rate: float, spent: float | None = None) -> dict[str, Any]:
    status = {"maximumAvailable": 1000, "currentlyAvailable": there, "restoreRate": rate}
    return {"requestedQueryCost": needed, "actualQueryCost": spent, "throttleStatus": status}


@pytest.mark.parametrize(
    ("cost", "wait_s"),
    [
        (bucket(500, 100, 100), 4.0),
        (bucket(500, 600, 100), 0.1),
        (bucket(900_000, 0, 1), 60.0),
        (bucket(500, 100, 0), 1.0),
        (bucket(500, 10**400, 100), 1.0),
        ({}, 1.0),
    ],
)
async def test_the_wait_is_computed_from_the_bucket(
    clock: Clock, cost: dict[str, Any], wait_s: float
) -> None:
    pace = Pace()
    now = clock.stop()
    pace.throttled(cost, None)
    assert await pace.turn(changes=False, until=now) == pytest.approx(wait_s)


@pytest.mark.parametrize(
    ("cost", "wait_s"),
    [
        (bucket(500, 550, 100, spent=10), 0.1),
        (bucket(500, 450, 100, spent=10), 0.5),
        (bucket(500, 700, 100, spent=10), 0.0),
    ],
)
async def test_calls_are_spaced_by_what_they_spend_not_by_what_they_ask_for(
    clock: Clock, cost: dict[str, Any], wait_s: float
) -> None:
    pace = Pace()
    now = clock.stop()
    pace.answered(cost)
    if wait_s < 0.5:
        assert await pace.turn(changes=False, until=None) == 0
    assert await pace.turn(changes=False, until=now) == pytest.approx(wait_s)


@pytest.mark.parametrize(
    "cost", [bucket(10, 15, 0.001, spent=10), bucket(10, 15, 1e-300, spent=1e300)]
)
async def test_no_answer_keeps_a_shop_out_of_reach(clock: Clock, cost: dict[str, Any]) -> None:
    for learn in (Pace.answered, lambda pace, cost: pace.throttled(cost, None)):
        pace = Pace()
        now = clock.stop()
        learn(pace, cost)
        while not await pace.turn(changes=False, until=now):
            pass
        assert await pace.turn(changes=False, until=now) <= 60.0


async def test_mutations_go_before_queries_while_the_bucket_is_low() -> None:
    pace = Pace()
    pace.answered(bucket(10, 20, 200))
    went: list[str] = []

    async def go(name: str, *, changes: bool) -> None:
        assert await pace.turn(changes=changes, until=None) == 0
        went.append(name)

    pace.throttled(bucket(10, 0, 200), None)
    looks = [asyncio.create_task(go("look", changes=False)) for _ in range(3)]
    acts = [asyncio.create_task(go("act", changes=True)) for _ in range(3)]
    await asyncio.gather(*looks, *acts)
    assert went == ["act"] * 3 + ["look"] * 3


async def test_a_throttled_call_is_sent_again_when_the_bucket_holds_it(
    shop: ShopifyChannel, says: Callable[..., Script]
) -> None:
    says(Order=[graphql_error("THROTTLED", cost=bucket(500, 490, 100)), {"data": {"order": None}}])
    assert await shop.fetch("1") is None


async def test_a_bucket_that_stays_empty_is_another_try(
    shop: ShopifyChannel, says: Callable[..., Script]
) -> None:
    says(Order=[graphql_error("THROTTLED", cost=bucket(9_000, 0, 10))])
    with pytest.raises(Unavailable) as caught:
        await shop.fetch("1")
    assert (caught.value.code, caught.value.fate_unknown) == ("throttled", False)
    assert caught.value.retry_after_s is not None
    assert 10 < caught.value.retry_after_s <= 60


@pytest.mark.parametrize("told", [{}, {"lineItems": None}, {"lineItems": {"nodes": [1]}}])
async def test_an_order_in_another_shape_is_refused_and_never_crashes(
    shop: ShopifyChannel, says: Callable[..., Script], told: dict[str, Any]
) -> None:
    says(Order=[{"data": {"order": told}}])
    with pytest.raises((Refused, Unavailable)):
        await shop.fetch("1")
