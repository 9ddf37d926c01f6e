"""`python -m bench.growth [--calls N] [--json FILE]`: what a grown ledger costs each call on stock.

A small and a grown database lie in one server and are asked in turn, call by call. What counts is
the time in PostgreSQL: what Python makes of the answer is the same in both.
"""

import argparse
import asyncio
import json
import random
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psycopg
from rich.console import Console
from rich.table import Table
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from bench.cpu import Others
from bench.result import Spread
from bench.stock_callers import NotReserved, order, sourcing_over
from bench.stock_ground import DESIGNS, Ground, database, stock_server
from config.settings import SettingsInvalid
from domain.sourcing.case import Case
from domain.sourcing.source import source
from domain.stock import ReservationRef, Reserved, ReserveRequest
from starter.local.ports import PortTaken
from starter.local.processes import StartFailed
from storage.channel_stock import ChannelStocks
from storage.engine import create_engine
from storage.stock import PostgresInventory

CALLS = 2_000
WARM_CALLS = 50
LOCATIONS = 10
SMALL_SKUS = 100
GROWN_SKUS = 10_000
"""With ten locations and ten movements at each: 100,000 levels, 1,000,000 movements."""
LINES = 3
PAGE = 100
RATIO_MAX = 1.5


@dataclass(frozen=True)
class Grown:
    """Milliseconds in PostgreSQL for a call, and how the grown p99 compares with the small one."""

    call: str
    small_ms: Spread
    grown_ms: Spread

    @property
    def ratio(self) -> float:
        return self.grown_ms.p99 / self.small_ms.p99


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.growth", description=__doc__)
    parser.add_argument("--calls", type=int, default=CALLS, help="of each kind, in each database")
    parser.add_argument("--json", type=Path, help="also write the numbers to this file")
    wanted = parser.parse_args()
    console = Console(highlight=False)
    try:
        with stock_server() as server:
            small, grown = (database(server, name) for name in ("small", "grown"))
            grow(small, SMALL_SKUS)
            grow(grown, GROWN_SKUS)
            console.print("  up: both ledgers")
            others = Others(small.pid)
            found = asyncio.run(measure(small, SMALL_SKUS, grown, GROWN_SKUS, wanted.calls))
            others_share = others.share()
    except (NotReserved, PortTaken, SettingsInvalid, StartFailed) as error:
        console.print(str(error), style="red", markup=False)
        return 2
    console.print(_table(found))
    console.print(f"others used {others_share:.0%} of the machine meanwhile", style="dim")
    if wanted.json:
        calls = [{**asdict(one), "ratio": one.ratio} for one in found]
        told = {"calls": calls, "others_share": others_share}
        wanted.json.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    slower = [one for one in found if one.ratio > RATIO_MAX]
    for one in slower:
        console.print(f"{one.call}: p99 is {one.ratio:.2f} times the small one's", style="red")
    return 1 if slower else 0


def grow(where: Ground, skus: int) -> None:
    """Fill an empty database with a ledger of that many SKUs at ten locations."""
    with psycopg.connect(where.conninfo) as connection:
        connection.execute((DESIGNS / "growth.sql").read_text(encoding="utf-8"))
        connection.execute("SELECT pg_temp.grow(%s, %s)", [skus, LOCATIONS])
        connection.execute("SELECT count(*) FROM stock_rebuild()")
    with psycopg.connect(where.conninfo, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")


async def measure(
    small: Ground, small_skus: int, grown: Ground, grown_skus: int, calls: int
) -> list[Grown]:
    async with AsyncExitStack() as opened:
        sides = []
        for where, skus in ((small, small_skus), (grown, grown_skus)):
            engine = create_engine(where.url, 1)
            opened.push_async_callback(engine.dispose)
            sides.append(Side(engine, skus))
        found = []
        for name in CALLS_ON_STOCK:
            took = await _in_turn(sides, name, calls)
            found.append(Grown(name, *(Spread.of(times) for times in took)))
    return found


async def _in_turn(sides: list["Side"], name: str, calls: int) -> list[list[float]]:
    took: list[list[float]] = [[] for _ in sides]
    for number in range(WARM_CALLS + calls):
        for side, times in zip(sides, took, strict=True):
            before_s = side.in_database_s
            await CALLS_ON_STOCK[name](side, number)
            if number >= WARM_CALLS:
                times.append(1000 * (side.in_database_s - before_s))
    return took


class Side:
    """One of the two databases, asked as the product asks; it sums up the time spent there."""

    def __init__(self, engine: AsyncEngine, skus: int) -> None:
        self.in_database_s = 0.0
        self._inventory = PostgresInventory(engine)
        self._sourcing = sourcing_over(engine)
        self._channels = ChannelStocks(engine, ("web",))
        self._skus = skus
        self._chance = random.Random(skus)
        self._asked: list[tuple[ReserveRequest, Case]] = []
        self._held: list[ReservationRef] = []
        self._began_s = 0.0
        event.listen(engine.sync_engine, "before_cursor_execute", self._begin)
        event.listen(engine.sync_engine, "after_cursor_execute", self._end)

    async def look(self, number: int) -> None:
        skus = self._chance.sample(range(1, self._skus + 1), LINES)
        request = order(f"now-{number}", skus)
        self._asked.append((request, await self._sourcing.case(request)))

    async def reserve(self, _: int) -> None:
        request, case = self._asked.pop()
        answer = await self._sourcing.reserve(request, case, source(case))
        if not isinstance(answer, Reserved):
            raise NotReserved(f"{request.order_id}: {answer!r}")
        self._held.append(ReservationRef(order_id=request.order_id, key=request.key))

    async def ship_or_release(self, number: int) -> None:
        give = self._inventory.ship if number % 2 else self._inventory.release
        await give(self._held.pop())

    async def first_page(self, _: int) -> None:
        await self._inventory.levels(limit=PAGE)

    async def any_page(self, _: int) -> None:
        await self._inventory.levels(after=(self._sku(), self._place()), limit=PAGE)

    async def page_of_a_location(self, _: int) -> None:
        place = self._place()
        await self._inventory.levels(location=place, after=(self._sku(), place), limit=PAGE)

    async def one_sku(self, _: int) -> None:
        await self._inventory.levels(sku=self._sku(), limit=PAGE)

    async def for_sale(self, _: int) -> None:
        await self._channels.now([self._sku() for _ in range(PAGE // LOCATIONS)])

    def _sku(self) -> str:
        return f"sku-{self._chance.randint(1, self._skus)}"

    def _place(self) -> str:
        return f"place-{self._chance.randint(1, LOCATIONS)}"

    def _begin(self, *_: Any) -> None:
        self._began_s = time.perf_counter()

    def _end(self, *_: Any) -> None:
        self.in_database_s += time.perf_counter() - self._began_s


CALLS_ON_STOCK: dict[str, Callable[[Side, int], Awaitable[None]]] = {
    f"look where {LINES} SKUs are": Side.look,
    f"reserve {LINES} SKUs": Side.reserve,
    "ship, or release": Side.ship_or_release,
    "list: first page": Side.first_page,
    "list: any page": Side.any_page,
    "list: a location": Side.page_of_a_location,
    "list: a SKU": Side.one_sku,
    "for sale: a page": Side.for_sale,
}


def _table(found: list[Grown]) -> Table:
    table = Table(title=f"{GROWN_SKUS * LOCATIONS:,} levels beside {SMALL_SKUS * LOCATIONS:,}")
    for heading in ("", "p50 ms", "grown", "p99 ms", "grown", "p99 ratio"):
        table.add_column(heading, justify="right" if heading else "left")
    for one in found:
        spreads = (one.small_ms.p50, one.grown_ms.p50, one.small_ms.p99, one.grown_ms.p99)
        table.add_row(one.call, *(f"{ms:.2f}" for ms in spreads), f"{one.ratio:.2f}")
    return table


if __name__ == "__main__":
    sys.exit(main())
