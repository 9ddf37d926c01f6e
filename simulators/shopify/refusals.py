"""How the shop refuses, and what it reads the same way everywhere."""

from decimal import Decimal, InvalidOperation
from typing import Any

MAX_PLACES = 3


class RefusedError(Exception):
    """A user error: the field it is about, the words, and a code where the vendor has one.

    `beside` is what the answer shows all the same.
    """

    def __init__(self, field: list[str] | None, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.error: dict[str, Any] = {"field": field, "message": message} | (
            {"code": code} if code else {}
        )
        self.beside: dict[str, Any] = {}


def money(given: str, field: list[str]) -> Decimal:
    """A positive amount of at most three places."""
    try:
        amount = Decimal(given)
    except InvalidOperation:
        raise RefusedError(field, "Amount is not a number") from None
    exponent = amount.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -MAX_PLACES or amount <= 0:
        raise RefusedError(field, "Amount must be greater than 0")
    return amount
