"""What is left of an order after refunds, as its webhook says it beside what was bought.

`current_quantity` is what was ordered without what was refunded or removed
(<https://shopify.dev/changelog/addition-of-lineitem-current_quantity-on-admin-rest-api>, in words
at <https://shopify.dev/docs/api/admin-graphql/latest/objects/LineItem>); `fulfillable_quantity` is
what may still be sent. The order's `current_…` amounts go down with them
(<https://shopify.dev/docs/api/admin-rest/latest/resources/order>).
"""

from decimal import Decimal
from typing import Any

from simulators.shopify.ledger import ShopOrder
from simulators.shopify.statuses import pieces_refunded, pieces_unsent

Json = dict[str, Any]
CENT = Decimal("0.01")


def current(order: ShopOrder) -> Json:
    """The fields that differ from the order as it was given; none if nothing was done to it."""
    if not order.refunds and not order.fulfilments:
        return {}
    lines = [_line(order, line) for line in order.payload["line_items"]]
    return {"line_items": lines} | (_amounts(order) if order.refunds else {})


def _line(order: ShopOrder, line: Json) -> Json:
    return line | {
        "current_quantity": _wanted(line) - pieces_refunded(order, line["id"]),
        "fulfillable_quantity": pieces_unsent(order, line["id"]),
    }


def _wanted(line: Json) -> int:
    """How many pieces there were before any refund; fewer than bought if it came edited."""
    return int(line["current_quantity" if "current_quantity" in line else "quantity"])


def _amounts(order: ShopOrder) -> Json:
    payload, rate = order.payload, order.shop_rate()
    discount = tax = net = Decimal(0)
    for line in payload["line_items"]:
        gone = pieces_refunded(order, line["id"])
        let_off = _share(line.get("discount_allocations") or [], "amount", gone, line["quantity"])
        discount += let_off
        net += Decimal(str(line["price"])) * gone - let_off
        tax += _share(line.get("tax_lines") or [], "price", gone, line["quantity"])
    left = order.total() - order.refunded()
    shop = {
        "total_price": (left * rate).quantize(CENT),
        "total_discounts": _first(payload, "total_discounts") - discount,
        "total_tax": _first(payload, "total_tax") - tax,
        "subtotal_price": _first(payload, "subtotal_price") - net,
    }
    said: Json = {}
    for name, amount in shop.items():
        if f"current_{name}" not in payload and name not in payload:
            continue
        shown = left if name == "total_price" else (amount / rate if rate else amount)
        said[f"current_{name}"] = str(amount)
        said[f"current_{name}_set"] = {
            "shop_money": {"amount": str(amount), "currency_code": order.currency},
            "presentment_money": {
                "amount": str(shown.quantize(CENT)),
                "currency_code": order.presentment_currency,
            },
        }
    return said


def _share(parts: list[Json], name: str, gone: int, bought: int) -> Decimal:
    """What of a line's discounts or taxes belongs to the pieces that are gone."""
    whole = sum((Decimal(str(part[name])) for part in parts), Decimal(0))
    return (whole * gone / bought).quantize(CENT)


def _first(payload: Json, name: str) -> Decimal:
    """The amount before any refund; it was `current_…` that an edit had changed before."""
    return Decimal(str(payload.get(f"current_{name}") or payload.get(name) or "0.00"))
