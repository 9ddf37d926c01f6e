"""What a checkout added to and took off an order's prices, as the GraphQL API shows it."""

from typing import Any

from simulators.shopify.ledger import ShopOrder
from simulators.shopify.shapes import View, gid, set_view


def charges(order: ShopOrder) -> View:
    """As <https://shopify.dev/docs/api/admin-graphql/2026-07/objects/Order>.

    What is `current` is as it was at first, unless the payload says more.
    """
    payload = order.payload

    def bag(*names: str) -> View:
        name = next((n for n in names if payload.get(f"{n}_set") or payload.get(n)), names[0])
        return set_view(order, payload.get(f"{name}_set"), payload.get(name))

    def levied(name: str) -> View | None:
        return bag(name) if payload.get(f"{name}_set") else None

    return {
        "currentTotalTaxSet": bag("current_total_tax", "total_tax"),
        "currentTotalDiscountsSet": bag("current_total_discounts", "total_discounts"),
        "currentShippingPriceSet": bag("current_shipping_price", "total_shipping_price"),
        "totalTipReceivedSet": bag("total_tip_received"),
        "originalTotalDutiesSet": levied("original_total_duties"),
        "currentTotalDutiesSet": levied("current_total_duties"),
        "originalTotalAdditionalFeesSet": levied("original_total_additional_fees"),
        "currentTotalAdditionalFeesSet": levied("current_total_additional_fees"),
        "totalCashRoundingAdjustment": {
            "paymentSet": bag("total_cash_rounding_payment_adjustment"),
            "refundSet": bag("total_cash_rounding_refund_adjustment"),
        },
    }


def allocations(order: ShopOrder, line: dict[str, Any]) -> list[View]:
    """As <https://shopify.dev/docs/api/admin-graphql/2026-07/objects/DiscountAllocation>."""
    return [
        {"allocatedAmountSet": set_view(order, part.get("amount_set"), part.get("amount"))}
        for part in line.get("discount_allocations") or []
    ]


def tax_line(order: ShopOrder, tax: dict[str, Any]) -> View:
    """As <https://shopify.dev/docs/api/admin-graphql/2026-07/objects/TaxLine>."""
    shown = set_view(order, tax.get("price_set"), tax.get("price"))
    return {"title": tax.get("title") or "", "priceSet": shown}


def shipping_line(order: ShopOrder, line: dict[str, Any]) -> View:
    """As <https://shopify.dev/docs/api/admin-graphql/2026-07/objects/ShippingLine>."""
    price = set_view(order, line.get("price_set"), line.get("price"))
    bag, plain = line.get("discounted_price_set"), line.get("discounted_price")
    return {
        "id": gid("ShippingLine", line.get("id") or 0),
        "title": line.get("title") or "",
        "originalPriceSet": price,
        "discountedPriceSet": set_view(order, bag, plain) if bag or plain else price,
        "discountAllocations": allocations(order, line),
    }
