"""Stock is promised once, in turn, and only the ledger moves it."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from domain.errors import Refused, Unavailable
from domain.ids import OrderId
from domain.orders import Destination, LineRef
from domain.ports import Inventory
from domain.sourcing import Candidate
from domain.stock import (
    ReservationRef,
    Reserved,
    ReserveRequest,
    RestockRequest,
    Short,
    SkuQuantity,
    StockChange,
    StockLevel,
)
from storage.stock import PostgresInventory, StockChangeRefused

PLACES = ("berlin", "lyon")
DEADLINE_S = 20


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(database_url, pool_size=30, max_overflow=0)
    async with engine.begin() as connection:
        await connection.execute(
            text("""
            INSERT INTO locations (location, name, country, timezone, address, active)
            VALUES ('berlin', 'Berlin', 'DE', 'Europe/Berlin', '{}', true),
                   ('lyon', 'Lyon', 'FR', 'Europe/Paris', '{}', true),
                   ('shut', 'Shut', 'FR', 'Europe/Paris', '{}', false)
            """)
        )
        await connection.execute(
            text("INSERT INTO skus (sku, title) SELECT s, s FROM unnest('{cup,pot,tea}'::text[]) s")
        )
    yield engine
    await engine.dispose()


@pytest.fixture
def stock(engine: AsyncEngine) -> PostgresInventory:
    return PostgresInventory(engine)


def request(
    order: str, *lines: tuple[str, int], generation: int = 1, **more: Any
) -> ReserveRequest:
    return ReserveRequest(
        order_id=OrderId(order),
        key=f"{order}/reserve/{generation}",
        lines=tuple(
            LineRef(line_id=str(number), sku=sku, quantity=quantity)
            for number, (sku, quantity) in enumerate(lines)
        ),
        destination=Destination(country="DE", postal_code="10115"),
        **more,
    )


def ref(order: str, generation: int = 1) -> ReservationRef:
    return ReservationRef(order_id=OrderId(order), key=f"{order}/reserve/{generation}")


async def receive(
    stock: PostgresInventory, sku: str, quantity: int, place: str = "berlin", key: str = ""
) -> StockLevel:
    change = StockChange(
        key=key or f"in-{sku}-{place}-{quantity}",
        sku=sku,
        location=place,
        quantity=quantity,
        reason="delivery",
        by="ann",
    )
    return await stock.receive(change)


def correction(quantity: int, key: str = "c1", sku: str = "cup", **more: Any) -> StockChange:
    said = {"location": "berlin", "reason": "counted", "by": "ann"} | more
    return StockChange(key=key, sku=sku, quantity=quantity, **said)


async def level(
    stock: PostgresInventory, sku: str = "cup", place: str = "berlin"
) -> tuple[int, int]:
    levels = await stock.levels(sku=sku, location=place)
    return (levels[0].on_hand, levels[0].reserved) if levels else (0, 0)


async def rows(engine: AsyncEngine, sql: str) -> list[Any]:
    async with engine.begin() as connection:
        return [tuple(row) for row in await connection.execute(text(sql))]


async def waiting(engine: AsyncEngine) -> list[str]:
    return [
        row[0] for row in await rows(engine, "SELECT order_id FROM stock_waiting ORDER BY position")
    ]


async def woken(engine: AsyncEngine) -> dict[str, str]:
    """Which order was told of stock where."""
    said = await rows(
        engine,
        "SELECT order_id, body FROM inbox WHERE source = 'stock' AND kind = 'stock_assigned'",
    )
    return {order: json.loads(body)["location"] for order, body in said}


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not await true():  # noqa: ASYNC110 - another process's state sets no event of ours
            await asyncio.sleep(0.01)


def test_it_is_the_inventory_that_workflows_ask_for(stock: PostgresInventory) -> None:
    port: Inventory = stock
    assert port is stock


async def test_candidates_are_the_active_locations_with_what_is_available(
    stock: PostgresInventory,
) -> None:
    await receive(stock, "cup", 5)
    await receive(stock, "cup", 7, "shut")
    await stock.reserve(request("a-1", ("cup", 2)), PLACES)
    lines = (SkuQuantity(sku="cup", quantity=1), SkuQuantity(sku="pot", quantity=1))
    assert await stock.candidates(lines) == (
        Candidate(location="berlin", country="DE", available={"cup": 3, "pot": 0}),
        Candidate(location="lyon", country="FR", available={"cup": 0, "pot": 0}),
    )


async def test_an_order_is_reserved_whole_at_the_first_location_that_has_it_all(
    stock: PostgresInventory,
) -> None:
    await receive(stock, "cup", 5)
    await receive(stock, "cup", 5, "lyon")
    await receive(stock, "pot", 5, "lyon")
    wanted = request("a-1", ("cup", 2), ("pot", 1))
    assert await stock.reserve(wanted, PLACES) == Reserved(location="lyon")
    assert await stock.levels() == (
        StockLevel(sku="cup", location="berlin", on_hand=5, reserved=0),
        StockLevel(sku="cup", location="lyon", on_hand=5, reserved=2),
        StockLevel(sku="pot", location="lyon", on_hand=5, reserved=1),
    )


async def test_a_sku_twice_in_an_order_counts_twice(stock: PostgresInventory) -> None:
    await receive(stock, "cup", 5)
    twice = request("a-1", ("cup", 3), ("cup", 3))
    assert await stock.reserve(twice, PLACES) == Short(
        missing=(SkuQuantity(sku="cup", quantity=1),)
    )
    assert await level(stock) == (5, 0)
    fits = request("a-2", ("cup", 3), ("cup", 2))
    assert await stock.reserve(fits, PLACES) == Reserved(location="berlin")
    assert await level(stock) == (5, 5)


async def test_short_tells_what_the_location_that_lacks_least_lacks(
    stock: PostgresInventory,
) -> None:
    await receive(stock, "cup", 1)
    await receive(stock, "pot", 2, "lyon")
    wanted = request("a-1", ("cup", 3), ("pot", 2))
    assert await stock.reserve(wanted, PLACES) == Short(
        missing=(SkuQuantity(sku="cup", quantity=3),)
    )
    assert await stock.reserve(request("a-2", ("cup", 3)), ()) == Short(
        missing=(SkuQuantity(sku="cup", quantity=3),)
    )


async def test_an_excluded_or_closed_location_is_not_tried(
    stock: PostgresInventory, engine: AsyncEngine
) -> None:
    await receive(stock, "cup", 5)
    await receive(stock, "cup", 5, "shut")
    wanted = request("a-1", ("cup", 1), excluded=("berlin",))
    assert isinstance(await stock.reserve(wanted, ("berlin", "shut", "lyon")), Short)
    await receive(stock, "cup", 9)
    await receive(stock, "cup", 9, "shut")
    assert await waiting(engine) == ["a-1"]
    await receive(stock, "cup", 1, "lyon")
    assert await woken(engine) == {"a-1": "lyon"}


async def test_a_repeat_is_the_same_reservation(stock: PostgresInventory) -> None:
    await receive(stock, "cup", 5)
    wanted = request("a-1", ("cup", 2))
    answers = await asyncio.gather(*(stock.reserve(wanted, PLACES) for _ in range(20)))
    assert set(answers) == {Reserved(location="berlin")}
    assert await level(stock) == (5, 2)
    # also where another location would now come first, and after the goods have left
    await receive(stock, "cup", 50, "lyon")
    assert await stock.reserve(wanted, ("lyon", "berlin")) == Reserved(location="berlin")
    await stock.ship(ref("a-1"))
    assert await stock.reserve(wanted, PLACES) == Reserved(location="berlin")
    assert await level(stock) == (3, 0)


async def test_a_repeat_while_short_keeps_its_one_place_in_the_queue(
    stock: PostgresInventory, engine: AsyncEngine
) -> None:
    first, second = request("a-1", ("cup", 2)), request("a-2", ("cup", 2))
    await stock.reserve(first, PLACES)
    await stock.reserve(second, PLACES)
    answers = await asyncio.gather(*(stock.reserve(first, PLACES) for _ in range(10)))
    assert set(answers) == {Short(missing=(SkuQuantity(sku="cup", quantity=2),))}
    assert await waiting(engine) == ["a-1", "a-2"]


async def test_a_key_with_other_lines_or_of_another_order_is_refused(
    stock: PostgresInventory,
) -> None:
    await receive(stock, "cup", 5)
    await stock.reserve(request("a-1", ("cup", 2)), PLACES)
    other = request("a-2", ("cup", 2)).model_copy(update={"key": "a-1/reserve/1"})
    for wanted in (request("a-1", ("cup", 3)), other):
        with pytest.raises(Refused, match="stock: key_reused"):
            await stock.reserve(wanted, PLACES)
    await stock.reserve(request("a-3", ("pot", 2)), PLACES)
    with pytest.raises(Refused, match="stock: key_reused"):
        await stock.reserve(request("a-3", ("pot", 3)), PLACES)
    assert await level(stock) == (5, 2)


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ((), "no_lines"),
        ((("cup", 0),), "bad_quantity"),
        ((("cup", 5), ("cup", -1)), "bad_quantity"),
        ((("cup", 10**30),), "bad_quantity"),
        ((("ghost", 1),), "unknown_sku"),
    ],
)
async def test_nonsense_is_refused_and_changes_nothing(
    stock: PostgresInventory, engine: AsyncEngine, lines: tuple[tuple[str, int], ...], code: str
) -> None:
    await receive(stock, "cup", 5)
    with pytest.raises(Refused, match=f"stock: {code}"):
        await stock.reserve(request("a-1", *lines), PLACES)
    assert await level(stock) == (5, 0)
    assert await waiting(engine) == []


async def test_of_three_hundred_buyers_one_hundred_get_the_hundred_units(
    stock: PostgresInventory, engine: AsyncEngine
) -> None:
    await receive(stock, "cup", 60)
    await receive(stock, "cup", 40, "lyon")
    orders = [f"a-{number}" for number in range(300)]
    answers = await asyncio.gather(
        *(stock.reserve(request(order, ("cup", 1)), PLACES) for order in orders)
    )
    assert answers.count(Reserved(location="berlin")) == 60
    assert answers.count(Reserved(location="lyon")) == 40
    assert len(await waiting(engine)) == 200
    assert [await level(stock), await level(stock, place="lyon")] == [(60, 60), (40, 40)]


async def test_orders_of_many_skus_in_any_order_never_lock_each_other_out(
    stock: PostgresInventory, engine: AsyncEngine
) -> None:
    """Buyers, cancellations and goods received cross each other over two locations."""
    skus = ("cup", "pot", "tea")
    for sku in skus:
        for place in PLACES:
            await receive(stock, sku, 20, place)

    async def buy(number: int) -> None:
        lines = [(skus[(number + step) % 3], 1 + number % 2) for step in (0, 2)]
        places = PLACES if number % 2 else PLACES[::-1]
        await stock.reserve(request(f"a-{number}", *lines), places)
        if number % 3 == 0:
            await stock.release(ref(f"a-{number}"))
        if number % 10 == 0:
            place, sku = PLACES[number % 4 // 2], skus[number // 10 % 3]
            await receive(stock, sku, 2, place, key=f"in-{number}")

    async with asyncio.timeout(60):
        await asyncio.gather(*(buy(number) for number in range(240)))
    for one in await stock.levels():
        assert 0 <= one.reserved <= one.on_hand
    left = {(one.sku, one.location): one.available for one in await stock.levels()}
    for lines, ranked in await rows(engine, "SELECT lines, ranked FROM stock_waiting"):
        for place in ranked:
            assert any(left[line["sku"], place] < line["quantity"] for line in lines)


async def test_goods_that_leave_and_goods_that_come_never_lock_each_other_out(
    stock: PostgresInventory, engine: AsyncEngine
) -> None:
    """Pots come in for orders that want cups too, while cups and pots leave together."""
    many = range(60)
    await receive(stock, "cup", 120)
    await receive(stock, "pot", 60)
    for number in range(120):
        await stock.reserve(request(f"a-{number}", ("cup", 1), ("pot", 1)), PLACES)
    assert await waiting(engine) == [f"a-{number}" for number in range(60, 120)]
    await asyncio.gather(
        *(stock.ship(ref(f"a-{number}")) for number in many),
        *(receive(stock, "pot", 1, key=f"in-{number}") for number in many),
    )
    assert await waiting(engine) == []
    assert [await level(stock, "cup"), await level(stock, "pot")] == [(60, 60), (60, 60)]


async def test_goods_received_go_to_those_who_wait_the_oldest_first(
    stock: PostgresInventory, engine: AsyncEngine
) -> None:
    for order, quantity in (("a-1", 4), ("a-2", 2), ("a-3", 1), ("a-4", 1)):
        await stock.reserve(request(order, ("cup", quantity)), PLACES)
    left = await receive(stock, "cup", 3)
    # a-1 cannot be served whole; a-2 and a-3 can, and leave nothing for a-4
    assert left == StockLevel(sku="cup", location="berlin", on_hand=3, reserved=3)
    assert await woken(engine) == {"a-2": "berlin", "a-3": "berlin"}
    assert await waiting(engine) == ["a-1", "a-4"]
    assert await stock.reserve(request("a-2", ("cup", 2)), PLACES) == Reserved(location="berlin")
    left = await receive(stock, "cup", 6, "lyon")
    assert left == StockLevel(sku="cup", location="lyon", on_hand=6, reserved=5)
    assert await waiting(engine) == []


async def test_the_wake_up_is_an_inbox_row_of_its_own(
    stock: PostgresInventory, engine: AsyncEngine
) -> None:
    await stock.reserve(request("a-1", ("cup", 1)), PLACES)
    await receive(stock, "cup", 1)
    said = "SELECT source, kind, event_key, order_id, convert_from(body, 'UTF8') FROM inbox"
    assert await rows(engine, said) == [
        ("stock", "stock_assigned", "a-1/a-1/reserve/1", "a-1", '{"location": "berlin"}')
    ]


async def test_a_new_order_does_not_overtake_the_queue(
    stock: PostgresInventory, engine: AsyncEngine
) -> None:
    await stock.reserve(request("a-1", ("cup", 5)), PLACES)
    buyers = [stock.reserve(request(f"b-{number}", ("cup", 5)), PLACES) for number in range(20)]
    await asyncio.gather(receive(stock, "cup", 5), *buyers)
    assert await woken(engine) == {"a-1": "berlin"}
    assert await stock.reserve(request("a-1", ("cup", 5)), PLACES) == Reserved(location="berlin")


async def test_released_stock_goes_to_the_next_in_the_queue(
    stock: PostgresInventory, engine: AsyncEngine
) -> None:
    await receive(stock, "cup", 2)
    await stock.reserve(request("a-1", ("cup", 2)), PLACES)
    await stock.reserve(request("a-2", ("cup", 2)), PLACES)
    await asyncio.gather(*(stock.release(ref("a-1")) for _ in range(5)))
    assert await woken(engine) == {"a-2": "berlin"}
    assert await level(stock) == (2, 2)
    await stock.release(ref("a-2"))
    assert await level(stock) == (2, 0)


async def test_an_order_that_waits_for_two_things_gets_both_or_neither(
    stock: PostgresInventory, engine: AsyncEngine
) -> None:
    await stock.reserve(request("a-1", ("cup", 1), ("pot", 1)), PLACES)
    await receive(stock, "cup", 1)
    await receive(stock, "pot", 1, "lyon")
    assert await waiting(engine) == ["a-1"]
    await receive(stock, "pot", 1)
    assert await woken(engine) == {"a-1": "berlin"}
    assert await level(stock, "cup") == (1, 1)
    assert await level(stock, "pot") == (1, 1)


async def test_goods_for_two_locations_at_once_are_given_to_an_order_once(
    stock: PostgresInventory, engine: AsyncEngine
) -> None:
    for number in range(20):
        order = f"a-{number}"
        await stock.reserve(request(order, ("cup", 1), ("pot", 1)), PLACES)
        await receive(stock, "cup", 1, "berlin", key=f"{order}-1")
        await receive(stock, "pot", 1, "lyon", key=f"{order}-2")
        await asyncio.gather(
            receive(stock, "pot", 1, "berlin", key=f"{order}-3"),
            receive(stock, "cup", 1, "lyon", key=f"{order}-4"),
        )
        assert await waiting(engine) == []
        place = (await woken(engine))[order]
        other = PLACES[1 - PLACES.index(place)]
        assert await level(stock, "cup", place) == (1, 1)
        assert await level(stock, "cup", other) == (1, 0)
        # out of the way of the next round
        await stock.ship(ref(order))
        await stock.adjust(correction(-1, key=f"{order}-5", location=other))
        await stock.adjust(correction(-1, key=f"{order}-6", sku="pot", location=other))


async def test_a_release_that_comes_first_keeps_the_late_reserve_out(
    stock: PostgresInventory, engine: AsyncEngine
) -> None:
    await receive(stock, "cup", 5)
    await stock.release(ref("a-1"))
    await stock.release(ref("a-1"))
    with pytest.raises(Refused, match="stock: reservation_released"):
        await stock.reserve(request("a-1", ("cup", 2)), PLACES)
    assert await level(stock) == (5, 0)
    assert await waiting(engine) == []
    # the next try of the same order has a key of its own
    again = request("a-1", ("cup", 2), generation=2)
    assert await stock.reserve(again, PLACES) == Reserved(location="berlin")


async def test_a_released_key_stays_released(stock: PostgresInventory) -> None:
    await receive(stock, "cup", 5)
    await stock.reserve(request("a-1", ("cup", 2)), PLACES)
    await stock.release(ref("a-1"))
    for wanted in (request("a-1", ("cup", 2)), request("a-1", ("cup", 3))):
        with pytest.raises(Refused, match="stock: reservation_released"):
            await stock.reserve(wanted, PLACES)
    with pytest.raises(Refused, match="stock: reservation_released"):
        await stock.ship(ref("a-1"))
    assert await level(stock) == (5, 0)


async def test_releasing_an_order_that_waits_takes_it_out_of_the_queue(
    stock: PostgresInventory, engine: AsyncEngine
) -> None:
    await stock.reserve(request("a-1", ("cup", 2)), PLACES)
    await stock.release(ref("a-1"))
    assert await receive(stock, "cup", 2) == StockLevel(
        sku="cup", location="berlin", on_hand=2, reserved=0
    )
    assert await woken(engine) == {}


async def test_a_late_release_of_an_old_key_leaves_the_new_one_waiting(
    stock: PostgresInventory, engine: AsyncEngine
) -> None:
    await stock.reserve(request("a-1", ("cup", 2), generation=2), PLACES)
    await stock.release(ref("a-1", 1))
    assert await waiting(engine) == ["a-1"]


async def test_a_release_that_races_goods_received_leaves_nothing_promised(
    stock: PostgresInventory, engine: AsyncEngine
) -> None:
    for number in range(30):
        order = f"a-{number}"
        await stock.reserve(request(order, ("cup", 1)), PLACES)
        await asyncio.gather(
            receive(stock, "cup", 1, key=f"in-{number}"), stock.release(ref(order))
        )
        assert await level(stock) == (1, 0)
        await stock.adjust(correction(-1, key=f"out-{number}"))
    assert await waiting(engine) == []


async def test_goods_that_race_a_short_reserve_never_leave_it_asleep(
    stock: PostgresInventory, engine: AsyncEngine
) -> None:
    for number in range(60):
        order = f"a-{number}"
        answer, _ = await asyncio.gather(
            stock.reserve(request(order, ("cup", 1), ("pot", 1)), PLACES),
            asyncio.gather(
                receive(stock, "cup", 1, key=f"cup-{number}"),
                receive(stock, "pot", 1, key=f"pot-{number}"),
            ),
        )
        assert await waiting(engine) == []
        assert isinstance(answer, Reserved) or order in await woken(engine)
        await stock.ship(ref(order))
    assert await level(stock) == (0, 0)


async def test_goods_that_come_while_an_order_enters_the_queue_wait_for_it(
    stock: PostgresInventory, engine: AsyncEngine
) -> None:
    """The order is held at the very moment between its last look and its commit."""
    async with engine.begin() as connection:
        entered = await connection.execute(
            text("""
            SELECT place, missing FROM stock_reserve('a-1', 'a-1/reserve/1', '{berlin}', '{}',
                '[{"sku": "cup", "quantity": 1}]')
            """)
        )
        assert entered.one().place is None
        arrival = asyncio.create_task(receive(stock, "cup", 1))
        await until(lambda: _someone_waits_for_a_lock(engine))
        assert not arrival.done()
    assert (await arrival).reserved == 1
    assert await woken(engine) == {"a-1": "berlin"}


async def _someone_waits_for_a_lock(engine: AsyncEngine) -> bool:
    found = await rows(
        engine,
        "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
        "AND datname = current_database()",
    )
    return bool(found)


async def test_shipped_goods_leave_both_counters_once(stock: PostgresInventory) -> None:
    await receive(stock, "cup", 5)
    await stock.reserve(request("a-1", ("cup", 2)), PLACES)
    await asyncio.gather(*(stock.ship(ref("a-1")) for _ in range(5)))
    assert await level(stock) == (3, 0)
    with pytest.raises(Refused, match="stock: reservation_shipped"):
        await stock.release(ref("a-1"))
    with pytest.raises(Refused, match="stock: reservation_unknown"):
        await stock.ship(ref("a-2"))
    assert await level(stock) == (3, 0)


async def test_returned_goods_go_back_once_and_to_those_who_wait(
    stock: PostgresInventory, engine: AsyncEngine
) -> None:
    await stock.reserve(request("a-2", ("cup", 2)), PLACES)
    back = RestockRequest(
        return_id="r-1",
        order_id=OrderId("a-1"),
        location="berlin",
        lines=(SkuQuantity(sku="cup", quantity=1), SkuQuantity(sku="cup", quantity=2)),
        key="a-1/r1/restock/1",
    )
    await asyncio.gather(*(stock.restock(back) for _ in range(5)))
    assert await level(stock) == (3, 2)
    assert await woken(engine) == {"a-2": "berlin"}
    with pytest.raises(Refused, match="stock: key_reused"):
        await stock.restock(back.model_copy(update={"location": "lyon"}))
    with pytest.raises(Refused, match="stock: unknown_location"):
        await stock.restock(back.model_copy(update={"location": "moon", "key": "k2"}))


async def test_a_correction_moves_what_is_on_hand_but_never_what_is_promised(
    stock: PostgresInventory, engine: AsyncEngine
) -> None:
    await receive(stock, "cup", 5)
    await stock.reserve(request("a-1", ("cup", 3)), PLACES)
    left = StockLevel(sku="cup", location="berlin", on_hand=3, reserved=3)
    assert await stock.adjust(correction(-2)) == left
    with pytest.raises(StockChangeRefused) as refused:
        await stock.adjust(correction(-1, key="c2"))
    assert (refused.value.field, refused.value.code) == ("quantity", "below_reserved")
    assert str(refused.value) == "quantity would leave less on hand than is promised to orders"
    assert await level(stock) == (3, 3)
    await stock.reserve(request("a-2", ("cup", 1)), PLACES)
    assert (await stock.adjust(correction(1, key="c3"))).reserved == 4
    assert await woken(engine) == {"a-2": "berlin"}


async def test_a_repeated_change_is_booked_once_and_answered_the_same(
    stock: PostgresInventory,
) -> None:
    answers = await asyncio.gather(*(receive(stock, "cup", 5, key="k") for _ in range(10)))
    await stock.reserve(request("a-1", ("cup", 2)), PLACES)
    answers.append(await receive(stock, "cup", 5, key="k"))
    assert answers == [StockLevel(sku="cup", location="berlin", on_hand=5, reserved=0)] * 11
    assert await level(stock) == (5, 2)
    for again in (
        receive(stock, "cup", 6, key="k"),
        receive(stock, "pot", 5, key="k"),
        stock.adjust(correction(5, key="k", reason="delivery")),
    ):
        with pytest.raises(StockChangeRefused) as refused:
            await again
        assert (refused.value.field, refused.value.code) == ("key", "key_reused")
    assert await level(stock) == (5, 2)


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        (correction(-1), "quantity", "below_reserved"),
        (correction(0), "quantity", "zero"),
        (correction(10**13), "quantity", "too_large"),
        (correction(1, reason=" "), "reason", "missing"),
        (correction(1, key=""), "key", "missing"),
        (correction(1, sku="ghost"), "sku", "unknown_sku"),
        (correction(1, sku="cup\0"), "sku", "bad_character"),
        (correction(1, location="moon"), "location", "unknown_location"),
    ],
)
async def test_a_wrong_correction_names_field_and_reason(
    stock: PostgresInventory, engine: AsyncEngine, change: StockChange, field: str, code: str
) -> None:
    with pytest.raises(StockChangeRefused) as refused:
        await stock.adjust(change)
    assert (refused.value.field, refused.value.code) == (field, code)
    assert await rows(engine, "SELECT key FROM stock_movements") == []
    assert await stock.levels() == ()


async def test_a_receipt_must_bring_something(stock: PostgresInventory) -> None:
    with pytest.raises(StockChangeRefused, match="quantity must be at least 1"):
        await stock.receive(correction(-3))


async def test_levels_come_in_pages(stock: PostgresInventory) -> None:
    for sku in ("cup", "pot", "tea"):
        for place in PLACES:
            await receive(stock, sku, 1, place)
    first = await stock.levels(limit=4)
    rest = await stock.levels(after=(first[-1].sku, first[-1].location), limit=4)
    assert [(one.sku, one.location) for one in first + rest] == [
        (sku, place) for sku in ("cup", "pot", "tea") for place in PLACES
    ]
    assert [one.sku for one in await stock.levels(location="lyon")] == ["cup", "pot", "tea"]


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE stock SET on_hand = 99",
        "UPDATE stock SET on_hand = 99 WHERE sku = 'nobody'",
        "INSERT INTO stock (sku, location, on_hand) VALUES ('pot', 'lyon', 1)",
        "DELETE FROM stock",
        "TRUNCATE stock",
        "UPDATE stock_movements SET on_hand_delta = 99",
        "DELETE FROM stock_movements",
        "TRUNCATE stock_movements",
        "UPDATE stock_changes SET answer = '[]'",
        "DELETE FROM reservations",
        "UPDATE reservations SET location = 'lyon'",
        "UPDATE reservations SET lines = '[]', state = 'shipped'",
    ],
)
async def test_nobody_writes_past_the_ledger(
    stock: PostgresInventory, engine: AsyncEngine, sql: str
) -> None:
    await receive(stock, "cup", 5)
    await stock.reserve(request("a-1", ("cup", 2)), PLACES)
    with pytest.raises(DBAPIError, match=r"ledger alone|append-only|only ever released or shipped"):
        await rows(engine, sql)
    assert await level(stock) == (5, 2)


@pytest.mark.parametrize(
    ("movement", "constraint"),
    [
        (("reserved", 0, 6), "stock_covers_reserved"),
        (("released", 0, -3), "stock_reserved_not_negative"),
        (("adjusted", -4, 0), "stock_covers_reserved"),
        (("shipped", -3, -3), "stock_reserved_not_negative"),
        (("received", -1, 0), "stock_movements_kind"),
        (("reserved", 1, 1), "stock_movements_kind"),
        (("shipped", -2, -1), "stock_movements_kind"),
        (("lost", -1, 0), "stock_movements_kind"),
    ],
)
async def test_the_database_refuses_a_movement_that_cannot_be(
    stock: PostgresInventory,
    engine: AsyncEngine,
    movement: tuple[str, int, int],
    constraint: str,
) -> None:
    await receive(stock, "cup", 5)
    await stock.reserve(request("a-1", ("cup", 2)), PLACES)
    planted = text("""
        INSERT INTO stock_movements (key, sku, location, kind, on_hand_delta, reserved_delta,
            order_id) VALUES ('planted', 'cup', 'berlin', :kind, :on_hand, :reserved, 'x')
        """)
    said = dict(zip(("kind", "on_hand", "reserved"), movement, strict=True))
    with pytest.raises(DBAPIError, match=constraint):
        async with engine.begin() as connection:
            await connection.execute(planted, said)
    assert await level(stock) == (5, 2)


async def test_a_lost_connection_is_an_outage_and_not_a_bug(
    stock: PostgresInventory, engine: AsyncEngine
) -> None:
    await receive(stock, "cup", 5)
    async with engine.connect() as connection:
        await connection.execute(text("SELECT stock_lock('berlin', '{cup}')"))
        blocked = asyncio.create_task(stock.reserve(request("a-1", ("cup", 1)), PLACES))
        await until(lambda: _someone_waits_for_a_lock(engine))
        await rows(
            engine,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE wait_event_type = 'Lock' AND datname = current_database()",
        )
        with pytest.raises(Unavailable) as lost:
            await blocked
    assert (lost.value.code, lost.value.fate_unknown) == ("connection_lost", True)
    assert await stock.reserve(request("a-1", ("cup", 1)), PLACES) == Reserved(location="berlin")
    assert await level(stock) == (5, 1)


async def test_a_deadlock_is_an_outage_and_leaves_nothing_behind(
    stock: PostgresInventory, engine: AsyncEngine
) -> None:
    """Somebody who locks in another order than ours, and is more patient."""
    await receive(stock, "cup", 5)
    await receive(stock, "pot", 5)
    async with engine.connect() as connection:
        await connection.execute(text("SET LOCAL deadlock_timeout = '60s'"))
        await connection.execute(text("SELECT stock_lock('berlin', '{pot}')"))
        wanted = request("a-1", ("cup", 1), ("pot", 1))
        reserving = asyncio.create_task(stock.reserve(wanted, PLACES))
        await until(lambda: _someone_waits_for_a_lock(engine))
        circle = asyncio.create_task(
            connection.execute(text("SELECT stock_lock('berlin', '{cup}')"))
        )
        with pytest.raises(Unavailable) as stuck:
            await reserving
        await circle
    assert (stuck.value.code, stuck.value.fate_unknown) == ("deadlock", False)
    assert await level(stock) == (5, 0)


async def test_no_connection_left_is_an_outage(database_url: str, engine: AsyncEngine) -> None:
    narrow = create_async_engine(database_url, pool_size=1, max_overflow=0, pool_timeout=0.05)
    async with narrow.connect():
        with pytest.raises(Unavailable, match="stock: pool_exhausted"):
            await PostgresInventory(narrow).levels()
    await narrow.dispose()
