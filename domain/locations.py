"""Places that hold stock: where they are, what they may ship, and when goods leave them."""

from datetime import date

from pydantic import Field

from domain.addresses import Address
from domain.promises import (
    CUT_OFF,
    WORKING_WEEK,
    Calendar,
    HandlingDays,
    Timezone,
    WallTime,
    Weekdays,
)
from domain.sourcing.rules import WEIGHT_MAX_G, Amount
from domain.values import Value

CAPACITY_MAX = 10**9


class Location(Value):
    """A place that holds stock; `address` is where its parcels leave from."""

    location: str
    name: str
    address: Address
    timezone: Timezone
    """One location without a calendar would keep every order from being sourced."""
    active: bool = True
    serves: tuple[str, ...] = ()
    """The countries it ships to; none named means all."""
    hazmat: bool = True
    """Whether it may ship dangerous goods."""
    parcel_weight_max_g: int | None = Field(default=None, gt=0, le=WEIGHT_MAX_G)
    capacity_per_day: int | None = Field(default=None, ge=0, le=CAPACITY_MAX)
    """Parts of orders that it takes on for a day on which it handles; None: as many as come."""
    cost_minor: Amount = 0
    """What a part shipped from here costs, whatever is in it."""
    cut_off: WallTime = CUT_OFF
    handling_days: HandlingDays = 0
    weekdays: Weekdays = WORKING_WEEK
    holidays: tuple[date, ...] = ()

    @property
    def calendar(self) -> Calendar:
        """Its fields of the same names."""
        return Calendar(**{name: getattr(self, name) for name in Calendar.model_fields})
