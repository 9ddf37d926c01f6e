"""What customers buy, written as Shopify writes its orders webhooks.

https://shopify.dev/docs/api/webhooks/2026-07 (orders/create)
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SHOP_CURRENCY = "EUR"
SHOWN: Mapping[str, tuple[str, Decimal]] = {
    "GB": ("GBP", Decimal("0.86")),
    "US": ("USD", Decimal("1.08")),
}
"""The currency that customers of a country see, and what a euro costs in it."""
VAT: Mapping[str, Decimal] = {
    "DE": Decimal(19), "AT": Decimal(20), "NL": Decimal(21), "FR": Decimal(20), "ES": Decimal(21),
    "IT": Decimal(22), "DK": Decimal(25), "GB": Decimal(20),
}  # fmt: skip
"""Per cent, and contained in the price; elsewhere a sales tax comes on top."""
SALES_TAX = {"US": Decimal("6.25"), "CA": Decimal(13)}
SHIPPING = Decimal("4.90")
FIRST_ID = 5_900_000_000_000
ID_STEP = 1_000
CENT = Decimal("0.01")

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

    `payment` is Shopify's financial status; `wrong` overwrites fields of the shipping address.
    """

    number: int
    customer: Customer
    lines: tuple[tuple[str, int], ...]
    payment: str = "authorized"
    discount_percent: int = 0
    wrong: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def shop_id(self) -> int:
        return FIRST_ID + self.number * ID_STEP

    @property
    def name(self) -> str:
        return f"#{self.number}"

    def line_id(self, place: int) -> str:
        return str(self.shop_id + place + 1)

    def pieces(self) -> dict[str, int]:
        """How many of each SKU, whichever lines they stand in."""
        wanted: dict[str, int] = {}
        for sku, quantity in self.lines:
            wanted[sku] = wanted.get(sku, 0) + quantity
        return wanted


@cache
def offers() -> Mapping[str, Json]:
    """Each SKU's price in euros and its stock when the day begins."""
    return dict(json.loads((HERE / "offers.json").read_text(encoding="utf-8")))


@cache
def customers() -> tuple[Customer, ...]:
    told = json.loads((HERE / "customers.json").read_text(encoding="utf-8"))
    return tuple(Customer(**{**one, "lines": tuple(one["lines"])}) for one in told)


@cache
def goods() -> Mapping[str, Json]:
    """The catalogue's SKUs."""
    told = json.loads((HERE / "catalogue.json").read_text(encoding="utf-8"))
    return {one["sku"]: one for one in told["skus"]}


class _Till:
    """Adds up an order in the shop's currency and in the one that the customer sees."""

    def __init__(self, country: str) -> None:
        self.shown, self.rate = SHOWN.get(country, (SHOP_CURRENCY, Decimal(1)))
        self.included = country in VAT
        self.percent = VAT.get(country) or SALES_TAX.get(country, Decimal(0))

    def bag(self, amounts: Sequence[Decimal]) -> Json:
        ours, theirs = amounts
        return {
            "shop_money": {"amount": str(ours), "currency_code": SHOP_CURRENCY},
            "presentment_money": {"amount": str(theirs), "currency_code": self.shown},
        }

    def both(self, amount: Decimal) -> tuple[Decimal, Decimal]:
        return amount, _cents(amount * self.rate)

    def tax(self, amounts: Sequence[Decimal]) -> tuple[Decimal, Decimal]:
        """The tax on or in these amounts."""
        base = 100 + self.percent if self.included else Decimal(100)
        ours, theirs = (_cents(amount * self.percent / base) for amount in amounts)
        return ours, theirs


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)


def _sum(pairs: Sequence[tuple[Decimal, Decimal]]) -> tuple[Decimal, Decimal]:
    zero = Decimal("0.00")
    return sum((a for a, _ in pairs), zero), sum((b for _, b in pairs), zero)


def payload(sale: Sale, at: datetime | None = None) -> Json:
    """The order as Shopify's orders/create webhook carries it; the amounts add up."""
    till = _Till(sale.customer.country)
    moment = (at or datetime.now(UTC)).isoformat(timespec="seconds")
    lines = [_Line(sale, place, till) for place in range(len(sale.lines))]
    shipping = till.both(SHIPPING)
    goods_net = _sum([(a - c, b - d) for (a, b), (c, d) in ((x.gross, x.discount) for x in lines)])
    tax = _sum([line.tax for line in lines])
    on_top = (Decimal(0), Decimal(0)) if till.included else tax
    total = _sum([goods_net, shipping, on_top])
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
        "total_line_items_price": str(_sum([line.gross for line in lines])[0]),
        "total_discounts": str(_sum([line.discount for line in lines])[0]),
        "total_discounts_set": till.bag(_sum([line.discount for line in lines])),
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


class _Line:
    def __init__(self, sale: Sale, place: int, till: _Till) -> None:
        self._id = sale.line_id(place)
        self._till = till
        self.sku, self.quantity = sale.lines[place]
        self.unit = till.both(Decimal(offers()[self.sku]["price"]))
        self.gross = (self.unit[0] * self.quantity, self.unit[1] * self.quantity)
        share = Decimal(sale.discount_percent) / 100
        self.discount = (_cents(self.gross[0] * share), _cents(self.gross[1] * share))
        net = (self.gross[0] - self.discount[0], self.gross[1] - self.discount[1])
        self.tax = till.tax(net)

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
