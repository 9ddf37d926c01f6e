"""An order may be served from several places; each part is shipped and given back by itself."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.errors import Refused
from domain.ids import OrderId
from domain.stock import Changed, Claim, ReservationRef, Reserved, Short, SkuQuantity
from storage.stock import PostgresInventory
from tests.storage.stock_claims import claimed
from tests.storage.stockroom import (
    assigned,
    correction,
    level,
    part,
    receive,
    ref,
    request,
    reserve,
    reserved_at,
    rows,
    waiting,
    woken,
)

SPLIT = Claim(parts=(part("berlin", ("cup", 2)), part("lyon", ("cup", 1))))


def part_ref(number: int) -> ReservationRef:
    return ReservationRef(order_id=OrderId("a-1"), key=f"a-1/reserve/1/{number}")


async def two_cups_and_one(stock: PostgresInventory) -> Reserved:
    await receive(stock, "cup", 2)
    await receive(stock, "cup", 1, "lyon")
    answer = await claimed(stock, request("a-1", ("cup", 3)), SPLIT)
    assert isinstance(answer, Reserved)
    return answer


async def test_all_parts_are_reserved_in_one_call(stock: PostgresInventory) -> None:
    reserved = await two_cups_and_one(stock)
    assert [(one.location, one.items) for one in reserved.parts] == [
        ("berlin", (SkuQuantity(sku="cup", quantity=2),)),
        ("lyon", (SkuQuantity(sku="cup", quantity=1),)),
    ]
    assert [one.lines for one in reserved.parts] == [one.lines for one in SPLIT.parts]
    assert [await level(stock), await level(stock, place="lyon")] == [(2, 2), (1, 1)]


async def test_a_part_that_is_gone_leaves_the_others_alone(
    stock: PostgresInventory, stock_engine: AsyncEngine
) -> None:
    await receive(stock, "cup", 2)
    assert await claimed(stock, request("a-1", ("cup", 3)), SPLIT) == Changed()
    assert await level(stock) == (2, 0)
    assert await rows(stock_engine, "SELECT key FROM reservations") == []


async def test_two_parts_at_one_place_are_one(stock: PostgresInventory) -> None:
    await receive(stock, "cup", 3)
    twice = Claim(parts=(part("berlin", ("cup", 2)), part("berlin", ("cup", 2))))
    assert await claimed(stock, request("a-1", ("cup", 4)), twice) == Changed()
    await receive(stock, "cup", 1)
    answer = await claimed(stock, request("a-1", ("cup", 4)), twice)
    assert isinstance(answer, Reserved)
    assert [one.items for one in answer.parts] == [(SkuQuantity(sku="cup", quantity=4),)]


async def test_a_repeat_with_another_split_answers_the_first(stock: PostgresInventory) -> None:
    first = await two_cups_and_one(stock)
    await receive(stock, "cup", 9, "lyon")
    whole = Claim(parts=(part("lyon", ("cup", 3)),))
    assert await claimed(stock, request("a-1", ("cup", 3)), whole) == first
    assert await claimed(stock, request("a-1", ("cup", 3)), Claim(ranked=("lyon",))) == first
    assert await level(stock, place="lyon") == (10, 1)


async def test_each_part_is_shipped_and_given_back_by_itself(stock: PostgresInventory) -> None:
    await two_cups_and_one(stock)
    await stock.ship(part_ref(1))
    assert [await level(stock), await level(stock, place="lyon")] == [(0, 0), (1, 1)]
    await stock.release(part_ref(2))
    await stock.release(part_ref(2))
    assert await level(stock, place="lyon") == (1, 0)
    with pytest.raises(Refused, match="stock: reservation_shipped"):
        await stock.release(part_ref(1))
    with pytest.raises(Refused, match="stock: reservation_released"):
        await stock.ship(part_ref(2))
    with pytest.raises(Refused, match="stock: reservation_released"):
        await claimed(stock, request("a-1", ("cup", 3)), SPLIT)


async def test_the_base_key_gives_back_what_is_still_reserved(stock: PostgresInventory) -> None:
    await two_cups_and_one(stock)
    await stock.ship(part_ref(1))
    for _ in range(2):
        await stock.release(ref("a-1"))
    assert [await level(stock), await level(stock, place="lyon")] == [(0, 0), (1, 0)]


async def test_the_base_key_ships_all_parts(stock: PostgresInventory) -> None:
    await two_cups_and_one(stock)
    for _ in range(2):
        await stock.ship(ref("a-1"))
    assert [await level(stock), await level(stock, place="lyon")] == [(0, 0), (0, 0)]


async def test_who_waits_is_served_from_as_many_places_as_its_rules_allow(
    stock: PostgresInventory, stock_engine: AsyncEngine
) -> None:
    await receive(stock, "cup", 2)
    await reserve(stock, request("whole", ("cup", 3)))
    await reserve(stock, request("split", ("cup", 3)), parts_max=2)
    await receive(stock, "cup", 1, "lyon")
    assert await waiting(stock_engine) == ["whole"]
    assert await assigned(stock_engine) == {"split": {"berlin": {"cup": 2}, "lyon": {"cup": 1}}}
    assert [await level(stock), await level(stock, place="lyon")] == [(2, 2), (1, 1)]


async def test_the_split_begins_where_it_leads_to_the_whole(
    stock: PostgresInventory, stock_engine: AsyncEngine
) -> None:
    """Greed for the best place alone would need a third: cups there, but not enough of them."""
    await receive(stock, "cup", 1)
    await receive(stock, "cup", 2, "lyon")
    await receive(stock, "tea", 1, "shut")
    await rows(stock_engine, "UPDATE locations SET active = true WHERE location = 'shut'")
    places = ("berlin", "lyon", "shut")
    await reserve(stock, request("a-1", ("cup", 2), ("pot", 1)), places, parts_max=2)
    await receive(stock, "pot", 1, "shut")
    assert await assigned(stock_engine) == {"a-1": {"lyon": {"cup": 2}, "shut": {"pot": 1}}}


async def test_the_greater_priority_is_served_first_and_then_who_came_first(
    stock: PostgresInventory, stock_engine: AsyncEngine
) -> None:
    for order, priority in (("a-1", 0), ("a-2", 5), ("a-3", 5)):
        await reserve(stock, request(order, ("cup", 1)), priority=priority)
    for number, served in enumerate(("a-2", "a-3", "a-1")):
        before = await woken(stock_engine)
        await receive(stock, "cup", 1, key=f"in-{number}")
        assert set(await woken(stock_engine)) - set(before) == {served}


async def test_two_shares_of_one_order_wait_side_by_side(
    stock: PostgresInventory, stock_engine: AsyncEngine
) -> None:
    for generation, sku in ((1, "cup"), (2, "pot")):
        await reserve(stock, request("a-1", (sku, 1), generation=generation))
    assert await waiting(stock_engine) == ["a-1", "a-1"]
    await receive(stock, "pot", 1)
    assert await waiting(stock_engine) == ["a-1"]
    await stock.release(ref("a-1", 1))
    assert await waiting(stock_engine) == []
    assert await level(stock, "pot") == (1, 1)


async def test_nobody_waits_beside_stock_that_the_sourcing_did_not_see(
    stock: PostgresInventory, stock_engine: AsyncEngine
) -> None:
    await receive(stock, "cup", 2)
    wanted = request("a-1", ("cup", 3))
    saw = {"berlin": {"cup": 1}}
    assert await claimed(stock, wanted, Claim(ranked=("berlin",), seen=saw)) == Changed()
    assert await waiting(stock_engine) == []
    # what is elsewhere does not help, and less than was seen is no reason to look again
    for seen, ranked in (({}, ("lyon",)), ({"berlin": {"cup": 9}}, ("berlin",))):
        assert isinstance(await claimed(stock, wanted, Claim(ranked=ranked, seen=seen)), Short)
    assert await waiting(stock_engine) == ["a-1"]


async def test_what_has_expired_goes_to_who_waits(
    stock: PostgresInventory, stock_engine: AsyncEngine
) -> None:
    await receive(stock, "cup", 2)
    await reserve(stock, request("a-1", ("cup", 2), expires_in_s=0))
    await rows(
        stock_engine,
        'SELECT stock_wait(\'a-2\', \'a-2/reserve/1\', \'[{"line_id": "0", "sku": "cup", '
        "\"quantity\": 1}]', '{berlin}', '{}')",
    )
    assert await stock.expire() == 1
    assert await stock.expire() == 0
    assert await woken(stock_engine) == {"a-2": "berlin"}
    assert await level(stock) == (2, 1)
    with pytest.raises(Refused, match="stock: reservation_released"):
        await stock.ship(ref("a-1"))
    reasons = "SELECT reason FROM stock_movements WHERE kind = 'released'"
    assert await rows(stock_engine, reasons) == [("expired",)]


async def test_who_finds_too_little_looks_whether_something_has_expired(
    stock: PostgresInventory,
) -> None:
    await receive(stock, "cup", 2)
    await reserve(stock, request("a-1", ("cup", 2), expires_in_s=0))
    assert await reserved_at(stock, request("a-2", ("cup", 2))) == "berlin"
    assert await level(stock) == (2, 2)


async def test_a_repeat_makes_a_reservation_last(stock: PostgresInventory) -> None:
    await receive(stock, "cup", 2)
    await reserve(stock, request("a-1", ("cup", 1), expires_in_s=3600))
    await reserve(stock, request("a-2", ("cup", 1), expires_in_s=0))
    claim = Claim(parts=(part("berlin", ("cup", 1)),))
    assert isinstance(await claimed(stock, request("a-2", ("cup", 1)), claim), Reserved)
    assert await stock.expire() == 0
    assert await level(stock) == (2, 2)


async def test_safety_stock_and_damaged_goods_are_not_for_sale(stock: PostgresInventory) -> None:
    await receive(stock, "cup", 5)
    await stock.set_safety(correction(2, key="s"))
    await stock.move_to_damaged(correction(1, key="d"))
    assert isinstance(await reserve(stock, request("a-1", ("cup", 3))), Short)
    assert await reserved_at(stock, request("a-2", ("cup", 2))) == "berlin"
    assert await level(stock) == (5, 2)
