"""A case is read as it stands; what is decided on it is kept with what is reserved."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date, time, timedelta

import pytest
from sqlalchemy.exc import DBAPIError

from domain.errors import Refused
from domain.ids import OrderId
from domain.promises import Calendar
from domain.sourcing.decision import Bar
from domain.sourcing.rules import RuleSet
from domain.sourcing.source import source
from domain.stock import Changed, ReservationRef, Reserved, Short, SkuQuantity, StockChange
from storage.documents import document
from storage.engine import create_engine
from tests.storage.orderbook import an_order, eur
from tests.storage.sourcingroom import ALL_DAY, BERLIN, LYON, WIEN, Room, wanted, where

YESTERDAY = """
INSERT INTO reservations (key, base, part, order_id, location, state, lines, items, created_at)
VALUES ('y/1', 'y', 1, 'y', 'berlin', 'shipped', '[]', '[1]',
        date_trunc('day', now(), 'Europe/Berlin') - interval '1 second')
"""


@pytest.fixture
async def room(database_url: str) -> AsyncIterator[Room]:
    engine = create_engine(database_url, 20)
    made = Room(engine)
    yield made
    await engine.dispose()


async def test_a_case_is_all_that_locations_skus_and_stock_say(room: Room) -> None:
    fussy = LYON.model_copy(
        update={
            "active": False, "serves": ("FR", "DE"), "hazmat": False, "parcel_weight_max_g": 5000,
            "capacity_per_day": 3, "cost_minor": 120, "cut_off": time(11, 30), "handling_days": 1,
            "weekdays": (1, 3), "holidays": (date(2026, 12, 25),),
        }
    )  # fmt: skip
    await room.furnish(BERLIN, fussy)
    await room.receive("berlin", CUP=9, POT=2)
    await room.receive("lyon", CUP=5)
    case = await room.sourcing.case(
        wanted("demo-1", ("SET", 2), ("CUP", 1), ("GAS", 1), ("FOAM", 3), excluded=("x",))
    )
    demand = {line.line_id: line for line in case.lines}
    assert demand["l1"].components == (
        SkuQuantity(sku="CUP", quantity=4),
        SkuQuantity(sku="POT", quantity=1),
    )
    assert [demand[f"l{n}"].weight_g for n in (1, 2, 3, 4)] == [2100, 300, 200, 0]
    assert [demand[f"l{n}"].hazmat for n in (1, 2, 3, 4)] == [False, False, True, False]
    berlin, lyon = case.candidates
    assert berlin.available == {"CUP": 9, "POT": 2}
    assert (berlin.postal_code, berlin.country, berlin.capacity_left) == ("10115", "DE", None)
    assert lyon.available == {"CUP": 5}
    assert (lyon.active, lyon.serves, lyon.hazmat) == (False, ("FR", "DE"), False)
    assert (lyon.parcel_weight_max_g, lyon.capacity_left, lyon.cost_minor) == (5000, 3, 120)
    assert lyon.calendar == Calendar(
        timezone="Europe/Berlin", cut_off=time(11, 30), handling_days=1, weekdays=(1, 3),
        holidays=(date(2026, 12, 25),),
    )  # fmt: skip
    assert (case.excluded, case.rules.version, case.currency) == (("x",), 1, "")


async def test_what_a_line_is_worth_and_weighs_is_what_its_order_says(room: Room) -> None:
    await room.furnish()
    order = an_order("7")
    line = order.lines[0].model_copy(
        update={"line_id": "l1", "sku": "FOAM", "quantity": 3, "unit_price": eur(1500),
                "discount": eur(1000), "weight_g": 40}
    )  # fmt: skip
    await room.run(
        "INSERT INTO orders (order_id, channel, channel_order_id, number, placed_at, currency, "
        "totals, payment, document, track_token) VALUES ('demo-7', 'demo', '7', '#7', now(), "
        "'SEK', '{}', 'paid', CAST(:document AS jsonb), 't')",
        document=document(order.model_copy(update={"lines": (line,)})),
    )
    await room.run(
        "INSERT INTO order_lines (order_id, line_no, line_id, sku, title, quantity, "
        "unit_price_minor, discount_minor, tax_minor, currency, exponent) "
        "VALUES ('demo-7', 1, 'l1', 'FOAM', '', 3, 1500, 1000, 0, 'SEK', 2)"
    )
    found = await room.sourcing.case(wanted("demo-7", ("FOAM", 2)))
    (demand,) = found.lines
    assert (demand.value_minor, demand.weight_g, found.currency) == (1500 - 333, 40, "SEK")


async def test_safety_stock_is_not_available(room: Room) -> None:
    await room.furnish(BERLIN)
    await room.receive("berlin", CUP=5)
    held = StockChange(
        key="s", sku="CUP", location="berlin", quantity=4, reason="counter", by="ann"
    )
    await room.stock.set_safety(held)
    case = await room.sourcing.case(wanted("demo-1", ("CUP", 2)))
    assert case.candidates[0].available == {"CUP": 1}


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ((), "no_lines"),
        ((("POT", 1), ("NONE", 1)), "unknown_sku"),
        ((("POT", 1), ("CUP", 0)), "bad_quantity"),
        ((("CUP", 5), ("CUP", -1)), "bad_quantity"),
        ((("POT", 1), ("CUP", 10**9)), "bad_quantity"),
        ((("CUP", 10**30),), "bad_quantity"),
    ],
)
async def test_lines_that_make_no_sense_are_refused(
    room: Room, lines: tuple[tuple[str, int], ...], code: str
) -> None:
    await room.furnish()
    with pytest.raises(Refused) as refused:
        await room.sourcing.case(wanted("demo-1", *lines))
    assert refused.value.code == code


async def test_the_decision_is_kept_with_the_reservation(room: Room) -> None:
    await room.furnish()
    await room.receive("berlin", CUP=5)
    await room.receive("lyon", CUP=50)
    decision, answer = await room.once(wanted("demo-1", ("CUP", 2)))
    assert where(answer) == {"berlin": {"CUP": 2}}
    (kept,) = await room.sourcing.decisions(wanted("demo-1").order_id)
    assert kept.decision == decision
    assert (kept.key, kept.outcome) == ("demo-1/reserve/1", "reserved")
    assert kept.decision.sentence.startswith("Berlin ships the line: 0 km")
    (share,) = kept.reservations
    assert (share.key, share.location, share.state) == ("demo-1/reserve/1/1", "berlin", "reserved")


async def test_an_order_is_split_where_the_rules_allow_it(room: Room) -> None:
    await room.furnish()
    await room.receive("berlin", CUP=1)
    await room.receive("wien", POT=1)
    await room.activate(parts_max=1)
    _, waits = await room.once(wanted("demo-1", ("CUP", 1), ("POT", 1)))
    assert isinstance(waits, Short)
    await room.activate(parts_max=2)
    _, answer = await room.once(wanted("demo-2", ("CUP", 1), ("POT", 1)))
    assert where(answer) == {"berlin": {"CUP": 1}, "wien": {"POT": 1}}
    (kept,) = await room.sourcing.decisions(wanted("demo-2").order_id)
    assert [(share.key, share.location) for share in kept.reservations] == [
        ("demo-2/reserve/1/1", "berlin"),
        ("demo-2/reserve/1/2", "wien"),
    ]


async def test_a_repeat_answers_the_same_and_keeps_no_second_decision(room: Room) -> None:
    await room.furnish()
    await room.receive("berlin", CUP=5)
    _, first = await room.once(wanted("demo-1", ("CUP", 2)))
    await room.receive("lyon", CUP=500)
    _, again = await room.once(wanted("demo-1", ("CUP", 2)))
    assert first == again
    assert len(await room.sourcing.decisions(wanted("demo-1").order_id)) == 1


async def test_who_waits_has_a_decision_too_and_then_what_the_queue_gave(room: Room) -> None:
    await room.furnish()
    decision, answer = await room.once(wanted("demo-1", ("CUP", 2)))
    assert answer == Short(missing=(SkuQuantity(sku="CUP", quantity=2),))
    for _ in range(2):
        await room.once(wanted("demo-1", ("CUP", 2)))
    (kept,) = await room.sourcing.decisions(wanted("demo-1").order_id)
    assert (kept.outcome, kept.decision.sentence) == ("waiting", decision.sentence)
    assert kept.reservations == ()
    await room.receive("lyon", CUP=2)
    for more in (0, 5):  # a repeat is what it was, also where it would be another plan now
        if more:
            await room.receive("berlin", CUP=more)
        _, given = await room.once(wanted("demo-1", ("CUP", 2)))
        assert where(given) == {"lyon": {"CUP": 2}}
    kept, waited = await room.sourcing.decisions(wanted("demo-1").order_id)
    assert (kept.outcome, waited.outcome, waited.reservations) == ("assigned", "waiting", ())
    assert kept.decision.plan is not None
    assert [part.location for part in kept.decision.plan.parts] == ["lyon"]
    assert kept.decision.sentence.startswith("Given by the queue (received): Lyon ships the line: ")
    assert [(share.location, share.state) for share in kept.reservations] == [("lyon", "reserved")]


async def test_stock_that_went_meanwhile_changes_the_answer_and_keeps_nothing(room: Room) -> None:
    await room.furnish()
    await room.receive("berlin", CUP=2)
    request = wanted("demo-1", ("CUP", 2))
    case = await room.sourcing.case(request)
    await room.once(wanted("demo-2", ("CUP", 1)))
    assert await room.sourcing.reserve(request, case, source(case)) == Changed()
    assert await room.sourcing.decisions(request.order_id) == ()
    assert await room.rows("SELECT 1 FROM reservations WHERE order_id = 'demo-1'") == []


async def test_stock_that_came_meanwhile_lets_nobody_wait_beside_it(room: Room) -> None:
    await room.furnish()
    request = wanted("demo-1", ("CUP", 2))
    case = await room.sourcing.case(request)
    await room.receive("wien", CUP=2)
    assert await room.sourcing.reserve(request, case, source(case)) == Changed()
    assert await room.sourcing.decisions(request.order_id) == ()
    assert await room.rows("SELECT 1 FROM stock_waiting") == []
    _, answer = await room.once(request)
    assert where(answer) == {"wien": {"CUP": 2}}


async def test_goods_at_a_location_that_may_never_ship_the_order_are_not_waited_for(
    room: Room,
) -> None:
    await room.furnish(BERLIN, LYON.model_copy(update={"serves": ("FR",)}))
    decision, _ = await room.once(wanted("demo-1", ("CUP", 1), excluded=("berlin",)))
    assert {one.location: one.bar for one in decision.candidates} == {
        "berlin": Bar.EXCLUDED,
        "lyon": Bar.NOT_SERVED,
    }
    await room.once(wanted("demo-2", ("CUP", 1)))
    waiting = await room.rows("SELECT order_id, ranked FROM stock_waiting ORDER BY order_id")
    assert waiting == [("demo-1", []), ("demo-2", ["berlin"])]
    await room.receive("lyon", CUP=5)
    assert len(await room.rows("SELECT 1 FROM stock_waiting")) == 2


async def test_a_channels_priority_is_its_place_in_the_queue(room: Room) -> None:
    await room.furnish(BERLIN)
    await room.activate(priorities={"vip": 5})
    await room.once(wanted("demo-1", ("CUP", 1), channel="demo"))
    await room.once(wanted("vip-1", ("CUP", 1), channel="vip"))
    await room.receive("berlin", CUP=1)
    assert await room.rows("SELECT order_id FROM reservations") == [("vip-1",)]


async def test_a_location_takes_on_no_more_parts_than_it_can_in_a_day(room: Room) -> None:
    await room.furnish(BERLIN.model_copy(update={"capacity_per_day": 3}), WIEN)
    await room.receive("berlin", CUP=100)
    await room.receive("wien", CUP=100)

    async def order(number: int) -> str:
        request = wanted(f"demo-{number}", ("CUP", 1))
        while True:
            _, answer = await room.once(request)
            if not isinstance(answer, Changed):
                return next(iter(where(answer)))

    places = await asyncio.gather(*(order(n) for n in range(12)))
    assert (places.count("berlin"), places.count("wien")) == (3, 9)
    first = f"demo-{places.index('berlin')}"
    await room.stock.release(ReservationRef(order_id=first, key=f"{first}/reserve/1"))
    _, answer = await room.once(wanted("demo-99", ("CUP", 1)))
    assert where(answer) == {"berlin": {"CUP": 1}}


async def test_capacity_is_of_the_locations_own_day(room: Room) -> None:
    await room.furnish(BERLIN.model_copy(update={"capacity_per_day": 1, **ALL_DAY}))
    await room.receive("berlin", CUP=9)
    await room.run(YESTERDAY)
    _, answer = await room.once(wanted("demo-1", ("CUP", 1)))
    assert isinstance(answer, Reserved)
    decision, answer = await room.once(wanted("demo-2", ("CUP", 1)))
    assert isinstance(answer, Short)
    assert decision.candidates[0].bar is Bar.NO_CAPACITY


async def test_who_waited_gets_goods_that_come_even_where_the_day_is_full(room: Room) -> None:
    """By then it counts as well, so that nobody new is sent there."""
    await room.furnish(BERLIN.model_copy(update={"capacity_per_day": 1}))
    _, answer = await room.once(wanted("demo-1", ("POT", 1)))
    assert isinstance(answer, Short)
    await room.receive("berlin", CUP=9)
    _, answer = await room.once(wanted("demo-2", ("CUP", 1)))
    assert isinstance(answer, Reserved)
    await room.receive("berlin", POT=1)
    assert await room.rows("SELECT order_id FROM reservations ORDER BY created_at") == [
        ("demo-2",), ("demo-1",),
    ]  # fmt: skip
    await room.stock.release(ReservationRef(order_id="demo-2", key="demo-2/reserve/1"))
    decision, answer = await room.once(wanted("demo-3", ("CUP", 1)))
    assert isinstance(answer, Short)
    assert decision.candidates[0].bar is Bar.NO_CAPACITY


async def test_a_decision_is_for_ever(room: Room) -> None:
    await room.furnish()
    await room.once(wanted("demo-1", ("CUP", 1)))
    for statement in (
        "UPDATE sourcing_decisions SET decision = '{}'",
        "DELETE FROM sourcing_decisions",
        "TRUNCATE sourcing_decisions",
    ):
        with pytest.raises(DBAPIError, match="append-only"):
            await room.run(statement)


async def test_what_the_queue_gave_is_told_by_the_rules_of_then_and_replayed(room: Room) -> None:
    """Wien serves Germany no more, but the order was not sourced since."""
    await room.furnish(BERLIN, WIEN)
    await room.once(wanted("demo-1", ("CUP", 2), ("POT", 1)))
    version = await room.activate(parts_max=2, location_percent=0)
    await room.run("UPDATE locations SET serves = '{AT}' WHERE location = 'wien'")
    await room.receive("berlin", CUP=2)
    await room.receive("wien", POT=1)
    gift, waited = await room.sourcing.decisions(OrderId("demo-1"))
    assert (gift.decision.rules_version, waited.decision.rules_version) == (version, 1)
    assert gift.decision.plan is not None
    parts = {part.location: part for part in gift.decision.plan.parts}
    assert {place: part.items[0].sku for place, part in parts.items()} == {
        "berlin": "CUP",
        "wien": "POT",
    }
    assert (parts["wien"].distance_km or 0) > 0
    assert {share.location for share in gift.reservations} == {"berlin", "wien"}
    day = timedelta(days=1)
    cases = await room.sourcing.past(gift.at - day, gift.at + day, RuleSet())
    assert [past.decision for past in cases] == [gift.decision]
    assert gift.decision.proven
    seen = {one.location: one.available for one in cases[0].case.candidates}
    assert seen == {"berlin": {"CUP": 2}, "wien": {"POT": 1}}
