"""What an order's payments and fulfilments come to, in Shopify's words."""

from simulators.shopify.ledger import ShopOrder


def financial_status(order: ShopOrder) -> str:
    """As <https://shopify.dev/docs/api/admin-graphql/2026-07/enums/OrderDisplayFinancialStatus>."""
    settled, refunded = order.settled(), order.refunded()
    if settled:
        if refunded:
            return "REFUNDED" if refunded >= settled else "PARTIALLY_REFUNDED"
        return "PAID" if settled >= order.total() else "PARTIALLY_PAID"
    if order.open_authorisations():
        return "AUTHORIZED"
    pending = any(t.status == "PENDING" for t in order.transactions)
    return "PENDING" if pending else "VOIDED"


def fulfilment_status(order: ShopOrder) -> str:
    """As <https://shopify.dev/docs/api/admin-graphql/2026-07/enums/OrderDisplayFulfillmentStatus>."""
    lines = [line for made in order.fulfilment_orders for line in made.lines]
    if any(line.total for line in lines) and not any(line.remaining for line in lines):
        return "FULFILLED"
    if any(line.remaining < line.total for line in lines):
        return "PARTIALLY_FULFILLED"
    return "UNFULFILLED"


def pieces_refunded(order: ShopOrder, line_id: int) -> int:
    taken = (line for refund in order.refunds for line in refund.lines)
    return sum(line["quantity"] for line in taken if line["line_item_id"] == line_id)


def pieces_unsent(order: ShopOrder, line_id: int) -> int:
    """How many pieces of a line may still be fulfilled."""
    waiting = (line for made in order.fulfilment_orders for line in made.lines)
    return sum(line.remaining for line in waiting if line.line["id"] == line_id)
