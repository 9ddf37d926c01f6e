"""Adds up what a customer pays, with its tax, in the shop's currency and in the one shown."""

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

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
CENT = Decimal("0.01")


class Till:
    """Adds up an order in the shop's currency and in the one that the customer sees."""

    def __init__(self, country: str) -> None:
        self.shown, self.rate = SHOWN.get(country, (SHOP_CURRENCY, Decimal(1)))
        self.included = country in VAT
        self.percent = VAT.get(country) or SALES_TAX.get(country, Decimal(0))

    def bag(self, amounts: Sequence[Decimal]) -> dict[str, Any]:
        ours, theirs = amounts
        return {
            "shop_money": {"amount": str(ours), "currency_code": SHOP_CURRENCY},
            "presentment_money": {"amount": str(theirs), "currency_code": self.shown},
        }

    def both(self, amount: Decimal) -> tuple[Decimal, Decimal]:
        return amount, cents(amount * self.rate)

    def tax(self, amounts: Sequence[Decimal]) -> tuple[Decimal, Decimal]:
        """The tax on or in these amounts."""
        base = 100 + self.percent if self.included else Decimal(100)
        ours, theirs = (cents(amount * self.percent / base) for amount in amounts)
        return ours, theirs


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)


def sum_of(pairs: Sequence[tuple[Decimal, Decimal]]) -> tuple[Decimal, Decimal]:
    zero = Decimal("0.00")
    return sum((a for a, _ in pairs), zero), sum((b for _, b in pairs), zero)
