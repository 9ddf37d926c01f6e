"""What customers buy, written as Shopify writes its orders webhooks.

https://shopify.dev/docs/api/webhooks/2026-07 (orders/create)
"""

import json
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from demo.till import SHOP_CURRENCY, Till, cents, sum_of

HERE = Path(__file__).parent
SHIPPING = Decimal("4.90")
FIRST_ID = 5_900_000_000_000
ID_STEP = 1_000

Json = dict[str, Any]


@dataclass(frozen=True)
class Customer:
    name: str
    country: str
    lines: tuple[str, ...]
    city: str
    region: str
    postal_code: str

    @property
    def email(self) -> str:
        first = "".join(letter for letter in self.name.split()[0].lower() if letter.isascii())
        return f"{first}.{self.postal_code.replace(' ', '').lower()}@example.com"


@dataclass(frozen=True)
class Sale:
    """One order of the day: who buys which pieces, and how it is paid.

    `payment` is Shopify's financial status; `wrong` overwrites fields of the shipping address;
    `gift_card` is the price in euros of one that is bought along and sent by nobody.
    """

    number: int
    customer: Customer
    lines: tuple[tuple[str, int], ...]
    payment: str = "authorized"
    discount_percent: int = 0
    wrong: Mapping[str, str | None] = field(default_factory=dict)
    gift_card: str = ""

    @property
    def shop_id(self) -> int:
        return FIRST_ID + self.number * ID_STEP

    @property
    def name(self) -> str:
        return f"#{self.number}"

    def line_id(self, place: int) -> str:
        return str(self.shop_id + place + 1)

    def pieces(self, *without: int) -> dict[str, int]:
        """How many of each SKU are picked, whichever lines and bundles they stand in.

        `without` are places of lines that do not count.
        """
        wanted: Counter[str] = Counter()
        for place, (sku, quantity) in enumerate(self.lines):
            for component, many in made_of(sku).items() if place not in without else ():
                wanted[component] += many * quantity
        return dict(wanted)


@cache
def offers() -> Mapping[str, Json]:
    """Each SKU's price in euros and its stock when the day begins."""
    return dict(json.loads((HERE / "offers.json").read_text(encoding="utf-8")))


@cache
def rarities() -> Mapping[str, Json]:
    """The same of what is not in plenty everywhere, and bought only where that is the point."""
    return dict(json.loads((HERE / "rarities.json").read_text(encoding="utf-8")))


def price(sku: str) -> Decimal:
    return Decimal((offers().get(sku) or rarities()[sku])["price"])


@cache
def customers() -> tuple[Customer, ...]:
    told = json.loads((HERE / "customers.json").read_text(encoding="utf-8"))
    return tuple(Customer(**{**one, "lines": tuple(one["lines"])}) for one in told)


@cache
def goods() -> Mapping[str, Json]:
    """The catalogue's SKUs."""
    told = json.loads((HERE / "catalogue.json").read_text(encoding="utf-8"))
    return {one["sku"]: one for one in told["skus"]}


@cache
def bundles() -> Mapping[str, Mapping[str, int]]:
    """What one unit of each bundle is made up of."""
    told = json.loads((HERE / "catalogue.json").read_text(encoding="utf-8"))
    return {
        one["sku"]: {part["sku"]: part["quantity"] for part in one["components"]}
        for one in told["bundles"]
    }


def made_of(sku: str) -> Mapping[str, int]:
    return bundles().get(sku, {sku: 1})


def payload(sale: Sale, at: datetime | None = None) -> Json:
    """The order as Shopify's orders/create webhook carries it; the amounts add up."""
    till = Till(sale.customer.country)
    moment = (at or datetime.now(UTC)).isoformat(timespec="seconds")
    lines: list[_Line | _GiftCard] = [_Line(sale, place, till) for place in range(len(sale.lines))]
    if sale.gift_card:
        lines.append(_GiftCard(sale, till))
    shipping = till.both(SHIPPING)
    goods_net = sum_of(
        [(a - c, b - d) for (a, b), (c, d) in ((x.gross, x.discount) for x in lines)]
    )
    tax = sum_of([line.tax for line in lines])
    on_top = (Decimal(0), Decimal(0)) if till.included else tax
    total = sum_of([goods_net, shipping, on_top])
    return {
        "id": sale.shop_id,
        "admin_graphql_api_id": f"gid://shopify/Order/{sale.shop_id}",
        "name": sale.name,
        "order_number": sale.number,
        "email": sale.customer.email,
        "created_at": moment,
        "processed_at": moment,
        "updated_at": moment,
        "currency": SHOP_CURRENCY,
        "presentment_currency": till.shown,
        "financial_status": sale.payment,
        "payment_gateway_names": ["bogus"],
        "taxes_included": till.included,
        "total_line_items_price": str(sum_of([line.gross for line in lines])[0]),
        "total_discounts": str(sum_of([line.discount for line in lines])[0]),
        "total_discounts_set": till.bag(sum_of([line.discount for line in lines])),
        "total_tax": str(tax[0]),
        "total_tax_set": till.bag(tax),
        "total_price": str(total[0]),
        "total_price_set": till.bag(total),
        "line_items": [line.written() for line in lines],
        "shipping_lines": [
            {
                "id": sale.shop_id + ID_STEP - 1,
                "title": "Standard",
                "price": str(shipping[0]),
                "price_set": till.bag(shipping),
                "discounted_price": str(shipping[0]),
                "tax_lines": [],
                "discount_allocations": [],
            }
        ],
        "shipping_address": _address(sale),
    }


def total_shown(sale: Sale) -> tuple[Decimal, str]:
    """What the customer pays, in the customer's currency."""
    shown = payload(sale)["total_price_set"]["presentment_money"]
    return Decimal(shown["amount"]), shown["currency_code"]


def refund_shown(sale: Sale, places: Collection[int]) -> Decimal:
    """What the customer paid for these lines, shipping aside, in the customer's currency."""
    till = Till(sale.customer.country)
    lines = [_Line(sale, place, till) for place in places]
    net, tax = sum_of([line.net for line in lines]), sum_of([line.tax for line in lines])
    return net[1] if till.included else net[1] + tax[1]


class _Line:
    def __init__(self, sale: Sale, place: int, till: Till) -> None:
        self._id = sale.line_id(place)
        self._till = till
        self.sku, self.quantity = sale.lines[place]
        self.unit = till.both(price(self.sku))
        self.gross = (self.unit[0] * self.quantity, self.unit[1] * self.quantity)
        share = Decimal(sale.discount_percent) / 100
        self.discount = (cents(self.gross[0] * share), cents(self.gross[1] * share))
        self.net = (self.gross[0] - self.discount[0], self.gross[1] - self.discount[1])
        self.tax = till.tax(self.net)

    def written(self) -> Json:
        good, till = goods()[self.sku], self._till
        allocations = [{"amount": str(self.discount[0]), "amount_set": till.bag(self.discount)}]
        taxes = [
            {
                "title": "VAT" if till.included else "Sales tax",
                "rate": float(till.percent / 100),
                "price": str(self.tax[0]),
                "price_set": till.bag(self.tax),
            }
        ]
        return {
            "id": int(self._id),
            "sku": self.sku,
            "title": good["title"],
            "name": good["title"],
            "grams": good["weight_g"],
            "quantity": self.quantity,
            "current_quantity": self.quantity,
            "price": str(self.unit[0]),
            "price_set": till.bag(self.unit),
            "total_discount": "0.00",
            "discount_allocations": allocations if self.discount[0] else [],
            "tax_lines": taxes if till.percent else [],
            "requires_shipping": True,
            "taxable": True,
            "gift_card": False,
        }


class _GiftCard:
    """A line that is paid for and that nobody sends: no tax until it is spent, no discount."""

    def __init__(self, sale: Sale, till: Till) -> None:
        self._id = sale.line_id(len(sale.lines))
        self._till = till
        self.gross = self.net = till.both(Decimal(sale.gift_card))
        self.discount = self.tax = till.both(Decimal("0.00"))

    def written(self) -> Json:
        return {
            "id": int(self._id),
            "sku": None,
            "title": "Gift card",
            "name": "Gift card",
            "grams": 0,
            "quantity": 1,
            "current_quantity": 1,
            "price": str(self.gross[0]),
            "price_set": self._till.bag(self.gross),
            "total_discount": "0.00",
            "discount_allocations": [],
            "tax_lines": [],
            "requires_shipping": False,
            "taxable": False,
            "gift_card": True,
        }


def _address(sale: Sale) -> Json:
    buyer = sale.customer
    first, _, last = buyer.name.partition(" ")
    return {
        "first_name": first,
        "last_name": last,
        "name": buyer.name,
        "company": None,
        "address1": buyer.lines[0],
        "address2": buyer.lines[1] if len(buyer.lines) > 1 else None,
        "city": buyer.city,
        "zip": buyer.postal_code,
        "province_code": buyer.region or None,
        "country_code": buyer.country,
        "phone": None,
        **sale.wrong,
    }
