"""Which locations ship an order: what is asked, and what was decided and why.

`domain.sourcing_decision.source` decides. Amounts are minor units of the rule set's currency.
"""

from datetime import date, time
from enum import StrEnum
from typing import Annotated

from pydantic import AwareDatetime, Field, ValidationError, field_validator

from domain.addresses import Address
from domain.orders import Destination, LineRef
from domain.promises import HANDLING_MAX_DAYS, WORKING_WEEK, Calendar, Promise, Weekdays
from domain.sourcing_rules import Amount, RuleSet
from domain.stock import SkuQuantity, summed
from domain.values import Value

WEIGHT_MAX_G = 10**8
Quantity = Annotated[int, Field(ge=1, le=1_000_000)]


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
    capacity_per_day: int | None = Field(default=None, ge=0)
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


class Demand(Value):
    """A line to be shipped. Weight and value are a unit's, as sold; `components` a unit's, too.

    `components` is empty for what is no bundle: a unit is then one of `sku`. A unit's components
    are never parted.
    """

    line_id: str
    sku: str
    quantity: Quantity
    components: tuple[SkuQuantity, ...] = ()
    weight_g: int = Field(default=0, ge=0, le=WEIGHT_MAX_G)
    value_minor: int = Field(default=0, ge=0)
    hazmat: bool = False

    @field_validator("components")
    @classmethod
    def _components_are_some(cls, components: tuple[SkuQuantity, ...]) -> tuple[SkuQuantity, ...]:
        if any(one.quantity < 1 for one in components):
            raise ValueError("a bundle has one or more of each component")
        return components

    def items(self, units: int) -> tuple[SkuQuantity, ...]:
        """What is picked for so many units, each SKU once."""
        if not self.components:
            return (SkuQuantity(sku=self.sku, quantity=units),)
        return summed(
            SkuQuantity(sku=one.sku, quantity=one.quantity * units) for one in self.components
        )


class Candidate(Value):
    """A location as sourcing sees it: what it has now, after safety stock, and what it may do."""

    location: str
    name: str = ""
    country: str
    postal_code: str = ""
    available: dict[str, int] = Field(default_factory=dict)
    """By SKU, of components for bundles; what is not named is not there."""
    active: bool = True
    serves: tuple[str, ...] = ()
    hazmat: bool = True
    parcel_weight_max_g: int | None = Field(default=None, gt=0, le=WEIGHT_MAX_G)
    capacity_left: int | None = None
    cost_minor: Amount = 0
    calendar: Calendar = Field(default_factory=Calendar)

    @property
    def shown(self) -> str:
        return self.name or self.location


class Case(Value):
    """All that a decision depends on; the order in which things are named does not matter."""

    destination: Destination
    now: AwareDatetime
    deliver_by: date | None = None
    """The date that the customer was promised; None: what the rule set promises, if it does."""
    lines: tuple[Demand, ...] = Field(min_length=1)
    candidates: tuple[Candidate, ...] = ()
    excluded: tuple[str, ...] = ()
    """Locations that rejected this order."""
    rules: RuleSet = Field(default_factory=RuleSet)


class Bar(StrEnum):
    """The hard rule that keeps a location out, or from shipping all by itself."""

    EXCLUDED = "excluded"
    INACTIVE = "inactive"
    NOT_SERVED = "not_served"
    NO_ZONE = "no_zone"
    NO_CAPACITY = "no_capacity"
    HAZMAT = "hazmat"
    TOO_HEAVY = "too_heavy"
    STOCK = "stock"


class Cost(Value):
    """What a plan costs and why."""

    distance_minor: int = 0
    shipping_minor: int = 0
    split_minor: int = 0
    location_minor: int = 0
    balance_minor: int = 0
    lateness_minor: int = 0
    total_minor: int = 0


class PlannedParcel(Value):
    """A box as the tariff was asked about it; the warehouse may pack another way."""

    weight_g: int
    shipping_minor: int


class PlannedPart(Value):
    """One location's share; `lines` as sold, `items` what is picked, each SKU once."""

    location: str
    lines: tuple[LineRef, ...]
    items: tuple[SkuQuantity, ...]
    weight_g: int
    value_minor: int
    parcels: tuple[PlannedParcel, ...]
    distance_km: int | None
    promise: Promise


class Plan(Value):
    """Who ships what. `promise` is when the first part leaves at the latest and all has arrived."""

    parts: tuple[PlannedPart, ...]
    cost: Cost
    promise: Promise


class Considered(Value):
    """What was found of one candidate: what it would cost alone, or what bars it from that."""

    location: str
    name: str
    bar: Bar | None = None
    reason: str = ""
    """The bar in words."""
    lacks: tuple[SkuQuantity, ...] = ()
    cost: Cost | None = None
    distance_km: int | None = None
    promise: Promise | None = None


class Decision(Value):
    """What was decided; no plan means that the order waits for what is `missing`.

    `proven`: no plan that the rules allow costs less. `sentence` says it all in one. Runners-up are
    the best plans found that use other locations, cheapest first.
    """

    rules_name: str
    rules_version: int
    currency: str
    plan: Plan | None = None
    proven: bool = True
    missing: tuple[SkuQuantity, ...] = ()
    """What the locations lack that lack least."""
    candidates: tuple[Considered, ...] = ()
    runners_up: tuple[Plan, ...] = ()
    deliver_by: date | None = None
    """The date that lateness was measured against."""
    steps: int = 0
    """How long was searched, in steps of the search."""
    sentence: str
