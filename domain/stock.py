"""Stock as the ledger knows it: requests to reserve, their answers, and the kinds of movement."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Literal

from pydantic import Field

from domain.ids import OrderId, cart_id, effect_key
from domain.orders import Destination, LineRef
from domain.values import Message, Value


class MovementKind(StrEnum):
    """What may happen to stock; each kind moves the counters in its own way."""

    RECEIVED = "received"
    RESERVED = "reserved"
    RELEASED = "released"
    SHIPPED = "shipped"
    ADJUSTED = "adjusted"
    RESTOCKED = "restocked"
    DAMAGED = "damaged"
    COUNTED = "counted"
    SAFETY = "safety"
    EXPECTED = "expected"
    UNEXPECTED = "unexpected"
    TRANSFERRED_OUT = "transferred_out"
    TRANSFERRED_IN = "transferred_in"


class SkuQuantity(Message):
    """Physical units of one SKU: never a bundle's."""

    sku: str
    quantity: int


class StockLevel(Value):
    """One SKU at one location: on hand = available + reserved + damaged + held safety stock.

    `safety_stock` is a target and holds back at most what is there; `incoming` is not here yet.
    """

    sku: str
    location: str
    on_hand: int
    reserved: int
    damaged: int = 0
    safety_stock: int = 0
    incoming: int = 0

    @property
    def available(self) -> int:
        return max(self.on_hand - self.reserved - self.damaged - self.safety_stock, 0)

    @property
    def held_safety_stock(self) -> int:
        return min(self.safety_stock, self.on_hand - self.reserved - self.damaged)


class Part(Message):
    """One location's share of an order: lines as sold, items as picked (bundles exploded)."""

    location: str
    lines: tuple[LineRef, ...]
    items: tuple[SkuQuantity, ...] = ()


class ReserveRequest(Message):
    """Lines of one order, wanted all at once; `key` makes a repeat the same reservation."""

    order_id: OrderId
    key: str
    channel: str = ""
    lines: tuple[LineRef, ...]
    destination: Destination
    excluded: tuple[str, ...] = ()
    """Locations that rejected this order."""
    expires_in_s: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    """How long it holds from when it is said, by PostgreSQL's clock; then the stock goes back by
    itself. A repeat holds so long anew and, without it, for good."""
    waits: bool = True
    """Whether it enters the queue where stock is short."""
    reservation_id: str = ""
    """A cart whose stock it takes over, if that is held for these very lines and country."""
    prices_minor: dict[str, int] = Field(default_factory=dict)
    """What a unit costs in a cart, by `line_id`; what an order paid is known."""
    currency: str = ""


class WayRequest(Message):
    """Whether a location that has packed these lines may send them to this destination."""

    order_id: OrderId
    location: str
    lines: tuple[LineRef, ...]
    destination: Destination


class Way(Message):
    """`bar` is the rule that forbids it, `domain.sourcing.decision.Bar`; empty if it may."""

    bar: str = ""


class Claim(Value):
    """What sourcing makes of a request: parts to reserve all at once or, without any, to wait.

    `seen` is what was available by location and item SKU when that was decided. Who waits is served
    at the `ranked` locations, the best first, whole or from at most `parts_max` of them; a greater
    `priority` is served first. What comes to the locations of `split_at`, and is not given out so,
    may do for a split that only sourcing finds.
    """

    parts: tuple[Part, ...] = ()
    seen: dict[str, dict[str, int]] = Field(default_factory=dict)
    ranked: tuple[str, ...] = ()
    split_at: tuple[str, ...] = ()
    parts_max: int = Field(default=1, ge=1)
    priority: int = 0


class Changed(Value):
    """Stock is no longer as the sourcing saw it: nothing happened, and it must look again."""


class Reserved(Message):
    """Part n, counted from 1, is the reservation `<key>/<n>`."""

    kind: Literal["reserved"] = "reserved"
    parts: tuple[Part, ...] = Field(min_length=1)

    @property
    def location(self) -> str:
        """Where the first part is."""
        return self.parts[0].location


class Lack(StrEnum):
    """What keeps an order from being reserved; each is waited for in its own way."""

    STOCK = "stock"
    CAPACITY = "capacity"
    """Its goods are there, at a location that takes on no more today."""
    NO_LOCATION = "no_location"
    """None may ship it, whatever goods come."""


class Short(Message):
    """Not all lines can be had now; the order is in the queue for goods to come, if it waits.

    Nothing is `missing` but of `STOCK`.
    """

    kind: Literal["short"] = "short"
    missing: tuple[SkuQuantity, ...] = ()
    lack: Lack = Lack.STOCK


class ReservationRef(Message):
    """A reservation to release or to turn into shipped stock.

    The key that was asked for stands for every part and, released, bars a reserve that comes late;
    a part's own key stands for that part alone.
    """

    order_id: OrderId
    key: str


def cart_reservation(reservation_id: str) -> ReservationRef:
    """What a checkout holds under this id."""
    owner = cart_id(reservation_id)
    return ReservationRef(order_id=owner, key=effect_key(owner, "reserve", 1))


class ShortReason(StrEnum):
    """Why a warehouse found less than the record says; each corrects the record in its own way."""

    NOT_IN_STOCK = "not_in_stock"
    """Nothing more is there: on hand falls to what other orders are promised."""
    MISMATCH = "mismatch"
    """The record was wrong: on hand falls by what is missing."""
    DAMAGED = "damaged"
    """What is missing is there and broken: it moves to damaged."""


class ShortPick(Message):
    """Of `sku` a picker found only `found` of the pieces that were reserved."""

    sku: str
    found: int = Field(ge=0)
    reason: ShortReason


class ShortPickRequest(Message):
    """Give a part's reservation back and correct the record, in one transaction.

    `key` is the key of the part's reservation; a repeat changes nothing.
    """

    order_id: OrderId
    key: str
    short: tuple[ShortPick, ...]


class RestockRequest(Message):
    """Returned goods that go back on the shelf."""

    return_id: str
    order_id: OrderId
    location: str
    lines: tuple[SkuQuantity, ...]
    key: str


class StockChange(Message):
    """What somebody says of the stock of one SKU at one location, and why.

    `quantity` is what came in (above 0), a correction or what is damaged (either sign), what was
    counted, or how much to hold back.
    """

    key: str
    sku: str
    location: str
    quantity: int
    reason: str
    by: str


class Drift(Value):
    """Counters that are not what the ledger says; None where one of the two knows of nothing."""

    sku: str
    location: str
    counted: dict[str, int] | None
    folded: dict[str, int] | None


def summed(lines: Iterable[LineRef | SkuQuantity]) -> tuple[SkuQuantity, ...]:
    """The lines with each SKU once, in the one order in which stock is locked."""
    total: dict[str, int] = {}
    for line in lines:
        total[line.sku] = total.get(line.sku, 0) + line.quantity
    return tuple(SkuQuantity(sku=sku, quantity=total[sku]) for sku in sorted(total))
