"""Sells orders through signed webhooks, and reads from the books when what became of them."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import httpx
from psycopg import AsyncConnection

from demo.shop import Sale, customers, offers, payload

LINES = (1, 1, 1, 2, 2, 2, 3, 3, 4, 5, 6)
SCARCE = frozenset({"SAMOVAR", "TAGINE"})
AT_ONCE = 16
"""Webhooks that the shop has under way at the same time."""
LOOK_S = 0.25
PATIENCE_S = 90.0

_TIMES = """
WITH heard AS (
    SELECT order_id, min(received_at) AS at FROM inbox WHERE order_id = ANY(%s) GROUP BY 1),
labelled AS (
    SELECT split_part(key, '/', 1) AS order_id, min(updated_at) AS at FROM effects
     WHERE key ~ '/label/[0-9]+$' AND state = 'done' GROUP BY 1),
delivered AS (
    SELECT order_id, min(at) AS at FROM journal WHERE code = 'status_delivered' GROUP BY 1),
closed AS (
    SELECT order_id, min(at) AS at FROM journal WHERE code = 'status_closed' GROUP BY 1)
SELECT order_id, heard.at, labelled.at, delivered.at, closed.at
  FROM heard JOIN labelled USING (order_id) JOIN delivered USING (order_id)
  JOIN closed USING (order_id)
"""
_CLOSED = "SELECT count(*) FROM orders WHERE status = 'closed' AND order_id = ANY(%s)"
_OPEN = """
SELECT order_id, status, wait_owner, wait_what, attention FROM orders
 WHERE status <> 'closed' AND order_id = ANY(%s)
"""


class NotDone(RuntimeError):
    """Something did not end in time; the text says what, and where it stands."""


@dataclass(frozen=True)
class Life:
    """When an order's webhook was kept, its label bought, its parcel delivered, itself closed."""

    order_id: str
    heard: datetime
    labelled: datetime
    delivered: datetime
    closed: datetime

    @property
    def to_label_s(self) -> float:
        return (self.labelled - self.heard).total_seconds()

    @property
    def to_delivered_s(self) -> float:
        return (self.delivered - self.heard).total_seconds()


class Shop:
    """The simulated shop, and our books of what it sold. Each sale is another order."""

    def __init__(self, simulators_url: str, channel: str, conninfo: str) -> None:
        self._client = httpx.AsyncClient(base_url=simulators_url, timeout=30, trust_env=False)
        self._channel = channel
        self._conninfo = conninfo
        self._chance = random.Random(20_260_701)
        self._number = 0

    async def aclose(self) -> None:
        await self._client.aclose()

    async def sell(self, many: int, *, per_s: float | None = None) -> tuple[Life, ...]:
        """Sell and wait until every order is closed; all at once, or so many a second.

        Raises:
            NotDone: some did not close.
        """
        sales = [self._sale() for _ in range(many)]
        slots = asyncio.Semaphore(AT_ONCE)
        began = time.monotonic()

        async def sell(place: int, sale: Sale) -> None:
            if per_s:
                await asyncio.sleep(began + place / per_s - time.monotonic())
            async with slots:
                await self._order(sale)

        await asyncio.gather(*(sell(place, sale) for place, sale in enumerate(sales)))
        return await self._ended([f"{self._channel}-{sale.shop_id}" for sale in sales])

    async def _order(self, sale: Sale) -> None:
        body = {"order": payload(sale), "send": True}
        answer = await self._client.post("/control/shopify/orders", json=body)
        answer.raise_for_status()

    async def _ended(self, order_ids: Sequence[str]) -> tuple[Life, ...]:
        books = await AsyncConnection.connect(self._conninfo, autocommit=True)
        async with books:

            async def all_closed() -> bool:
                row = await (await books.execute(_CLOSED, [list(order_ids)])).fetchone()
                return row is not None and row[0] == len(order_ids)

            if not await _comes_true(all_closed):
                stuck = await (await books.execute(_OPEN, [list(order_ids)])).fetchall()
                raise NotDone(f"not closed within {PATIENCE_S:g} s: {stuck or 'never heard of'}")
            rows = await (await books.execute(_TIMES, [list(order_ids)])).fetchall()
        return tuple(Life(*row) for row in rows)

    def _sale(self) -> Sale:
        """As the demo's plain sales: one to six lines, to all its countries."""
        chance = self._chance
        self._number += 1
        plenty = [sku for sku in offers() if sku not in SCARCE]
        skus = chance.sample(plenty, chance.choice(LINES))
        return Sale(
            number=self._number,
            customer=chance.choice(customers()),
            lines=tuple((sku, chance.choice((1, 1, 1, 2, 3))) for sku in skus),
            payment=chance.choice(("authorized", "authorized", "paid")),
            discount_percent=chance.choice((0, 0, 0, 10, 15)),
        )


async def _comes_true(condition: Callable[[], Awaitable[bool]]) -> bool:
    deadline = time.monotonic() + PATIENCE_S
    while not await condition():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(LOOK_S)
    return True
