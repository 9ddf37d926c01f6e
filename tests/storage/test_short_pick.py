"""A picker finds less than the record says: the part is given back and the record corrected."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.errors import Refused
from domain.ids import OrderId
from domain.stock import Reserved, ShortPick, ShortPickRequest, ShortReason
from storage.stock import PostgresInventory
from tests.storage.stockroom import everything, receive, ref, request, reserve, rows, waiting


def short(order: str, found: int, reason: ShortReason, sku: str = "cup") -> ShortPickRequest:
    return ShortPickRequest(
        order_id=OrderId(order),
        key=f"{order}/reserve/1/1",
        short=(ShortPick(sku=sku, found=found, reason=reason),),
    )


@pytest.fixture
async def reserved(stock: PostgresInventory) -> None:
    """Ten cups: three for the order that will be short, two for another."""
    await receive(stock, "cup", 10)
    assert isinstance(await reserve(stock, request("a-1", ("cup", 3))), Reserved)
    assert isinstance(await reserve(stock, request("a-2", ("cup", 2))), Reserved)


@pytest.mark.usefixtures("reserved")
@pytest.mark.parametrize(
    ("reason", "on_hand", "damaged", "available"),
    [
        (ShortReason.MISMATCH, 8, 0, 6),
        (ShortReason.DAMAGED, 10, 2, 6),
        (ShortReason.NOT_IN_STOCK, 3, 0, 1),
    ],
)
async def test_each_reason_corrects_the_record_in_its_own_way(
    stock: PostgresInventory, reason: ShortReason, on_hand: int, damaged: int, available: int
) -> None:
    for _ in range(2):
        await stock.short_pick(short("a-1", 1, reason))
    level = await everything(stock)
    assert (level.on_hand, level.reserved, level.damaged) == (on_hand, 2, damaged)
    assert level.available == available
    assert await stock.drift() == ()


@pytest.mark.usefixtures("reserved")
async def test_what_was_found_after_all_or_never_reserved_corrects_nothing(
    stock: PostgresInventory,
) -> None:
    await receive(stock, "pot", 4)
    await stock.short_pick(short("a-1", 3, ShortReason.NOT_IN_STOCK))
    await stock.short_pick(short("a-2", 0, ShortReason.NOT_IN_STOCK, sku="pot"))
    assert (await everything(stock)).available == 10
    assert (await everything(stock, "pot")).available == 4


@pytest.mark.usefixtures("reserved")
async def test_nobody_who_waits_is_given_what_is_not_there(
    stock: PostgresInventory, stock_engine: AsyncEngine
) -> None:
    await reserve(stock, request("a-3", ("cup", 6)), ("berlin",))
    await stock.short_pick(short("a-1", 0, ShortReason.NOT_IN_STOCK))
    assert await waiting(stock_engine) == ["a-3"]


@pytest.mark.usefixtures("reserved")
async def test_what_has_left_or_is_anothers_is_refused(
    stock: PostgresInventory, stock_engine: AsyncEngine
) -> None:
    await stock.ship(ref("a-1"))
    with pytest.raises(Refused, match="reservation_shipped"):
        await stock.short_pick(short("a-1", 0, ShortReason.MISMATCH))
    other = short("a-2", 0, ShortReason.MISMATCH).model_copy(update={"order_id": OrderId("a-9")})
    with pytest.raises(Refused, match="key_reused"):
        await stock.short_pick(other)
    kinds = await rows(stock_engine, "SELECT DISTINCT kind FROM stock_movements ORDER BY kind")
    assert kinds == [("received",), ("reserved",), ("shipped",)]
