"""What people and the API see of an order: read models, made from our rows alone."""

from datetime import datetime
from typing import Any

from domain.addresses import Address
from domain.lifecycles import FulfilmentStatus, OrderStatus, ReturnStatus
from domain.money import Money
from domain.orders import LineRef, PaymentStatus, Totals
from domain.problems import Problem
from domain.promised import PromiseView
from domain.returns import InspectedLine, ReturnLine
from domain.tracking import Course
from domain.values import Value
from domain.waits import Owner


class WaitView(Value):
    """Who must act, for what, since when, and what happens next by itself.

    `step` names a call that keeps failing; `attempt` is how often it was tried. `return_id` is set
    where an order waits for its return: the wait is that return's.
    """

    owner: Owner
    what: str
    since: datetime
    deadline: datetime | None = None
    next_action: str = ""
    sentence: str
    step: str = ""
    attempt: int = 0
    return_id: str = ""


class HoldView(Value):
    hold_id: str
    reason: str
    by: str
    since: datetime
    note: str = ""
    problems: tuple[str, ...] = ()


class OrderSummary(Value):
    """An order in a list."""

    order_id: str
    number: str
    channel: str
    placed_at: datetime
    updated_at: datetime
    status: OrderStatus
    payment: PaymentStatus
    waiting_on: WaitView | None
    holds: tuple[str, ...]
    """The reasons."""
    attention: str
    name: str
    country: str
    total: Money


class OrderPage(Value):
    """`next_cursor` asks for what follows; None at the end."""

    orders: tuple[OrderSummary, ...]
    next_cursor: str | None


class LineView(Value):
    line_id: str
    sku: str
    title: str
    quantity: int
    cancelled: int = 0
    """Pieces that were cancelled after others had left."""
    unit_price: Money
    discount: Money
    tax: Money


class AddressView(Value):
    """`source` is `channel`, `normalised` or `operator`."""

    version: int
    source: str
    based_on: int | None
    by: str
    created_at: datetime
    address: Address


class ScanView(Value):
    claimed_at: datetime
    received_at: datetime
    carrier: str
    course: Course
    carrier_status: str
    message: str
    place: str


class LabelView(Value):
    shipment_ref: str
    carrier: str
    tracking_number: str
    tracking_url: str
    label_url: str
    cost: Money
    voided: bool
    given_up: bool = False
    """Live at the carrier, which will not void it, and used no more."""


class ParcelView(Value):
    parcel_id: str
    weight_g: int
    length_mm: int
    width_mm: int
    height_mm: int
    course: Course
    label: LabelView | None
    """The one in use."""
    labels: tuple[LabelView, ...]
    scans: tuple[ScanView, ...]


class FulfilmentView(Value):
    number: int
    reference: str
    location: str
    status: FulfilmentStatus
    reason: str
    lines: tuple[LineRef, ...]
    waiting_on: WaitView | None = None
    parcels: tuple[ParcelView, ...]


class ReturnView(Value):
    return_id: str
    order_id: str
    status: ReturnStatus
    location: str
    lines: tuple[ReturnLine, ...]
    inspected: tuple[InspectedLine, ...]
    attention: str
    waiting_on: WaitView | None
    requested_at: datetime
    updated_at: datetime


class MoneyEntry(Value):
    key: str
    kind: str
    amount: Money
    ref: str
    return_id: str | None
    at: datetime


class MoneyView(Value):
    """The order's ledger and its sums."""

    authorised: Money
    captured: Money
    refunded: Money
    entries: tuple[MoneyEntry, ...]


class OrderView(Value):
    """One order whole."""

    order_id: str
    number: str
    channel: str
    channel_order_id: str
    placed_at: datetime
    received_at: datetime
    updated_at: datetime
    channel_updated_at: datetime | None
    status: OrderStatus
    sentence: str
    """The status in words."""
    payment: PaymentStatus
    channel_cancelled: bool
    waiting_on: WaitView | None
    holds: tuple[HoldView, ...]
    attention: str
    problems: tuple[Problem, ...]
    """What checking the address version in use found."""
    email: str
    phone: str
    note: str
    address_version: int
    address: Address
    addresses: tuple[AddressView, ...]
    lines: tuple[LineView, ...]
    totals: Totals
    presentment_total: Money | None
    promise: PromiseView | None = None
    """None: it neither has its goods nor waits for them."""
    fulfilments: tuple[FulfilmentView, ...]
    returns: tuple[ReturnView, ...]
    money: MoneyView
    track_token: str
    seq: int


class EventView(Value):
    """One line of the journal; `note` is the operator's, `return_id` whose line it is."""

    at: datetime
    by: str
    code: str
    why: str
    note: str
    command_id: str
    return_id: str | None
    data: dict[str, Any]
