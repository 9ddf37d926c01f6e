"""What a scenario can do: sell, tell, break things, act as an operator, and wait for what comes."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from demo.books import Books, Standing
from demo.outside import Api, Json, Simulators
from demo.shop import Sale, payload

LOOK_S = 0.2
PATIENCE_S = 120.0
ENDED = frozenset({"closed", "cancelled"})


class DidNotHappen(Exception):
    """Something that a scenario waits for did not come; the text says what."""


@dataclass(frozen=True)
class Fact:
    """Something that must be so, and what was found."""

    must: str
    found: str
    holds: bool


def equal(must: str, wanted: object, found: object) -> Fact:
    return Fact(must, str(found), wanted == found)


@dataclass
class Happenings:
    """What was said of the day so far, with the seconds since it began."""

    began: float = field(default_factory=time.monotonic)
    said: list[tuple[float, str, str]] = field(default_factory=list)
    listener: Callable[[float, str, str], None] = field(default=lambda *_: None)

    def add(self, who: str, what: str) -> None:
        at_s = time.monotonic() - self.began
        self.said.append((at_s, who, what))
        self.listener(at_s, who, what)


class Stage:
    """The running system, the world around it and our books, for all scenarios of the day."""

    def __init__(self, channel: str, api: Api, world: Simulators, books: Books) -> None:
        self._channel = channel
        self._books = books
        self._looked = asyncio.Condition()
        self._faults: dict[str, list[str]] = {}
        self.api = api
        self.world = world
        self.happenings = Happenings()
        self.standings: Mapping[str, Standing] = {}
        self.sold: dict[str, Sale] = {}
        """What was bought, by order id."""

    def order_id(self, sale: Sale) -> str:
        return f"{self._channel}-{sale.shop_id}"

    def say(self, sale: Sale | None, what: str) -> None:
        self.happenings.add(sale.name if sale else "", what)

    # -- what the shop does

    async def sell(self, sale: Sale, *, duplicate: int = 0, send: bool = True) -> None:
        """A customer buys; the shop's webhook, and copies of it, tell us."""
        self.sold[self.order_id(sale)] = sale
        body = {"order": payload(sale), "send": send, "duplicate": duplicate}
        await self.world.control("shopify/orders", body)

    async def tell(self, sale: Sale, topic: str, **more: Any) -> None:
        """The shop tells of the order as it is now, or as `changes` make it."""
        body = {"order": sale.shop_id, "topic": topic, **more}
        await self.world.control("shopify/webhooks", body)

    # -- what goes wrong

    async def fault(self, sale: Sale | None, **fault: Any) -> None:
        """A fault for this order's calls, or for everybody's; it must strike."""
        match = {"match": str(sale.shop_id)} if sale else {}
        made = await self.world.control("faults", {**match, **fault})
        told = f"{fault['system']} {fault.get('operation', '*')}: {fault['mode']}"
        self._faults[made["id"]] = [self.order_id(sale) if sale else "", told]

    async def until_struck(self, sale: Sale) -> None:
        """Wait until a fault of this order's strikes.

        Raises:
            DidNotHappen: none did.
        """
        order_id, deadline = self.order_id(sale), time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            # others' faults may be there already whose answer is still on its way to us
            ours = {fault_id for fault_id, (of, _) in self._faults.items() if of == order_id}
            if any(one["fired"] for one in await self.world.faults() if one["id"] in ours):
                return
            await asyncio.sleep(LOOK_S)
        raise DidNotHappen("its fault never struck")

    async def struck(self) -> dict[str, list[Fact]]:
        """Whether each fault struck, by order id; those for everybody under the empty one."""
        facts: dict[str, list[Fact]] = {}
        for fault in await self.world.faults():
            order_id, told = self._faults[fault["id"]]
            times = f"struck {fault['fired']} times"
            facts.setdefault(order_id, []).append(
                Fact(f"the fault strikes ({told})", times, fault["fired"] > 0)
            )
        return facts

    # -- what operators do

    async def verb(self, sale: Sale, verb: str, body: Json | None = None) -> httpx.Response:
        return await self.api.post(f"/orders/{self.order_id(sale)}/{verb}", body)

    async def receive(self, sku: str, location: str, quantity: int) -> None:
        body = {"sku": sku, "location": location, "quantity": quantity}
        await self.api.posted("/stock/receipts", body)

    # -- what comes of it

    async def until(
        self,
        sale: Sale,
        what: str,
        so: Callable[[Standing], bool],
        patience_s: float = PATIENCE_S,
    ) -> Standing:
        """Wait until the order's row in our books says so.

        Raises:
            DidNotHappen: it did not, for `patience_s`.
        """
        order_id = self.order_id(sale)

        def there() -> bool:
            return order_id in self.standings and so(self.standings[order_id])

        if not await self._seen(there, patience_s):
            last = self.standings.get(order_id)
            waits = ": ".join(last.waits_on) if last else ""
            found = f"is {last.status}, waits on {waits}" if last else "is not in the books"
            raise DidNotHappen(f"{what}: not within {patience_s:.0f} s; it {found}")
        return self.standings[order_id]

    async def until_told(self, what: str, path: str, field: str) -> Any:
        """Wait until the API tells something in this field, and return it.

        Raises:
            DidNotHappen: it told nothing for `PATIENCE_S`; `what` says what it should have.
        """
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            if told := (await self.api.get(path))[field]:
                return told
            await asyncio.sleep(LOOK_S)
        raise DidNotHappen(what)

    async def until_any(self, so: Callable[[Standing], bool], patience_s: float) -> bool:
        """Whether any order's row says so within `patience_s`."""
        return await self._seen(lambda: any(map(so, self.standings.values())), patience_s)

    async def _seen(self, there: Callable[[], bool], patience_s: float) -> bool:
        try:
            async with asyncio.timeout(patience_s), self._looked:
                await self._looked.wait_for(there)
        except TimeoutError:
            return False
        return True

    async def until_status(self, sale: Sale, *statuses: str) -> Standing:
        wanted = " or ".join(statuses)
        return await self.until(sale, f"the order is {wanted}", lambda row: row.status in statuses)

    async def until_waiting(self, sale: Sale, what: str) -> Standing:
        return await self.until(sale, f"the order waits for {what}", lambda row: row.what == what)

    async def watch(self, looked: Callable[[], None]) -> None:
        """Read the books until cancelled."""
        while True:
            self.standings = await self._books.standings()
            async with self._looked:
                self._looked.notify_all()
            looked()
            await asyncio.sleep(LOOK_S)

    def all_ended(self) -> bool:
        return all(
            order_id in self.standings and self.standings[order_id].status in ENDED
            for order_id in self.sold
        )


Play = Callable[[Stage, Sale], Awaitable[tuple[Fact, ...]]]
