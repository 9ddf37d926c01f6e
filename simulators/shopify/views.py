"""What the GraphQL API shows of an order: dictionaries in the shape of Shopify's schema."""

from decimal import Decimal
from typing import Any

from simulators.shopify.charges import allocations, charges, shipping_line, tax_line
from simulators.shopify.ledger import (
    FIRST_LOCATION_ID,
    Fulfilment,
    FulfilmentOrder,
    FulfilmentOrderLine,
    Ledger,
    Refund,
    ShopOrder,
    Transaction,
)
from simulators.shopify.shapes import View, address, connection, decimal, gid, set_view, some
from simulators.shopify.statuses import (
    financial_status,
    fulfilment_status,
    pieces_refunded,
    pieces_unsent,
)


class Views:
    """Shows one order and all that hangs on it; nested objects are made only when asked for."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def order(self, order: ShopOrder) -> View:
        """As <https://shopify.dev/docs/api/admin-graphql/2026-07/objects/Order>."""
        payload = order.payload
        return (
            {
                "id": gid("Order", order.id),
                "legacyResourceId": str(order.id),
                "name": payload["name"],
                "number": payload.get("number") or payload.get("order_number") or 0,
                "email": payload.get("email"),
                "phone": payload.get("phone"),
                "note": payload.get("note"),
                "test": bool(payload.get("test")),
                "createdAt": payload["created_at"],
                "updatedAt": order.updated_at,
                "processedAt": payload.get("processed_at") or payload["created_at"],
                "cancelledAt": order.cancelled_at,
                "cancelReason": order.cancel_reason,
                "closedAt": payload.get("closed_at"),
                "closed": payload.get("closed_at") is not None,
                "currencyCode": order.currency,
                "presentmentCurrencyCode": order.presentment_currency,
                "taxesIncluded": bool(payload.get("taxes_included")),
                "dutiesIncluded": bool(payload.get("duties_included")),
                "displayFinancialStatus": financial_status(order),
                "displayFulfillmentStatus": fulfilment_status(order),
                "capturable": bool(order.open_authorisations()),
                "fulfillable": any(
                    line.remaining for made in order.fulfilment_orders for line in made.lines
                ),
                "shippingAddress": lambda _info: address(payload.get("shipping_address")),
                "billingAddress": lambda _info: address(payload.get("billing_address")),
                "lineItems": connection(payload["line_items"], lambda line: self.line(order, line)),
                "shippingLines": connection(
                    payload.get("shipping_lines") or [], lambda line: shipping_line(order, line)
                ),
                "transactions": some(order.transactions, lambda t: self.transaction(order, t)),
                "fulfillmentOrders": connection(
                    order.fulfilment_orders, lambda made: self.fulfilment_order(order, made)
                ),
                "fulfillments": some(order.fulfilments, lambda f: self.fulfilment(order, f)),
                "refunds": some(order.refunds, lambda refund: self.refund(order, refund)),
            }
            | self._totals(order)
            | charges(order)
        )

    def _totals(self, order: ShopOrder) -> View:
        capturable = sum((order.capturable(t) for t in order.open_authorisations()), Decimal(0))
        total = order.total()
        return {
            "totalPriceSet": self.bag(order, total),
            "currentTotalPriceSet": self.bag(order, total - order.refunded()),
            "subtotalPriceSet": self._payload_bag(order, "subtotal_price"),
            "totalShippingPriceSet": self._payload_bag(order, "total_shipping_price"),
            "totalTaxSet": self._payload_bag(order, "total_tax"),
            "totalDiscountsSet": self._payload_bag(order, "total_discounts"),
            "totalCapturableSet": self.bag(order, capturable),
            "totalReceivedSet": self.bag(order, order.settled()),
            "totalRefundedSet": self.bag(order, order.refunded()),
        }

    def bag(self, order: ShopOrder, amount: Decimal) -> View:
        """An amount in presentment money, with the shop's money at the order's own rate."""
        shop = (amount * order.shop_rate()).quantize(Decimal("0.01"))
        return {
            "shopMoney": {"amount": decimal(shop), "currencyCode": order.currency},
            "presentmentMoney": {
                "amount": decimal(amount),
                "currencyCode": order.presentment_currency,
            },
        }

    def _payload_bag(self, order: ShopOrder, name: str) -> View:
        return set_view(order, order.payload.get(f"{name}_set"), order.payload.get(name))

    def line(self, order: ShopOrder, line: dict[str, Any]) -> View:
        """As <https://shopify.dev/docs/api/admin-graphql/2026-07/objects/LineItem>."""
        left = line["quantity"] - pieces_refunded(order, line["id"])
        title = line.get("title") or line.get("name") or line.get("sku") or ""
        return {
            "id": gid("LineItem", line["id"]),
            "sku": line.get("sku"),
            "name": line.get("name") or title,
            "title": title,
            "quantity": line["quantity"],
            "currentQuantity": left,
            "refundableQuantity": left,
            "unfulfilledQuantity": pieces_unsent(order, line["id"]),
            "requiresShipping": bool(line.get("requires_shipping", True)),
            "originalUnitPriceSet": set_view(order, line.get("price_set"), line.get("price")),
            "totalDiscountSet": set_view(
                order, line.get("total_discount_set"), line.get("total_discount")
            ),
            "discountAllocations": allocations(order, line),
            "taxLines": some(line.get("tax_lines") or [], lambda tax: tax_line(order, tax)),
        }

    def transaction(self, order: ShopOrder, transaction: Transaction) -> View:
        """As <https://shopify.dev/docs/api/admin-graphql/2026-07/objects/OrderTransaction>."""
        parent = transaction.parent
        return {
            "id": gid("OrderTransaction", transaction.id),
            "kind": transaction.kind,
            "status": transaction.status,
            "gateway": transaction.gateway,
            "test": bool(order.payload.get("test")),
            "createdAt": transaction.at,
            "processedAt": transaction.at,
            "errorCode": None,
            "amountSet": self.bag(order, transaction.amount),
            "totalUnsettledSet": self.bag(
                order,
                order.capturable(transaction)
                if transaction.succeeded("AUTHORIZATION")
                else Decimal(0),
            ),
            "parentTransaction": lambda _info: (
                None if parent is None else self.transaction(order, parent)
            ),
            "order": lambda _info: self.order(order),
        }

    def fulfilment_order(self, order: ShopOrder, made: FulfilmentOrder) -> View:
        """As <https://shopify.dev/docs/api/admin-graphql/2026-07/objects/FulfillmentOrder>."""

        def show(entry: FulfilmentOrderLine) -> View:
            return {
                "id": gid("FulfillmentOrderLineItem", entry.id),
                "sku": entry.line.get("sku"),
                "totalQuantity": entry.total,
                "remainingQuantity": entry.remaining,
                "lineItem": lambda _info: self.line(order, entry.line),
            }

        return {
            "id": gid("FulfillmentOrder", made.id),
            "orderId": gid("Order", order.id),
            "orderName": order.payload["name"],
            "status": made.status(order.cancelled_at is not None),
            "assignedLocation": {
                "name": _place(made.location)["name"],
                "location": _place(made.location),
            },
            "createdAt": made.at,
            "updatedAt": order.updated_at,
            "lineItems": connection(made.lines, show),
            "order": lambda _info: self.order(order),
        }

    def fulfilment(self, order: ShopOrder, fulfilment: Fulfilment) -> View:
        """As <https://shopify.dev/docs/api/admin-graphql/2026-07/objects/Fulfillment>."""

        def show(taken: tuple[FulfilmentOrderLine, int]) -> View:
            entry, quantity = taken
            return {
                "id": gid("FulfillmentLineItem", f"{fulfilment.id}{entry.id}"),
                "quantity": quantity,
                "lineItem": lambda _info: self.line(order, entry.line),
            }

        place = order.fulfilments.index(fulfilment) + 1
        cancelled = fulfilment.status == "CANCELLED"
        return {
            "id": gid("Fulfillment", fulfilment.id),
            "legacyResourceId": str(fulfilment.id),
            "name": f"{order.payload['name']}-F{place}",
            "status": fulfilment.status,
            "displayStatus": "CANCELED" if cancelled else "FULFILLED",
            "createdAt": fulfilment.at,
            "updatedAt": order.updated_at if cancelled else fulfilment.at,
            "totalQuantity": sum(quantity for _, quantity in fulfilment.lines),
            "trackingInfo": some(fulfilment.tracking, dict),
            "fulfillmentLineItems": connection(fulfilment.lines, show),
            "order": lambda _info: self.order(order),
        }

    def refund(self, order: ShopOrder, refund: Refund) -> View:
        """As <https://shopify.dev/docs/api/admin-graphql/2026-07/objects/Refund>."""
        lines = {line["id"]: line for line in order.payload["line_items"]}

        def show(taken: dict[str, Any]) -> View:
            return {
                "id": gid("RefundLineItem", f"{refund.id}{taken['line_item_id']}"),
                "quantity": taken["quantity"],
                "restockType": taken["restock_type"],
                "location": taken["location_id"] and _place(taken["location_id"]),
                "lineItem": lambda _info: self.line(order, lines[taken["line_item_id"]]),
            }

        total = sum((t.amount for t in refund.transactions), Decimal(0))
        return {
            "id": gid("Refund", refund.id),
            "legacyResourceId": str(refund.id),
            "note": refund.note,
            "createdAt": refund.at,
            "updatedAt": refund.at,
            "totalRefundedSet": self.bag(order, total),
            "refundLineItems": connection(refund.lines, show),
            "transactions": connection(refund.transactions, lambda t: self.transaction(order, t)),
            "order": lambda _info: self.order(order),
        }

    def job(self, job_id: str) -> View | None:
        return {"id": job_id, "done": True} if job_id in self._ledger.jobs else None


def _place(location: int) -> View:
    name = f"Location {location - FIRST_LOCATION_ID + 1}"
    return {"id": gid("Location", location), "name": name}
