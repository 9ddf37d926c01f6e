"""Goods come in part, too many, too few or not at all, and every unit of them is accounted for."""

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.supply import SupplyKind, SupplyState
from storage.stock import PostgresInventory
from storage.supply import Supplies, SupplyRefused
from tests.storage.stockroom import (
    assigned,
    correction,
    everything,
    level,
    receive,
    request,
    reserve,
    rows,
    waiting,
)
from tests.storage.supplyroom import (
    awaited,
    came,
    differed,
    found,
    goods,
    in_days,
    ordered,
    sound,
)


@pytest.fixture
def supplies(stock_engine: AsyncEngine) -> Supplies:
    return Supplies(stock_engine)


async def test_what_was_ordered_is_incoming_until_it_comes_part_by_part(
    supplies: Supplies, stock: PostgresInventory, stock_engine: AsyncEngine
) -> None:
    po = await ordered(supplies, ("cup", 5, 3), ("cup", 5, 9), ("pot", 2, 3))
    cups = await everything(stock)
    assert (cups.on_hand, cups.incoming, cups.available) == (0, 10, 0)
    part = await supplies.receive(po, came(("cup", 7)), "r1", "ann")
    assert (awaited(part), part.state) == ([0, 3, 2], SupplyState.OPEN)
    cups = await everything(stock)
    assert (cups.on_hand, cups.incoming) == (7, 3)
    rest = await supplies.receive(po, came(("pot", 2), ("cup", 3)), "r2", "bob")
    assert (awaited(rest), rest.state, differed(rest)) == ([0, 0, 0], SupplyState.CLOSED, [])
    assert [(deed.deed, deed.by) for deed in rest.deeds] == [
        ("opened", "ann"), ("received", "ann"), ("received", "bob"),
    ]  # fmt: skip
    kept = "SELECT kind, sku, on_hand_delta, incoming_delta, reason, by FROM stock_movements"
    assert (await rows(stock_engine, f"{kept} ORDER BY id"))[-2:] == [
        ("received", "cup", 3, -3, po, "bob"),
        ("received", "pot", 2, -2, po, "bob"),
    ]
    assert await sound(stock_engine)


async def test_what_is_too_much_or_damaged_is_booked_and_told(
    supplies: Supplies, stock: PostgresInventory, stock_engine: AsyncEngine
) -> None:
    po = await ordered(supplies, ("cup", 5, 3), ("pot", 2, 3))
    got = await supplies.receive(po, came(("cup", 8, 2)), "r1", "ann", reason="dented")
    assert differed(got) == [("damaged", "cup", 2), ("over", "cup", 3)]
    assert (awaited(got), got.lines[0].received) == ([0, 2], 8)
    cups = await everything(stock)
    assert (cups.on_hand, cups.damaged, cups.incoming, cups.available) == (8, 2, 0, 6)
    (told, _) = await supplies.discrepancies(sku="cup")
    assert (told.cause, told.location, told.reason, told.by) == (po, "berlin", "dented", "ann")
    assert await supplies.discrepancies(sku="pot") == ()
    assert await sound(stock_engine)


async def test_what_lacks_at_the_end_needs_a_reason_and_is_no_longer_expected(
    supplies: Supplies, stock: PostgresInventory, stock_engine: AsyncEngine
) -> None:
    po = await ordered(supplies, ("cup", 5, 3))
    await supplies.receive(po, came(("cup", 2)), "r1", "ann")
    with pytest.raises(SupplyRefused) as refused:
        await supplies.close(po, "c1", "ann", reason=" ")
    assert (refused.value.field, refused.value.code) == ("reason", "missing")
    assert (await everything(stock)).incoming == 3
    closed = await supplies.close(po, "c1", "ann", reason="sold out there")
    assert (closed.state, differed(closed)) == (SupplyState.CLOSED, [("short", "cup", -3)])
    cups = await everything(stock)
    assert (cups.on_hand, cups.incoming) == (2, 0)
    again = await supplies.close(po, "c2", "bob")
    assert again.deeds == closed.deeds
    assert await sound(stock_engine)


async def test_a_purchase_order_is_cancelled_only_before_anything_came(
    supplies: Supplies, stock: PostgresInventory, stock_engine: AsyncEngine
) -> None:
    first, second = [await ordered(supplies, ("cup", n, 3)) for n in (5, 4)]
    gone = await supplies.cancel(first, "x1", "ann", reason="too dear")
    assert (gone.state, awaited(gone), differed(gone)) == (SupplyState.CANCELLED, [0], [])
    assert (await everything(stock)).incoming == 4
    await supplies.receive(second, came(("cup", 1)), "r1", "ann")
    for deed, code in (
        (supplies.cancel(second, "x2", "ann"), "received_in_part"),
        (supplies.receive(first, came(("cup", 1)), "r2", "ann"), "cancelled"),
        (supplies.close(first, "c1", "ann"), "cancelled"),
        (supplies.dispatch(second, "d1", "ann"), "not_a_transfer"),
        (supplies.receive("po-99", came(("cup", 1)), "r3", "ann"), "unknown_supply"),
    ):
        with pytest.raises(SupplyRefused) as refused:
            await deed
        assert (refused.value.code, refused.value.field) == (code, "")
    assert await level(stock) == (1, 0)
    assert await sound(stock_engine)


async def test_one_of_several_days_of_a_sku_is_moved_by_its_line(supplies: Supplies) -> None:
    po = await ordered(supplies, ("cup", 5, 3), ("pot", 1, 3), ("cup", 5, 9))

    async def moved(key: str, **which: Any) -> list[int]:
        found = await supplies.reschedule(po, in_days(20), key, "ann", **which)
        return [(one.expected_on - in_days(0)).days for one in found.lines]

    assert await moved("m1", line=3) == [3, 3, 20]
    assert await moved("m1", line=3) == [3, 3, 20]
    await supplies.receive(po, came(("cup", 5)), "r", "ann")
    for key, field, which in (
        ("m2", "line", {"line": 1}),  # nothing of it is to come
        ("m3", "line", {"line": 4}),
        ("m4", "line", {"line": 2, "sku": "cup"}),
        ("m1", "key", {"line": 2}),
    ):
        with pytest.raises(SupplyRefused) as refused:
            await moved(key, **which)
        assert refused.value.field == field
    assert await moved("m5", line=2, sku="pot") == [3, 20, 20]


async def test_a_deed_is_done_once_however_often_it_is_said(
    supplies: Supplies, stock: PostgresInventory, stock_engine: AsyncEngine
) -> None:
    asked = goods(("cup", 5, 3))
    opened = await asyncio.gather(*(supplies.open(asked, "o1", "ann") for _ in range(5)))
    assert {one.supply_id for one in opened} == {opened[0].supply_id}
    po = opened[0].supply_id
    said = [supplies.receive(po, came(("cup", 2)), "r1", "ann") for _ in range(5)]
    answers = await asyncio.gather(*said)
    assert [awaited(answer) for answer in answers] == [[3]] * 5
    assert await level(stock) == (2, 0)
    await supplies.receive(po, came(("cup", 3)), "r2", "ann")
    assert awaited(await supplies.receive(po, came(("cup", 2)), "r1", "ann")) == [3]
    for other in (
        supplies.receive(po, came(("cup", 3)), "r1", "ann"),
        supplies.open(goods(("cup", 6, 3)), "o1", "ann"),
    ):
        with pytest.raises(SupplyRefused) as refused:
            await other
        assert (refused.value.field, refused.value.code) == ("key", "key_reused")
    assert len(await rows(stock_engine, "SELECT 1 FROM supply_deeds")) == 3
    assert await sound(stock_engine)


async def test_bad_lines_are_named_and_book_nothing(
    supplies: Supplies, stock_engine: AsyncEngine
) -> None:
    await rows(stock_engine, "INSERT INTO skus (sku, title) VALUES ('set', 'set')")
    await rows(
        stock_engine,
        "INSERT INTO bundle_components (bundle, component, quantity) VALUES ('set', 'cup', 2)",
    )
    po = await ordered(supplies, ("cup", 5, 3))
    for deed, field, code in (
        (supplies.open(goods(("cup", 1, 1), ("jar", 1, 1)), "a", "ann"),
         "lines.1.sku", "unknown_sku"),
        (supplies.open(goods(("set", 1, 1)), "b", "ann"), "lines.0.sku", "bundle_has_stock"),
        (supplies.open(goods(("cup", 1, 1), destination="rome"), "c", "ann"),
         "destination", "unknown_location"),
        (supplies.open(goods(("cup", 1, 1), origin="rome"), "d", "ann"),
         "origin", "unknown_location"),
        (supplies.receive(po, came(("cup", 1), ("pot", 1)), "e", "ann"),
         "lines.1.sku", "not_on_document"),
        (supplies.reschedule(po, in_days(5), "f", "ann", sku="pot"), "sku", "not_on_document"),
    ):  # fmt: skip
        with pytest.raises(SupplyRefused) as refused:
            await deed
        assert (refused.value.field, refused.value.code) == (field, code)
    assert len(await rows(stock_engine, "SELECT 1 FROM supplies")) == 1
    assert len(await rows(stock_engine, "SELECT 1 FROM stock_movements")) == 1


async def test_goods_in_transit_are_in_nobody_s_stock_and_still_accounted_for(
    supplies: Supplies, stock: PostgresInventory, stock_engine: AsyncEngine
) -> None:
    await receive(stock, "cup", 10, "lyon")
    tr = (await supplies.open(goods(("cup", 6, 2), origin="lyon"), "o", "ann")).supply_id

    async def whole() -> tuple[int, int, int]:
        """In Lyon, on the way, in Berlin."""
        seen = await supplies.get(tr)
        assert seen is not None
        return ((await level(stock, place="lyon"))[0], sum(awaited(seen)), (await level(stock))[0])

    assert await whole() == (10, 0, 0)
    with pytest.raises(SupplyRefused, match="not been dispatched"):
        await supplies.receive(tr, came(("cup", 6)), "r0", "ann")
    await supplies.dispatch(tr, "d", "ann")
    assert await whole() == (4, 6, 0)
    assert (await everything(stock)).incoming == 6
    with pytest.raises(SupplyRefused, match="dispatched already"):
        await supplies.cancel(tr, "x", "ann")
    await supplies.receive(tr, came(("cup", 4)), "r1", "ann")
    assert await whole() == (4, 2, 4)
    (on_the_way,) = await supplies.list(SupplyKind.TRANSFER, SupplyState.DISPATCHED)
    assert (on_the_way.supply_id, awaited(on_the_way)) == (tr, [2])
    lost = await supplies.close(tr, "c", "ann", reason="lost on the road")
    assert (await whole(), differed(lost)) == ((4, 0, 4), [("short", "cup", -2)])
    kinds = await rows(stock_engine, "SELECT kind, location FROM stock_movements ORDER BY id")
    assert kinds[1:] == [
        ("transferred_out", "lyon"), ("expected", "berlin"), ("transferred_in", "berlin"),
        ("unexpected", "berlin"),
    ]  # fmt: skip
    assert await sound(stock_engine)


async def test_a_transfer_takes_nothing_that_an_order_was_promised(
    supplies: Supplies, stock: PostgresInventory, stock_engine: AsyncEngine
) -> None:
    await receive(stock, "cup", 10, "lyon")
    await receive(stock, "pot", 1, "lyon")
    await reserve(stock, request("a-1", ("cup", 5)), ("lyon",))
    asked = goods(("pot", 1, 2), ("cup", 6, 2), origin="lyon")
    tr = (await supplies.open(asked, "o", "ann")).supply_id
    with pytest.raises(SupplyRefused) as refused:
        await supplies.dispatch(tr, "d", "ann")
    assert (refused.value.field, refused.value.code) == ("lines.1.quantity", "below_reserved")
    assert await level(stock, place="lyon") == (10, 5)
    seen = await supplies.get(tr)
    assert seen is not None
    assert seen.state is SupplyState.OPEN
    gone = await supplies.cancel(tr, "x", "ann")
    assert gone.state is SupplyState.CANCELLED
    assert await sound(stock_engine)


async def test_a_receipt_serves_the_queue_in_the_same_transaction(
    supplies: Supplies, stock: PostgresInventory, stock_engine: AsyncEngine
) -> None:
    await reserve(stock, request("a-1", ("cup", 3)), ("berlin",))
    await reserve(stock, request("a-2", ("cup", 2)), ("berlin",), priority=5)
    await receive(stock, "cup", 9, "lyon")
    po = await ordered(supplies, ("cup", 3, 3))
    tr = (await supplies.open(goods(("cup", 4, 2), origin="lyon"), "o", "ann")).supply_id
    await supplies.dispatch(tr, "d", "ann")
    assert await waiting(stock_engine) == ["a-1", "a-2"]
    await supplies.receive(po, came(("cup", 3)), "r1", "ann")
    assert await assigned(stock_engine) == {"a-2": {"berlin": {"cup": 2}}}
    await supplies.receive(tr, came(("cup", 2)), "r2", "ann")
    assert await assigned(stock_engine) == {
        "a-1": {"berlin": {"cup": 3}}, "a-2": {"berlin": {"cup": 2}},
    }  # fmt: skip
    moved = (
        "SELECT count(DISTINCT xmin::text), count(*) FROM stock_movements "
        "WHERE kind = 'transferred_in' OR kind = 'reserved' AND order_id = 'a-1'"
    )
    assert await rows(stock_engine, moved) == [(1, 2)]
    assert await level(stock) == (5, 5)
    assert await sound(stock_engine)


async def test_a_count_becomes_the_record_and_tells_where_that_was_wrong(
    supplies: Supplies, stock: PostgresInventory, stock_engine: AsyncEngine
) -> None:
    await receive(stock, "cup", 10)
    await receive(stock, "pot", 4)
    lines = found(("tea", 0), ("pot", 4), ("cup", 7))
    made = await supplies.count("berlin", lines, "k", "ann", reason="year's end")
    assert [(one.sku, one.counted, one.recorded) for one in made.lines] == [
        ("cup", 7, 10), ("pot", 4, 4), ("tea", 0, 0),
    ]  # fmt: skip
    assert await level(stock) == (7, 0)
    (told,) = await supplies.discrepancies()
    assert (told.cause, told.sku, told.kind, told.quantity) == (made.count_id, "cup", "counted", -3)
    assert await supplies.count("berlin", lines, "k", "ann", reason="year's end") == made
    assert await supplies.counts() == (made,)
    with pytest.raises(SupplyRefused, match="something else"):
        await supplies.count("berlin", found(("cup", 8)), "k", "ann")
    assert await sound(stock_engine)


async def test_a_count_below_what_is_promised_changes_nothing_at_all(
    supplies: Supplies, stock: PostgresInventory
) -> None:
    await receive(stock, "cup", 10)
    await receive(stock, "pot", 4)
    await reserve(stock, request("a-1", ("cup", 3)), ("berlin",))
    await stock.move_to_damaged(correction(2))
    with pytest.raises(SupplyRefused) as refused:
        await supplies.count("berlin", found(("pot", 1), ("cup", 4)), "k", "ann")
    assert (refused.value.field, refused.value.code) == ("lines.1.quantity", "below_reserved")
    with pytest.raises(SupplyRefused) as refused:
        await supplies.count("berlin", found(("pot", 1), ("pot", 2)), "k", "ann")
    assert (refused.value.field, refused.value.code) == ("lines.1.sku", "named_twice")
    assert (await level(stock), await level(stock, "pot")) == ((10, 3), (4, 0))
    assert await supplies.counts() == ()


async def test_goods_that_were_counted_serve_who_waits(
    supplies: Supplies, stock: PostgresInventory, stock_engine: AsyncEngine
) -> None:
    await reserve(stock, request("a-1", ("cup", 3)), ("berlin",))
    await supplies.count("berlin", found(("cup", 3)), "k", "ann")
    assert await assigned(stock_engine) == {"a-1": {"berlin": {"cup": 3}}}


@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.data())
async def test_whatever_comes_in_whatever_parts_the_books_agree(
    stock_engine: AsyncEngine, data: st.DataObject
) -> None:
    supplies, stock = Supplies(stock_engine), PostgresInventory(stock_engine)
    before = (await level(stock))[0] + (await level(stock, place="lyon"))[0]
    run = len(await rows(stock_engine, "SELECT 1 FROM supply_deeds"))
    line = st.tuples(st.just("cup"), st.integers(1, 5), st.integers(0, 9))
    lines = data.draw(st.lists(line, min_size=1, max_size=3))
    po = (await supplies.open(goods(*lines), f"o{run}", "ann")).supply_id
    got = 0
    for turn, many in enumerate(data.draw(st.lists(st.integers(1, 6), max_size=4))):
        seen = await supplies.get(po)
        assert seen is not None
        if seen.state is not SupplyState.OPEN:
            break
        seen = await supplies.receive(po, came(("cup", many)), f"r{run}-{turn}", "ann")
        got += many
        assert sum(one.received for one in seen.lines) == got
        assert sum(awaited(seen)) == max(sum(one[1] for one in lines) - got, 0)
    closed = await supplies.close(po, f"c{run}", "ann", reason="over")
    wrong = sum(one.quantity for one in closed.discrepancies)
    assert got == sum(one[1] for one in lines) + wrong
    after = (await level(stock))[0] + (await level(stock, place="lyon"))[0]
    assert after == before + got
    assert await sound(stock_engine)


async def test_transfers_both_ways_receipts_and_buyers_never_lock_each_other_out(
    supplies: Supplies, stock: PostgresInventory, stock_engine: AsyncEngine
) -> None:
    for place in ("berlin", "lyon"):
        for sku in ("cup", "pot"):
            await receive(stock, sku, 30, place)

    async def move(number: int) -> None:
        skus = ("cup", "pot") if number % 2 else ("pot", "cup")
        way = ("berlin", "lyon") if number % 3 else ("lyon", "berlin")
        asked = goods(*((sku, 2, 1) for sku in skus), origin=way[0], destination=way[1])
        tr = (await supplies.open(asked, f"o{number}", "ann")).supply_id
        await supplies.dispatch(tr, f"d{number}", "ann")
        await supplies.receive(tr, came(*((sku, 1) for sku in skus)), f"r{number}", "ann")
        await supplies.close(tr, f"c{number}", "ann", reason="fell off")

    async def buy(number: int) -> None:
        places = ("berlin", "lyon") if number % 2 else ("lyon", "berlin")
        wanted = request(f"a-{number}", ("pot", 1 + number % 2), ("cup", 1))
        await reserve(stock, wanted, places, parts_max=2)

    async def bring(number: int) -> None:
        po = await ordered(supplies, ("cup", 1, number), ("pot", 1, number))
        await supplies.receive(po, came(("pot", 1), ("cup", 1)), f"b{number}", "ann")

    await asyncio.gather(*(deed(n) for n in range(12) for deed in (move, buy, bring)))
    levels = await stock.levels()
    # of 24 pieces on the move 12 were lost of each SKU, and 12 came from outside
    for sku in ("cup", "pot"):
        assert sum(one.on_hand for one in levels if one.sku == sku) == 60
    assert sum(one.incoming for one in levels) == 0
    assert await sound(stock_engine)
