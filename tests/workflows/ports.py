"""The ports, played by worlds in memory: idempotent by key, as the ports promise."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar

from temporalio import activity

from domain.addresses import Address
from domain.errors import Refused
from domain.fulfilments import (
    FulfilmentRef,
    HandedOver,
    HandOverRequest,
    Label,
    LabelRef,
    LabelRequest,
    NotThere,
    PackAccepted,
    Packed,
    PackRejected,
    PackRequest,
    Recalled,
    ShippedNotice,
    Told,
    Voided,
)
from domain.ids import OrderId
from domain.locations import Location
from domain.orders import Order
from domain.payments import (
    CancelRequest,
    Captured,
    CaptureDeclined,
    CaptureRequest,
    ChannelCancelled,
    Refunded,
    RefundRequest,
)
from domain.records import OrderRecord, Retrying, ReturnRecord
from domain.sourcing.case import Candidate, Case, Demand
from domain.sourcing.claims import claim
from domain.sourcing.decision import Decision
from domain.sourcing.rules import RuleSet
from domain.stock import (
    Changed,
    ReservationRef,
    Reserved,
    ReserveRequest,
    RestockRequest,
    Short,
    ShortPickRequest,
    summed,
)
from domain.tracking import Course, Scan, course_of
from domain.validation import Verdict
from tests.workflows.world import BOX, GOOD_ADDRESS, World, eur

R = TypeVar("R")
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Worlds:
    """Each order's own world: lives that run at once do not disturb each other."""

    def __init__(self) -> None:
        self._of: dict[str, World] = {}

    def put(self, order: Order, world: World) -> None:
        self._of[world.put(order).order_id] = world

    def here(self) -> World:
        """The world of the order whose activity is running; `<order id>.r1` names a return."""
        kind, _, name = (activity.info().workflow_id or "").partition(":")
        return self._of[name if kind == "order" else name.rpartition(".")[0]]


class _Port:
    def __init__(self, worlds: Worlds) -> None:
        self._worlds = worlds

    @property
    def _world(self) -> World:
        return self._worlds.here()


class Book(_Port):
    """`OrderBook` and `ScanLog` of the world."""

    async def load(self, order_id: OrderId, address_version: int | None = None) -> Order:
        order = self._world.orders[order_id]
        address = self._world.addresses[order_id, address_version or 1]
        return order.model_copy(update={"address": address})

    async def location(self, location: str) -> Location:
        return Location(
            location=location, name=location, address=GOOD_ADDRESS, timezone="Europe/Berlin"
        )

    async def known_skus(self, skus: frozenset[str]) -> frozenset[str]:
        await self._world.visit("validate")
        self._world.deeds.append(("validate", f"{self._world.calls['validate']}"))
        return frozenset(sku for sku, _ in self._world.stock) & skus

    async def save_verdict(self, order_id: OrderId, address_version: int, verdict: Verdict) -> int:
        return address_version

    async def record(self, record: OrderRecord) -> None:
        await self._world.visit("record")
        known = self._world.records[record.order_id]
        if not known or known[-1].seq < record.seq:
            known.append(record)
        self._world.touch()

    async def record_return(self, record: ReturnRecord) -> None:
        await self._world.visit("record_return")
        self._world.return_records[record.return_id].append(record)
        self._world.touch()

    async def retrying(self, retrying: Retrying) -> None:
        self._world.retrying.append(retrying)
        self._world.notes.append(retrying)
        self._world.touch()

    async def recovered(self, workflow_id: str, step: str, deed: str) -> None:
        """Only of this deed: another share's may still fail."""
        notes = self._world.retrying
        self._world.retrying = [r for r in notes if (r.step, r.deed) != (step, deed)]
        self._world.touch()

    async def keep(self, tracking_number: str, scans: tuple[Scan, ...]) -> Course:
        return course_of(scans)


class Stockroom(_Port):
    """`Inventory` and `Sourcing` of the world."""

    async def case(self, request: ReserveRequest) -> Case:
        await self._world.visit("case")
        stock = self._world.stock
        return Case(
            destination=request.destination,
            now=NOON,
            lines=tuple(Demand(**line.model_dump()) for line in request.lines),
            candidates=tuple(
                Candidate(
                    location=place,
                    country="DE",
                    available={sku: many for (sku, at), many in stock.items() if at == place},
                    **self._world.bars.get(place, {}),
                )
                for place in sorted({place for _, place in stock})
            ),
            excluded=request.excluded,
            rules=RuleSet(parts_max=self._world.parts_max),
        )

    async def reserve(
        self, request: ReserveRequest, case: Case, decision: Decision
    ) -> Reserved | Short | Changed:
        asked = claim(request.channel, case, decision)

        def deed() -> Reserved | Short:
            if request.key in self._world.withdrawn:
                raise AssertionError("reserved after its release")
            if not asked.parts:
                self._world.waiting[request.key] = request
                return Short(missing=summed(request.lines))
            self._world.hold(request.key, asked.parts)
            return Reserved(parts=asked.parts)

        return await self._world.act("reserve", request.key, deed)

    async def release(self, reservation: ReservationRef) -> None:
        def deed() -> None:
            self._world.withdrawn.add(reservation.key)
            self._world.waiting.pop(reservation.key, None)
            for key in self._world.held_under(reservation.key):
                self._world.give_back(key)

        await self._world.act("release_stock", reservation.key, deed)

    async def short_pick(self, request: ShortPickRequest) -> None:
        def deed() -> None:
            part = self._world.give_back(request.key)
            for short in request.short:
                at = short.sku, part.location
                self._world.not_found += self._world.stock[at] - short.found
                self._world.stock[at] = short.found

        await self._world.act("short_pick", request.key, deed)

    async def ship(self, reservation: ReservationRef) -> None:
        def deed() -> None:
            self._world.shipped.append(self._world.held.pop(reservation.key))

        await self._world.act("ship_stock", reservation.key, deed)

    async def restock(self, request: RestockRequest) -> None:
        def deed() -> None:
            for line in request.lines:
                self._world.stock[line.sku, request.location] += line.quantity

        await self._world.act("restock", request.key, deed)


class Dock(_Port):
    """`Warehouse` of the world, for every location; packs at once unless told to wait."""

    def __init__(self, worlds: Worlds, packed: Callable[[str, str], Awaitable[None]]) -> None:
        super().__init__(worlds)
        self._tell_packed = packed

    async def request(self, request: PackRequest, order: Order) -> PackAccepted | PackRejected:
        def deed() -> PackAccepted | PackRejected:
            if request.reference in self._world.withdrawn:
                raise AssertionError("packed after its recall")
            if request.location in self._world.rejecting:
                return PackRejected(reason="damaged")
            self._world.papers[request.reference] = request.address_version
            return PackAccepted()

        answer = await self._world.act("request_packing", request.reference, deed)
        if isinstance(answer, PackAccepted) and self._world.packing == "at once":
            await self._tell_packed(request.order_id, request.reference)
        return answer

    async def look(
        self, ref: FulfilmentRef
    ) -> PackAccepted | PackRejected | Packed | Recalled | HandedOver | NotThere:
        await self._world.visit("look")
        return self._world.seen

    async def recall(self, ref: FulfilmentRef) -> Recalled | HandedOver:
        def deed() -> Recalled | HandedOver:
            if ref.reference in self._world.left:
                return HandedOver()
            self._world.withdrawn.add(ref.reference)
            return Recalled()

        return await self._world.act("recall", ref.key, deed)

    async def readdress(self, ref: FulfilmentRef, address: Address) -> Packed | HandedOver:
        def deed() -> Packed | HandedOver:
            if ref.reference in self._world.left:
                return HandedOver()
            self._world.papers[ref.reference] = ref.address_version
            return Packed(parcels=(BOX,))

        return await self._world.act("readdress", ref.key, deed)

    async def hand_over(self, request: HandOverRequest) -> HandedOver | Recalled:
        def deed() -> HandedOver | Recalled:
            if request.reference in self._world.left:
                return HandedOver()
            here = self._world.labelled(request.reference)
            if request.reference in self._world.withdrawn or not here:
                return Recalled()
            self._world.left.add(request.reference)
            return HandedOver()

        return await self._world.act("hand_over", request.key, deed)


class Post(_Port):
    """`Carrier` of the world."""

    async def buy(self, request: LabelRequest, sender: Location, order: Order) -> Label:
        def deed() -> Label:
            if request.key in self._world.withdrawn:
                raise AssertionError("bought after it was voided")
            self._world.label_versions[request.key] = request.address_version
            number = f"T{len(self._world.done('buy_label')) + 1}"
            self._world.live[request.key] = Label(
                shipment_ref=f"shp_{number}",
                carrier="Post",
                tracking_number=f"{number}-{request.order_id}",
                label_url="http://127.0.0.1/label",
                cost=eur(490),
            )
            return self._world.live[request.key]

        return await self._world.act("buy_label", request.key, deed)

    async def void(self, ref: LabelRef) -> Voided:
        def deed() -> Voided:
            reference = ref.bought_key.rpartition("/p")[0]
            if ref.bought_key in self._world.live and reference in self._world.left:
                raise Refused("outside", "in_transit")
            self._world.withdrawn.add(ref.bought_key)
            self._world.live.pop(ref.bought_key, None)
            return Voided()

        return await self._world.act("void_label", ref.key, deed)

    async def track(self, tracking_number: str) -> tuple[Scan, ...]:
        await self._world.visit("track")
        return self._world.scans


class Shop(_Port):
    """`Channel` of the world."""

    async def capture(self, request: CaptureRequest, order: Order) -> Captured | CaptureDeclined:
        def deed() -> Captured | CaptureDeclined:
            if self._world.declined:
                self._world.declined -= 1
                return CaptureDeclined(reason="card_declined")
            if request.order_id in self._world.captured:
                raise AssertionError("captured twice")
            self._world.captured[request.order_id] = order.totals.total
            return Captured(amount=order.totals.total, ref="cap_1")

        return await self._world.act("capture", request.key, deed)

    async def tell_shipped(self, notice: ShippedNotice, order: Order) -> Told:
        return await self._world.act("tell_shipped", notice.key, lambda: Told(ref="ful_1"))

    async def cancel(self, request: CancelRequest, order: Order) -> ChannelCancelled:
        def deed() -> ChannelCancelled:
            return ChannelCancelled(
                refunded=self._world.captured.get(request.order_id), ref="can_1"
            )

        return await self._world.act("cancel_at_channel", request.key, deed)

    async def refund(self, request: RefundRequest, order: Order) -> Refunded:
        pieces = sum(line.quantity for line in request.lines)
        return await self._world.act(
            "refund", request.key, lambda: Refunded(amount=eur(1_500 * pieces), ref="ref_1")
        )

    async def fetch(self, channel_order_id: str) -> Order | None:
        return None

    async def all_sent(self, channel_order_id: str) -> bool:
        return False
