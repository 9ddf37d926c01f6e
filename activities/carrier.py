"""Activities at a carrier: buy a label, void it, ask where a parcel is."""

from temporalio import activity

from domain.fulfilments import Label, LabelRef, LabelRequest, Voided
from domain.ids import OrderId
from domain.ports import Carrier, OrderBook, ScanLog
from domain.tracking import Course
from domain.values import Message


class TrackRequest(Message):
    order_id: OrderId
    tracking_number: str


class Tracked(Message):
    course: Course


class CarrierActivities:
    def __init__(self, carrier: Carrier, book: OrderBook, scans: ScanLog) -> None:
        self._carrier = carrier
        self._book = book
        self._scans = scans

    @activity.defn(name="buy_label")
    async def buy(self, request: LabelRequest) -> Label:
        order = await self._book.load(request.order_id, request.address_version)
        sender = await self._book.location(request.location)
        return await self._carrier.buy(request, sender, order)

    @activity.defn(name="void_label")
    async def void(self, ref: LabelRef) -> Voided:
        return await self._carrier.void(ref)

    @activity.defn(name="track")
    async def track(self, request: TrackRequest) -> Tracked:
        """Fetch the carrier's scans, keep them, and tell the parcel's course by all we know."""
        scans = await self._carrier.track(request.tracking_number)
        return Tracked(course=await self._scans.keep(request.tracking_number, scans))
