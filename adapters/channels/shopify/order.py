"""Parses the order of Shopify's orders webhooks (the REST order) into ours.

Fields: https://shopify.dev/docs/api/admin-rest/latest/resources/order#resource-object, sample
payloads: https://shopify.dev/docs/api/webhooks/2026-07. What we decided where Shopify leaves
room:

- Every amount is the shop's money. Money is text; a JSON float is refused.
- A line that needs no shipping (a gift card, a download, a tip) is none of ours: it is left out
  and its price, discount and tax leave the totals with it, but not what was paid.
- Of a line that was edited away or refunded in part we take `current_quantity`, its discount and
  tax in proportion, and the order's `current_…` totals. A cancelled order is kept as it was.
- `refunded`, `voided` and `expired` leave no money with the shop: payment is `pending`, so that
  nothing is sent before somebody has looked; `partially_paid` is not paid either. Of an order that
  was paid, `money_back` says so too.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from pydantic import ValidationError

from adapters.channels.reading import Reader, Unreadable
from adapters.channels.shopify.amounts import amounts_of, net_of, part_of, pieces_of, totals_of
from domain.addresses import Address
from domain.currencies import EXPONENTS
from domain.money import Money
from domain.orders import NAME_LIMIT, MoneyBack, Order, OrderLine, PaymentStatus

LINES_LIMIT = 1_000
NOTE_LIMIT = 10_000

_PAYMENTS = {
    "": PaymentStatus.PENDING,
    "pending": PaymentStatus.PENDING,
    "unpaid": PaymentStatus.PENDING,
    "partially_paid": PaymentStatus.PENDING,
    "voided": PaymentStatus.PENDING,
    "expired": PaymentStatus.PENDING,
    "refunded": PaymentStatus.PENDING,
    "authorized": PaymentStatus.AUTHORISED,
    "paid": PaymentStatus.PAID,
    "partially_refunded": PaymentStatus.PAID,
}
_MONEY_BACK = {str(said): said for said in MoneyBack}


def to_order(channel: str, payload: Mapping[str, object]) -> Order:
    """Parse an order as Shopify sends it; fields that we do not know are ignored.

    Raises:
        Unreadable: names the field by its path in the payload, and why, without its value.
    """
    told = Reader(payload)
    try:
        return _order(channel, told)
    except ValidationError as error:  # of parts that were each fine: a sum, a joined name
        place = ".".join(map(str, error.errors()[0]["loc"]))
        field = "totals" if place == "amount_minor" else place
        raise Unreadable(field, "is out of range") from None


def needs_shipping(payload: Mapping[str, object]) -> bool:
    """Whether anything in the order must be sent; if not, it is no order of ours.

    An order without any line is a mistake that somebody must see, and so is ours.

    Raises:
        Unreadable: as `to_order`.
    """
    items = _items(Reader(payload))
    return not items or any(_is_ours(item) for item in items)


def all_sent(payload: Mapping[str, object]) -> bool:
    """Whether all that is still wanted has been sent, by whomever: over the counter, or long ago.

    https://shopify.dev/docs/api/admin-rest/latest/resources/order#resource-object

    Raises:
        Unreadable: as `to_order`.
    """
    wanted = [item for item in _items(Reader(payload)) if _is_ours(item) and pieces_of(item) > 0]
    return bool(wanted) and all(_is_sent(item) for item in wanted)


def _is_sent(item: Reader) -> bool:
    """Where a status is at odds with the number of pieces to send, those are sent."""
    left = item.has("fulfillable_quantity") and item.number("fulfillable_quantity")
    return not left and item.text("fulfillment_status").lower() == "fulfilled"


def _order(channel: str, told: Reader) -> Order:
    currency = _currency(told, "currency")
    items = _items(told)
    cancelled = told.moment("cancelled_at") is not None
    edited = not cancelled and any(pieces_of(item) != item.number("quantity") for item in items)
    ours = [item for item in items if _is_ours(item) and (not edited or pieces_of(item))]
    others = [item for item in items if not _is_ours(item) and not _is_tip(item)]
    lines = _lines(ours, currency, edited=edited)
    totals = totals_of(told, lines, others, currency, edited=edited)
    shown = _presentment_total(told, edited=edited)
    return Order(
        channel=channel,
        channel_order_id=told.own_id("id"),
        number=told.text("name") or told.text("order_number") or told.own_id("id"),
        placed_at=_placed_at(told),
        channel_updated_at=told.moment("updated_at"),
        email=_first(told, "email", "contact_email") or _of_customer(told, "email"),
        phone=_phone(told),
        note=told.text("note", limit=NOTE_LIMIT),
        lines=lines,
        address=_address(told.inner("shipping_address")),
        totals=totals,
        presentment_total=part_of(shown, totals.total, told, edited=edited) if others else shown,
        payment=_payment(told),
        paid_total=totals.total + net_of(others, told, edited=edited) if others else None,
        money_back=_MONEY_BACK.get(told.text("financial_status").lower()),
        test=told.flag("test", unless_said=False),
        cancelled=cancelled,
        cancel_reason=told.text("cancel_reason"),
    )


def _items(told: Reader) -> list[Reader]:
    if not told.has("line_items"):
        raise told.refuse("line_items", "is missing")
    items = told.items("line_items")
    if len(items) > LINES_LIMIT:
        raise told.refuse("line_items", f"has more than {LINES_LIMIT} lines")
    return items


def _is_tip(item: Reader) -> bool:
    """A tip is a line too, and also in `total_tip_received`."""
    return item.has("tip")


def _is_ours(item: Reader) -> bool:
    return not _is_tip(item) and item.flag("requires_shipping", unless_said=True)


def _lines(items: Sequence[Reader], currency: str, *, edited: bool) -> tuple[OrderLine, ...]:
    lines: dict[str, OrderLine] = {}
    for item in items:
        line = _line(item, currency, edited=edited)
        if line.line_id in lines:
            raise item.refuse("id", "is another line's too")
        lines[line.line_id] = line
    return tuple(lines.values())


def _line(item: Reader, currency: str, *, edited: bool) -> OrderLine:
    amounts = amounts_of(item, currency, edited=edited)
    return OrderLine(
        line_id=item.own_id("id"),
        sku=item.text("sku", limit=NAME_LIMIT),
        title=item.text("name") or item.text("title"),
        quantity=amounts.quantity,
        unit_price=amounts.unit_price,
        discount=amounts.discount,
        tax=amounts.tax,
        weight_g=max(item.number("grams"), 0) if item.has("grams") else 0,
    )


def _currency(told: Reader, name: str) -> str:
    currency = told.some_text(name)
    if currency not in EXPONENTS:
        raise told.refuse(name, "is no active ISO 4217 currency")
    return currency


def _presentment_total(told: Reader, *, edited: bool) -> Money | None:
    bag = told.inner("current_total_price_set" if edited else "total_price_set")
    side = bag.inner("presentment_money") if bag else None
    return side.money("amount", _currency(side, "currency_code")) if side else None


def _placed_at(told: Reader) -> datetime:
    placed_at = told.moment("processed_at") or told.moment("created_at")
    if placed_at is None:
        raise told.refuse("created_at", "is missing")
    return placed_at


def _first(told: Reader, *names: str) -> str:
    """The first of these texts that is not empty."""
    return next((found for name in names if (found := told.text(name))), "")


def _of_customer(told: Reader, name: str) -> str:
    customer = told.inner("customer")
    if customer is None:
        return ""
    default = customer.inner("default_address")
    return customer.text(name) or (default.text(name) if default else "")


def _phone(told: Reader) -> str:
    """The order's phone, else the parcel's, the payer's or the customer's."""
    addresses = [told.inner("shipping_address"), told.inner("billing_address")]
    written = [told.text("phone"), *(found.text("phone") for found in addresses if found)]
    return next((phone for phone in written if phone), "") or _of_customer(told, "phone")


def _address(told: Reader | None) -> Address:
    """Where it goes; nowhere if Shopify does not say, which validation then holds."""
    if told is None:
        return Address()
    full_name = f"{told.text('first_name')} {told.text('last_name')}".strip()
    return Address(
        name=told.text("name") or full_name,
        company=told.text("company"),
        lines=(told.text("address1"), told.text("address2")),
        city=told.text("city"),
        region=told.text("province_code") or told.text("province"),
        postal_code=told.text("zip"),
        country=told.text("country_code") or told.text("country"),
        phone=told.text("phone") or None,
    )


def _payment(told: Reader) -> PaymentStatus:
    status = _PAYMENTS.get(told.text("financial_status").lower())
    if status is None:
        raise told.refuse("financial_status", "is none that we know")
    return status
