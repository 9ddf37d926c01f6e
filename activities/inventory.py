"""Activities on stock: reserve at the best location, release, ship, restock."""

from temporalio import activity

from domain.ports import Inventory
from domain.sourcing import rank
from domain.stock import ReservationRef, Reserved, ReserveRequest, RestockRequest, Short, summed


class InventoryActivities:
    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory

    @activity.defn(name="reserve")
    async def reserve(self, request: ReserveRequest) -> Reserved | Short:
        """Rank the locations and reserve all lines at the first that has them."""
        lines = summed(request.lines)
        candidates = await self._inventory.candidates(lines)
        locations = rank(request.destination, lines, candidates, request.excluded)
        return await self._inventory.reserve(request, locations)

    @activity.defn(name="release_stock")
    async def release(self, reservation: ReservationRef) -> None:
        await self._inventory.release(reservation)

    @activity.defn(name="ship_stock")
    async def ship(self, reservation: ReservationRef) -> None:
        await self._inventory.ship(reservation)

    @activity.defn(name="restock")
    async def restock(self, request: RestockRequest) -> None:
        await self._inventory.restock(request)
