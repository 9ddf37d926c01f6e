"""Reads the amounts of a Shopify order, in the shop's currency, so that they add up as ours do.

Shopify does not say everywhere what an amount already contains. Where two readings are possible,
the one that makes the order's own total is taken; if none does, the amounts stay as they came and
validation holds the order.
"""

from collections.abc import Sequence
from typing import NamedTuple

from adapters.channels.reading import Reader
from domain.money import Money, apportion
from domain.orders import OrderLine, Totals

QUANTITY_LIMIT = 100_000


class LineAmounts(NamedTuple):
    """A line's pieces, price a piece, and discount and tax of all of them."""

    quantity: int
    unit_price: Money
    discount: Money
    tax: Money

    def net(self, *, tax_included: bool) -> Money:
        price = self.unit_price * self.quantity - self.discount
        return price if tax_included else price + self.tax


def amount(told: Reader, name: str, currency: str) -> Money | None:
    """`<name>_set.shop_money`, else the plain field `<name>`; None if there is neither."""
    bag = told.inner(f"{name}_set")
    side = bag.inner("shop_money") if bag else None
    if side is None:
        return told.money(name, currency) if told.has(name) else None
    if side.some_text("currency_code") != currency:
        raise side.refuse("currency_code", "is not the shop's currency")
    return side.money("amount", currency)


def pieces_of(item: Reader) -> int:
    """How many pieces of a line are still wanted."""
    return item.number("current_quantity" if item.has("current_quantity") else "quantity")


def amounts_of(item: Reader, currency: str, *, edited: bool) -> LineAmounts:
    """A line's amounts; of an edited order's line, for the pieces that are still wanted."""
    ordered = item.number("quantity")
    if ordered > QUANTITY_LIMIT:
        raise item.refuse("quantity", f"is more than {QUANTITY_LIMIT}")
    unit_price = amount(item, "price", currency)
    if unit_price is None:
        raise item.refuse("price", "is missing")
    whole = LineAmounts(ordered, unit_price, _discount(item, currency), _tax(item, currency))
    wanted = pieces_of(item)
    if not edited or wanted == ordered:
        return whole
    if not 0 <= wanted <= ordered:
        raise item.refuse("current_quantity", "is not between 0 and the quantity")
    shares = [wanted, ordered - wanted]
    return LineAmounts(
        quantity=wanted,
        unit_price=unit_price,
        discount=apportion(whole.discount, shares)[0],
        tax=apportion(whole.tax, shares)[0],
    )


def _discount(item: Reader, currency: str) -> Money:
    if not item.has("discount_allocations"):
        return amount(item, "total_discount", currency) or Money.zero(currency)
    return _sum_of(item.items("discount_allocations"), "amount", currency)


def _tax(item: Reader, currency: str) -> Money:
    return _sum_of(item.items("tax_lines"), "price", currency)


def _sum_of(parts: Sequence[Reader], name: str, currency: str) -> Money:
    total = Money.zero(currency)
    for part in parts:
        found = amount(part, name, currency)
        if found is None:
            raise part.refuse(name, "is missing")
        total += found
    return total


class _Shipping(NamedTuple):
    """What shipping costs, and what of it was let off."""

    price: Money
    discount: Money


def totals_of(
    told: Reader,
    lines: Sequence[OrderLine],
    left_out: Sequence[Reader],
    currency: str,
    *,
    edited: bool,
) -> Totals:
    """The totals of `lines`: the order's without the lines that were left out."""
    prefix = "current_" if edited else ""
    zero = Money.zero(currency)

    def order_amount(name: str) -> Money:
        return amount(told, f"{prefix}{name}", currency) or zero

    total = amount(told, f"{prefix}total_price", currency)
    if total is None:
        raise told.refuse(f"{prefix}total_price", "is missing")
    tax_included = _tax_included(told)
    absent = [amounts_of(item, currency, edited=edited) for item in left_out]
    absent_discount = Money.sum((item.discount for item in absent), currency)
    absent_tax = Money.sum((item.tax for item in absent), currency)
    shipping = _shipping(told, currency, edited=edited)
    read = Totals(
        lines=Money.sum((line.unit_price * line.quantity for line in lines), currency),
        discounts=order_amount("total_discounts") - absent_discount,
        shipping=shipping.price - shipping.discount,
        duties=_duties(told, currency, edited=edited),
        tips=amount(told, "total_tip_received", currency) or zero,
        rounding=amount(told, "total_cash_rounding_payment_adjustment", currency) or zero,
        tax=order_amount("total_tax") - absent_tax,
        tax_included=tax_included,
        total=total - net_of(left_out, told, edited=edited),
    )
    return _reading_that_adds_up(read, shipping.discount)


def net_of(items: Sequence[Reader], told: Reader, *, edited: bool) -> Money:
    """What these lines of the order add to its total, in the shop's currency."""
    currency, tax_included = told.some_text("currency"), _tax_included(told)
    amounts = (amounts_of(item, currency, edited=edited) for item in items)
    return Money.sum((item.net(tax_included=tax_included) for item in amounts), currency)


def _tax_included(told: Reader) -> bool:
    return told.flag("taxes_included", unless_said=False)


def part_of(shown: Money | None, kept: Money, told: Reader, *, edited: bool) -> Money | None:
    """What the customer saw of the total that was `kept`; `shown` is all that the customer saw."""
    whole = amount(told, "current_total_price" if edited else "total_price", kept.currency)
    if shown is None or whole is None or not 0 <= kept.amount_minor <= whole.amount_minor:
        return shown
    return apportion(shown, [kept.amount_minor, (whole - kept).amount_minor])[0]


def _reading_that_adds_up(read: Totals, shipping_discount: Money) -> Totals:
    """Take what Shopify may mean.

    Shipping's discount may be among the discounts, and the total may be the one before cash was
    rounded or, as ours, the one after.
    """
    for discounts in (read.discounts, read.discounts - shipping_discount):
        for total in (read.total + read.rounding, read.total):
            reading = read.model_copy(update={"discounts": discounts, "total": total})
            if reading.expected() == total:
                return reading
    return read


def _shipping(told: Reader, currency: str, *, edited: bool) -> _Shipping:
    zero = Money.zero(currency)
    if edited and told.has("current_shipping_price_set"):
        return _Shipping(amount(told, "current_shipping_price", currency) or zero, zero)
    if not told.has("shipping_lines"):
        return _Shipping(amount(told, "total_shipping_price", currency) or zero, zero)
    price, paid = zero, zero
    for line in told.items("shipping_lines"):
        full = amount(line, "price", currency)
        if full is None:
            raise line.refuse("price", "is missing")
        allocated = _sum_of(line.items("discount_allocations"), "amount", currency)
        discounted = amount(line, "discounted_price", currency)
        price += full
        # Before 2024-07 the discounted price left out what was let off for the whole order.
        paid += full - allocated if discounted is None else min(discounted, full - allocated)
    return _Shipping(price, price - paid)


def _duties(told: Reader, currency: str, *, edited: bool) -> Money:
    """Import duties and what else is levied (`additional_fees`), unless the prices include them."""
    zero = Money.zero(currency)
    names = ["original_total_additional_fees"]
    if not told.flag("duties_included", unless_said=False):
        names.append("original_total_duties")
    total = zero
    for name in names:
        current = name.replace("original", "current")
        preferred, other = (current, name) if edited else (name, current)
        found = amount(told, preferred, currency)
        total += (amount(told, other, currency) or zero) if found is None else found
    return total
