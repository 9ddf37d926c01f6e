"""What people and the outside world may tell an order's workflow: its signals and updates.

Every message carries `command_id`, the inbox row it came from; a workflow ignores ids it has seen.
`by` is a user or key id, never a name.
"""

from collections.abc import Mapping
from typing import Any, Literal, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from domain.fulfilments import PackedParcel
from domain.ids import ReturnId
from domain.orders import Destination, PaymentStatus
from domain.returns import InspectedLine, ReturnLine
from domain.stock import Part, ShortPick
from domain.tracking import Course
from domain.values import Message

BY_CHANNEL = "channel"
"""Who says what comes from a channel."""
HOLD_ID_MAX = 100


class Verb(Message):
    """What all have in common."""

    command_id: str = ""
    by: str = "unknown"


class Hold(Verb):
    """Stop before the next irreversible step. A note given through the API stays in PostgreSQL.

    What names the command names the hold, so that it can be said to release it.
    """

    command_id: str = Field(default="", max_length=HOLD_ID_MAX, pattern=r"^[!-~]*$")
    reason: str = Field(min_length=1, max_length=64, pattern=r"^[a-z][a-z0-9_]*$")
    note: str = Field(default="", max_length=2_000)


class Release(Verb):
    """Take back one hold."""

    hold_id: str = Field(min_length=1, max_length=HOLD_ID_MAX)


class FixAddress(Verb):
    """Use another version of the address, which is in PostgreSQL already."""

    address_version: int = Field(gt=0, lt=2**31)
    destination: Destination


class Cancel(Verb):
    reason: str = Field(
        default="requested", min_length=1, max_length=64, pattern=r"^[a-z][a-z0-9_]*$"
    )
    unpaid: bool = False
    """Nobody asks any more for the money of goods that left `unpaid`."""


class Retry(Verb):
    """Try again what an outside system refused; with `arrived` only say where goods are."""

    arrived: str = Field(default="", max_length=200)
    """The reference of a fulfilment that left without a label, and has arrived."""


class PaymentChanged(Verb):
    """The channel says how the payment stands."""

    payment: PaymentStatus


class StockAssigned(Verb):
    """Goods came in and this order, first in the queue, got what it waited for in `parts`.

    `key` is the reservation that waited: one that was released meanwhile has nothing.
    """

    key: str
    parts: tuple[Part, ...] = Field(min_length=1)


class WarehouseSaid(Verb):
    """A warehouse reports on one fulfilment; `location` is the one whose key signed it."""

    reference: str
    location: str = ""
    status: Literal["rejected", "packed", "handed_over"]
    reason: str = ""
    short: tuple[ShortPick, ...] = ()
    parcels: tuple[PackedParcel, ...] = ()


class ParcelMoved(Verb):
    """A parcel's course has changed."""

    tracking_number: str
    course: Course


class RequestReturn(Verb):
    """Ask for a return; `return_id` was given out by the starter."""

    return_id: ReturnId
    lines: tuple[ReturnLine, ...] = Field(min_length=1)


class ReturnReceived(Verb):
    """The goods of a return are here (to `ReturnWorkflow`)."""


class ReturnInspected(Verb):
    """The goods were looked at (to `ReturnWorkflow`)."""

    lines: tuple[InspectedLine, ...] = Field(min_length=1)


class MoneyWrittenOff(Verb):
    """Nobody asks for its order's money any more: none can be paid back (to `ReturnWorkflow`)."""


ORDER_VERBS: Mapping[str, type[Verb]] = {
    "hold": Hold,
    "release": Release,
    "fix_address": FixAddress,
    "cancel": Cancel,
    "retry": Retry,
    "payment_changed": PaymentChanged,
    "stock_assigned": StockAssigned,
    "warehouse_said": WarehouseSaid,
    "parcel_moved": ParcelMoved,
    "request_return": RequestReturn,
}
"""What an order's workflow hears, by the name of its signal or update."""
RETURN_VERBS: Mapping[str, type[Verb]] = {
    "received": ReturnReceived,
    "inspected": ReturnInspected,
    "cancel": Cancel,
    "retry": Retry,
    "money_written_off": MoneyWrittenOff,
}
"""What a return's workflow hears."""

V = TypeVar("V", bound=Verb)


class InvalidVerb(ValueError):
    """What was said does not parse; the message names each field and reason, not its value."""


def parse_verb(kind: type[V], raw: Any) -> V:
    """Parse what a signal or an update carries.

    Raises:
        InvalidVerb: naming the field and the reason.
    """
    try:
        return TypeAdapter(kind).validate_python(raw if raw is not None else {}, strict=False)
    except ValidationError as error:
        said = "; ".join(
            f"{'.'.join(map(str, e['loc'])) or kind.__name__}: {e['msg']}" for e in error.errors()
        )
        raise InvalidVerb(said) from None
