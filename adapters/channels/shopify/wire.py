"""The parts of Shopify's answers that we read, as typed values."""

from typing import Any

from pydantic import ConfigDict, NonNegativeInt

from adapters.channels.shopify.graphql import UserError, Wire
from adapters.channels.shopify.shapes import Given, Handle, MoneyBag, PageInfo, Paid, Ref, Words


class Transaction(Wire):
    """One movement of money, tried or done."""

    id: Handle
    kind: str
    status: str
    gateway: Words | None = None
    error_code: str | None = None
    amount_set: Paid
    total_unsettled_set: MoneyBag | None = None
    parent_transaction: Ref | None = None

    @property
    def succeeded(self) -> bool:
        return self.status == "SUCCESS"

    @property
    def undecided(self) -> bool:
        return self.status in ("PENDING", "AWAITING_RESPONSE", "UNKNOWN")


class PaidOrder(Wire):
    cancelled_at: str | None = None
    total_refunded_set: Given
    transactions: tuple[Transaction, ...]

    def children(self, parent: Transaction, *kinds: str) -> list[Transaction]:
        return [
            made
            for made in self.transactions
            if made.kind in kinds
            and made.parent_transaction is not None
            and made.parent_transaction.id == parent.id
        ]

    def taken(self) -> list[Transaction]:
        """Where the money is: successful captures and sales."""
        return [made for made in self.transactions if made.succeeded and made.kind in _TAKEN]


_TAKEN = frozenset({"CAPTURE", "SALE"})


class PaymentAnswer(Wire):
    order: PaidOrder | None


class _Captured(Wire):
    transaction: Transaction | None
    user_errors: tuple[UserError, ...]


class CaptureAnswer(Wire):
    order_capture: _Captured


class _Tracking(Wire):
    number: str | None = None


class Fulfilment(Wire):
    id: Handle
    status: str
    tracking_info: tuple[_Tracking, ...] = ()

    @property
    def numbers(self) -> set[str]:
        return {tracking.number for tracking in self.tracking_info if tracking.number}


class _Assigned(Wire):
    location: Ref | None = None


class FulfilmentOrder(Wire):
    id: Handle
    status: str
    assigned_location: _Assigned

    @property
    def location(self) -> str | None:
        """Where Shopify would send it from; None if that location is gone."""
        return self.assigned_location.location.id if self.assigned_location.location else None


class _FulfilmentOrders(Wire):
    nodes: tuple[FulfilmentOrder, ...]


class ShippedOrder(Wire):
    fulfillments: tuple[Fulfilment, ...]
    fulfillment_orders: _FulfilmentOrders


class ShipmentsAnswer(Wire):
    order: ShippedOrder | None


class FulfilmentOrderLine(Wire):
    id: Handle
    remaining_quantity: NonNegativeInt
    line_item: Ref


class _FulfilmentOrderLines(Wire):
    nodes: tuple[FulfilmentOrderLine, ...]
    page_info: PageInfo


class _LinesOfFulfilmentOrder(Wire):
    line_items: _FulfilmentOrderLines


class FulfilmentOrderLinesAnswer(Wire):
    fulfillment_order: _LinesOfFulfilmentOrder | None


class FulfilledLine(Wire):
    quantity: NonNegativeInt | None
    line_item: Ref


class _FulfilledLines(Wire):
    nodes: tuple[FulfilledLine, ...]
    page_info: PageInfo


class _LinesOfFulfilment(Wire):
    fulfillment_line_items: _FulfilledLines


class FulfilledLinesAnswer(Wire):
    fulfillment: _LinesOfFulfilment | None


class _Fulfilled(Wire):
    fulfillment: Fulfilment | None
    user_errors: tuple[UserError, ...]


class FulfilAnswer(Wire):
    fulfillment_create: _Fulfilled


class Job(Wire):
    id: Handle = ""
    done: bool


class _Cancelling(Wire):
    job: Job | None
    order_cancel_user_errors: tuple[UserError, ...]


class CancelAnswer(Wire):
    order_cancel: _Cancelling


class CancelledOrder(Wire):
    cancelled_at: str | None = None
    total_refunded_set: Given


class CancellationAnswer(Wire):
    order: CancelledOrder | None
    job: Job | None


class RefundedLine(Wire):
    quantity: NonNegativeInt
    restock_type: str
    line_item: Ref


class RefundedLines(Wire):
    nodes: tuple[RefundedLine, ...]
    page_info: PageInfo


class Refund(Wire):
    id: Handle
    note: str | None = None
    total_refunded_set: Given


class RefundWithLines(Refund):
    refund_line_items: RefundedLines


class _RefundedOrder(Wire):
    refunds: tuple[RefundWithLines, ...]


class RefundsAnswer(Wire):
    order: _RefundedOrder | None


class _LinesOfRefund(Wire):
    refund_line_items: RefundedLines


class RefundLinesAnswer(Wire):
    refund: _LinesOfRefund | None


class _RefundMade(Wire):
    refund: Refund | None
    user_errors: tuple[UserError, ...]


class RefundAnswer(Wire):
    refund_create: _RefundMade


class _LinePage(Wire):
    nodes: tuple[dict[str, Any], ...]
    page_info: PageInfo


class FetchedOrder(Wire):
    """An order with one page of its lines; all else stays as it came, in `model_extra`."""

    model_config = ConfigDict(extra="allow")

    line_items: _LinePage


class FetchedAnswer(Wire):
    order: FetchedOrder | None


class _SentOrder(Wire):
    display_fulfillment_status: str


class SentAnswer(Wire):
    order: _SentOrder | None
