"""Money as whole minor units of one ISO 4217 currency: parsed strictly, never rounded."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, computed_field, model_validator

from domain.currencies import EXPONENTS, Currency

AMOUNT_LIMIT_MINOR = 10**18 - 1
"""Eighteen digits: they fit PostgreSQL's bigint."""

_TEXT_LIMIT = 40
_DECIMAL = re.compile(r"(-?)([0-9]{1,18})(?:\.([0-9]{1,20}))?")


class InvalidMoney(ValueError):
    """A text that is no amount of the currency; the message gives its shape, never a huge text."""


class CurrencyMismatch(ValueError):
    """Two currencies met in one sum or comparison."""

    def __init__(self, left: str, right: str) -> None:
        super().__init__(f"{left} and {right} do not mix")
        self.left = left
        self.right = right


class Money(BaseModel):
    """An amount in minor units. The exponent is written out and, where it is sent, checked."""

    model_config = ConfigDict(frozen=True)

    amount_minor: Annotated[int, Field(strict=True, ge=-AMOUNT_LIMIT_MINOR, le=AMOUNT_LIMIT_MINOR)]
    currency: Currency

    @model_validator(mode="before")
    @classmethod
    def _exponent_must_be_ours(cls, data: object) -> object:
        """Refuse an amount written with another exponent: its minor units are not ours."""
        if isinstance(data, Mapping) and "exponent" in data:
            currency = data.get("currency")
            known = EXPONENTS.get(currency) if isinstance(currency, str) else None
            if known is not None and data["exponent"] != known:
                raise ValueError(f"exponent: {currency} has {known}")
        return data

    @computed_field  # type: ignore[prop-decorator] # mypy does not know decorated properties
    @property
    def exponent(self) -> int:
        return EXPONENTS[self.currency]

    @classmethod
    def zero(cls, currency: str) -> Self:
        return cls(amount_minor=0, currency=currency)

    @classmethod
    def sum(cls, amounts: Iterable["Money"], currency: str) -> "Money":
        """Add up amounts of one currency; none at all make zero of it."""
        total: Money = cls.zero(currency)
        for amount in amounts:
            total += amount
        return total

    @classmethod
    def parse(cls, text: str, currency: str) -> Self:
        """Read a decimal such as "-12.30": a minus or none, digits, a dot and digits or none.

        Fractional digits past the currency's exponent must be zeros; nothing is rounded.

        Raises:
            InvalidMoney: says what is wrong with the text's shape.
        """
        if currency not in EXPONENTS:
            raise InvalidMoney(f"currency: {_shape(currency)} is no active ISO 4217 currency")
        if len(text) > _TEXT_LIMIT or not (read := _DECIMAL.fullmatch(text)):
            raise InvalidMoney(f"amount: {_shape(text)} is not a plain decimal such as 12.30")
        sign, whole, fraction = read[1], read[2], read[3] or ""
        exponent = EXPONENTS[currency]
        if fraction[exponent:].strip("0"):
            raise InvalidMoney(
                f"amount: {_shape(text)} has more than the {exponent} decimals of {currency}"
            )
        amount_minor = int(whole + fraction[:exponent].ljust(exponent, "0"))
        if amount_minor > AMOUNT_LIMIT_MINOR:
            raise InvalidMoney(f"amount: {_shape(text)} is too large")
        return cls(amount_minor=-amount_minor if sign else amount_minor, currency=currency)

    def decimal(self) -> str:
        """Write the amount alone, as `parse` reads it and channels take it: "-12.30"."""
        digits = str(abs(self.amount_minor)).rjust(self.exponent + 1, "0")
        cut = len(digits) - self.exponent
        fraction = f".{digits[cut:]}" if self.exponent else ""
        return f"{'-' if self.amount_minor < 0 else ''}{digits[:cut]}{fraction}"

    def format(self) -> str:
        """Write the amount for people: "-12.30 EUR"."""
        return f"{self.decimal()} {self.currency}"

    def __str__(self) -> str:
        return self.format()

    def __add__(self, other: "Money") -> "Money":
        return self._with(self.amount_minor + self._same(other))

    def __sub__(self, other: "Money") -> "Money":
        return self._with(self.amount_minor - self._same(other))

    def __neg__(self) -> "Money":
        return self._with(-self.amount_minor)

    def __mul__(self, count: int) -> "Money":
        return self._with(self.amount_minor * count)

    def __lt__(self, other: "Money") -> bool:
        return self.amount_minor < self._same(other)

    def __le__(self, other: "Money") -> bool:
        return self.amount_minor <= self._same(other)

    def __gt__(self, other: "Money") -> bool:
        return self.amount_minor > self._same(other)

    def __ge__(self, other: "Money") -> bool:
        return self.amount_minor >= self._same(other)

    def _same(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise CurrencyMismatch(self.currency, other.currency)
        return other.amount_minor

    def _with(self, amount_minor: int) -> "Money":
        return Money(amount_minor=amount_minor, currency=self.currency)


def apportion(total: Money, weights: Sequence[int]) -> list[Money]:
    """Split a total by weights (largest remainder, Hamilton's method); the parts sum to it.

    What is left after rounding towards zero goes, one minor unit each, to the largest
    remainders; of equal ones, to the earliest. Weights that are all zero split evenly.

    Raises:
        ValueError: a weight is negative, or there is none and the total is not zero.
    """
    if any(weight < 0 for weight in weights):
        raise ValueError("weights: none may be negative")
    if not weights:
        if total.amount_minor:
            raise ValueError("weights: a total that is not zero needs at least one part")
        return []
    shares = weights if any(weights) else [1] * len(weights)
    whole, size_minor = sum(shares), abs(total.amount_minor)
    parts = [size_minor * share // whole for share in shares]
    by_remainder = sorted(range(len(shares)), key=lambda i: -(size_minor * shares[i] % whole))
    for index in by_remainder[: size_minor - sum(parts)]:
        parts[index] += 1
    sign = -1 if total.amount_minor < 0 else 1
    return [Money(amount_minor=sign * part, currency=total.currency) for part in parts]


def _shape(text: str) -> str:
    """Describe a text that may be huge or hostile: it is named only while short and printable."""
    if len(text) <= _TEXT_LIMIT and text.isascii() and text.isprintable():
        return repr(text)
    return f"a text of {len(text)} characters"
