"""A small world behind the ports, in memory, that does each deed once and fails where told to.

What a real system would do twice shows up twice in `deeds`: the fakes are idempotent by key, as
the ports promise, and count every deed that takes effect.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from domain.addresses import Address
from domain.errors import Refused
from domain.fulfilments import (
    HandedOver,
    Label,
    NotThere,
    PackAccepted,
    Packed,
    PackedParcel,
    PackRejected,
    Recalled,
)
from domain.money import Money
from domain.orders import LineRef, Order, OrderLine, PaymentStatus, Totals
from domain.records import OrderRecord, Retrying, ReturnRecord
from domain.stock import (
    Part,
    ReserveRequest,
    SkuQuantity,
)
from domain.tracking import Scan

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
PATIENCE_S = 200.0


def eur(minor: int) -> Money:
    return Money(amount_minor=minor, currency=EUR)


def an_order(
    own_id: str,
    *,
    payment: PaymentStatus = PaymentStatus.AUTHORISED,
    address: Address = GOOD_ADDRESS,
    quantity: int = 2,
    sku: str = "MUG",
    also: tuple[str, ...] = (),
) -> Order:
    """Pieces of one SKU, and one piece each of others in lines of their own."""
    goods = eur(1_500 * (quantity + len(also)))
    return Order(
        channel="demo",
        channel_order_id=own_id,
        number=f"#{own_id}",
        placed_at=datetime(2026, 11, 1, tzinfo=UTC),
        email="erika@example.com",
        phone="+49 30 901820",
        lines=(
            _line("L1", sku, quantity),
            *(_line(f"L{n}", other, 1) for n, other in enumerate(also, start=2)),
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
    notes: list[Retrying] = field(default_factory=list)
    gates: list[asyncio.Event] = field(default_factory=list)
    hanging: int = 0
    reached: dict[str, asyncio.Event] = field(default_factory=lambda: defaultdict(asyncio.Event))
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    scans: tuple[Scan, ...] = ()
    packing: str = "at once"
    seen: PackAccepted | PackRejected | Packed | Recalled | HandedOver | NotThere = field(
        default_factory=PackAccepted
    )
    rejecting: set[str] = field(default_factory=set)
    declined: int = 0
    left: set[str] = field(default_factory=set)
    held: dict[str, Part] = field(default_factory=dict)
    shipped: list[Part] = field(default_factory=list)
    not_found: int = 0
    waiting: dict[str, ReserveRequest] = field(default_factory=dict)
    parts_max: int = 1
    bars: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By location: what sourcing is told of it beside its stock."""
    live: dict[str, Label] = field(default_factory=dict)
    label_versions: dict[str, int] = field(default_factory=dict)
    papers: dict[str, int] = field(default_factory=dict)
    captured: dict[str, Money] = field(default_factory=dict)

    def fail(self, step: str, error: Exception, *, times: int = 1, after: bool = False) -> None:
        self.faults[step].append(Fault(error=error, times=times, after=after))

    def refuse(self, step: str) -> None:
        self.fail(step, Refused("outside", f"{step}_no"))

    def block(self, step: str, *, after: bool = False) -> asyncio.Event:
        """The next call hangs, before or after its deed, until the event is set."""
        gate = asyncio.Event()
        self.gates.append(gate)
        self.faults[step].append(Fault(gate=gate, after=after))
        return gate

    async def act(self, step: str, key: str, deed: Callable[[], R]) -> R:
        """Do a deed once by its key, and fail where the test wants it."""
        self.calls[step] += 1
        self.touch()
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

    async def visit(self, step: str) -> None:
        """A call that changes nothing: it fails and hangs like the others."""
        self.calls[step] += 1
        self.touch()
        if fault := self._next_fault(step):
            await self._suffer(step, fault)

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
            self.hanging += 1
            try:
                await fault.gate.wait()
            finally:
                self.hanging -= 1
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

    def touch(self) -> None:
        """Something has happened: whoever waits for it may look."""
        self._news.set()
        self._news = asyncio.Event()

    async def news(self) -> None:
        """Wait until anything happens."""
        await self._news.wait()

    async def reaches(self, step: str) -> None:
        """Wait until a call of that step hangs or fails as planned."""
        async with asyncio.timeout(PATIENCE_S):
            await self.reached[step].wait()

    async def comes_to(self, step: str, calls: int = 1) -> None:
        """Wait until a step was called so often, whatever came of it."""
        async with asyncio.timeout(PATIENCE_S):
            while self.calls[step] < calls:
                await self.news()

    def open_gates(self) -> None:
        """Let go of every call that hangs, and of those that would."""
        for gate in self.gates:
            gate.set()

    def hold(self, key: str, parts: tuple[Part, ...]) -> None:
        for number, part in enumerate(parts, start=1):
            for item in part.items:
                self.stock[item.sku, part.location] -= item.quantity
            self.held[f"{key}/{number}"] = part

    def give_back(self, key: str) -> Part:
        """Put what is held under this very key back on its shelf."""
        part = self.held.pop(key)
        for item in part.items:
            self.stock[item.sku, part.location] += item.quantity
        return part

    def labelled(self, reference: str) -> set[str]:
        """The parcels of a fulfilment that have a live label."""
        ours = (key for key in self.live if key.startswith(f"{reference}/"))
        return {key.rpartition("/label/")[0] for key in ours}

    def goods_leave(self, reference: str, parcels: int) -> bool:
        """The carrier takes what bears its labels and was not taken back; False if it cannot."""
        if reference not in self.withdrawn and len(self.labelled(reference)) == parcels > 0:
            self.left.add(reference)
        return reference in self.left

    def held_under(self, key: str) -> list[str]:
        """The reservations that a key stands for: its own, or each of its parts'."""
        return [held for held in self.held if held == key or held.rpartition("/")[0] == key]

    def put(self, order: Order) -> Order:
        self.orders[order.order_id] = order
        self.addresses[order.order_id, 1] = order.address
        return order


def items_of(lines: tuple[LineRef, ...]) -> tuple[SkuQuantity, ...]:
    return tuple(SkuQuantity(sku=line.sku, quantity=line.quantity) for line in lines)


def part_at(place: str, lines: tuple[LineRef, ...]) -> Part:
    return Part(location=place, lines=lines, items=items_of(lines))


def _line(line_id: str, sku: str, quantity: int) -> OrderLine:
    return OrderLine(
        line_id=line_id,
        sku=sku,
        title="Bohemian blue",
        quantity=quantity,
        unit_price=eur(1_500),
        discount=eur(0),
        tax=eur(0),
    )
