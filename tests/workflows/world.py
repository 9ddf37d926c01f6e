"""A small world behind the ports, in memory, that does each deed once and fails where told to.

What a real system would do twice shows up twice in `deeds`: the fakes are idempotent by key, as
the ports promise, and count every deed that takes effect.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from domain.addresses import Address
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
    PackedParcel,
    PackRejected,
    PackRequest,
    Recalled,
    ShippedNotice,
    Told,
    Voided,
)
from domain.ids import OrderId
from domain.money import Money
from domain.orders import Order, OrderLine, PaymentStatus, Totals
from domain.payments import (
    CancelRequest,
    CaptureDeclined,
    Captured,
    CaptureRequest,
    ChannelCancelled,
    Refunded,
    RefundRequest,
)
from domain.records import OrderRecord, Retrying, ReturnRecord
from domain.sourcing import Candidate, Location
from domain.stock import (
    ReservationRef,
    Reserved,
    ReserveRequest,
    RestockRequest,
    Short,
    SkuQuantity,
)
from domain.tracking import Course, Scan, course_of
from domain.validation import Verdict

R = TypeVar("R")

GOOD_ADDRESS = Address(
    name="Erika Mustermann",
    lines=("Unter den Linden 77",),
    city="Berlin",
    postal_code="10117",
    country="DE",
)
BOX = PackedParcel(weight_g=700, length_mm=300, width_mm=200, height_mm=100)
EUR = "EUR"


def eur(minor: int) -> Money:
    return Money(amount_minor=minor, currency=EUR)


def an_order(
    own_id: str,
    *,
    payment: PaymentStatus = PaymentStatus.AUTHORISED,
    address: Address = GOOD_ADDRESS,
    quantity: int = 2,
    sku: str = "MUG",
) -> Order:
    goods = eur(1_500 * quantity)
    return Order(
        channel="demo",
        channel_order_id=own_id,
        number=f"#{own_id}",
        placed_at=datetime(2026, 11, 1, tzinfo=UTC),
        email="erika@example.com",
        phone="+49 30 901820",
        lines=(
            OrderLine(
                line_id="L1",
                sku=sku,
                title="Mug",
                quantity=quantity,
                unit_price=eur(1_500),
                discount=eur(0),
                tax=eur(0),
            ),
        ),
        address=address,
        totals=Totals(
            lines=goods,
            discounts=eur(0),
            shipping=eur(500),
            duties=eur(0),
            tips=eur(0),
            rounding=eur(0),
            tax=eur(0),
            tax_included=True,
            total=goods + eur(500),
        ),
        payment=payment,
    )


@dataclass
class Fault:
    """What happens instead of (or, with `after`, following) the next `times` calls of a step."""

    error: Exception | None = None
    gate: asyncio.Event | None = None
    after: bool = False
    times: int = 1


@dataclass
class World:
    """Everything outside of one test's workflows."""

    orders: dict[str, Order] = field(default_factory=dict)
    addresses: dict[tuple[str, int], Address] = field(default_factory=dict)
    stock: dict[tuple[str, str], int] = field(default_factory=lambda: {("MUG", "berlin"): 1_000})
    deeds: list[tuple[str, str]] = field(default_factory=list)
    calls: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    answers: dict[tuple[str, str], Any] = field(default_factory=dict)
    withdrawn: set[str] = field(default_factory=set)
    records: dict[str, list[OrderRecord]] = field(default_factory=lambda: defaultdict(list))
    return_records: dict[str, list[ReturnRecord]] = field(default_factory=lambda: defaultdict(list))
    faults: dict[str, list[Fault]] = field(default_factory=lambda: defaultdict(list))
    retrying: list[Retrying] = field(default_factory=list)
    reached: dict[str, asyncio.Event] = field(default_factory=lambda: defaultdict(asyncio.Event))
    scans: tuple[Scan, ...] = ()
    packing: str = "at once"
    rejecting: set[str] = field(default_factory=set)
    declined: int = 0
    left: set[str] = field(default_factory=set)

    def fail(self, step: str, error: Exception, *, times: int = 1, after: bool = False) -> None:
        self.faults[step].append(Fault(error=error, times=times, after=after))

    def block(self, step: str, *, after: bool = False) -> asyncio.Event:
        """The next call hangs, before or after its deed, until the event is set."""
        gate = asyncio.Event()
        self.faults[step].append(Fault(gate=gate, after=after))
        return gate

    async def act(self, step: str, key: str, deed: Callable[[], R]) -> R:
        """Do a deed once by its key, and fail where the test wants it."""
        self.calls[step] += 1
        fault = self._next_fault(step)
        if fault and not fault.after:
            await self._suffer(step, fault)
        if (step, key) not in self.answers:
            self.answers[step, key] = deed()
            self.deeds.append((step, key))
        if fault and fault.after:
            await self._suffer(step, fault)
        answer: R = self.answers[step, key]
        return answer

    def _next_fault(self, step: str) -> Fault | None:
        waiting = self.faults[step]
        if not waiting:
            return None
        fault = waiting[0]
        fault.times -= 1
        if fault.times <= 0:
            waiting.pop(0)
        return fault

    async def _suffer(self, step: str, fault: Fault) -> None:
        self.reached[step].set()
        if fault.gate is not None:
            await fault.gate.wait()
        if fault.error is not None:
            raise fault.error

    def done(self, step: str) -> list[str]:
        return [key for what, key in self.deeds if what == step]

    def last(self, order_id: str) -> OrderRecord:
        return self.records[order_id][-1]

    def journal(self, order_id: str) -> list[str]:
        return [entry.code for record in self.records[order_id] for entry in record.journal]

    def settled(self, order_id: str) -> dict[str, str]:
        return {
            done.command_id: done.refused
            for record in self.records[order_id]
            for done in record.settled
        }

    def put(self, order: Order) -> Order:
        self.orders[order.order_id] = order
        self.addresses[order.order_id, 1] = order.address
        return order


class Book:
    """`OrderBook` and `ScanLog` of the world."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def load(self, order_id: OrderId, address_version: int | None = None) -> Order:
        order = self._world.orders[order_id]
        address = self._world.addresses[order_id, address_version or 1]
        return order.model_copy(update={"address": address})

    async def location(self, location: str) -> Location:
        return Location(
            location=location, name=location, address=GOOD_ADDRESS, timezone="Europe/Berlin"
        )

    async def known_skus(self, skus: frozenset[str]) -> frozenset[str]:
        async def known() -> frozenset[str]:
            return frozenset(sku for sku, _ in self._world.stock) & skus

        return await self._slow("validate", known)

    async def _slow(self, step: str, work: Callable[[], Awaitable[R]]) -> R:
        key = f"{self._world.calls[step]}"
        return await self._world.act(step, key, lambda: None) or await work()

    async def save_verdict(self, order_id: OrderId, address_version: int, verdict: Verdict) -> int:
        return address_version

    async def record(self, record: OrderRecord) -> None:
        known = self._world.records[record.order_id]
        if not known or known[-1].seq < record.seq:
            known.append(record)

    async def record_return(self, record: ReturnRecord) -> None:
        self._world.return_records[record.return_id].append(record)

    async def retrying(self, retrying: Retrying) -> None:
        self._world.retrying.append(retrying)

    async def recovered(self, workflow_id: str, step: str) -> None:
        self._world.retrying = [r for r in self._world.retrying if r.step != step]

    async def keep(self, tracking_number: str, scans: tuple[Scan, ...]) -> Course:
        return course_of(scans)


class Stockroom:
    """`Inventory` of the world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.held: dict[str, tuple[str, tuple[SkuQuantity, ...]]] = {}
        self.waiting: dict[str, str] = {}

    async def candidates(self, lines: tuple[SkuQuantity, ...]) -> tuple[Candidate, ...]:
        stock = self._world.stock
        return tuple(
            Candidate(
                location=place,
                country="DE",
                available={line.sku: stock.get((line.sku, place), 0) for line in lines},
            )
            for place in sorted({place for _, place in stock})
        )

    async def reserve(
        self, request: ReserveRequest, locations: tuple[str, ...]
    ) -> Reserved | Short:
        lines = tuple(SkuQuantity(sku=n.sku, quantity=n.quantity) for n in request.lines)

        def deed() -> Reserved | Short:
            if request.key in self._world.withdrawn:
                raise AssertionError("reserved after its release")
            for place in locations:
                if all(self._world.stock.get((n.sku, place), 0) >= n.quantity for n in lines):
                    self.take(request.key, place, lines)
                    return Reserved(location=place)
            self.waiting[request.key] = request.order_id
            return Short(missing=lines)

        return await self._world.act("reserve", request.key, deed)

    def take(self, key: str, place: str, lines: tuple[SkuQuantity, ...]) -> None:
        for line in lines:
            self._world.stock[line.sku, place] -= line.quantity
        self.held[key] = (place, lines)

    async def release(self, reservation: ReservationRef) -> None:
        def deed() -> None:
            self._world.withdrawn.add(reservation.key)
            self.waiting.pop(reservation.key, None)
            place, lines = self.held.pop(reservation.key, ("", ()))
            for line in lines:
                self._world.stock[line.sku, place] += line.quantity

        await self._world.act("release_stock", reservation.key, deed)

    async def ship(self, reservation: ReservationRef) -> None:
        await self._world.act(
            "ship_stock", reservation.key, lambda: self.held.pop(reservation.key) and None
        )

    async def restock(self, request: RestockRequest) -> None:
        def deed() -> None:
            for line in request.lines:
                self._world.stock[line.sku, request.location] += line.quantity

        await self._world.act("restock", request.key, deed)


class Dock:
    """`Warehouse` of the world, for every location; packs at once unless told to wait."""

    def __init__(self, world: World, packed: Callable[[str, str], Awaitable[None]]) -> None:
        self._world = world
        self._tell_packed = packed

    async def request(self, request: PackRequest, order: Order) -> PackAccepted | PackRejected:
        if request.location in self._world.rejecting:
            return await self._world.act(
                "request_packing", request.reference, lambda: PackRejected(reason="damaged")
            )
        answer = await self._world.act("request_packing", request.reference, PackAccepted)
        if self._world.packing == "at once":
            await self._tell_packed(request.order_id, request.reference)
        return answer

    async def look(
        self, ref: FulfilmentRef
    ) -> PackAccepted | PackRejected | Packed | Recalled | HandedOver | NotThere:
        self._world.calls["look"] += 1
        if self._world.packing == "silently":
            return Packed(parcels=(BOX,))
        return PackAccepted()

    async def recall(self, ref: FulfilmentRef) -> Recalled | HandedOver:
        if ref.reference in self._world.left:
            return HandedOver()

        def deed() -> Recalled:
            self._world.withdrawn.add(ref.reference)
            return Recalled()

        return await self._world.act("recall", ref.key, deed)

    async def readdress(self, ref: FulfilmentRef, address: Address) -> Packed | HandedOver:
        return await self._world.act("readdress", ref.key, lambda: Packed(parcels=(BOX,)))

    async def hand_over(self, request: HandOverRequest) -> HandedOver | Recalled:
        def deed() -> HandedOver:
            self._world.left.add(request.reference)
            return HandedOver()

        return await self._world.act("hand_over", request.key, deed)


class Post:
    """`Carrier` of the world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.live: dict[str, Label] = {}

    async def buy(self, request: LabelRequest, sender: Location, order: Order) -> Label:
        def deed() -> Label:
            if request.key in self._world.withdrawn:
                raise AssertionError("bought after it was voided")
            number = f"T{len(self._world.done('buy_label')) + 1}"
            self.live[request.key] = Label(
                shipment_ref=f"shp_{number}",
                carrier="Post",
                tracking_number=f"{number}-{request.order_id}",
                label_url="http://127.0.0.1/label",
                cost=eur(490),
            )
            return self.live[request.key]

        return await self._world.act("buy_label", request.key, deed)

    async def void(self, ref: LabelRef) -> Voided:
        def deed() -> Voided:
            self._world.withdrawn.add(ref.bought_key)
            self.live.pop(ref.bought_key, None)
            return Voided()

        return await self._world.act("void_label", ref.key, deed)

    async def track(self, tracking_number: str) -> tuple[Scan, ...]:
        self._world.calls["track"] += 1
        return self._world.scans


class Shop:
    """`Channel` of the world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.captured: dict[str, Money] = {}

    async def capture(self, request: CaptureRequest, order: Order) -> Captured | CaptureDeclined:
        if self._world.declined:
            self._world.declined -= 1
            return CaptureDeclined(reason="card_declined")

        def deed() -> Captured:
            if request.order_id in self.captured:
                raise AssertionError("captured twice")
            self.captured[request.order_id] = order.totals.total
            return Captured(amount=order.totals.total, ref="cap_1")

        return await self._world.act("capture", request.key, deed)

    async def tell_shipped(self, notice: ShippedNotice, order: Order) -> Told:
        return await self._world.act("tell_shipped", notice.key, lambda: Told(ref="ful_1"))

    async def cancel(self, request: CancelRequest, order: Order) -> ChannelCancelled:
        return await self._world.act(
            "cancel_at_channel",
            request.key,
            lambda: ChannelCancelled(refunded=self.captured.get(request.order_id), ref="can_1"),
        )

    async def refund(self, request: RefundRequest, order: Order) -> Refunded:
        pieces = sum(line.quantity for line in request.lines)
        return await self._world.act(
            "refund", request.key, lambda: Refunded(amount=eur(1_500 * pieces), ref="ref_1")
        )

    async def fetch(self, channel_order_id: str) -> Order | None:
        return None
