"""Stock as the ledger knows it: requests to reserve, their answers, and the kinds of movement."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Literal

from domain.ids import OrderId
from domain.orders import Destination, LineRef
from domain.values import Message, Value


class MovementKind(StrEnum):
    """What may happen to stock; each kind moves `on_hand` and `reserved` in its own way."""

    RECEIVED = "received"
    RESERVED = "reserved"
    RELEASED = "released"
    SHIPPED = "shipped"
    ADJUSTED = "adjusted"
    RESTOCKED = "restocked"


class SkuQuantity(Message):
    sku: str
    quantity: int


class StockLevel(Value):
    """One SKU at one location; available = on_hand - reserved."""

    sku: str
    location: str
    on_hand: int
    reserved: int

    @property
    def available(self) -> int:
        return self.on_hand - self.reserved


class ReserveRequest(Message):
    """All lines of one order, wanted at one location; `key` makes a repeat the same reservation."""

    order_id: OrderId
    key: str
    lines: tuple[LineRef, ...]
    destination: Destination
    excluded: tuple[str, ...] = ()
    """Locations that rejected this order."""


class Reserved(Message):
    kind: Literal["reserved"] = "reserved"
    location: str


class Short(Message):
    """No location holds all lines; the order is now in the queue for goods to come."""

    kind: Literal["short"] = "short"
    missing: tuple[SkuQuantity, ...] = ()


class ReservationRef(Message):
    """A reservation to release or to turn into shipped stock."""

    order_id: OrderId
    key: str


class RestockRequest(Message):
    """Returned goods that go back on the shelf."""

    return_id: str
    order_id: OrderId
    location: str
    lines: tuple[SkuQuantity, ...]
    key: str


class StockChange(Message):
    """Goods received (`quantity` > 0) or a correction (either sign) with its reason."""

    key: str
    sku: str
    location: str
    quantity: int
    reason: str
    by: str


def summed(lines: Iterable[LineRef | SkuQuantity]) -> tuple[SkuQuantity, ...]:
    """The lines with each SKU once, in the one order in which stock is locked."""
    total: dict[str, int] = {}
    for line in lines:
        total[line.sku] = total.get(line.sku, 0) + line.quantity
    return tuple(SkuQuantity(sku=sku, quantity=total[sku]) for sku in sorted(total))
