"""Reads an order as the GraphQL Admin API shows it, by giving it the shape of the webhook's.

Weights are not asked for: they belong to products, which take another permission.
"""

from collections.abc import Mapping
from typing import Any

from adapters.channels.reading import Unreadable
from adapters.channels.shopify.order import to_order
from domain.orders import Order

_PLAIN = {
    "id": "legacyResourceId",
    "name": "name",
    "email": "email",
    "phone": "phone",
    "note": "note",
    "created_at": "createdAt",
    "processed_at": "processedAt",
    "updated_at": "updatedAt",
    "cancelled_at": "cancelledAt",
    "currency": "currencyCode",
    "taxes_included": "taxesIncluded",
    "duties_included": "dutiesIncluded",
    "test": "test",
}
_BAGS = {
    "total_price_set": "totalPriceSet",
    "current_total_price_set": "currentTotalPriceSet",
    "total_tax_set": "totalTaxSet",
    "current_total_tax_set": "currentTotalTaxSet",
    "total_discounts_set": "totalDiscountsSet",
    "current_total_discounts_set": "currentTotalDiscountsSet",
    "current_shipping_price_set": "currentShippingPriceSet",
    "total_tip_received_set": "totalTipReceivedSet",
    "original_total_duties_set": "originalTotalDutiesSet",
    "current_total_duties_set": "currentTotalDutiesSet",
    "original_total_additional_fees_set": "originalTotalAdditionalFeesSet",
    "current_total_additional_fees_set": "currentTotalAdditionalFeesSet",
}
_ADDRESS = {
    "name": "name",
    "first_name": "firstName",
    "last_name": "lastName",
    "company": "company",
    "address1": "address1",
    "address2": "address2",
    "city": "city",
    "province": "province",
    "province_code": "provinceCode",
    "zip": "zip",
    "country": "country",
    "country_code": "countryCodeV2",
    "phone": "phone",
}


def to_order_from_graphql(
    channel: str, told: Mapping[str, Any], lines: list[Mapping[str, Any]]
) -> Order:
    """Parse GraphQL's order; `lines` are the nodes of all pages of its line items.

    Raises:
        Unreadable: names the field as the webhook's payload does.
    """
    try:
        payload = _payload(told, lines)
    except (AttributeError, TypeError, KeyError) as error:
        raise Unreadable(
            "order", f"has another shape than we asked for ({type(error).__name__})"
        ) from None
    return to_order(channel, payload)


def _payload(told: Mapping[str, Any], lines: list[Mapping[str, Any]]) -> dict[str, object]:
    address = told["shippingAddress"]
    rounding = told["totalCashRoundingAdjustment"] or {}
    return {
        **{name: told[theirs] for name, theirs in _PLAIN.items()},
        **{name: _bag(told[theirs]) for name, theirs in _BAGS.items()},
        "total_cash_rounding_payment_adjustment_set": _bag(rounding.get("paymentSet")),
        "cancel_reason": (told["cancelReason"] or "").lower(),
        "financial_status": (told["displayFinancialStatus"] or "").lower(),
        "shipping_address": {name: address[theirs] for name, theirs in _ADDRESS.items()}
        if address
        else None,
        "shipping_lines": [_shipping(line) for line in told["shippingLines"]["nodes"]],
        "line_items": [_line(line) for line in lines],
    }


def _shipping(line: Mapping[str, Any]) -> dict[str, object]:
    return {
        "price_set": _bag(line["originalPriceSet"]),
        "discounted_price_set": _bag(line["discountedPriceSet"]),
        "discount_allocations": _allocations(line),
    }


def _line(line: Mapping[str, Any]) -> dict[str, object]:
    return {
        "id": line["id"].rpartition("/")[2],
        "sku": line["sku"],
        "name": line["name"],
        "quantity": line["quantity"],
        "current_quantity": line["currentQuantity"],
        "requires_shipping": line["requiresShipping"],
        "price_set": _bag(line["originalUnitPriceSet"]),
        "discount_allocations": _allocations(line),
        "tax_lines": [{"price_set": _bag(tax["priceSet"])} for tax in line["taxLines"]],
    }


def _allocations(line: Mapping[str, Any]) -> list[dict[str, object]]:
    return [
        {"amount_set": _bag(part["allocatedAmountSet"])} for part in line["discountAllocations"]
    ]


def _bag(theirs: Mapping[str, Any] | None) -> dict[str, object] | None:
    if theirs is None:
        return None
    sides = {"shop_money": "shopMoney", "presentment_money": "presentmentMoney"}
    return {
        name: {"amount": theirs[side]["amount"], "currency_code": theirs[side]["currencyCode"]}
        for name, side in sides.items()
        if theirs.get(side) is not None
    }
