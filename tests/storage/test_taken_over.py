"""What a checkout held goes to the order that comes of it, from hand to hand."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from activities.inventory import InventoryActivities, reserve_where_best
from domain.ids import OrderId
from domain.orders import Destination
from domain.sourcing.rules import RuleSet
from domain.sourcing.source import source
from domain.stock import (
    Changed,
    Part,
    ReservationRef,
    Reserved,
    ReserveRequest,
    Short,
    cart_reservation,
)
from storage.catalogue import Catalogue
from storage.engine import create_engine
from tests.storage.sourcingroom import ALL_DAY, BERLIN, Room, wanted, where
from tests.storage.stockroom import assigned, someone_waits_for_a_lock, until, waiting
from tests.storage.test_queue_sourced_again import worth

CART = cart_reservation("c-1")
SMALL = BERLIN.model_copy(update={"capacity_per_day": 1, **ALL_DAY})


@pytest.fixture
async def room(database_url: str) -> AsyncIterator[Room]:
    engine = create_engine(database_url, 20)
    made = Room(engine)
    await made.furnish()
    await made.receive("lyon", CUP=9, POT=2)
    yield made
    await engine.dispose()


async def hold(room: Room, *lines: tuple[str, int]) -> None:
    asked = wanted("any", *lines, expires_in_s=600, waits=False)
    cart = asked.model_copy(update={"order_id": CART.order_id, "key": CART.key})
    answer, _ = await reserve_where_best(room.sourcing, cart)
    assert isinstance(answer, Reserved)


def order(*lines: tuple[str, int], number: int = 1, **more: Any) -> ReserveRequest:
    return wanted(f"demo-{number}", *lines, reservation_id="c-1", **more)


async def buy(room: Room, request: ReserveRequest) -> Reserved | Short:
    return await InventoryActivities(room.stock, room.sourcing).reserve(request)


async def reserved(room: Room, sku: str = "CUP") -> int:
    return sum(level.reserved for level in await room.stock.levels(sku=sku))


async def test_an_order_gets_what_its_cart_held_for_good_though_others_wait_for_it(
    room: Room,
) -> None:
    await hold(room, ("SET", 2), ("CUP", 1))
    assert isinstance(await buy(room, wanted("demo-9", ("CUP", 1))), Short)
    answers = await asyncio.gather(*(buy(room, order(("SET", 2), ("CUP", 1))) for _ in range(4)))
    assert [where(answer) for answer in answers] == [{"lyon": {"CUP": 9, "POT": 2}}] * 4
    assert [line.line_id for line in _parts(answers[0])[0].lines] == ["l1", "l2"]
    assert (await reserved(room), await reserved(room, "POT")) == (9, 2)
    assert await waiting(room.engine) == ["demo-9"]
    (part,) = await room.stock.held(CART)
    assert part.state == "released"
    (mine,) = await room.stock.held(
        ReservationRef(order_id=OrderId("demo-1"), key="demo-1/reserve/1")
    )
    assert (mine.state, mine.expires_at) == ("reserved", None)
    (kept,) = await room.sourcing.decisions(OrderId("demo-1"))
    assert (kept.outcome, kept.reservations[0].location) == ("reserved", "lyon")
    assert await room.stock.drift() == ()


def _parts(answer: Reserved | Short) -> tuple[Part, ...]:
    assert isinstance(answer, Reserved)
    return answer.parts


async def test_a_cart_of_other_lines_gives_back_and_the_order_is_sourced(room: Room) -> None:
    await hold(room, ("CUP", 9))
    await room.receive("berlin", CUP=1)
    assert where(await buy(room, order(("CUP", 8)))) == {"lyon": {"CUP": 8}}
    assert await reserved(room) == 8


async def test_a_cart_for_another_country_gives_back_and_the_order_is_sourced(room: Room) -> None:
    await hold(room, ("CUP", 2))
    await room.receive("wien", CUP=2)
    answer = await buy(
        room, order(("CUP", 2), destination=Destination(country="AT", postal_code="1010"))
    )
    assert where(answer) == {"wien": {"CUP": 2}}
    assert await reserved(room) == 2


async def test_the_order_s_decision_is_by_its_own_case_and_not_the_cart_s_of_then(
    room: Room,
) -> None:
    """The cart is five days old, and was for Berlin."""
    await room.receive("berlin", CUP=2)
    await hold(room, ("CUP", 2))
    await days_pass(room, 5)
    munich = Destination(country="DE", postal_code="80331")
    before = (await room.sourcing.case(order(("CUP", 2)))).now
    assert where(await buy(room, order(("CUP", 2), destination=munich))) == {"berlin": {"CUP": 2}}
    (kept,) = await room.sourcing.decisions(OrderId("demo-1"))
    assert kept.decision.plan is not None
    assert kept.decision.sentence.startswith("Held by cart c-1: Berlin ships the line: 506 km, ")
    assert kept.decision.plan.parts[0].distance_km == 506
    assert kept.decision.plan.promise.ship_on >= before.date()
    assert kept.decision.candidates[0].bar is None
    day = timedelta(days=1)
    (past,) = await room.sourcing.past(kept.at - day, kept.at + day, RuleSet())
    assert (past.order_id, past.case.destination) == ("demo-1", munich)
    assert past.case.candidates[0].available == {"CUP": 2}
    later = await room.sourcing.case(wanted("demo-1", ("CUP", 2), generation=2))
    assert later.deliver_by == kept.decision.plan.promise.deliver_on


async def days_pass(room: Room, days: int) -> None:
    """What a cart got is as old as that."""
    await room.run("ALTER TABLE reservations DISABLE TRIGGER USER")
    await room.run(
        "UPDATE reservations SET created_at = created_at - make_interval(days => :days)", days=days
    )
    await room.run("ALTER TABLE reservations ENABLE TRIGGER USER")


@pytest.mark.parametrize(
    "now", [{"active": False}, {"serves": ("AT",)}, {"hazmat": False}, {"parcel_weight_max_g": 199}]
)
async def test_a_location_that_may_ship_it_no_more_gives_back_what_it_held(
    room: Room, now: dict[str, Any]
) -> None:
    await room.receive("berlin", GAS=2)
    await hold(room, ("GAS", 2))
    await room.receive("lyon", GAS=2)
    await Catalogue(room.engine).put_locations([BERLIN.model_copy(update=now)])
    assert where(await buy(room, order(("GAS", 2)))) == {"lyon": {"GAS": 2}}
    assert (await room.stock.held(CART))[0].state == "released"
    (kept,) = await room.sourcing.decisions(OrderId("demo-1"))
    assert kept.decision.sentence.startswith("Lyon ships the line: ")
    assert await reserved(room, "GAS") == 2


async def test_a_location_that_closes_while_it_is_decided_gives_back_too(room: Room) -> None:
    await room.receive("berlin", CUP=2)
    await hold(room, ("CUP", 2))
    request = order(("CUP", 2))
    case = await room.sourcing.case(request)
    await Catalogue(room.engine).put_locations([BERLIN.model_copy(update={"active": False})])
    assert await room.sourcing.reserve(request, case, source(case)) == Changed()
    assert where(await buy(room, request)) == {"lyon": {"CUP": 2}}


@pytest.mark.parametrize(("days", "room_left"), [(0, False), (1, True), (2, True)])
async def test_what_a_cart_got_counts_on_the_day_on_which_its_order_takes_it_over(
    room: Room, days: int, *, room_left: bool
) -> None:
    await room.receive("berlin", CUP=9)
    await Catalogue(room.engine).put_locations([SMALL])
    await hold(room, ("CUP", 1))
    await days_pass(room, days)
    case = await room.sourcing.case(order(("CUP", 1)))
    assert (case.candidates[0].capacity_left == 1) is room_left
    assert where(await buy(room, order(("CUP", 1)))) == {"berlin": {"CUP": 1}}
    assert await room.rows("SELECT sourcing_taken('berlin')") == [(1,)]
    (kept,) = await room.sourcing.decisions(OrderId("demo-1"))
    assert kept.decision.proven
    assert kept.decision.sentence.startswith("Held by cart c-1: Berlin ships the line: 0 km")


async def test_a_day_that_is_full_takes_on_no_cart_of_another_day(room: Room) -> None:
    await room.receive("berlin", CUP=9)
    await Catalogue(room.engine).put_locations([SMALL])
    await hold(room, ("CUP", 1))
    await days_pass(room, 2)
    assert where(await buy(room, wanted("demo-9", ("CUP", 1)))) == {"berlin": {"CUP": 1}}
    assert where(await buy(room, order(("CUP", 1)))) == {"lyon": {"CUP": 1}}
    assert await room.rows("SELECT sourcing_taken('berlin')") == [(1,)]
    assert await reserved(room) == 2


async def test_a_cart_in_more_parts_than_the_rules_allow_by_now_gives_back(room: Room) -> None:
    await room.receive("berlin", POT=3)
    await hold(room, ("POT", 4))
    await room.activate(ship_complete=True)
    await room.receive("wien", POT=4)
    assert where(await buy(room, order(("POT", 4)))) == {"wien": {"POT": 4}}
    assert await reserved(room, "POT") == 4


@pytest.mark.parametrize(("worth_minor", "split"), [(2000, True), (1999, False)])
async def test_a_cart_without_prices_is_split_as_its_order_might_have_been(
    room: Room, worth_minor: int, *, split: bool
) -> None:
    await room.receive("berlin", POT=3)
    await room.activate(part_value_min_minor=2000)
    await hold(room, ("POT", 4))
    await room.receive("wien", POT=4)
    await worth(room, "demo-1", ("POT", worth_minor))
    got = {"berlin": {"POT": 3}, "lyon": {"POT": 1}} if split else {"wien": {"POT": 4}}
    assert where(await buy(room, order(("POT", 4)))) == got
    assert await reserved(room, "POT") == 4


async def test_a_cart_that_is_split_is_taken_over_in_its_parts(room: Room) -> None:
    await room.receive("berlin", POT=3)
    await hold(room, ("POT", 4))
    answer = await buy(room, order(("POT", 4)))
    assert where(answer) == {"berlin": {"POT": 3}, "lyon": {"POT": 1}}
    (kept,) = await room.sourcing.decisions(OrderId("demo-1"))
    assert kept.decision.sentence.startswith(
        "Held by cart c-1: Berlin ships 3 of 4 units (0 km) and Lyon ships 1 of 4 units (9"
    )
    assert kept.decision.plan is not None
    assert kept.decision.plan.cost.split_minor == 500


async def test_a_cart_is_taken_over_by_one_order_only(room: Room) -> None:
    await hold(room, ("CUP", 9))
    answers = await asyncio.gather(*(buy(room, order(("CUP", 9), number=n)) for n in range(6)))
    assert [type(answer) for answer in answers].count(Reserved) == 1
    assert await reserved(room) == 9
    assert len(await waiting(room.engine)) == 5


async def test_an_order_waits_for_another_that_is_taking_the_cart_over(room: Room) -> None:
    await hold(room, ("CUP", 9))
    async with room.engine.begin() as connection:
        await connection.execute(
            text("""
            SELECT sourcing_take_over(:cart, :key, 'demo-1', 'demo-1/reserve/1',
                CAST(:why AS jsonb))
            """),
            {
                "cart": CART.order_id,
                "key": CART.key,
                "why": '{"decision": {"rules_version": 1}, "facts": {}}',
            },
        )
        other = asyncio.create_task(buy(room, order(("CUP", 9), number=2)))
        await until(lambda: someone_waits_for_a_lock(room.engine))
    assert isinstance(await other, Short)
    assert where(await buy(room, order(("CUP", 9)))) == {"lyon": {"CUP": 9}}


async def test_a_cart_that_expired_is_an_order_like_others(room: Room) -> None:
    await hold(room, ("CUP", 9))
    await room.stock.release(CART)
    assert isinstance(await buy(room, wanted("demo-9", ("CUP", 9))), Reserved)
    assert isinstance(await buy(room, order(("CUP", 9))), Short)
    await room.stock.release(ReservationRef(order_id=OrderId("demo-9"), key="demo-9/reserve/1"))
    assert await assigned(room.engine) == {"demo-1": {"lyon": {"CUP": 9}}}


async def test_a_cart_whose_time_is_over_is_no_order_s_though_nobody_swept(room: Room) -> None:
    """Another waited for its stock, and the order's place is behind."""
    await hold(room, ("CUP", 9))
    assert isinstance(await buy(room, wanted("demo-9", ("CUP", 9))), Short)
    await room.run("UPDATE reservations SET expires_at = now() - interval '1 hour'")
    assert isinstance(await buy(room, order(("CUP", 9))), Short)
    assert await assigned(room.engine) == {"demo-9": {"lyon": {"CUP": 9}}}
    (part,) = await room.stock.held(CART)
    assert (part.state, part.expired) == ("released", True)
    assert await room.stock.drift() == ()


async def test_an_order_that_was_cancelled_before_takes_over_nothing(room: Room) -> None:
    await hold(room, ("CUP", 9))
    await room.stock.release(ReservationRef(order_id=OrderId("demo-1"), key="demo-1/reserve/1"))
    with pytest.raises(Exception, match="reservation_released"):
        await buy(room, order(("CUP", 9)))
    assert (await room.stock.held(CART))[0].state == "reserved"


async def test_carts_that_expire_while_orders_take_them_over_are_had_once(room: Room) -> None:
    async def sweep() -> None:
        for _ in range(20):
            await room.stock.expire()

    for number in range(15):
        ref = cart_reservation(f"c-{number}")
        asked = wanted("any", ("CUP", 3), expires_in_s=0, waits=False)
        cart = asked.model_copy(update={"order_id": ref.order_id, "key": ref.key})
        await reserve_where_best(room.sourcing, cart)
        request = wanted(f"demo-{number}", ("CUP", 3), reservation_id=f"c-{number}")
        answer, _ = await asyncio.gather(buy(room, request), sweep())
        assert isinstance(answer, Reserved)
        assert await reserved(room) == 3
        await room.stock.release(ReservationRef(order_id=request.order_id, key=request.key))
    assert await reserved(room) == 0
    assert await room.stock.drift() == ()
