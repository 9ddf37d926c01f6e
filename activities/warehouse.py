"""Activities at a warehouse. Addresses are read here, so that Temporal never sees them."""

from collections.abc import Mapping

from temporalio import activity

from domain.errors import Refused
from domain.fulfilments import (
    FulfilmentRef,
    HandedOver,
    HandOverRequest,
    NotThere,
    PackAccepted,
    Packed,
    PackRejected,
    PackRequest,
    Recalled,
)
from domain.ports import OrderBook, Warehouse


class WarehouseActivities:
    """`warehouses` has the warehouse of each location."""

    def __init__(self, warehouses: Mapping[str, Warehouse], book: OrderBook) -> None:
        self._warehouses = warehouses
        self._book = book

    @activity.defn(name="request_packing")
    async def request(self, request: PackRequest) -> PackAccepted | PackRejected:
        order = await self._book.load(request.order_id, request.address_version)
        return await self._at(request.location).request(request, order)

    @activity.defn(name="look_at_packing")
    async def look(
        self, ref: FulfilmentRef
    ) -> PackAccepted | PackRejected | Packed | Recalled | HandedOver | NotThere:
        return await self._at(ref.location).look(ref)

    @activity.defn(name="recall")
    async def recall(self, ref: FulfilmentRef) -> Recalled | HandedOver:
        return await self._at(ref.location).recall(ref)

    @activity.defn(name="readdress")
    async def readdress(self, ref: FulfilmentRef) -> Packed | HandedOver:
        order = await self._book.load(ref.order_id, ref.address_version)
        return await self._at(ref.location).readdress(ref, order.address)

    @activity.defn(name="hand_over")
    async def hand_over(self, request: HandOverRequest) -> HandedOver | Recalled:
        return await self._at(request.location).hand_over(request)

    def _at(self, location: str) -> Warehouse:
        try:
            return self._warehouses[location]
        except KeyError:
            raise Refused("warehouse", "not_configured", location) from None
