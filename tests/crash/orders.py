"""Orders of the crash runs, in the format of Shopify's webhook."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.crash.catalogue import CHANNEL, FAR, HOMES, KIT, NEAR, PRICE, made_of
from tests.crash.people import Person

Line = tuple[str, int]
"""A SKU as sold, and how many."""


@dataclass(frozen=True)
class Placed:
    """An order that the shop took: its id there, and what was sold; a SKU may be there twice."""

    own_id: int
    lines: tuple[Line, ...]
    payment: str = "authorized"

    @property
    def order_id(self) -> str:
        return f"{CHANNEL}-{self.own_id}"

    @property
    def person(self) -> Person:
        return Person(self.own_id)

    @property
    def pieces(self) -> Counter[str]:
        """What is picked for it: each SKU once, and none is a bundle."""
        pieces: Counter[str] = Counter()
        for sku, quantity in self.lines:
            pieces.update({piece: quantity * many for piece, many in made_of(sku).items()})
        return pieces

    @property
    def parts(self) -> int:
        """How many locations send it."""
        return len({HOMES[sku] for sku in self.pieces})

    @property
    def authorised(self) -> bool:
        return self.payment == "authorized"

    @property
    def total(self) -> str:
        return f"{PRICE * self.pieces.total()}.00"


@dataclass(frozen=True)
class FoundShort:
    """How many pieces of an order a picker did not find, and why."""

    order: Placed
    sku: str
    missing: int
    reason: Literal["mismatch", "damaged"]


@dataclass
class Till:
    """Numbers the orders of one run, and varies what is in them: every other one is split."""

    first: int = 1001
    placed: list[Placed] = field(default_factory=list)

    @property
    def upcoming(self) -> int:
        """The number of the order that is placed next."""
        return self.first + len(self.placed)

    def next(self, payment: str = "authorized", *, split: bool | None = None) -> Placed:
        n = len(self.placed)
        quantity = 1 + n // 2 % 2
        if split is None:
            split = n % 2 == 1
        if not split and n % 4 == 0:
            return self.take((FAR, quantity), payment=payment)
        near = _near(n, quantity)
        return self.take(*near, *([(FAR, 1)] if split else []), payment=payment)

    def take(self, *lines: Line, payment: str = "authorized") -> Placed:
        order = Placed(self.upcoming, lines, payment)
        self.placed.append(order)
        return order


def _near(n: int, quantity: int) -> list[Line]:
    """From one place: of each five orders two have two SKUs, one a bundle, one a SKU twice."""
    first, second = NEAR[n % len(NEAR)], NEAR[(n + 1) % len(NEAR)]
    match n % 5:
        case 0 | 1:
            return [(first, quantity), (second, 1)]
        case 2:
            return [(KIT, quantity)]
        case 3:
            return [(first, quantity), (first, 1)]
        case _:
            return [(first, quantity)]


def cart_of(order: Placed) -> str:
    """What the shop's checkout calls the cart of which the order came."""
    return f"cart-{order.own_id}"


def line_id(order: Placed, place: int) -> int:
    return order.own_id * 10 + place


def payload(order: Placed) -> dict[str, Any]:
    """https://shopify.dev/docs/api/webhooks/2026-07: orders/create."""
    person = order.person
    lines = [
        {
            "id": line_id(order, place),
            "sku": sku,
            "title": sku.title(),
            "quantity": quantity,
            "current_quantity": quantity,
            "price": f"{PRICE * sum(made_of(sku).values())}.00",
            "total_discount": "0.00",
            "requires_shipping": True,
            "grams": 300,
            "tax_lines": [],
            "discount_allocations": [],
        }
        for place, (sku, quantity) in enumerate(order.lines)
    ]
    return {
        "id": order.own_id,
        "name": f"#{order.own_id}",
        "email": person.email,
        "phone": person.phone,
        "note": person.note,
        "currency": "EUR",
        "presentment_currency": "EUR",
        "created_at": "2026-07-01T10:00:00+02:00",
        "updated_at": "2026-07-01T10:00:00+02:00",
        "financial_status": order.payment,
        "line_items": lines,
        "shipping_lines": [],
        "shipping_address": {
            "first_name": person.first_name,
            "last_name": person.last_name,
            "name": person.name,
            "address1": person.street,
            "city": "Berlin",
            "zip": "10117",
            "country": "Germany",
            "country_code": "DE",
            "phone": person.phone,
        },
        "taxes_included": True,
        "total_tax": "0.00",
        "total_discounts": "0.00",
        "total_line_items_price": order.total,
        "subtotal_price": order.total,
        "total_price": order.total,
        "current_total_price": order.total,
        "current_subtotal_price": order.total,
        "current_total_discounts": "0.00",
    }
