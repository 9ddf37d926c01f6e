"""Activities on stock: reserve where it is best, release, ship, restock."""

import asyncio

from temporalio import activity

from domain.errors import Unavailable
from domain.ports import Inventory, Sourcing
from domain.sourcing_decision import source
from domain.stock import (
    Changed,
    ReservationRef,
    Reserved,
    ReserveRequest,
    RestockRequest,
    Short,
    ShortPickRequest,
)

LOOKS_MAX = 20
"""In one attempt; then others go first, and the next attempt looks again."""


class InventoryActivities:
    def __init__(self, inventory: Inventory, sourcing: Sourcing) -> None:
        self._inventory = inventory
        self._sourcing = sourcing

    @activity.defn(name="reserve")
    async def reserve(self, request: ReserveRequest) -> Reserved | Short:
        """Reserve where it is best, or wait for goods; looks again while stock moves.

        The choice may take a fifth of a second of CPU: it leaves the event loop.
        """
        for _ in range(LOOKS_MAX):
            case = await self._sourcing.case(request)
            decision = await asyncio.to_thread(source, case)
            match await self._sourcing.reserve(request, case, decision):
                case Changed():
                    continue
                case answer:
                    return answer
        raise Unavailable("stock", "contended", f"it changed {LOOKS_MAX} times under our eyes")

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
