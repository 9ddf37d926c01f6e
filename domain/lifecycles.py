"""The lifecycles of an order, a fulfilment and a return: one table each, the rest derived."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar


class OrderStatus(StrEnum):
    RECEIVED = "received"
    VALIDATED = "validated"
    RESERVED = "reserved"
    FULFILLING = "fulfilling"
    PARTLY_SHIPPED = "partly_shipped"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    CLOSED = "closed"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"


class FulfilmentStatus(StrEnum):
    PLANNED = "planned"
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


Order, Part, Return = OrderStatus, FulfilmentStatus, ReturnStatus

ORDER: Mapping[OrderStatus, frozenset[OrderStatus]] = {
    Order.RECEIVED: frozenset({Order.VALIDATED, Order.CANCELLING}),
    Order.VALIDATED: frozenset({Order.RESERVED, Order.RECEIVED, Order.CANCELLING}),
    Order.RESERVED: frozenset(
        {Order.FULFILLING, Order.RECEIVED, Order.VALIDATED, Order.CANCELLING}
    ),
    Order.FULFILLING: frozenset(
        {
            Order.PARTLY_SHIPPED,
            Order.SHIPPED,
            Order.RECEIVED,
            Order.VALIDATED,
            Order.RESERVED,
            Order.CANCELLING,
        }
    ),
    Order.PARTLY_SHIPPED: frozenset({Order.SHIPPED, Order.CANCELLING}),
    Order.SHIPPED: frozenset({Order.DELIVERED, Order.UNDELIVERED}),
    Order.DELIVERED: frozenset({Order.CLOSED}),
    Order.UNDELIVERED: frozenset({Order.CLOSED, Order.DELIVERED}),
    Order.CANCELLING: frozenset(
        {Order.CANCELLED, Order.SHIPPED, Order.DELIVERED, Order.UNDELIVERED}
    ),
    Order.CLOSED: frozenset(),
    Order.CANCELLED: frozenset(),
}
"""From each status to those that may follow. Back to `received` leads a new address, back to
`validated` a rejecting warehouse, back from `cancelling` a cancel that came too late, for all of
it or for what had left."""

FULFILMENT: Mapping[FulfilmentStatus, frozenset[FulfilmentStatus]] = {
    Part.PLANNED: frozenset({Part.REQUESTED, Part.RECALLED}),
    Part.REQUESTED: frozenset(
        {Part.ACCEPTED, Part.PACKED, Part.HANDED_OVER, Part.REJECTED, Part.RECALLED}
    ),
    Part.ACCEPTED: frozenset({Part.PACKED, Part.HANDED_OVER, Part.REJECTED, Part.RECALLED}),
    Part.PACKED: frozenset({Part.LABELLED, Part.HANDED_OVER, Part.REJECTED, Part.RECALLED}),
    Part.LABELLED: frozenset({Part.HANDED_OVER, Part.PACKED, Part.REJECTED, Part.RECALLED}),
    Part.HANDED_OVER: frozenset({Part.DELIVERED, Part.UNDELIVERED}),
    Part.UNDELIVERED: frozenset({Part.DELIVERED}),
    Part.REJECTED: frozenset({Part.HANDED_OVER}),
    Part.RECALLED: frozenset(),
    Part.DELIVERED: frozenset(),
}
"""Goods that a warehouse was to give back may turn out to have left, however far they were."""

RETURN: Mapping[ReturnStatus, frozenset[ReturnStatus]] = {
    Return.REQUESTED: frozenset({Return.RECEIVED, Return.CANCELLED}),
    Return.RECEIVED: frozenset({Return.INSPECTED}),
    Return.INSPECTED: frozenset({Return.REFUNDED, Return.CLOSED}),
    Return.REFUNDED: frozenset({Return.CLOSED}),
    Return.CLOSED: frozenset(),
    Return.CANCELLED: frozenset(),
}

SENTENCES: Mapping[OrderStatus, str] = {
    Order.RECEIVED: "We have the order and check it.",
    Order.VALIDATED: "The order is in order; we look for its stock.",
    Order.RESERVED: "The stock is set aside.",
    Order.FULFILLING: "The warehouse picks and packs.",
    Order.PARTLY_SHIPPED: "A part of the order is on its way; the rest follows.",
    Order.SHIPPED: "The carrier has the parcel.",
    Order.DELIVERED: "The parcel has arrived.",
    Order.UNDELIVERED: "The carrier could not deliver the parcel.",
    Order.CLOSED: "Nothing more will happen to this order.",
    Order.CANCELLING: "What was done is being taken back.",
    Order.CANCELLED: "The order was cancelled; everything was taken back.",
}

ENDED: frozenset[OrderStatus] = frozenset(s for s, after in ORDER.items() if not after)
"""Statuses that nothing follows."""

RETURN_ENDED: frozenset[ReturnStatus] = frozenset(s for s, after in RETURN.items() if not after)
"""Likewise, of a return."""

OPEN: frozenset[OrderStatus] = frozenset(ORDER) - ENDED - {Order.DELIVERED}
"""Statuses in which an order must name what it waits on; `delivered` is not open."""


HAS_LEFT: frozenset[FulfilmentStatus] = frozenset(
    {FulfilmentStatus.HANDED_OVER, FulfilmentStatus.DELIVERED, FulfilmentStatus.UNDELIVERED}
)
"""The goods are with the carrier, or beyond."""

S = TypeVar("S", bound=StrEnum)


def may_follow(table: Mapping[S, frozenset[S]], before: S, after: S) -> bool:
    """Whether `after` is `before` itself or may come right after it."""
    return before == after or after in table[before]
