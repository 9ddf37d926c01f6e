"""Goods that are to come: the documents that announce them, and what came of these.

A purchase order brings goods from outside, a transfer from another location of ours.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, model_validator

from domain.values import Value

QUANTITY_MAX = 10**9
LINES_MAX = 1_000
EXPECTED_FIRST = date(2000, 1, 1)
EXPECTED_LAST = date(2099, 12, 31)
"""Beyond these a day is a slip of the pen; and past the calendar's end no date can be promised."""

Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]
Said = Annotated[str, Field(max_length=500, pattern=r"^[^\x00]*$")]
Pieces = Annotated[int, Field(strict=True, ge=1, le=QUANTITY_MAX)]
FromNone = Annotated[int, Field(strict=True, ge=0, le=QUANTITY_MAX)]
Expected = Annotated[date, Field(ge=EXPECTED_FIRST, le=EXPECTED_LAST)]


class SupplyKind(StrEnum):
    PURCHASE_ORDER = "purchase_order"
    TRANSFER = "transfer"


class SupplyState(StrEnum):
    """Open, a transfer then dispatched; closed when all came or no more will, or cancelled."""

    OPEN = "open"
    DISPATCHED = "dispatched"
    CLOSED = "closed"
    CANCELLED = "cancelled"


class OrderedLine(Value):
    """So many of a SKU, expected on a day of the destination; a SKU may come on several days."""

    sku: Name
    quantity: Pieces
    expected_on: Expected


class NewSupply(Value):
    """A document to open; `origin` makes it a transfer. `reference` is what others call it."""

    origin: Name | None = None
    destination: Name
    reference: Said = ""
    lines: tuple[OrderedLine, ...] = Field(min_length=1, max_length=LINES_MAX)
    reason: Said = ""

    @model_validator(mode="after")
    def _goes_somewhere(self) -> "NewSupply":
        if self.origin == self.destination:
            raise ValueError("origin and destination are the same location")
        return self

    @property
    def kind(self) -> SupplyKind:
        return SupplyKind.PURCHASE_ORDER if self.origin is None else SupplyKind.TRANSFER


class Arrival(Value):
    """So many of a SKU came, `damaged` of them not fit for sale."""

    sku: Name
    quantity: Pieces
    damaged: FromNone = 0

    @model_validator(mode="after")
    def _damaged_came(self) -> "Arrival":
        if self.damaged > self.quantity:
            raise ValueError("more are damaged than came")
        return self


class Counted(Value):
    """So many of a SKU were found on hand, damaged ones included."""

    sku: Name
    quantity: FromNone


class SupplyLine(Value):
    """`awaited` is what is still to come, and in the destination's `incoming`."""

    line: int
    sku: str
    quantity: int
    received: int
    expected_on: date
    awaited: int


class Discrepancy(Value):
    """What came or was counted is not what was said.

    `quantity` is how much more (above 0) or less there is; of `damaged`, how many came damaged.
    `cause` is the document or the count.
    """

    id: int
    cause: str
    kind: Literal["over", "short", "damaged", "counted"]
    sku: str
    location: str
    quantity: int
    reason: str
    by: str
    at: datetime


class Deed(Value):
    deed: Literal["opened", "dispatched", "received", "rescheduled", "closed", "cancelled"]
    reason: str
    by: str
    at: datetime


class Supply(Value):
    """A document as it stands; `deeds` are its history, oldest first."""

    supply_id: str
    number: int
    kind: SupplyKind
    state: SupplyState
    origin: str | None
    destination: str
    reference: str
    at: datetime
    lines: tuple[SupplyLine, ...]
    discrepancies: tuple[Discrepancy, ...]
    deeds: tuple[Deed, ...]


class CountLine(Value):
    """`recorded` is what the record said before."""

    sku: str
    counted: int
    recorded: int


class StockCount(Value):
    """What somebody counted at a location; it is what the record says since."""

    count_id: str
    number: int
    location: str
    reason: str
    by: str
    at: datetime
    lines: tuple[CountLine, ...]
