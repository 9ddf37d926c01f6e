"""Goods on their way back: what was asked for, what came, and what became of it."""

from enum import StrEnum

from domain.ids import OrderId, ReturnId
from domain.money import Money
from domain.policies import OrderPolicy
from domain.values import Message


class ReturnReason(StrEnum):
    UNWANTED = "unwanted"
    WRONG_SIZE = "wrong_size"
    DAMAGED = "damaged"
    WRONG_ITEM = "wrong_item"
    NOT_AS_DESCRIBED = "not_as_described"
    UNDELIVERABLE = "undeliverable"
    OTHER = "other"


class ReturnLine(Message):
    line_id: str
    sku: str
    quantity: int
    reason: ReturnReason


class InspectedLine(Message):
    """What was found of a line.

    `restock` goes back on the shelf, `discard` does not; `refund` pieces are refunded.
    """

    line_id: str
    sku: str
    restock: int
    discard: int
    refund: int


def inspection_refusal(announced: tuple[ReturnLine, ...], found: tuple[InspectedLine, ...]) -> str:
    """Why this cannot be found of what was announced; empty if it can. Less may come."""
    most = {(line.line_id, line.sku): line.quantity for line in announced}
    for line in found:
        came = most.pop((line.line_id, line.sku), None)
        if came is None:
            return "lines: the return has no such line, or twice"
        if min(line.restock, line.discard, line.refund) < 0:
            return "lines: a quantity must not be negative"
        if line.restock + line.discard > came or line.refund > came:
            return "lines: more than was announced"
    return ""


class ReturnInput(Message):
    """What a return's workflow starts with."""

    return_id: ReturnId
    order_id: OrderId
    channel: str
    location: str
    lines: tuple[ReturnLine, ...]
    policy: OrderPolicy
    unpaid: bool = False
    """The money of its goods was written off and has not come: there is nothing to pay back."""


class ReturnOutcome(Message):
    """How a return ended."""

    status: str
    lines: tuple[InspectedLine, ...] = ()
    refunded: Money | None = None
