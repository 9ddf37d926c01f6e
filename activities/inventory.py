"""Activities on stock: reserve where it is best, release, ship, restock."""

import asyncio

from temporalio import activity

from domain.errors import Unavailable
from domain.ports import Inventory, Sourcing
from domain.sourcing.case import Case
from domain.sourcing.decision import Decision
from domain.sourcing.lack import lack
from domain.sourcing.packed import barred
from domain.sourcing.source import source
from domain.stock import (
    Changed,
    Lack,
    ReservationRef,
    Reserved,
    ReserveRequest,
    RestockRequest,
    Short,
    ShortPickRequest,
    Way,
    WayRequest,
)

LOOKS_MAX = 20
"""In one attempt; then others go first, and the next attempt looks again."""


async def reserve_where_best(
    sourcing: Sourcing, request: ReserveRequest
) -> tuple[Reserved | Short, Decision]:
    """Source and reserve, and look again while stock moves; with the decision that led there.

    The choice may take a fifth of a second of CPU: it leaves the event loop.

    Raises:
        Unavailable: `contended`, others were faster each time.
    """
    for _ in range(LOOKS_MAX):
        case = await sourcing.case(request)
        decision = await asyncio.to_thread(source, case)
        match await sourcing.reserve(request, case, decision):
            case Changed():
                continue
            case Short() as short:
                return await asyncio.to_thread(_explained, short, case, decision), decision
            case Reserved() as reserved:
                return reserved, decision
    raise Unavailable("stock", "contended", f"it changed {LOOKS_MAX} times under our eyes")


def _explained(short: Short, case: Case, decision: Decision) -> Short:
    why = lack(case, decision)
    return short if why is Lack.STOCK else Short(lack=why)


class InventoryActivities:
    def __init__(self, inventory: Inventory, sourcing: Sourcing) -> None:
        self._inventory = inventory
        self._sourcing = sourcing

    @activity.defn(name="reserve")
    async def reserve(self, request: ReserveRequest) -> Reserved | Short:
        """Reserve where it is best, or wait for goods."""
        answer, _ = await reserve_where_best(self._sourcing, request)
        return answer

    @activity.defn(name="may_ship")
    async def may_ship(self, request: WayRequest) -> Way:
        """Whether packed goods may go to another destination from where they are."""
        wanted = ReserveRequest(
            order_id=request.order_id,
            key="",
            lines=request.lines,
            destination=request.destination,
        )
        case = await self._sourcing.case(wanted)
        return Way(bar=await asyncio.to_thread(barred, case, request.location) or "")

    @activity.defn(name="release_stock")
    async def release(self, reservation: ReservationRef) -> None:
        await self._inventory.release(reservation)

    @activity.defn(name="short_pick")
    async def short_pick(self, request: ShortPickRequest) -> None:
        await self._inventory.short_pick(request)

    @activity.defn(name="ship_stock")
    async def ship(self, reservation: ReservationRef) -> None:
        await self._inventory.ship(reservation)

    @activity.defn(name="restock")
    async def restock(self, request: RestockRequest) -> None:
        await self._inventory.restock(request)
