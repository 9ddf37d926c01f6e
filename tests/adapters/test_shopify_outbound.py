"""The port `Channel` on Shopify, against the simulator: every deed once, whatever gets lost."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import count
from typing import Any

import pytest

from adapters.channels.shopify.order import to_order
from adapters.channels.shopify.outbound import ShopifyChannel, shopify_http
from adapters.http import OutsideHttp
from domain.edits import edits
from domain.errors import Refused, Unavailable
from domain.fulfilments import ShippedNotice, ShippedParcel
from domain.money import Money
from domain.orders import LineRef, Order, PaymentStatus
from domain.payments import (
    CancelRequest,
    CaptureDeclined,
    CaptureRequest,
    RefundLine,
    RefundRequest,
)
from storage.effects import Effects
from tests.adapters.conftest import CALL_S, World, euros
from tests.simulators.payloads import CLOSE, ORDER, REFUND, graphql
from tests.simulators.simulator_process import until

TOKEN = "shpat_demo_token"
_IDS = count(820_982_911_946_154_508)


@pytest.fixture
async def http(simulators_url: str) -> AsyncIterator[OutsideHttp]:
    one = shopify_http(simulators_url, TOKEN, call_s=CALL_S)
    yield one
    await one.aclose()


@pytest.fixture
def channel(http: OutsideHttp, effects: Effects) -> ShopifyChannel:
    return ShopifyChannel(http, effects, "demo")


def payload(**changes: Any) -> dict[str, Any]:
    """Three mugs and two bowls with discount, tax and shipping: 39.00 + 4.90 - 2.00 + 6.65."""
    own_id = next(_IDS)
    mugs = {
        "id": own_id + 10**15,
        "sku": "MUG",
        "name": "Mug",
        "quantity": 3,
        "current_quantity": 3,
        "price": "10.00",
        "requires_shipping": True,
        "grams": 300,
        "discount_allocations": [{"amount": "2.00"}],
        "tax_lines": [{"title": "VAT", "price": "5.00"}],
    }
    bowls = mugs | {
        "id": own_id + 2 * 10**15,
        "sku": "BOWL",
        "name": "Bowl",
        "quantity": 2,
        "current_quantity": 2,
        "price": "4.50",
        "discount_allocations": [],
        "tax_lines": [{"title": "VAT", "price": "1.65"}],
    }
    return {
        "id": own_id,
        "name": f"#{own_id % 10_000}",
        "email": "erika@example.org",
        "currency": "EUR",
        "presentment_currency": "EUR",
        "created_at": "2026-07-01T10:00:00+02:00",
        "updated_at": "2026-07-01T10:00:00+02:00",
        "financial_status": "authorized",
        "line_items": [mugs, bowls],
        "shipping_lines": [{"title": "Post", "price": "4.90", "discounted_price": "4.90"}],
        "taxes_included": False,
        "total_discounts": "2.00",
        "total_tax": "6.65",
        "total_price": "48.55",
        "shipping_address": {
            "name": "Erika Mustermann",
            "address1": "Sendlinger Str. 8",
            "city": "München",
            "zip": "80331",
            "country_code": "DE",
            "phone": "+4989123456",
        },
    } | changes


async def bought(world: World, locations: tuple[int, ...] = (1, 1), **changes: Any) -> Order:
    """The lines are to be sent from these of the shop's locations."""
    made = payload(**changes)
    places = {str(line["id"]): n for line, n in zip(made["line_items"], locations, strict=False)}
    await world.tell("shopify/orders", {"order": made, "locations": places})
    return to_order("demo", made)


def capture_of(order: Order, generation: int = 1) -> CaptureRequest:
    key = f"{order.order_id}/capture/{generation}"
    return CaptureRequest(order_id=order.order_id, key=key, channel="demo")


def notice_of(
    order: Order, *quantities: int, parcel: int = 1, parcels: tuple[int, ...] = ()
) -> ShippedNotice:
    lines = tuple(
        LineRef(line_id=line.line_id, sku=line.sku, quantity=quantity)
        for line, quantity in zip(order.lines, quantities, strict=True)
        if quantity
    )
    return ShippedNotice(
        order_id=order.order_id,
        key=f"{order.order_id}/f1/p{parcel}/told/1",
        channel="demo",
        lines=lines,
        parcels=tuple(
            ShippedParcel(
                carrier="DHL",
                tracking_number=f"TRACK{order.channel_order_id}-{number}",
                tracking_url=f"https://track.example/{number}",
            )
            for number in (parcels or (parcel,))
        ),
    )


def rest_of(order: Order, *quantities: int) -> RefundRequest:
    """What is not sent any more, after the rest has left."""
    key = f"{order.order_id}/refund-rest"
    return refund_of(order, "", *quantities).model_copy(update={"key": key, "return_id": ""})


def cancel_of(order: Order, reason: str = "requested") -> CancelRequest:
    key = f"{order.order_id}/cancel/1"
    return CancelRequest(order_id=order.order_id, key=key, channel="demo", reason=reason)


def refund_of(order: Order, name: str, *quantities: int) -> RefundRequest:
    lines = tuple(
        RefundLine(line_id=line.line_id, quantity=quantity)
        for line, quantity in zip(order.lines, quantities, strict=True)
        if quantity
    )
    return RefundRequest(
        order_id=order.order_id,
        key=f"{order.order_id}/{name}/refund/1",
        channel="demo",
        return_id=f"{order.order_id}-{name}",
        lines=lines,
    )


# Capture


async def test_an_authorised_payment_is_captured_once_in_full(
    world: World, channel: ShopifyChannel
) -> None:
    order = await bought(world)
    captured = await channel.capture(capture_of(order), order)
    assert not isinstance(captured, CaptureDeclined)
    assert captured.amount == euros("48.55") == order.totals.total
    assert await channel.capture(capture_of(order), order) == captured
    entries = await world.journal(order.channel_order_id, "captured")
    assert [entry["data"]["amount"] for entry in entries] == ["48.55"]
    assert captured.ref.endswith(f"/{entries[0]['ref']}")


async def test_another_generation_finds_the_same_capture(
    world: World, channel: ShopifyChannel
) -> None:
    order = await bought(world)
    first = await channel.capture(capture_of(order), order)
    assert await channel.capture(capture_of(order, 2), order) == first
    assert len(await world.journal(order.channel_order_id, "captured")) == 1


@pytest.mark.parametrize("status", [None, 502])
async def test_a_capture_whose_answer_was_lost_is_found_and_not_repeated(
    world: World, channel: ShopifyChannel, status: int | None
) -> None:
    order = await bought(world)
    lost = {} if status is None else {"status": status}
    await world.fault("shopify", "orderCapture", "lost", match=order.channel_order_id, **lost)
    with pytest.raises(Unavailable) as caught:
        await channel.capture(capture_of(order), order)
    assert caught.value.fate_unknown
    captured = await channel.capture(capture_of(order), order)
    assert not isinstance(captured, CaptureDeclined)
    assert captured.amount == euros("48.55")
    assert len(await world.journal(order.channel_order_id, "captured")) == 1


async def test_a_gateway_that_declines_is_a_value_and_takes_nothing(
    world: World, channel: ShopifyChannel
) -> None:
    order = await bought(world)
    await world.fault(
        "shopify", "orderCapture", "refuse", match=order.channel_order_id, message="Card declined"
    )
    assert await channel.capture(capture_of(order), order) == CaptureDeclined(reason="declined")
    assert await world.journal(order.channel_order_id, "captured") == []


async def test_nothing_to_capture_is_declined_and_money_there_already_is_captured(
    world: World, channel: ShopifyChannel
) -> None:
    voided = await bought(world, financial_status="voided")
    said = await channel.capture(capture_of(voided), voided)
    assert said == CaptureDeclined(reason="no_authorisation")
    paid = await bought(world, financial_status="paid")
    captured = await channel.capture(capture_of(paid), paid)
    assert not isinstance(captured, CaptureDeclined)
    assert captured.amount == euros("48.55")
    assert await world.journal(paid.channel_order_id, "captured") == []


async def test_two_workers_at_once_capture_once(world: World, channel: ShopifyChannel) -> None:
    order = await bought(world)
    said = await asyncio.gather(
        *(channel.capture(capture_of(order), order) for _ in range(2)), return_exceptions=True
    )
    assert any(not isinstance(one, BaseException) for one in said)
    assert len(await world.journal(order.channel_order_id, "captured")) == 1


# Shipped


async def test_each_parcel_is_told_with_exactly_its_pieces(
    world: World, channel: ShopifyChannel
) -> None:
    order = await bought(world)
    first = await channel.tell_shipped(notice_of(order, 2, 0), order)
    second = await channel.tell_shipped(notice_of(order, 1, 2, parcel=2), order)
    assert first != second
    assert await channel.tell_shipped(notice_of(order, 2, 0), order) == first
    entries = await world.journal(order.channel_order_id, "fulfilled")
    pieces = [[line["quantity"] for line in entry["data"]["lines"]] for entry in entries]
    assert pieces == [[2], [1, 2]]
    numbers = [entry["data"]["tracking"][0]["number"] for entry in entries]
    assert numbers == [f"TRACK{order.channel_order_id}-{n}" for n in (1, 2)]
    assert entries[0]["data"]["tracking"][0]["company"] == "DHL"


async def test_all_lines_in_two_parcels_are_told_in_one_call(
    world: World, channel: ShopifyChannel
) -> None:
    order = await bought(world)
    notice = notice_of(order, 3, 2, parcels=(1, 2))
    first = await channel.tell_shipped(notice, order)
    other_key = notice.model_copy(update={"key": f"{notice.key}/again"})
    assert await channel.tell_shipped(other_key, order) == first
    (entry,) = await world.journal(order.channel_order_id, "fulfilled")
    assert entry["data"]["tracking"] == [
        {
            "number": f"TRACK{order.channel_order_id}-{n}",
            "company": "DHL",
            "url": f"https://track.example/{n}",
        }
        for n in (1, 2)
    ]


async def test_a_fulfilment_whose_answer_was_lost_is_not_made_again(
    world: World, channel: ShopifyChannel
) -> None:
    order = await bought(world)
    await world.fault("shopify", "fulfillmentCreate", "lost", match=order.channel_order_id)
    # The fault knows the order by its fulfilment order's id.
    with pytest.raises(Unavailable) as caught:
        await channel.tell_shipped(notice_of(order, 3, 2), order)
    assert caught.value.fate_unknown
    told = await channel.tell_shipped(notice_of(order, 3, 2), order)
    assert told.ref.startswith("gid://shopify/Fulfillment/")
    assert len(await world.journal(order.channel_order_id, "fulfilled")) == 1


async def test_more_pieces_than_shopify_has_open_are_refused_and_nothing_is_told(
    world: World, channel: ShopifyChannel
) -> None:
    order = await bought(world)
    await channel.tell_shipped(notice_of(order, 2, 0), order)
    with pytest.raises(Refused) as caught:
        await channel.tell_shipped(notice_of(order, 2, 0, parcel=2), order)
    assert caught.value.code == "not_fulfillable"
    assert len(await world.journal(order.channel_order_id, "fulfilled")) == 1


async def test_what_staff_marked_as_sent_by_hand_needs_no_telling(
    world: World, channel: ShopifyChannel
) -> None:
    """Each share of an order: the shop wants none of its pieces any more."""
    order = await bought(world)
    by_hand = notice_of(order, 3, 1, parcel=7)
    assert not (await channel.tell_shipped(by_hand, order)).already
    assert (await channel.tell_shipped(notice_of(order, 3, 0), order)).already
    with pytest.raises(Refused, match="not_fulfillable"):
        await channel.tell_shipped(notice_of(order, 0, 2, parcel=2), order)
    assert len(await world.journal(order.channel_order_id, "fulfilled")) == 1


async def test_what_left_without_a_label_is_told_without_a_number_once(
    world: World, channel: ShopifyChannel
) -> None:
    order = await bought(world)
    bare = notice_of(order, 3, 2).model_copy(update={"parcels": ()})
    await world.fault("shopify", "fulfillmentCreate", "lost", match=order.channel_order_id)
    with pytest.raises(Unavailable):
        await channel.tell_shipped(bare, order)
    told = await channel.tell_shipped(bare, order)
    (entry,) = await world.journal(order.channel_order_id, "fulfilled")
    assert entry["data"]["tracking_numbers"] == []
    assert told.ref.endswith(f"/{entry['ref']}")
    assert not told.already, "nobody else told it"


def without_label(notice: ShippedNotice) -> ShippedNotice:
    return notice.model_copy(update={"parcels": ()})


@pytest.mark.parametrize("fault", ["lost", "down"])
async def test_a_share_without_a_label_leaves_the_pieces_of_the_other_alone(
    world: World, channel: ShopifyChannel, fault: str
) -> None:
    """Also where the same pieces were told without a number before."""
    order = await bought(world)
    await channel.tell_shipped(without_label(notice_of(order, 1, 0, parcel=3)), order)
    bare = without_label(notice_of(order, 1, 0))
    await world.fault("shopify", "fulfillmentCreate", fault, match=order.channel_order_id)
    with pytest.raises(Unavailable):
        await channel.tell_shipped(bare, order)
    told = await channel.tell_shipped(bare, order)
    entries = await world.journal(order.channel_order_id, "fulfilled")
    assert [told.ref.endswith(f"/{entry['ref']}") for entry in entries] == [False, True]
    labelled = await channel.tell_shipped(notice_of(order, 1, 2, parcel=2), order)
    assert not labelled.already
    assert await sent(world, order) == [{"MUG": 1}, {"MUG": 1}, {"MUG": 1, "BOWL": 2}]


async def test_a_share_without_a_label_is_not_taken_for_another_with_other_pieces(
    world: World, channel: ShopifyChannel
) -> None:
    order = await bought(world)
    bare, other = notice_of(order, 1, 0), notice_of(order, 2, 1, parcel=2)
    await world.fault("shopify", "fulfillmentCreate", "down", match=order.channel_order_id)
    with pytest.raises(Unavailable):
        await channel.tell_shipped(without_label(bare), order)
    await channel.tell_shipped(without_label(other), order)
    await channel.tell_shipped(notice_of(order, 0, 1, parcel=3), order)
    assert not (await channel.tell_shipped(without_label(bare), order)).already
    assert await sent(world, order) == [{"MUG": 2, "BOWL": 1}, {"BOWL": 1}, {"MUG": 1}]


async def test_what_a_fulfilment_service_gave_back_is_not_taken_as_sent(
    world: World, channel: ShopifyChannel
) -> None:
    """Shopify holds it as incomplete, until somebody there opens it or moves it."""
    order = await bought(world, financial_status="paid")
    await channel.tell_shipped(notice_of(order, 2, 2), order)
    (made,) = (await in_shop(world, order))["fulfillmentOrders"]["nodes"]
    answer = await graphql(world.control, CLOSE, id=made["id"])
    assert answer["data"]["fulfillmentOrderClose"]["fulfillmentOrder"]["status"] == "INCOMPLETE"
    with pytest.raises(Refused, match="not_fulfillable"):
        await channel.tell_shipped(notice_of(order, 1, 0, parcel=2), order)
    assert len(await sent(world, order)) == 1
    await channel.refund(rest_of(order, 1, 0), order)
    (entry,) = await world.journal(order.channel_order_id, "refunded")
    mug = int(order.lines[0].line_id)
    assert entry["data"]["lines"] == [cancelled_line(mug, 1, 346_779_380)]


async def test_an_order_of_more_lines_than_a_page_is_told_whole(
    world: World, channel: ShopifyChannel
) -> None:
    base = payload()
    mug = base["line_items"][0] | {"quantity": 1, "current_quantity": 1}
    lines = [mug | {"id": mug["id"] + n * 10**14} for n in range(120)]
    order = await bought(world, line_items=lines)
    told = await channel.tell_shipped(notice_of(order, *[1] * 120), order)
    entries = await world.journal(order.channel_order_id, "fulfilled")
    assert len(entries[0]["data"]["lines"]) == 120
    assert told.ref.endswith(f"/{entries[0]['ref']}")
    fetched = await channel.fetch(order.channel_order_id)
    assert fetched is not None
    assert len(fetched.lines) == 120


# Cancelled


async def test_cancelling_releases_what_was_only_authorised(
    world: World, channel: ShopifyChannel
) -> None:
    order = await bought(world)
    cancelled = await channel.cancel(cancel_of(order), order)
    assert cancelled.refunded is None
    assert len(await world.journal(order.channel_order_id, "voided")) == 1
    assert await world.journal(order.channel_order_id, "refunded") == []
    entries = await world.journal(order.channel_order_id, "cancelled")
    assert [(e["data"]["reason"], e["data"]["restock"]) for e in entries] == [("CUSTOMER", False)]


async def test_cancelling_refunds_what_was_paid_and_a_repeat_says_the_same(
    world: World, channel: ShopifyChannel
) -> None:
    order = await bought(world, financial_status="paid")
    cancelled = await channel.cancel(cancel_of(order, "fraud"), order)
    assert cancelled.refunded == euros("48.55")
    assert await channel.cancel(cancel_of(order, "fraud"), order) == cancelled
    entries = await world.journal(order.channel_order_id, "refunded")
    assert [entry["data"]["amount"] for entry in entries] == ["48.55"]
    assert len(await world.journal(order.channel_order_id, "cancelled")) == 1


async def test_of_a_refund_only_what_our_books_had_captured_is_told(
    world: World, channel: ShopifyChannel
) -> None:
    base = payload(financial_status="paid")
    mugs, voucher = base["line_items"][0], base["line_items"][1] | {"requires_shipping": False}
    order = await bought(world, financial_status="paid", line_items=[mugs, voucher])
    assert order.totals.total < euros("48.55"), "nobody sends the voucher"
    answer = await channel.cancel(cancel_of(order), order)
    assert answer.refunded == order.totals.total
    waiting = order.model_copy(update={"payment": PaymentStatus.PENDING})
    assert (await channel.cancel(cancel_of(order), waiting)).refunded is None
    taken = cancel_of(order).model_copy(update={"captured": euros("48.55")})
    assert (await channel.cancel(taken, order)).refunded == euros("48.55")


async def test_an_order_that_the_shop_cancelled_itself_is_cancelled(
    world: World, channel: ShopifyChannel
) -> None:
    order = await bought(world)
    await channel.cancel(cancel_of(order), order)
    again = CancelRequest(
        order_id=order.order_id, key=f"{order.order_id}/cancel/2", channel="demo", reason="other"
    )
    assert (await channel.cancel(again, order)).refunded is None
    assert len(await world.journal(order.channel_order_id, "cancelled")) == 1


async def test_a_cancellation_whose_answer_was_lost_refunds_once(
    world: World, channel: ShopifyChannel
) -> None:
    order = await bought(world, financial_status="paid")
    await world.fault("shopify", "orderCancel", "lost", match=order.channel_order_id)
    with pytest.raises(Unavailable) as caught:
        await channel.cancel(cancel_of(order), order)
    assert caught.value.fate_unknown
    assert (await channel.cancel(cancel_of(order), order)).refunded == euros("48.55")
    assert len(await world.journal(order.channel_order_id, "refunded")) == 1


async def test_a_shipped_order_is_not_cancelled(world: World, channel: ShopifyChannel) -> None:
    order = await bought(world)
    await channel.tell_shipped(notice_of(order, 3, 2), order)
    with pytest.raises(Refused) as caught:
        await channel.cancel(cancel_of(order), order)
    assert caught.value.code == "invalid"
    assert await world.journal(order.channel_order_id, "cancelled") == []
    assert await world.journal(order.channel_order_id, "voided") == []


# Refunded


async def test_returned_pieces_are_refunded_one_by_one_and_sum_to_their_lines(
    world: World, channel: ShopifyChannel
) -> None:
    order = await bought(world, financial_status="paid")
    first = await channel.refund(refund_of(order, "r1", 1, 0), order)
    second = await channel.refund(refund_of(order, "r2", 2, 1), order)
    third = await channel.refund(refund_of(order, "r3", 0, 1), order)
    # Mugs: 30.00 - 2.00 + 5.00; bowls: 9.00 + 1.65; the shipping stays paid.
    assert first.amount == euros("11.00")
    assert second.amount == euros("22.00") + euros("5.33")
    assert third.amount == euros("5.32")
    assert await channel.refund(refund_of(order, "r1", 1, 0), order) == first
    entries = await world.journal(order.channel_order_id, "refunded")
    assert [entry["data"]["amount"] for entry in entries] == ["11.00", "27.33", "5.32"]
    assert [entry["key"] for entry in entries] == [
        f"{order.order_id}/{name}/refund/1" for name in ("r1", "r2", "r3")
    ]
    restocks = {line["restock_type"] for entry in entries for line in entry["data"]["lines"]}
    assert restocks == {"NO_RESTOCK"}


async def as_told(world: World, order: Order) -> Order:
    """The order as the shop's next webhook tells it."""
    own_id, before = order.channel_order_id, len(world.receiver.of(order.channel_order_id))
    asked = {"order": int(own_id), "topic": "orders/updated"}
    await world.tell("shopify/webhooks", asked)
    await until(lambda: len(world.receiver.of(own_id)) > before)
    return to_order("demo", json.loads(world.receiver.of(own_id)[-1].body))


async def test_what_we_refund_is_no_edit_of_the_shops(
    world: World, channel: ShopifyChannel
) -> None:
    order = await bought(world, financial_status="paid")
    mugs, bowls = (line.line_id for line in order.lines)
    assert tuple(edits(order, await as_told(world, order), {})) == ()
    await channel.refund(refund_of(order, "r1", 1, 1), order)
    told = await as_told(world, order)
    assert [line.quantity for line in told.lines] == [2, 1]
    assert told.totals.total == euros("48.55") - euros("16.33")
    assert tuple(edits(order, told, {mugs: 1, bowls: 1})) == ()
    assert tuple(edits(order, told, {mugs: 1})) == ("lines", "totals")
    await channel.refund(rest_of(order, 2, 1), order)
    told = await as_told(world, order)
    assert told.lines == ()
    assert tuple(edits(order, told, {mugs: 3, bowls: 2})) == ()


async def test_what_the_shop_takes_out_besides_is_its_edit(
    world: World, channel: ShopifyChannel
) -> None:
    order = await bought(world, financial_status="paid")
    mugs, bowls = (line.line_id for line in order.lines)
    await channel.refund(refund_of(order, "r1", 1, 0), order)
    told = await as_told(world, order)
    assert tuple(edits(order, told, {mugs: 1})) == ()
    await channel.refund(refund_of(order, "by-hand", 0, 1), order)
    told = await as_told(world, order)
    assert tuple(edits(order, told, {mugs: 1})) == ("lines", "totals")
    assert tuple(edits(order, told, {mugs: 1, bowls: 1})) == ()


async def test_a_refund_whose_answer_was_lost_is_found_and_not_repeated(
    world: World, channel: ShopifyChannel
) -> None:
    order = await bought(world, financial_status="paid")
    await world.fault("shopify", "refundCreate", "lost", match=order.channel_order_id)
    with pytest.raises(Unavailable) as caught:
        await channel.refund(refund_of(order, "r1", 1, 1), order)
    assert caught.value.fate_unknown
    refunded = await channel.refund(refund_of(order, "r1", 1, 1), order)
    assert refunded.amount == euros("16.33")
    assert len(await world.journal(order.channel_order_id, "refunded")) == 1


async def test_after_capture_the_refund_goes_against_the_capture(
    world: World, channel: ShopifyChannel
) -> None:
    order = await bought(world)
    captured = await channel.capture(capture_of(order), order)
    assert not isinstance(captured, CaptureDeclined)
    await channel.refund(refund_of(order, "r1", 3, 2), order)
    entries = await world.journal(order.channel_order_id, "refunded")
    assert entries[0]["data"]["amount"] == "43.65"
    parents = [share["parent_id"] for share in entries[0]["data"]["transactions"]]
    assert [f"gid://shopify/OrderTransaction/{parent}" for parent in parents] == [captured.ref]


@pytest.mark.parametrize(
    ("quantities", "code"), [((4, 0), "more_than_left"), ((0, 1), "more_than_captured")]
)
async def test_what_was_not_bought_or_not_paid_is_not_refunded(
    world: World, channel: ShopifyChannel, quantities: tuple[int, int], code: str
) -> None:
    order = await bought(world)  # authorised, nothing captured
    with pytest.raises(Refused) as caught:
        await channel.refund(refund_of(order, "r1", *quantities), order)
    assert caught.value.code == code
    assert await world.journal(order.channel_order_id, "refunded") == []


async def test_a_customer_who_paid_in_another_currency_is_refunded_in_it(
    world: World, channel: ShopifyChannel
) -> None:
    def bag(shop: str, shown: str) -> dict[str, Any]:
        return {
            "shop_money": {"amount": shop, "currency_code": "EUR"},
            "presentment_money": {"amount": shown, "currency_code": "USD"},
        }

    order = await bought(
        world,
        presentment_currency="USD",
        total_price_set=bag("48.55", "97.10"),
    )
    assert order.presentment_total == Money.parse("97.10", "USD")
    captured = await channel.capture(capture_of(order), order)
    assert not isinstance(captured, CaptureDeclined)
    assert captured.amount == euros("48.55")
    refunded = await channel.refund(refund_of(order, "r1", 1, 0), order)
    assert refunded.amount == euros("11.00")
    entry = (await world.journal(order.channel_order_id, "refunded"))[0]["data"]
    assert (entry["amount"], entry["currency"]) == ("22.00", "USD")


# When Shopify will not


async def test_throttling_is_waited_out_and_the_deed_is_done_once(
    world: World, channel: ShopifyChannel
) -> None:
    order = await bought(world)
    await world.fault(
        "shopify", "orderCapture", "throttle", match=order.channel_order_id, seconds=1
    )
    assert not isinstance(await channel.capture(capture_of(order), order), CaptureDeclined)
    assert len(await world.journal(order.channel_order_id, "captured")) == 1


async def test_an_empty_bucket_gives_the_time_until_it_holds_the_call(
    world: World, channel: ShopifyChannel
) -> None:
    order = await bought(world)
    await world.tell("settings", {"shop_bucket_points": 1, "shop_restore_points": 100})
    try:
        with pytest.raises(Unavailable) as caught:
            await channel.capture(capture_of(order), order)
    finally:
        await world.tell("settings", {"shop_bucket_points": 20_000, "shop_restore_points": 20_000})
    assert caught.value.code == "throttled"
    assert caught.value.retry_after_s is not None
    assert 1 < caught.value.retry_after_s < 10


@pytest.mark.parametrize("operation", ["order", "orderCapture"])
async def test_a_shop_that_is_down_is_tried_again_later(
    world: World, channel: ShopifyChannel, operation: str
) -> None:
    order = await bought(world)
    await world.fault("shopify", operation, "down", match=order.channel_order_id)
    with pytest.raises(Unavailable) as caught:
        await channel.capture(capture_of(order), order)
    assert caught.value.fate_unknown == (operation == "orderCapture")
    captured = await channel.capture(capture_of(order), order)
    assert not isinstance(captured, CaptureDeclined)
    assert len(await world.journal(order.channel_order_id, "captured")) == 1


@pytest.mark.parametrize(
    ("operation", "deed"),
    [("fulfillmentCreate", "tell"), ("refundCreate", "refund"), ("orderCancel", "cancel")],
)
async def test_what_shopify_refuses_is_refused_by_a_short_code(
    world: World, channel: ShopifyChannel, operation: str, deed: str
) -> None:
    order = await bought(world, financial_status="paid")
    await world.fault("shopify", operation, "refuse", message="No, Erika Mustermann")
    deeds: dict[str, Callable[[], Awaitable[object]]] = {
        "tell": lambda: channel.tell_shipped(notice_of(order, 1, 0), order),
        "refund": lambda: channel.refund(refund_of(order, "r1", 1, 0), order),
        "cancel": lambda: channel.cancel(cancel_of(order), order),
    }
    with pytest.raises(Refused) as caught:
        await deeds[deed]()
    assert caught.value.code == "refused"
    assert "Erika" not in str(caught.value)
    assert "Erika" in caught.value.detail


async def test_an_order_the_shop_does_not_have_and_a_wrong_token_are_refused(
    world: World, simulators_url: str, channel: ShopifyChannel, effects: Effects
) -> None:
    order = to_order("demo", payload())
    with pytest.raises(Refused) as caught:
        await channel.capture(capture_of(order), order)
    assert caught.value.code == "order_not_found"
    known = await bought(world)
    http = shopify_http(simulators_url, "shpat_wrong", call_s=CALL_S)
    try:
        with pytest.raises(Refused) as caught:
            await ShopifyChannel(http, effects, "demo").capture(capture_of(known), known)
    finally:
        await http.aclose()
    assert caught.value.code == "http_401"


async def test_a_missing_permission_is_refused_by_its_code(
    world: World, channel: ShopifyChannel
) -> None:
    order = await bought(world)
    await world.fault("shopify", "order", "refuse", match=order.channel_order_id)
    with pytest.raises(Refused) as caught:
        await channel.fetch(order.channel_order_id)
    assert caught.value.code == "access_denied"


# Fetched


async def test_a_fetched_order_is_the_order_of_the_webhook_without_its_weights(
    world: World, channel: ShopifyChannel
) -> None:
    order = await bought(world)
    fetched = await channel.fetch(order.channel_order_id)
    assert fetched is not None
    lines = tuple(line.model_copy(update={"weight_g": 0}) for line in order.lines)
    expected = order.model_copy(
        update={
            "lines": lines,
            "presentment_total": euros("48.55"),
            "channel_updated_at": fetched.channel_updated_at,
        }
    )
    assert fetched == expected
    assert fetched.totals.expected() == fetched.totals.total


async def test_a_fetched_order_shows_what_has_happened_since(
    world: World, channel: ShopifyChannel
) -> None:
    order = await bought(world)
    await channel.capture(capture_of(order), order)
    paid = await channel.fetch(order.channel_order_id)
    assert paid is not None
    assert paid.payment is PaymentStatus.PAID
    await channel.cancel(cancel_of(order), order)
    cancelled = await channel.fetch(order.channel_order_id)
    assert cancelled is not None
    assert (cancelled.cancelled, cancelled.cancel_reason) == (True, "customer")


async def test_an_order_the_shop_never_had_is_none(channel: ShopifyChannel) -> None:
    assert await channel.fetch("1") is None
    assert await channel.fetch("no-number") is None


async def sent(world: World, order: Order) -> list[dict[str, int]]:
    """What Shopify holds as sent, one entry a fulfilment."""
    names = {int(line.line_id): line.sku for line in order.lines}
    return [
        {names[line["line_item_id"]]: line["quantity"] for line in entry["data"]["lines"]}
        for entry in await world.journal(order.channel_order_id, "fulfilled")
    ]


async def test_each_part_of_a_split_order_is_told_once_with_its_own_pieces(
    channel: ShopifyChannel, world: World
) -> None:
    """Also where an answer is lost between the two, and where both tell of the same line."""
    order = await bought(world)
    await world.fault("shopify", "fulfillmentCreate", "lost", match=order.channel_order_id)
    first, second = notice_of(order, 1, 2, parcel=1), notice_of(order, 2, 0, parcel=2)
    with pytest.raises(Unavailable):
        await channel.tell_shipped(first, order)
    told = await channel.tell_shipped(second, order)
    assert (await channel.tell_shipped(second, order)) == told
    assert (await channel.tell_shipped(first, order)) != told
    assert await sent(world, order) == [{"MUG": 1, "BOWL": 2}, {"MUG": 2}]


async def test_both_parts_may_be_told_at_the_same_time(
    channel: ShopifyChannel, world: World
) -> None:
    order = await bought(world)
    notices = [notice_of(order, 1, 1, parcel=1), notice_of(order, 2, 1, parcel=2)]
    told = await asyncio.gather(*(channel.tell_shipped(one, order) for one in notices))
    assert len({one.ref for one in told}) == 2
    pieces = await sent(world, order)
    assert sorted(one["MUG"] for one in pieces) == [1, 2]
    assert [one["BOWL"] for one in pieces] == [1, 1]


async def test_lines_that_shopify_sends_from_two_places_are_two_fulfilments(
    channel: ShopifyChannel, world: World
) -> None:
    order = await bought(world, locations=(1, 2))
    with pytest.raises(Refused, match="at_several_locations"):
        await channel.tell_shipped(notice_of(order, 3, 2), order)
    assert await sent(world, order) == []
    await channel.tell_shipped(notice_of(order, 3, 0, parcel=2), order)
    await channel.tell_shipped(notice_of(order, 0, 2, parcel=3), order)
    assert await sent(world, order) == [{"MUG": 3}, {"BOWL": 2}]


async def test_what_is_not_sent_any_more_is_cancelled_where_shopify_would_have_sent_it_from(
    channel: ShopifyChannel, world: World
) -> None:
    order = await bought(world, locations=(1, 2), financial_status="paid")
    await channel.tell_shipped(notice_of(order, 2, 0), order)
    await world.fault("shopify", "refundCreate", "lost", match=order.channel_order_id)
    with pytest.raises(Unavailable):
        await channel.refund(rest_of(order, 1, 2), order)
    refunded = await channel.refund(rest_of(order, 1, 2), order)
    assert refunded.amount == euros("21.65")  # a third of 33.00, and 10.65
    (entry,) = await world.journal(order.channel_order_id, "refunded")
    mug, bowl = (int(line.line_id) for line in order.lines)
    assert entry["data"]["lines"] == [
        cancelled_line(mug, 1, 346_779_380),
        cancelled_line(bowl, 2, 346_779_381),
    ]
    told = await channel.tell_shipped(notice_of(order, 1, 0, parcel=2), order)
    assert told.already
    answer = await world.control.get("/control/state")
    (held,) = (
        one for one in answer.json()["shopify"]["orders"] if one["id"] == order.channel_order_id
    )
    assert held["fulfillment_status"] == "FULFILLED"


def cancelled_line(line: int, quantity: int, location: int) -> dict[str, object]:
    return {
        "line_item_id": line,
        "quantity": quantity,
        "restock_type": "CANCEL",
        "location_id": location,
    }


async def test_a_part_that_left_can_be_told_after_the_rest_of_its_line_was_cancelled(
    channel: ShopifyChannel, world: World
) -> None:
    order = await bought(world, financial_status="paid")
    await channel.refund(rest_of(order, 2, 2), order)
    await channel.tell_shipped(notice_of(order, 1, 0), order)
    assert await sent(world, order) == [{"MUG": 1}]


async def test_what_staff_have_sent_in_spite_of_a_cancel_is_refunded_all_the_same(
    channel: ShopifyChannel, world: World
) -> None:
    order = await bought(world, financial_status="paid")
    await channel.tell_shipped(notice_of(order, 2, 2), order)
    await channel.refund(rest_of(order, 3, 0), order)
    (entry,) = await world.journal(order.channel_order_id, "refunded")
    mug = int(order.lines[0].line_id)
    assert entry["data"]["lines"] == [
        cancelled_line(mug, 1, 346_779_380),
        {**cancelled_line(mug, 2, 0), "restock_type": "NO_RESTOCK", "location_id": None},
    ]


async def test_what_staff_refunded_by_hand_is_not_refunded_again(
    channel: ShopifyChannel, world: World
) -> None:
    """Two of the mugs: of a return of two, one is left to refund; then none."""
    order = await bought(world, financial_status="paid")
    await by_hand(world, order, "22.00", mugs(order, 2))
    refunded = await channel.refund(refund_of(order, "r1", 2, 0), order)
    assert (refunded.amount, refunded.already) == (euros("11.00"), 1)
    nothing = await channel.refund(refund_of(order, "r2", 2, 0), order)
    assert (nothing.amount, nothing.already) == (euros("0.00"), 2)
    assert len(await world.journal(order.channel_order_id, "refunded")) == 2


async def in_shop(world: World, order: Order) -> dict[str, Any]:
    answer = await graphql(world.control, ORDER, id=f"gid://shopify/Order/{order.channel_order_id}")
    return dict(answer["data"]["order"])


def mugs(order: Order, quantity: int, restock: str = "NO_RESTOCK") -> dict[str, Any]:
    return {
        "lineItemId": f"gid://shopify/LineItem/{order.lines[0].line_id}",
        "quantity": quantity,
        "restockType": restock,
        "locationId": "gid://shopify/Location/346779380",
    }


async def by_hand(
    world: World, order: Order, amount: str, *lines: dict[str, Any], note: str | None = None
) -> None:
    """What the shop's staff do in Shopify's admin; with a restock type `CANCEL` it never left."""
    shop = await in_shop(world, order)
    paid = next(one for one in shop["transactions"] if one["kind"] == "SALE")
    share = {
        "orderId": shop["id"],
        "parentId": paid["id"],
        "amount": amount,
        "gateway": "bogus",
        "kind": "REFUND",
    }
    asked = {
        "orderId": shop["id"],
        "note": note,
        "transactions": [share],
        "refundLineItems": list(lines),
    }
    answer = await graphql(world.control, REFUND, input=asked, key=f"staff-{next(_IDS)}")
    assert answer["data"]["refundCreate"]["userErrors"] == []


async def refunded_pieces(world: World, order: Order) -> list[int]:
    return [
        sum(line["quantity"] for line in entry["data"]["lines"])
        for entry in await world.journal(order.channel_order_id, "refunded")
    ]


async def test_a_piece_that_staff_cancelled_and_refunded_is_not_refunded_as_the_rest(
    channel: ShopifyChannel, world: World
) -> None:
    """Though as many pieces of its line are left to refund: they have been sent."""
    order = await bought(world, financial_status="paid")
    await channel.tell_shipped(notice_of(order, 2, 2), order)
    await by_hand(world, order, "11.00", mugs(order, 1, "CANCEL"))
    nothing = await channel.refund(rest_of(order, 1, 0), order)
    assert (nothing.amount, nothing.already) == (euros("0.00"), 1)
    assert await refunded_pieces(world, order) == [1]


async def test_of_the_rest_only_what_staff_left_is_refunded(
    channel: ShopifyChannel, world: World
) -> None:
    order = await bought(world, financial_status="paid")
    await channel.tell_shipped(notice_of(order, 1, 2), order)
    await by_hand(world, order, "11.00", mugs(order, 1, "CANCEL"))
    refunded = await channel.refund(rest_of(order, 2, 0), order)
    assert (refunded.amount, refunded.already) == (euros("11.00"), 1)
    assert await refunded_pieces(world, order) == [1, 1]


async def test_what_staff_refunded_of_the_pieces_that_were_sent_is_not_of_the_rest(
    channel: ShopifyChannel, world: World
) -> None:
    order = await bought(world, financial_status="paid")
    await channel.tell_shipped(notice_of(order, 2, 2), order)
    await by_hand(world, order, "5.00", mugs(order, 1), note="broken, kept")
    refunded = await channel.refund(rest_of(order, 1, 0), order)
    assert (refunded.amount, refunded.already) == (euros("11.00"), 0)
    assert await refunded_pieces(world, order) == [1, 1]


async def test_a_return_that_staff_refunded_under_its_name_is_not_refunded_again(
    channel: ShopifyChannel, world: World
) -> None:
    order = await bought(world, financial_status="paid")
    asked = refund_of(order, "r1", 1, 0)
    await by_hand(world, order, "11.00", mugs(order, 1), note=f"{asked.return_id}: paid by phone")
    nothing = await channel.refund(asked, order)
    assert (nothing.amount, nothing.already) == (euros("0.00"), 1)
    for name in ("r11", "r2"):
        refunded = await channel.refund(refund_of(order, name, 1, 0), order)
        assert (refunded.amount, refunded.already) == (euros("11.00"), 0)
    assert await refunded_pieces(world, order) == [1, 1, 1]


async def test_a_refund_by_hand_without_a_name_may_be_for_goods_that_are_kept(
    channel: ShopifyChannel, world: World
) -> None:
    order = await bought(world, financial_status="paid")
    await by_hand(world, order, "11.00", mugs(order, 1), note="broken, kept")
    refunded = await channel.refund(refund_of(order, "r1", 1, 0), order)
    assert (refunded.amount, refunded.already) == (euros("11.00"), 0)


async def test_our_refund_of_the_rest_is_not_taken_for_one_by_hand(
    channel: ShopifyChannel, world: World
) -> None:
    order = await bought(world, financial_status="paid")
    await channel.refund(rest_of(order, 1, 0), order)
    again = rest_of(order, 1, 0).model_copy(update={"key": f"{order.order_id}/refund-rest/2"})
    refunded = await channel.refund(again, order)
    assert (refunded.amount, refunded.already) == (euros("11.00"), 0)


async def test_a_refund_found_again_says_what_staff_had_refunded(
    channel: ShopifyChannel, world: World
) -> None:
    order = await bought(world, financial_status="paid")
    await by_hand(world, order, "11.00", mugs(order, 1, "CANCEL"))
    await world.fault("shopify", "refundCreate", "lost", match=order.channel_order_id)
    with pytest.raises(Unavailable):
        await channel.refund(rest_of(order, 2, 0), order)
    refunded = await channel.refund(rest_of(order, 2, 0), order)
    assert (refunded.amount, refunded.already) == (euros("11.00"), 1)
    assert await refunded_pieces(world, order) == [1, 1]


async def test_a_refund_of_more_lines_than_a_page_is_found_whole(
    channel: ShopifyChannel, world: World
) -> None:
    base = payload()
    mug = base["line_items"][0] | {"quantity": 1, "current_quantity": 1}
    lines = [mug | {"id": mug["id"] + n * 10**14} for n in range(7)]
    order = await bought(
        world, line_items=lines, financial_status="paid", total_price="109.90", total_tax="35.00"
    )
    await world.fault("shopify", "refundCreate", "lost", match=order.channel_order_id)
    with pytest.raises(Unavailable):
        await channel.refund(refund_of(order, "r1", *[1] * 7), order)
    refunded = await channel.refund(refund_of(order, "r1", *[1] * 7), order)
    assert refunded.already == 0
    assert await refunded_pieces(world, order) == [7]
