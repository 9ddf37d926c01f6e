"""What was bought: the canonical order that every channel's payload is parsed into.

An order may be wrong (a quantity of zero, a total that does not add up): it is kept as it came,
and `domain.validation` says what is wrong with it.
"""

import re
from datetime import datetime
from enum import StrEnum

from pydantic import AwareDatetime, Field, field_validator

from domain.addresses import Address
from domain.ids import OrderId, order_id
from domain.money import Money
from domain.policies import OrderPolicy
from domain.postal_formats import POSTAL_CODE_LIMIT
from domain.values import Message, Value

NAME_LIMIT = 500
"""What a line's id and SKU may have: lines are found by them, and an index entry holds 2,704 bytes.
No SKU of a catalogue is as long."""
_COUNTRY = re.compile(r"[A-Z]{2}")


class PaymentStatus(StrEnum):
    """What the channel says of the money; it only ever goes down this list."""

    PENDING = "pending"
    AUTHORISED = "authorised"
    PAID = "paid"


class MoneyBack(StrEnum):
    """What the channel says of money that it gave back by itself."""

    PARTLY = "partially_refunded"
    REFUNDED = "refunded"
    VOIDED = "voided"


class OrderLine(Value):
    """One line as the channel sent it; `discount` and `tax` are for the whole line."""

    line_id: str
    sku: str
    title: str = ""
    quantity: int
    unit_price: Money
    discount: Money
    tax: Money
    weight_g: int = 0
    hs_code: str | None = None
    origin_country: str | None = None


class Totals(Value):
    """total = lines - discounts + shipping + duties + tips + rounding (+ tax unless included)."""

    lines: Money
    discounts: Money
    shipping: Money
    duties: Money
    tips: Money
    rounding: Money
    tax: Money
    tax_included: bool
    total: Money

    def expected(self) -> Money:
        """The total that the parts make."""
        parts = (
            self.lines - self.discounts + self.shipping + self.duties + self.tips + self.rounding
        )
        return parts if self.tax_included else parts + self.tax


class Order(Value):
    """An order in the shop's currency; the customer may have seen `presentment_total`."""

    channel: str
    channel_order_id: str
    number: str
    placed_at: AwareDatetime
    channel_updated_at: AwareDatetime | None = None
    email: str = ""
    phone: str = ""
    note: str = ""
    lines: tuple[OrderLine, ...]
    address: Address
    totals: Totals
    presentment_total: Money | None = None
    payment: PaymentStatus
    paid_total: Money | None = None
    """What is authorised or paid where it is not `totals.total`: a gift card or a download that was
    bought with the goods is none of our lines, and paid for all the same."""
    money_back: MoneyBack | None = None
    test: bool = False
    """Placed to try the shop out: nobody paid for it."""
    cancelled: bool = False
    cancel_reason: str = ""
    reservation_id: str = Field(default="", max_length=100, pattern=r"^[A-Za-z0-9_.~-]*$")
    """What a checkout held for it: taken over if it is these very lines, else given back."""

    @property
    def order_id(self) -> OrderId:
        return order_id(self.channel, self.channel_order_id)


class Destination(Message):
    """As much of the address as sourcing needs and Temporal may see.

    What can be no code is left out: channels take any text there, a person's own words among it,
    and Temporal ends a workflow whose search attributes are too long. Validation holds the order.
    """

    country: str
    postal_code: str

    @field_validator("country")
    @classmethod
    def _code_alone(cls, country: str) -> str:
        return country if _COUNTRY.fullmatch(country) else ""

    @field_validator("postal_code")
    @classmethod
    def _as_long_as_one(cls, postal_code: str) -> str:
        return postal_code if len(postal_code) <= POSTAL_CODE_LIMIT else ""


class LineRef(Message):
    """A line without its words and prices."""

    line_id: str
    sku: str
    quantity: int


class OrderInput(Message):
    """What an order's workflow starts with; nothing personal."""

    order_id: OrderId
    channel: str
    lines: tuple[LineRef, ...]
    destination: Destination
    payment: PaymentStatus
    address_version: int = 1
    policy: OrderPolicy = Field(default_factory=OrderPolicy)
    reservation_id: str = ""


class OrderOutcome(Message):
    """How an order ended."""

    status: str
    tracking_numbers: tuple[str, ...] = ()
    ended_at: datetime | None = None


def order_input(order: Order, policy: OrderPolicy) -> OrderInput:
    """What the workflow of `order` starts with."""
    return OrderInput(
        order_id=order.order_id,
        channel=order.channel,
        lines=tuple(
            LineRef(line_id=line.line_id, sku=line.sku, quantity=line.quantity)
            for line in order.lines
        ),
        destination=Destination(
            country=order.address.country, postal_code=order.address.postal_code
        ),
        payment=order.payment,
        policy=policy,
        reservation_id=order.reservation_id,
    )
