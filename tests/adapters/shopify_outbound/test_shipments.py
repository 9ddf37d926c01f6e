"""Each share that left is told once, with exactly its pieces and numbers."""

import asyncio

import pytest

from adapters.channels.shopify.outbound import ShopifyChannel
from domain.errors import Refused, Unavailable
from domain.fulfilments import ShippedNotice
from tests.adapters.conftest import World
from tests.adapters.shopify_outbound.asking import (
    bought,
    cancelled_line,
    in_shop,
    notice_of,
    payload,
    rest_of,
    sent,
)
from tests.simulators.payloads import CLOSE, graphql


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


async def test_an_order_is_sent_when_its_last_piece_is(
    world: World, channel: ShopifyChannel
) -> None:
    order = await bought(world)
    assert not await channel.all_sent(order.channel_order_id)
    await channel.tell_shipped(notice_of(order, 2, 0), order)
    assert not await channel.all_sent(order.channel_order_id)
    await channel.tell_shipped(notice_of(order, 1, 2, parcel=2), order)
    assert await channel.all_sent(order.channel_order_id)
    for unknown in ("1", "none of theirs"):
        assert not await channel.all_sent(unknown)


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
    await world.calls_are_over()
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
    await world.calls_are_over()
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
    await world.calls_are_over()
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
    await world.calls_are_over()
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
    await world.calls_are_over()
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


async def test_a_part_that_left_can_be_told_after_the_rest_of_its_line_was_cancelled(
    channel: ShopifyChannel, world: World
) -> None:
    order = await bought(world, financial_status="paid")
    await channel.refund(rest_of(order, 2, 2), order)
    await channel.tell_shipped(notice_of(order, 1, 0), order)
    assert await sent(world, order) == [{"MUG": 1}]
