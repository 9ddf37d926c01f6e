"""What the crash runs sell: one small catalogue, and orders in the format of Shopify's webhook."""

from dataclasses import dataclass, field
from typing import Any, Literal

from domain.addresses import Address
from domain.locations import Location
from tests.crash.people import Person

NEAR = ("MUG", "CAP", "PEN")
FAR = "BAG"
LATE = ("LAMP", "BELL")
"""Not in stock until they are received."""
HOMES = dict.fromkeys(NEAR, "berlin") | {FAR: "leeds", "LAMP": "leeds", "BELL": "berlin"}
"""The one location of each SKU: of an order for several homes each sends a part."""
STOCK_EACH = 2_000
PRICE = 10
CHANNEL = "demo"

LOCATIONS = tuple(
    Location(location=name, name=name.title(), timezone=zone, address=address)
    for name, zone, address in (
        (
            "berlin",
            "Europe/Berlin",
            Address(
                name="Berlin",
                lines=("Unter den Linden 5",),
                city="Berlin",
                postal_code="10117",
                country="DE",
                phone="+493012345678",
            ),
        ),
        (
            "leeds",
            "Europe/London",
            Address(
                name="Leeds",
                lines=("1 The Headrow",),
                city="Leeds",
                postal_code="LS1 6PU",
                country="GB",
                phone="+441132476000",
            ),
        ),
    )
)


@dataclass(frozen=True)
class Placed:
    """An order that the shop took: its id there, and how many pieces of what."""

    own_id: int
    pieces: dict[str, int]
    payment: str = "authorized"

    @property
    def order_id(self) -> str:
        return f"{CHANNEL}-{self.own_id}"

    @property
    def person(self) -> Person:
        return Person(self.own_id)

    @property
    def parts(self) -> int:
        """How many locations send it."""
        return len({HOMES[sku] for sku in self.pieces})

    @property
    def authorised(self) -> bool:
        return self.payment == "authorized"

    @property
    def total(self) -> str:
        return f"{PRICE * sum(self.pieces.values())}.00"


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
            return self.take({FAR: quantity}, payment)
        pieces = {NEAR[n % len(NEAR)]: quantity}
        if n % 5 < 2:
            pieces[NEAR[(n + 1) % len(NEAR)]] = 1
        return self.take(pieces | {FAR: 1} if split else pieces, payment)

    def take(self, pieces: dict[str, int], payment: str = "authorized") -> Placed:
        order = Placed(self.upcoming, pieces, payment)
        self.placed.append(order)
        return order


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
            "price": f"{PRICE}.00",
            "total_discount": "0.00",
            "requires_shipping": True,
            "grams": 300,
            "tax_lines": [],
            "discount_allocations": [],
        }
        for place, (sku, quantity) in enumerate(order.pieces.items())
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
