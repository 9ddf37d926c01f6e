"""What a workflow writes to PostgreSQL about itself, for lists, pages and audit to read."""

from datetime import datetime

from pydantic import Field

from domain.fulfilments import Label, PackedParcel
from domain.ids import OrderId, ReturnId
from domain.lifecycles import FulfilmentStatus, OrderStatus, ReturnStatus
from domain.money import Money
from domain.orders import LineRef
from domain.returns import InspectedLine, ReturnLine
from domain.tracking import Course
from domain.values import Message
from domain.waits import Owner, Wait

LABEL_NOT_VOIDED = "label_not_voided"
"""The journal's code for a label that was given up: `tracking_number`, empty if the carrier's
answer was lost, and `label`, the key that it was bought under."""

LEFT_WITHOUT_LABEL = "left_without_label"
"""The journal's code, and the wait, for a `fulfilment` of which no carrier can speak."""

NOT_REFUNDED = "not_refunded"
"""The journal's code for a refund that was given up: `deed` is its key, `pieces` how many."""

REFUNDED_MORE = "refunded_more"
"""The journal's code for a refund of which the channel says more than our books can hold: `deed` is
its key, `amount_minor` and `currency` what the channel says."""

WRITTEN_OFF = "written_off"
"""The journal's code for the money of goods that left `unpaid`, which nobody asks for any more.
Of a return, for what is not paid back of it: `deed` and `pieces` as for `NOT_REFUNDED`."""

PAID_AFTER_ALL = "paid_after_all"
"""The journal's code for money that came in although it was written off, and not for goods alone,
or the order was cancelled: `pieces` were cancelled and of `returns` nothing was paid back."""

UNPAID = "unpaid"
"""The journal's code, and the wait, for goods that left before the channel could get the money."""


class HoldRecord(Message):
    """A stop that somebody set; `hold_id` releases it. The system's own have their reason as id."""

    hold_id: str
    reason: str
    by: str
    since: datetime
    note: str = ""
    problems: tuple[str, ...] = ()
    """For `address` and `data`: `field: reason code` each."""


class JournalEntry(Message):
    """One line of an order's history: when, who, what, why.

    `code` is stable, `data` has no words of others. `command_id` leads to the inbox row that
    caused it, with its note if it has one. `nth` counts the lines of that code and command: what
    a workflow says again, because its task was lost, is known by it.
    """

    at: datetime
    by: str
    code: str
    why: str = ""
    command_id: str = ""
    nth: int = 1
    data: dict[str, str | int | None] = Field(default_factory=dict)


class Settled(Message):
    """A command that took effect, or was refused with a reason."""

    command_id: str
    refused: str = ""


class ParcelRecord(Message):
    parcel_id: str
    packed: PackedParcel
    label: Label | None = None
    label_key: str = ""
    voided_labels: tuple[Label, ...] = ()
    given_up_labels: tuple[Label, ...] = ()
    """Live at the carrier, which will not void them, and used no more."""
    course: Course = Course.EXPECTED


class FulfilmentRecord(Message):
    """`reference` is what the warehouse knows it by; `number` counts within the order from 1."""

    number: int
    reference: str
    location: str
    status: FulfilmentStatus
    lines: tuple[LineRef, ...]
    parcels: tuple[ParcelRecord, ...] = ()
    reason: str = ""
    wait: Wait | None = None


class MoneyRecord(Message):
    """An entry of the order's money ledger; `kind` is `captured` or `refunded`."""

    key: str
    kind: str
    amount: Money
    ref: str = ""


class OrderRecord(Message):
    """An order as its workflow knows it after `seq`; written only over a lower `seq`."""

    order_id: OrderId
    seq: int
    status: OrderStatus
    wait: Wait | None
    holds: tuple[HoldRecord, ...]
    attention: str = ""
    """A code if an outside system's refusal parks the order."""
    address_version: int
    fulfilments: tuple[FulfilmentRecord, ...] = ()
    cancelled_lines: tuple[LineRef, ...] = ()
    """What was cancelled after other lines had left."""
    money: tuple[MoneyRecord, ...] = ()
    journal: tuple[JournalEntry, ...] = ()
    settled: tuple[Settled, ...] = ()


class ReturnRecord(Message):
    """A return as its workflow knows it after `seq`."""

    return_id: ReturnId
    order_id: OrderId
    seq: int
    status: ReturnStatus
    wait: Wait | None
    attention: str = ""
    location: str
    lines: tuple[ReturnLine, ...]
    inspected: tuple[InspectedLine, ...] = ()
    money: tuple[MoneyRecord, ...] = ()
    journal: tuple[JournalEntry, ...] = ()
    settled: tuple[Settled, ...] = ()


class Retrying(Message):
    """An activity that failed more than once says whom it waits for.

    `deed` is the effect's key: a split order may be at the same step for each of its shares.
    """

    workflow_id: str
    step: str
    deed: str = ""
    owner: Owner
    code: str
    attempt: int
