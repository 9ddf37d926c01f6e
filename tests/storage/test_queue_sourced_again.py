"""What the queue cannot give at once is sourced exactly, right after goods or room came."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from activities.inventory import reserve_where_best
from config.wiring import Wiring
from domain.ids import OrderId
from domain.sourcing.source import source
from domain.stock import (
    Changed,
    ReservationRef,
    Reserved,
    ReserveRequest,
    Short,
    ShortPick,
    ShortPickRequest,
    ShortReason,
    cart_reservation,
)
from starter.resourcing import source_again
from storage.catalogue import Catalogue, CatalogueSku
from storage.engine import create_engine
from storage.sourcing_batch import SourcingBatch
from storage.supply_promises import Promises
from tests.storage.sourcingroom import BERLIN, LYON, WIEN, Room, long_ago, wanted, where
from tests.storage.stockroom import assigned, waiting

PARTLY = LYON.model_copy(update={"hazmat": False})
SMALL = BERLIN.model_copy(update={"capacity_per_day": 1})


@pytest.fixture
async def room(database_url: str) -> AsyncIterator[Room]:
    """Berlin and Lyon."""
    engine = create_engine(database_url, 10)
    made = Room(engine)
    await made.furnish(BERLIN, LYON)
    yield made
    await engine.dispose()


async def short(room: Room, order: str, *lines: tuple[str, int]) -> ReserveRequest:
    """Waits; and nothing but goods or room that come from now on is a reason to look again."""
    request = wanted(order, *lines)
    _, answer = await room.once(request)
    assert isinstance(answer, Short)
    await long_ago(room)
    assert await outdated(room) == []
    return request


async def outdated(room: Room) -> list[str]:
    found = await SourcingBatch(room.engine).outdated(None, 10)
    return [one.request.order_id for one in found]


async def swept(room: Room) -> int:
    batch = SourcingBatch(room.engine)
    sources = SimpleNamespace(sourcing=room.sourcing, sourcing_batch=batch)
    return await source_again(cast("Wiring", sources))


async def worth(room: Room, order: str, *lines: tuple[str, int]) -> None:
    """The order's lines, each with what was paid for its unit."""
    await room.run(
        "INSERT INTO orders (order_id, channel, channel_order_id, number, placed_at, currency, "
        "totals, payment, document, track_token) VALUES (:order, 'demo', :order, :order, now(), "
        "'EUR', '{}', 'paid', '{}', :order)",
        order=order,
    )
    for number, (sku, minor) in enumerate(lines, 1):
        await room.run(
            "INSERT INTO order_lines (order_id, line_no, line_id, sku, title, quantity, "
            "unit_price_minor, discount_minor, tax_minor, currency, exponent) "
            "VALUES (:order, :number, :line, :sku, '', 1, :minor, 0, 0, 'EUR', 2)",
            order=order,
            number=number,
            line=f"l{number}",
            sku=sku,
            minor=minor,
        )


async def test_goods_for_a_split_whose_parts_are_worth_it_are_given(room: Room) -> None:
    await room.activate(part_value_min_minor=2000)
    await worth(room, "demo-1", ("CUP", 3000), ("POT", 3000))
    await room.receive("berlin", CUP=1)
    await short(room, "demo-1", ("CUP", 1), ("POT", 1))
    await room.receive("lyon", POT=1)
    assert await waiting(room.engine) == ["demo-1"]
    assert await swept(room) == 1
    assert await assigned(room.engine) == {"demo-1": {"berlin": {"CUP": 1}, "lyon": {"POT": 1}}}
    assert await waiting(room.engine) == []


async def test_goods_sweeps_and_cancellations_race_and_nobody_is_left_or_stuck(room: Room) -> None:
    await room.activate(part_value_min_minor=2000)
    for number in range(24):
        await worth(room, f"demo-{number}", ("CUP", 3000), ("POT", 3000))
        await room.once(wanted(f"demo-{number}", ("CUP", 1), ("POT", 1)))
    await long_ago(room)

    async def cancel(number: int) -> None:
        order = f"demo-{number}"
        await room.stock.release(ReservationRef(order_id=OrderId(order), key=f"{order}/reserve/1"))

    async with asyncio.timeout(200):
        await asyncio.gather(
            *(room.receive("berlin", CUP=1) for _ in range(16)),
            *(room.receive("lyon", POT=1) for _ in range(16)),
            *(cancel(number) for number in range(0, 24, 3)),
            *(swept(room) for _ in range(4)),
        )
        while await outdated(room):
            await swept(room)
    assert await waiting(room.engine) == []
    held = {(one.sku, one.location): one.reserved for one in await room.stock.levels()}
    assert (held["CUP", "berlin"], held["POT", "lyon"]) == (16, 16)
    assert await room.stock.drift() == ()


async def test_goods_for_a_split_that_only_a_search_finds_are_given(room: Room) -> None:
    """Each place gives one of the cups by themselves and one of a set: greed fails."""
    kits = [CatalogueSku(sku=sku, title=sku) for sku in ("LID", "MAT", "CUP+LID", "CUP+MAT")]
    await Catalogue(room.engine).put_skus(kits)
    await room.run(
        "INSERT INTO bundle_components (bundle, component, quantity) VALUES "
        "('CUP+LID', 'CUP', 1), ('CUP+LID', 'LID', 1), ('CUP+MAT', 'CUP', 1), ('CUP+MAT', 'MAT', 1)"
    )
    await room.receive("berlin", CUP=2, LID=1)
    await room.receive("lyon", MAT=1)
    await short(room, "demo-1", ("CUP", 2), ("CUP+LID", 1), ("CUP+MAT", 1))
    await room.receive("lyon", CUP=2)
    assert await assigned(room.engine) == {}
    assert await swept(room) == 1
    assert await assigned(room.engine) == {
        "demo-1": {"berlin": {"CUP": 2, "LID": 1}, "lyon": {"CUP": 2, "MAT": 1}}
    }


async def test_goods_where_only_some_lines_may_leave_from_are_given(room: Room) -> None:
    await Catalogue(room.engine).put_locations([PARTLY])
    await room.receive("berlin", GAS=1)
    await short(room, "demo-1", ("GAS", 1), ("CUP", 1))
    await room.receive("lyon", CUP=1)
    assert await swept(room) == 1
    assert await assigned(room.engine) == {"demo-1": {"berlin": {"GAS": 1}, "lyon": {"CUP": 1}}}


async def test_stock_that_is_given_back_is_looked_at_as_goods_are(room: Room) -> None:
    await room.activate(part_value_min_minor=2000)
    await worth(room, "demo-1", ("CUP", 3000), ("POT", 3000))
    await room.receive("berlin", CUP=1)
    await room.receive("lyon", POT=1)
    await room.once(wanted("demo-2", ("POT", 1)))
    await short(room, "demo-1", ("CUP", 1), ("POT", 1))
    await room.stock.release(ReservationRef(order_id=OrderId("demo-2"), key="demo-2/reserve/1"))
    assert await swept(room) == 1


async def test_who_is_sourced_again_in_vain_is_left_alone_until_more_comes(room: Room) -> None:
    await room.activate(part_value_min_minor=2000)
    await worth(room, "demo-1", ("CUP", 3000), ("POT", 100))
    await room.receive("berlin", CUP=1)
    await short(room, "demo-1", ("CUP", 1), ("POT", 1))
    await room.receive("lyon", POT=1)
    assert await outdated(room) == ["demo-1"]
    assert await swept(room) == 0
    assert await outdated(room) == []
    assert await waiting(room.engine) == ["demo-1"]
    await room.receive("lyon", POT=1)
    assert await outdated(room) == ["demo-1"]


async def test_goods_that_cannot_be_enough_trouble_nobody(room: Room) -> None:
    await short(room, "demo-1", ("CUP", 2), ("POT", 1))
    await room.receive("lyon", CUP=9)
    await room.receive("berlin", GAS=9)
    assert await outdated(room) == []


async def test_goods_that_were_all_given_trouble_nobody(room: Room) -> None:
    await room.activate(part_value_min_minor=2000)
    await worth(room, "demo-1", ("CUP", 100), ("POT", 100))
    await short(room, "demo-1", ("CUP", 1), ("POT", 1))
    await room.receive("lyon", CUP=1)
    await short(room, "demo-2", ("POT", 1))
    await room.receive("berlin", POT=1)
    assert await assigned(room.engine) == {"demo-2": {"berlin": {"POT": 1}}}
    assert await outdated(room) == []


async def test_goods_where_an_order_may_not_leave_from_trouble_it_not(room: Room) -> None:
    await Catalogue(room.engine).put_locations([LYON.model_copy(update={"serves": ("FR",)})])
    await short(room, "demo-1", ("CUP", 1))
    await room.receive("lyon", CUP=9)
    assert await outdated(room) == []


async def test_an_order_that_is_never_split_has_the_queue_alone(room: Room) -> None:
    await room.activate(ship_complete=True)
    await room.receive("berlin", CUP=1)
    await short(room, "demo-1", ("CUP", 2))
    await room.receive("lyon", CUP=1)
    assert await outdated(room) == []


async def test_goods_that_come_while_an_order_is_sourced_again_are_not_overlooked(
    room: Room,
) -> None:
    """They come where only some lines may leave from, which the queue never gives whole orders."""
    await Catalogue(room.engine).put_locations([PARTLY])
    await room.receive("berlin", GAS=1)
    request = await short(room, "demo-1", ("GAS", 1), ("CUP", 1))
    case = await room.sourcing.case(request)
    await room.receive("lyon", CUP=1)
    assert await room.sourcing.reserve(request, case, source(case)) == Changed()
    assert await outdated(room) == ["demo-1"]


async def test_room_that_is_given_back_the_same_day_goes_to_who_waited_for_it(room: Room) -> None:
    await Catalogue(room.engine).put_locations([SMALL])
    await room.receive("berlin", CUP=1, POT=2)
    await room.once(wanted("demo-1", ("CUP", 1)))
    await short(room, "demo-2", ("POT", 1))
    await short(room, "demo-3", ("POT", 1))
    assert await swept(room) == 0
    await room.stock.release(ReservationRef(order_id=OrderId("demo-1"), key="demo-1/reserve/1"))
    assert await outdated(room) == ["demo-2", "demo-3"]
    assert await swept(room) == 1
    assert await assigned(room.engine) == {"demo-2": {"berlin": {"POT": 1}}}
    assert await waiting(room.engine) == ["demo-3"]
    assert await outdated(room) == []


async def test_room_is_no_reason_to_look_again_and_again(room: Room) -> None:
    await Catalogue(room.engine).put_locations([SMALL, WIEN])
    await room.receive("berlin", CUP=1)
    await room.once(wanted("demo-1", ("CUP", 1)))
    await short(room, "demo-2", ("POT", 1))
    await room.stock.release(ReservationRef(order_id=OrderId("demo-1"), key="demo-1/reserve/1"))
    await swept(room)
    assert await waiting(room.engine) == ["demo-2"]
    assert await outdated(room) == []


@pytest.mark.parametrize("line", [("CUP", 4), ("SET", 1)])
async def test_what_an_expired_cart_holds_is_had_before_anybody_sweeps(
    room: Room, line: tuple[str, int]
) -> None:
    await room.receive("berlin", CUP=4, POT=1)
    await reserve_where_best(room.sourcing, cart("c-1", ("SET", 1), held_s=0))
    answer, _ = await reserve_where_best(room.sourcing, cart("c-2", line, held_s=600))
    assert isinstance(answer, Reserved)
    assert where(answer)["berlin"]["CUP"] == 4


def cart(name: str, *lines: tuple[str, int], held_s: float) -> ReserveRequest:
    asked = wanted("any", *lines, expires_in_s=held_s, waits=False)
    whose = cart_reservation(name)
    return asked.model_copy(update={"order_id": whose.order_id, "key": whose.key})


async def picked_short(room: Room, order: str) -> None:
    """Its goods are not there, and it is sourced again."""
    gone = ShortPick(sku="CUP", found=0, reason=ShortReason.NOT_IN_STOCK)
    part = ReservationRef(order_id=OrderId(order), key=f"{order}/reserve/1/1")
    await room.stock.short_pick(ShortPickRequest(**part.model_dump(), short=(gone,)))
    _, answer = await room.once(wanted(order, ("CUP", 1), generation=2))
    assert isinstance(answer, Short)


async def test_an_order_that_is_sourced_again_is_as_old_as_it_was(room: Room) -> None:
    await room.receive("berlin", CUP=1)
    await room.once(wanted("demo-1", ("CUP", 1)))
    await short(room, "demo-2", ("CUP", 1))
    await picked_short(room, "demo-1")
    pegged = await Promises(room.engine).queue()
    assert [one.order_id for one in pegged] == ["demo-1", "demo-2"]
    await room.receive("lyon", CUP=1)
    assert await assigned(room.engine) == {"demo-1": {"lyon": {"CUP": 1}}}
    assert await waiting(room.engine) == ["demo-2"]


async def test_pages_of_the_queue_go_by_age_and_leave_nobody_out(room: Room) -> None:
    await room.receive("berlin", CUP=1)
    await room.once(wanted("demo-1", ("CUP", 1)))
    for order in ("demo-2", "demo-3"):
        await short(room, order, ("CUP", 1))
    await picked_short(room, "demo-1")
    await room.activate(parts_max=3)
    batch = SourcingBatch(room.engine)
    found = [*await batch.outdated(None, 1)]
    while page := await batch.outdated(found[-1], 1):
        found += page
    assert [one.request.order_id for one in found] == ["demo-1", "demo-2", "demo-3"]
    assert tuple(found) == await batch.waiting(10)


@pytest.mark.parametrize("now", [{"active": False}, {"capacity_per_day": 0}])
async def test_a_location_that_is_closed_or_full_is_not_waited_at_for_what_it_may_never_ship(
    room: Room, now: dict[str, Any]
) -> None:
    await Catalogue(room.engine).put_locations([PARTLY.model_copy(update=now)])
    await short(room, "demo-1", ("GAS", 1))
    await room.receive("lyon", GAS=1)
    await Catalogue(room.engine).put_locations([PARTLY])
    assert await swept(room) == 0
    assert await waiting(room.engine) == ["demo-1"]
