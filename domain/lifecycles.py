"""The lifecycles of an order, a fulfilment and a return: each one table, everything else derived."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar


class OrderStatus(StrEnum):
    RECEIVED = "received"
    VALIDATED = "validated"
    RESERVED = "reserved"
    FULFILLING = "fulfilling"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    CLOSED = "closed"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"


class FulfilmentStatus(StrEnum):
    REQUESTED = "requested"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    PACKED = "packed"
    LABELLED = "labelled"
    HANDED_OVER = "handed_over"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    RECALLED = "recalled"


class ReturnStatus(StrEnum):
    REQUESTED = "requested"
    RECEIVED = "received"
    INSPECTED = "inspected"
    REFUNDED = "refunded"
    CLOSED = "closed"
    CANCELLED = "cancelled"


O, F, R = OrderStatus, FulfilmentStatus, ReturnStatus

ORDER: Mapping[OrderStatus, frozenset[OrderStatus]] = {
    O.RECEIVED: frozenset({O.VALIDATED, O.CANCELLING}),
    O.VALIDATED: frozenset({O.RESERVED, O.RECEIVED, O.CANCELLING}),
    O.RESERVED: frozenset({O.FULFILLING, O.RECEIVED, O.VALIDATED, O.CANCELLING}),
    O.FULFILLING: frozenset({O.SHIPPED, O.RECEIVED, O.VALIDATED, O.RESERVED, O.CANCELLING}),
    O.SHIPPED: frozenset({O.DELIVERED, O.UNDELIVERED}),
    O.DELIVERED: frozenset({O.CLOSED}),
    O.UNDELIVERED: frozenset({O.CLOSED, O.DELIVERED}),
    O.CANCELLING: frozenset({O.CANCELLED, O.FULFILLING, O.SHIPPED}),
    O.CLOSED: frozenset(),
    O.CANCELLED: frozenset(),
}
"""From each status to those that may follow. Back to `received` leads a new address, back to
`validated` a rejecting warehouse, back from `cancelling` a cancel that came too late."""

FULFILMENT: Mapping[FulfilmentStatus, frozenset[FulfilmentStatus]] = {
    F.REQUESTED: frozenset({F.ACCEPTED, F.REJECTED, F.RECALLED}),
    F.ACCEPTED: frozenset({F.PACKED, F.REJECTED, F.RECALLED}),
    F.PACKED: frozenset({F.LABELLED, F.RECALLED, F.REJECTED}),
    F.LABELLED: frozenset({F.HANDED_OVER, F.PACKED, F.RECALLED}),
    F.HANDED_OVER: frozenset({F.DELIVERED, F.UNDELIVERED}),
    F.UNDELIVERED: frozenset({F.DELIVERED}),
    F.REJECTED: frozenset(),
    F.RECALLED: frozenset(),
    F.DELIVERED: frozenset(),
}

RETURN: Mapping[ReturnStatus, frozenset[ReturnStatus]] = {
    R.REQUESTED: frozenset({R.RECEIVED, R.CANCELLED}),
    R.RECEIVED: frozenset({R.INSPECTED}),
    R.INSPECTED: frozenset({R.REFUNDED, R.CLOSED}),
    R.REFUNDED: frozenset({R.CLOSED}),
    R.CLOSED: frozenset(),
    R.CANCELLED: frozenset(),
}

SENTENCES: Mapping[OrderStatus, str] = {
    O.RECEIVED: "We have the order and check it.",
    O.VALIDATED: "The order is in order; we look for its stock.",
    O.RESERVED: "The stock is set aside at one location.",
    O.FULFILLING: "The warehouse picks and packs.",
    O.SHIPPED: "The carrier has the parcel.",
    O.DELIVERED: "The parcel has arrived.",
    O.UNDELIVERED: "The carrier could not deliver the parcel.",
    O.CLOSED: "Nothing more will happen to this order.",
    O.CANCELLING: "What was done is being taken back.",
    O.CANCELLED: "The order was cancelled; everything was taken back.",
}

ENDED: frozenset[OrderStatus] = frozenset(s for s, after in ORDER.items() if not after)
"""Statuses that nothing follows."""

OPEN: frozenset[OrderStatus] = frozenset(ORDER) - ENDED - {O.DELIVERED}
"""Statuses in which an order must name what it waits on; `delivered` is not open."""


S = TypeVar("S", bound=StrEnum)


def may_follow(table: Mapping[S, frozenset[S]], before: S, after: S) -> bool:
    """Whether `after` is `before` itself or may come right after it."""
    return before == after or after in table[before]
