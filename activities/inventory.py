"""Activities on stock: reserve where it is best, release, ship, restock."""

from temporalio import activity

from domain.ports import Inventory
from domain.sourcing import rank
from domain.stock import (
    Changed,
    Claim,
    Part,
    ReservationRef,
    Reserved,
    ReserveRequest,
    RestockRequest,
    Short,
)


class InventoryActivities:
    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory

    @activity.defn(name="reserve")
    async def reserve(self, request: ReserveRequest) -> Reserved | Short:
        """Reserve all lines at the best location, or wait for them; looks again while stock moves."""
        while True:
            match await self._inventory.reserve(request, await self._claim(request)):
                case Changed():
                    activity.heartbeat()
                case answer:
                    return answer

    @activity.defn(name="release_stock")
    async def release(self, reservation: ReservationRef) -> None:
        await self._inventory.release(reservation)

    @activity.defn(name="ship_stock")
    async def ship(self, reservation: ReservationRef) -> None:
        await self._inventory.ship(reservation)

    @activity.defn(name="restock")
    async def restock(self, request: RestockRequest) -> None:
        await self._inventory.restock(request)

    async def _claim(self, request: ReserveRequest) -> Claim:
        items = await self._inventory.items(request.lines)
        candidates = await self._inventory.candidates(items)
        ranked = rank(request.destination, items, candidates, request.excluded)
        seen = {one.location: one.available for one in candidates}
        for place in ranked:
            if all(seen[place][item.sku] >= item.quantity for item in items):
                part = Part(location=place, lines=request.lines, items=items)
                return Claim(parts=(part,), seen=seen, ranked=ranked)
        return Claim(seen=seen, ranked=ranked)
