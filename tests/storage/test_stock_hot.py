"""A crowd at one SKU: every unit is sold, none twice, and nobody is cut off or stuck for it."""

import gc
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.storage.market import Market, planted
from tests.storage.stockroom import rows

Open = Callable[[int, int, int], Awaitable[Market]]
TRIES = 20


@pytest.fixture
async def open_market(new_database: Callable[[], str]) -> AsyncIterator[Open]:
    opened = []

    async def open_one(buyers: int, connections: int, units: int) -> Market:
        market = Market(new_database(), buyers, connections, units)
        opened.append(market)
        await market.open()
        return market

    yield open_one
    for market in opened:
        await market.close()


# SQLAlchemy drops a connection whose backend was ended, and psycopg minds that nobody closed it
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.timeout(900)
async def test_of_two_thousand_buyers_exactly_a_hundred_units_are_owned(open_market: Open) -> None:
    market = await open_market(2_000, 64, 100)
    await market.trade(cuts=20)
    assert market.cut_off > 0
    assert await market.judge() == []
    gc.collect()  # here, where nobody minds, and not in whatever test comes next


async def unsorted_locks(engine: AsyncEngine) -> None:
    shuffled = ("ORDER BY p.location, i.sku", "ORDER BY random()")
    await planted(engine, "stock_lock_if_there", shuffled)


async def unsummed_lines(engine: AsyncEngine) -> None:
    await planted(engine, "stock_units", ("sum(l.quantity * u.quantity)", "max(l.quantity)"))


async def missing_key(engine: AsyncEngine) -> None:
    await rows(engine, "ALTER TABLE reservations DROP CONSTRAINT reservations_pkey")
    await rows(engine, "ALTER TABLE stock_movements DROP CONSTRAINT stock_movements_key_sku_key")
    await planted(engine, "stock_reserved", ("WHERE r.base = key_", "WHERE false"))


async def unseen_queue(engine: AsyncEngine) -> None:
    await planted(engine, "stock_free", ("PERFORM stock_share_out(places", "-- (places"))


async def unlocked_look(engine: AsyncEngine) -> None:
    """What was seen before the lock is believed after it, and nothing else stops it."""
    await planted(engine, "stock_lock_if_there", ("FOR NO KEY UPDATE", ""))
    await rows(engine, "ALTER TABLE stock DROP CONSTRAINT stock_covers_reserved")


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("bug", "units", "fault"),
    [
        (unsorted_locks, 10_000, "deadlock"),
        (unsummed_lines, 10_000, "an order owns other than it bought"),
        (missing_key, 10_000, "an order owns other than it bought"),
        (unseen_queue, 40, "of 40 units are owned"),
        (unseen_queue, 40, "an order waits for what is there"),
        (unlocked_look, 40, "the ledger was negative"),
    ],
)
async def test_the_judge_finds_a_planted_bug(
    open_market: Open, bug: Callable[[AsyncEngine], Awaitable[None]], units: int, fault: str
) -> None:
    """A race that a busy machine did not run is run again."""
    seen: set[str] = set()
    for _ in range(TRIES):
        market = await open_market(250, 24, units)
        await bug(market.aside)
        await market.trade()
        seen |= set(await market.judge())
        await market.close()
        if fault in " ".join(seen):
            return
    pytest.fail(f"nobody was told of it: {sorted(seen)}")
