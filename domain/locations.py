"""Places that hold stock: where they are, what they may ship, and when goods leave them."""

from datetime import date, time

from pydantic import Field, ValidationError, field_validator

from domain.addresses import Address
from domain.promises import HANDLING_MAX_DAYS, WORKING_WEEK, Calendar, Weekdays
from domain.sourcing.rules import WEIGHT_MAX_G, Amount
from domain.values import Value

CAPACITY_MAX = 10**9


class Location(Value):
    """A place that holds stock; `address` is where its parcels leave from."""

    location: str
    name: str
    address: Address
    timezone: str
    active: bool = True
    serves: tuple[str, ...] = ()
    """The countries it ships to; none named means all."""
    hazmat: bool = True
    """Whether it may ship dangerous goods."""
    parcel_weight_max_g: int | None = Field(default=None, gt=0, le=WEIGHT_MAX_G)
    capacity_per_day: int | None = Field(default=None, ge=0, le=CAPACITY_MAX)
    """Parts of orders that it can take on in a day; None: as many as come."""
    cost_minor: Amount = 0
    """What a part shipped from here costs, whatever is in it."""
    cut_off: time = time(14, 0)
    handling_days: int = Field(default=0, ge=0, le=HANDLING_MAX_DAYS)
    weekdays: Weekdays = WORKING_WEEK
    holidays: tuple[date, ...] = ()

    @field_validator("timezone")
    @classmethod
    def _timezone_must_be_known(cls, name: str) -> str:
        """One location without a calendar would keep every order from being sourced."""
        try:
            return Calendar(timezone=name).timezone
        except ValidationError:
            raise ValueError("is no IANA time zone") from None

    @property
    def calendar(self) -> Calendar:
        return Calendar(
            timezone=self.timezone,
            cut_off=self.cut_off,
            handling_days=self.handling_days,
            weekdays=self.weekdays,
            holidays=self.holidays,
        )
