"""Who must act for an order to go on: the one sentence that every open order can say."""

from collections.abc import Callable, Iterable
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from domain.values import Message

W = TypeVar("W")


class Owner(StrEnum):
    """Whom an order waits on."""

    US = "us"
    CUSTOMER = "customer"
    OPERATOR = "operator"
    WAREHOUSE = "warehouse"
    CARRIER = "carrier"
    CUSTOMS = "customs"
    SUPPLIER = "supplier"
    CHANNEL = "channel"


PRESSING = (
    Owner.OPERATOR,
    Owner.CUSTOMER,
    Owner.CUSTOMS,
    Owner.SUPPLIER,
    Owner.WAREHOUSE,
    Owner.CHANNEL,
    Owner.CARRIER,
    Owner.US,
)
"""Of several waits the first of these counts for the whole: whoever must be chased."""

ITS_RETURN = "return"
"""What an order waits for while a return of it is open; on whom, that return says itself."""


class Wait(Message):
    """One wait: who, for what, since when, until when, and what happens next by itself."""

    owner: Owner
    what: str
    """A short code, such as `packing`, `stock`, `hold:address`, `refused:label`."""
    since: datetime
    deadline: datetime | None = None
    next_action: str = ""
    """What happens by itself and when; empty if nothing does."""

    def sentence(self) -> str:
        """The wait in words, for people."""
        until = f", until {self.deadline:%Y-%m-%d %H:%M} UTC" if self.deadline else ""
        then = f"; {self.next_action}" if self.next_action else ""
        since = f"{self.since:%Y-%m-%d %H:%M} UTC"
        return f"waits on {self.owner} for {self.what} since {since}{until}{then}"


def most_pressing(waits: Iterable[W], whom: Callable[[W], Owner]) -> W | None:
    """The one to show for all: whoever must be chased first, then the first named."""
    return min(waits, key=lambda wait: PRESSING.index(whom(wait)), default=None)
