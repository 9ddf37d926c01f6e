"""A bundle is sold as one and picked as its components."""

import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.ids import OrderId
from domain.stock import Reserved, RestockRequest, Short, SkuQuantity
from storage.stock import PostgresInventory
from storage.stock_changes import StockChangeRefused
from tests.storage.stockroom import (
    assigned,
    correction,
    level,
    receive,
    ref,
    request,
    reserve,
    rows,
    waiting,
)


@pytest.fixture
async def tea_set(stock_engine: AsyncEngine) -> str:
    """A pot and two cups, as one."""
    await rows(stock_engine, "INSERT INTO skus (sku, title) VALUES ('set', 'Tea set')")
    await rows(
        stock_engine,
        "INSERT INTO bundle_components VALUES ('set', 'cup', 2), ('set', 'pot', 1)",
    )
    return "set"


async def test_a_bundle_takes_its_components(stock: PostgresInventory, tea_set: str) -> None:
    await receive(stock, "cup", 5)
    await receive(stock, "pot", 5)
    answer = await reserve(stock, request("a-1", (tea_set, 2), ("cup", 1)))
    assert isinstance(answer, Reserved)
    assert answer.parts[0].items == (
        SkuQuantity(sku="cup", quantity=5),
        SkuQuantity(sku="pot", quantity=2),
    )
    assert [(one.sku, one.quantity) for one in answer.parts[0].lines] == [("set", 2), ("cup", 1)]
    await stock.ship(ref("a-1"))
    assert [await level(stock), await level(stock, "pot")] == [(0, 0), (3, 0)]


async def test_bundles_and_their_components_compete_for_the_same_units(
    stock: PostgresInventory, tea_set: str
) -> None:
    await receive(stock, "cup", 4)
    await receive(stock, "pot", 4)
    assert await reserve(stock, request("a-1", (tea_set, 2), ("cup", 1))) == Short(
        missing=(SkuQuantity(sku="cup", quantity=1),)
    )
    await reserve(stock, request("a-2", ("cup", 1)))
    assert isinstance(await reserve(stock, request("a-3", (tea_set, 2))), Short)
    assert isinstance(await reserve(stock, request("a-4", (tea_set, 1))), Reserved)
    assert [await level(stock), await level(stock, "pot")] == [(4, 3), (4, 1)]


async def test_a_unit_of_a_bundle_comes_from_one_place(
    stock: PostgresInventory, stock_engine: AsyncEngine, tea_set: str
) -> None:
    await reserve(stock, request("a-1", (tea_set, 2)), parts_max=2)
    await receive(stock, "cup", 3)
    await receive(stock, "pot", 2)
    await receive(stock, "cup", 1, "lyon")
    # a set is whole in berlin; lyon has a cup and berlin another, and that is no second set
    assert await waiting(stock_engine) == ["a-1"]
    await receive(stock, "pot", 1, "lyon")
    assert await waiting(stock_engine) == ["a-1"]
    await receive(stock, "cup", 1, "lyon", key="more")
    assert await assigned(stock_engine) == {
        "a-1": {"berlin": {"cup": 2, "pot": 1}, "lyon": {"cup": 2, "pot": 1}}
    }


async def test_who_waits_for_a_bundle_gets_what_it_was_made_of_then(
    stock: PostgresInventory, stock_engine: AsyncEngine, tea_set: str
) -> None:
    await reserve(stock, request("a-1", (tea_set, 1)))
    await rows(stock_engine, "UPDATE bundle_components SET quantity = 9 WHERE component = 'cup'")
    await receive(stock, "cup", 2)
    await receive(stock, "pot", 1)
    assert await assigned(stock_engine) == {"a-1": {"berlin": {"cup": 2, "pot": 1}}}


async def test_a_bundle_that_comes_back_is_put_away_as_its_components(
    stock: PostgresInventory, tea_set: str
) -> None:
    back = RestockRequest(
        return_id="r-1",
        order_id=OrderId("a-1"),
        location="berlin",
        lines=(SkuQuantity(sku=tea_set, quantity=2), SkuQuantity(sku="cup", quantity=1)),
        key="back",
    )
    for _ in range(2):
        await stock.restock(back)
    assert [await level(stock), await level(stock, "pot")] == [(5, 0), (2, 0)]


async def test_a_bundle_holds_no_stock_of_its_own(
    stock: PostgresInventory, stock_engine: AsyncEngine, tea_set: str
) -> None:
    with pytest.raises(StockChangeRefused) as refused:
        await stock.receive(correction(1, sku=tea_set))
    assert (refused.value.field, refused.value.code) == ("sku", "bundle_has_stock")
    await receive(stock, "tea", 1)
    with pytest.raises(DBAPIError, match="bundle_has_stock"):
        await rows(stock_engine, "INSERT INTO bundle_components VALUES ('tea', 'cup', 1)")
    await reserve(stock, request("a-1", ("cup", 1), ("pot", 1)))
    with pytest.raises(DBAPIError, match="bundle_of_bundles"):
        await rows(stock_engine, "INSERT INTO bundle_components VALUES ('pot', 'tea', 1)")


async def test_who_waits_for_a_sku_keeps_it_from_becoming_a_bundle(
    stock: PostgresInventory, stock_engine: AsyncEngine
) -> None:
    await reserve(stock, request("a-1", ("cup", 1)))
    with pytest.raises(DBAPIError, match="bundle_has_stock"):
        await rows(stock_engine, "INSERT INTO bundle_components VALUES ('cup', 'tea', 1)")


@pytest.mark.parametrize(
    "row", ["('set', 'set', 1)", "('tea', 'set', 1)", "('cup', 'tea', 1)", "('set', 'tea', 0)"]
)
async def test_there_are_no_bundles_of_bundles_and_none_of_nothing(
    stock_engine: AsyncEngine, tea_set: str, row: str
) -> None:
    assert tea_set == "set"
    with pytest.raises(DBAPIError, match=r"bundle_of_bundles|bundle_components_"):
        await rows(stock_engine, f"INSERT INTO bundle_components VALUES {row}")  # noqa: S608 - above
