"""What the workflows need from the world; adapters and storage implement it.

Every method may raise `Unavailable` or `Refused` (`domain.errors`) and nothing else by intent.
Every method that changes something takes a key and may be called again with it: the deed happens
once and the same answer comes back. Every undo tolerates that the deed never happened.
"""

from typing import Protocol

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
from domain.sourcing.case import Case
from domain.sourcing.decision import Decision
from domain.stock import (
    Changed,
    ReservationRef,
    Reserved,
    ReserveRequest,
    RestockRequest,
    Short,
    ShortPickRequest,
)
from domain.tracking import Course, Scan
from domain.validation import Verdict


class OrderBook(Protocol):
    """Our own rows about orders: what was sent, and what the workflows say of themselves."""

    async def load(self, order_id: OrderId, address_version: int | None = None) -> Order:
        """The order as the channel sent it, with that version of its address (None: the newest)."""
        ...

    async def location(self, location: str) -> Location: ...

    async def known_skus(self, skus: frozenset[str]) -> frozenset[str]:
        """Those of `skus` that the catalogue has."""
        ...

    async def save_verdict(self, order_id: OrderId, address_version: int, verdict: Verdict) -> int:
        """Keep the verdict; returns the version to use: a normalised address becomes a new one."""
        ...

    async def record(self, record: OrderRecord) -> None:
        """Project the workflow's state where its `seq` is newer; journal and commands with it."""
        ...

    async def record_return(self, record: ReturnRecord) -> None: ...

    async def retrying(self, retrying: Retrying) -> None:
        """Note whom a step that keeps failing waits for, since its first note."""
        ...

    async def recovered(self, workflow_id: str, step: str, deed: str) -> None:
        """The step got through: forget the note."""
        ...


class Sourcing(Protocol):
    """Our own rules and stock, to choose where an order ships from."""

    async def case(self, request: ReserveRequest) -> Case:
        """All that the choice depends on, as it stands now."""
        ...

    async def reserve(
        self, request: ReserveRequest, case: Case, decision: Decision
    ) -> Reserved | Short | Changed:
        """Reserve all parts of the plan or, without one, enter the queue for goods to come.

        One statement, which also keeps the decision. `Changed` where a part is gone, or where there
        is more than the case says: nothing happened.
        """
        ...


class Inventory(Protocol):
    """Our own stock."""

    async def release(self, reservation: ReservationRef) -> None:
        """Give the stock back and leave the queue; freed stock goes to orders that wait for it.

        A base key stands for all parts that are still reserved, a part's key for itself.
        """
        ...

    async def short_pick(self, request: ShortPickRequest) -> None:
        """A picker found less than was reserved: give the part back and correct the record."""
        ...

    async def ship(self, reservation: ReservationRef) -> None:
        """The reserved goods have left: on hand and reserved both fall."""
        ...

    async def restock(self, request: RestockRequest) -> None: ...


class Warehouse(Protocol):
    """A place that picks, packs and hands over."""

    async def request(self, request: PackRequest, order: Order) -> PackAccepted | PackRejected: ...

    async def look(
        self, ref: FulfilmentRef
    ) -> PackAccepted | PackRejected | Packed | Recalled | HandedOver | NotThere:
        """How the fulfilment stands; changes nothing."""
        ...

    async def recall(self, ref: FulfilmentRef) -> Recalled | HandedOver:
        """Take the request back; `HandedOver` if the goods have left."""
        ...

    async def readdress(self, ref: FulfilmentRef, address: Address) -> Packed | HandedOver:
        """Change the address on the packing papers before hand-over."""
        ...

    async def hand_over(self, request: HandOverRequest) -> HandedOver | Recalled: ...


class Carrier(Protocol):
    """Who brings parcels."""

    async def buy(self, request: LabelRequest, sender: Location, order: Order) -> Label:
        """Rate the parcel and buy the cheapest label."""
        ...

    async def void(self, ref: LabelRef) -> Voided:
        """Give the label back, if it was ever bought."""
        ...

    async def track(self, tracking_number: str) -> tuple[Scan, ...]:
        """All scans the carrier has."""
        ...


class ScanLog(Protocol):
    """Our own rows about what carriers said."""

    async def keep(self, tracking_number: str, scans: tuple[Scan, ...]) -> Course:
        """Keep scans that are new; returns the parcel's course by all that was ever claimed."""
        ...


class Channel(Protocol):
    """Who sold the order and holds its money."""

    async def capture(
        self, request: CaptureRequest, order: Order
    ) -> Captured | CaptureDeclined: ...

    async def tell_shipped(self, notice: ShippedNotice, order: Order) -> Told: ...

    async def cancel(self, request: CancelRequest, order: Order) -> ChannelCancelled: ...

    async def refund(self, request: RefundRequest, order: Order) -> Refunded: ...

    async def fetch(self, channel_order_id: str) -> Order | None:
        """The order as the channel has it now; None if it knows none."""
        ...

    async def all_sent(self, channel_order_id: str) -> bool:
        """Whether the channel knows the order, and that all of it has been sent."""
        ...
