"""Many buyers of a few units at once, cancelling, expiring, cut off; and a judge of the outcome.

More than half have it sourced, as the product does; the rest claim what they want by functions in
PostgreSQL alone, and so press harder.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeVar

from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from activities.inventory import reserve_where_best
from domain.errors import Refused, Unavailable
from domain.stock import Reserved, ReserveRequest, Short, StockChange
from storage.sourcing import PostgresSourcing
from storage.sourcing_rules import SourcingRules
from storage.stock import PostgresInventory
from tests.storage.stockroom import ref, request, reserve, rows, until

R = TypeVar("R")
HELD_FOR_A_TIME = (
    "SELECT 1 FROM reservations WHERE state = 'reserved' AND expires_at IS NOT NULL LIMIT 1"
)
WAITS_FOR_WHAT_IS_THERE = """
SELECT w.order_id FROM stock_waiting w
 WHERE EXISTS (SELECT FROM unnest(w.ranked) place
                WHERE NOT EXISTS (SELECT FROM stock_lacking(place, w.items)))
"""
BUNDLES = {"set": {"hot": 1, "cup": 2}, "box": {"hot": 2, "pot": 1, "cup": 1}}
PLENTY = 100_000
PLACES = {"berlin": 0.7, "lyon": 0.3}
"""With their share of the units."""
SOURCED = 11
"""Of twenty buyers."""
AGAIN = {"connection_lost", "unreachable", "contended"}
"""What an activity is tried again for."""
SOON_S = 0.4
"""Deadlines that pass in the midst of the trade."""


@dataclass
class Market:
    """`buyers` want about three units each of `hot`, of which there are `units`."""

    url: str
    buyers: int
    connections: int
    units: int
    chance: Random = field(default_factory=lambda: Random(7))
    faults: list[str] = field(default_factory=list)
    carts: dict[str, ReserveRequest] = field(default_factory=dict)
    answers: dict[str, Reserved | Short] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    """Orders that were cancelled or had a deadline."""
    cut_off: int = 0

    async def open(self) -> None:
        self.engine = create_async_engine(
            self.url,
            pool_size=self.connections,
            max_overflow=0,
            pool_timeout=600,  # who is second at a connection waits for it, however long
            connect_args={"options": "-c deadlock_timeout=20ms"},
        )
        # one lost connection says nothing of the others
        event.listen(self.engine.sync_engine, "handle_error", _keep_the_others)
        self.aside = create_async_engine(self.url, pool_size=2)
        self.stock = PostgresInventory(self.engine)
        self.sourcing = PostgresSourcing(self.engine, self.stock, SourcingRules(self.engine))
        await rows(
            self.aside,
            "INSERT INTO locations (location, name, country, timezone, address) "
            "SELECT l, l, 'DE', 'Europe/Berlin', '{}' FROM unnest('{berlin,lyon}'::text[]) l",
        )
        await rows(
            self.aside,
            "INSERT INTO skus (sku, title) "
            "SELECT s, s FROM unnest('{hot,cup,pot,set,box}'::text[]) s",
        )
        async with self.aside.begin() as connection:
            await connection.execute(
                text("INSERT INTO bundle_components VALUES (:bundle, :component, :quantity)"),
                [
                    {"bundle": bundle, "component": sku, "quantity": quantity}
                    for bundle, components in BUNDLES.items()
                    for sku, quantity in sorted(components.items())
                ],
            )
        for place, share in PLACES.items():
            for sku, many in (("hot", self.units), ("cup", PLENTY), ("pot", PLENTY)):
                quantity = round(many * share)
                key = f"{sku}-{place}"
                await self.stock.receive(
                    StockChange(
                        key=key, sku=sku, location=place, quantity=quantity, reason="", by="ann"
                    )
                )

    async def close(self) -> None:
        await self.engine.dispose()
        await self.aside.dispose()

    # -- the trade

    async def trade(self, *, cuts: int = 0) -> None:
        for number in range(self.buyers):
            order = f"a-{number}"
            self.carts[order] = self._cart(order)
        places = asyncio.Semaphore(self.connections)
        buying = [asyncio.create_task(self._buy(order, places)) for order in self.carts]
        bought = asyncio.gather(*buying, return_exceptions=True)
        beside = (self._sweep(bought), self._cut(bought, cuts), self._cancel_late(bought))
        ends = [*await asyncio.gather(*beside, return_exceptions=True), *await bought]
        # whatever is neither refused nor an outage is a fault
        self.faults += [type(end).__name__ for end in ends if isinstance(end, Exception)]

    def _cart(self, order: str) -> ReserveRequest:
        """One to five of `hot`, often on two lines or in bundles, among other things."""
        hot = self.chance.randint(1, 5)
        lines = [("hot", hot)]
        match self.chance.randrange(4):
            case 0 if hot > 1:
                lines = [("hot", 1), ("hot", hot - 1)]
            case 1 if hot > 1:
                lines = [("set", 1), ("hot", hot - 1)]
            case 2 if hot > 2:
                lines = [("box", 1), ("set", hot - 2)]
        lines += self.chance.choice([[], [("cup", 1)], [("pot", 2), ("cup", 1)]])
        self.chance.shuffle(lines)
        soon_s = self.chance.choice([0, self.chance.uniform(0, SOON_S)])
        held_s = soon_s if self.chance.random() < 0.15 else None
        return request(order, *lines, expires_in_s=held_s)

    async def _buy(self, order: str, places: asyncio.Semaphore) -> None:
        cart = self.carts[order]
        tries = 2 if self.chance.random() < 0.2 else 1
        cancels = self.chance.random() < 0.15
        way = self.chance.randrange(20)
        async with places:
            if cancels or cart.expires_in_s is not None:
                self.gone.add(order)
            said = await asyncio.gather(*(self._reserve(cart, way) for _ in range(tries)))
            self.answers[order] = said[0]
            if cancels:
                await self._persist(lambda: self.stock.release(ref(order)))

    async def _reserve(self, cart: ReserveRequest, way: int) -> Reserved | Short:
        try:
            if way < SOURCED:
                sourced = await self._persist(lambda: reserve_where_best(self.sourcing, cart))
                return sourced[0]
            places = ("berlin",) if way % 2 else ("lyon", "berlin")
            return await self._persist(lambda: reserve(self.stock, cart, places))
        except Refused as refused:
            # its deadline passed between two tries
            if cart.expires_in_s is None or refused.code != "reservation_released":
                raise
            return Short()

    async def _persist(self, doing: Callable[[], Awaitable[R]]) -> R:
        """As an activity would: again while the database is away, with the same key."""
        while True:
            try:
                return await doing()
            except Unavailable as lost:
                if lost.code not in AGAIN:
                    self.faults.append(lost.code)
                    raise

    async def _sweep(self, bought: asyncio.Future[Any]) -> None:
        while not bought.done():
            await self._persist(self.stock.expire)
            await asyncio.sleep(0.05)
        await until(self._nothing_expires)

    async def _nothing_expires(self) -> bool:
        await self._persist(self.stock.expire)
        return not await rows(self.aside, HELD_FOR_A_TIME)

    async def _cancel_late(self, bought: asyncio.Future[Any]) -> None:
        """Some who own what they bought give it back when nobody comes any more."""
        await asyncio.wait([bought])
        owners = [order for order, said in self.answers.items() if isinstance(said, Reserved)]
        for order in [order for order in owners if order not in self.gone][:5]:
            self.gone.add(order)
            await self._persist(lambda order=order: self.stock.release(ref(order)))  # type: ignore[misc]

    async def _cut(self, bought: asyncio.Future[Any], many: int) -> None:
        while not bought.done() and self.cut_off < many:
            await asyncio.sleep(0.1)
            ended = await rows(
                self.aside,
                "SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity "
                "WHERE datname = current_database() AND state = 'active' "
                "AND pid <> pg_backend_pid() ORDER BY random() LIMIT 2) b",
            )
            self.cut_off += len(ended)

    # -- the judge

    async def judge(self) -> list[str]:
        """All that is wrong; nothing, if nobody was sold what was not there."""
        found = await rows(
            self.aside,
            "SELECT r.order_id, i.sku, sum(i.quantity)::int FROM reservations r, "
            "jsonb_to_recordset(r.items) AS i (sku text, quantity bigint) "
            "WHERE r.state = 'reserved' GROUP BY 1, 2",
        )
        owned: dict[str, Counter[str]] = {}
        for order, sku, quantity in found:
            owned.setdefault(order, Counter())[sku] = quantity
        waits = {order for (order,) in await rows(self.aside, "SELECT order_id FROM stock_waiting")}
        sold_out_for_none = await rows(self.aside, WAITS_FOR_WHAT_IS_THERE)
        faults = list(self.faults)
        for order, cart in self.carts.items():
            faults += self._wrong(order, owned.get(order), picked(cart), waits=order in waits)
        faults += ["an order waits for what is there"] * len(sold_out_for_none)
        faults += await self._wrong_counters(owned)
        return sorted(set(faults))

    def _wrong(
        self, order: str, owned: Counter[str] | None, wanted: Counter[str], *, waits: bool
    ) -> list[str]:
        if owned is not None and owned != wanted:
            return ["an order owns other than it bought"]
        if owned is not None and waits:
            return ["an order owns and waits"]
        if owned is None and not waits and order not in self.gone:
            return ["an order was forgotten"]
        if owned is None and isinstance(self.answers.get(order), Reserved):
            return [] if order in self.gone else ["an order lost what it was promised"]
        return []

    async def _wrong_counters(self, owned: dict[str, Counter[str]]) -> list[str]:
        wrong = []
        levels = await self.stock.levels(sku="hot")
        reserved = sum(level.reserved for level in levels)
        on_hand = sum(level.on_hand for level in levels)
        sold = sum(items["hot"] for items in owned.values())
        if not reserved == sold == on_hand == self.units:
            wrong.append(f"{sold} of {self.units} units are owned, {reserved} counted")
        if await self.stock.drift():
            wrong.append("the counters drifted")
        negative = await rows(
            self.aside,
            "SELECT 1 FROM (SELECT sum(on_hand_delta) OVER w AS on_hand, "
            "sum(reserved_delta) OVER w AS reserved FROM stock_movements "
            "WINDOW w AS (PARTITION BY sku, location ORDER BY id)) so_far "
            "WHERE reserved < 0 OR reserved > on_hand",
        )
        return wrong + (["the ledger was negative"] if negative else [])


def picked(cart: ReserveRequest) -> Counter[str]:
    total: Counter[str] = Counter()
    for line in cart.lines:
        for sku, quantity in BUNDLES.get(line.sku, {line.sku: 1}).items():
            total[sku] += quantity * line.quantity
    return total


def _keep_the_others(context: object) -> None:
    context.invalidate_pool_on_disconnect = False  # type: ignore[attr-defined]


async def planted(engine: AsyncEngine, function: str, *changes: tuple[str, str]) -> None:
    """Put a bug into one of the database's functions: each piece of text becomes another."""
    ((source,),) = await rows(engine, f"SELECT pg_get_functiondef('{function}'::regproc)")
    for right, wrong in changes:
        assert right in source
        source = source.replace(right, wrong)
    async with engine.begin() as connection:
        await connection.exec_driver_sql(source)
