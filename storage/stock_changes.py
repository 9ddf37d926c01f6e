"""What people say of stock: goods in, corrections, damage, counts and safety stock."""

import json
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.errors import Refused
from domain.stock import MovementKind, StockChange, StockLevel
from storage.stock_calls import QUANTITY_LIMIT, stock_connection

_CHANGE = text("""
SELECT stock_change(:kind, :key, NULL, :location, CAST(:items AS jsonb), :reason, :by)
""")
_POSITIVE = {MovementKind.RECEIVED}
_FROM_ZERO = {MovementKind.COUNTED, MovementKind.SAFETY}
_REASONED = {MovementKind.ADJUSTED, MovementKind.DAMAGED}


class StockChangeRefused(ValueError):
    """A receipt or correction that cannot be booked; nothing was changed.

    `field` is the field of `StockChange` that is wrong, `code` is for programs, `reason` completes
    the sentence that begins with the field.
    """

    def __init__(self, field: str, code: str, reason: str) -> None:
        super().__init__(f"{field} {reason}")
        self.field = field
        self.code = code
        self.reason = reason


_REFUSALS = {
    "unknown_sku": ("sku", "is not in the catalogue"),
    "unknown_location": ("location", "is not one of ours"),
    "bundle_has_stock": ("sku", "is a bundle, which has no stock of its own"),
    "below_reserved": ("quantity", "would leave less on hand than is promised to orders"),
    "not_damaged": ("quantity", "is more than is damaged"),
    "key_reused": ("key", "was used for another change"),
}


async def book(
    engine: AsyncEngine, kind: MovementKind, change: StockChange, *, damaged: bool = False
) -> StockLevel:
    """Book one change, once a key, and share out what it frees; the level is what is left then.

    With `damaged` the goods that come or go are damaged ones.

    Raises:
        StockChangeRefused: naming the field of `change` that is wrong.
    """
    _check(kind, change)
    item: dict[str, Any] = {"sku": change.sku, "quantity": change.quantity}
    if damaged:
        item["damaged"] = change.quantity
    said = change.model_dump(include={"key", "location", "reason", "by"})
    try:
        async with stock_connection(engine) as connection:
            wanted = said | {"kind": kind.value, "items": json.dumps([item])}
            answer = await connection.scalar(_CHANGE, wanted)
    except Refused as refused:
        if refused.code not in _REFUSALS:
            raise
        field, reason = _REFUSALS[refused.code]
        raise StockChangeRefused(field, refused.code, reason) from refused
    return StockLevel(**answer[0])


def _check(kind: MovementKind, change: StockChange) -> None:
    _check_quantity(kind, change.quantity)
    if kind in _REASONED and not change.reason.strip():
        raise StockChangeRefused("reason", "missing", "must say why")
    for field in ("key", "sku", "location", "reason"):
        if "\0" in getattr(change, field):
            raise StockChangeRefused(field, "bad_character", "holds a character that is none")
    if not change.key:
        raise StockChangeRefused("key", "missing", "must not be empty")


def _check_quantity(kind: MovementKind, quantity: int) -> None:
    if kind in _POSITIVE and quantity < 1:
        raise StockChangeRefused("quantity", "not_positive", "must be at least 1")
    if kind in _FROM_ZERO and quantity < 0:
        raise StockChangeRefused("quantity", "negative", "must not be below 0")
    if kind in _REASONED and quantity == 0:
        raise StockChangeRefused("quantity", "zero", "must not be 0")
    if abs(quantity) > QUANTITY_LIMIT:
        raise StockChangeRefused("quantity", "too_large", f"must be within {QUANTITY_LIMIT}")
