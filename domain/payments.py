"""Money as we move it through a channel: captured once, refunded up to what was captured."""

from typing import Literal

from domain.ids import OrderId
from domain.money import Money
from domain.values import Message


class CaptureRequest(Message):
    order_id: OrderId
    key: str
    channel: str


class Captured(Message):
    kind: Literal["captured"] = "captured"
    amount: Money
    ref: str


class CaptureDeclined(Message):
    """The channel could not get the money: a `payment` hold."""

    kind: Literal["declined"] = "declined"
    reason: str


class CancelRequest(Message):
    """Cancel at the channel and tell the customer, in one call.

    Releases an authorisation and refunds what was captured; `captured` is what we know of that,
    for channels that keep no books of their own.
    """

    order_id: OrderId
    key: str
    channel: str
    reason: str
    captured: Money | None = None


class ChannelCancelled(Message):
    """`refunded` is what the customer got back, None if nothing had been captured.

    It is never more than our books can hold; `given` is what the channel says where that is more.
    """

    kind: Literal["cancelled"] = "cancelled"
    refunded: Money | None = None
    ref: str
    given: Money | None = None


class RefundLine(Message):
    line_id: str
    quantity: int


class RefundRequest(Message):
    """Refund these pieces; the amount is their share of the lines, by largest remainder.

    Without a return they never left: they were cancelled after the rest of the order had left.
    """

    order_id: OrderId
    key: str
    channel: str
    return_id: str = ""
    lines: tuple[RefundLine, ...]


class Refunded(Message):
    """`already` pieces had been refunded at the channel by hand: `amount` is without them.

    `amount` is what our books can hold: never more than was captured and not refunded yet. `given`
    is what the channel says where that is more.
    """

    kind: Literal["refunded"] = "refunded"
    amount: Money
    ref: str
    already: int = 0
    given: Money | None = None
