"""The rules by which a shop chooses where to ship from: versioned data, edited by its operators.

Amounts are whole minor units of the rule set's currency. They weigh what is good against what is
cheap; only tariffs and costs of locations are money that somebody asks for.
"""

from itertools import pairwise
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from domain.currencies import EXPONENTS, Currency
from domain.promises import TRANSIT_MAX_DAYS, WORKING_WEEK, Weekdays
from domain.values import Value

AMOUNT_MAX_MINOR = 10**9
WEIGHT_MAX_G = 10**8
PARTS_LIMIT = 20
PRIORITY_MAX = 10**6

Amount = Annotated[int, Field(ge=0, le=AMOUNT_MAX_MINOR)]
Percent = Annotated[int, Field(ge=0, le=10_000)]
Priority = Annotated[int, Field(ge=-PRIORITY_MAX, le=PRIORITY_MAX)]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]


class Tier(Value):
    """What a parcel costs that weighs up to `weight_max_g` and more than the tier before allows."""

    weight_max_g: int = Field(gt=0, le=WEIGHT_MAX_G)
    price_minor: Amount


class Zone(Value):
    """A tariff: what a parcel from one of `origins` to one of `destinations` costs, and its days.

    An empty tuple of countries means all. The last tier is the heaviest parcel that is taken.
    """

    name: str = ""
    origins: tuple[Country, ...] = ()
    destinations: tuple[Country, ...] = ()
    tiers: tuple[Tier, ...] = Field(min_length=1, max_length=50)
    transit_days: int = Field(default=2, ge=0, le=TRANSIT_MAX_DAYS)
    delivery_weekdays: Weekdays = WORKING_WEEK
    hazmat: bool = True
    """Whether the carrier takes dangerous goods."""

    @field_validator("tiers")
    @classmethod
    def _heavier_costs_no_less(cls, tiers: tuple[Tier, ...]) -> tuple[Tier, ...]:
        for lighter, heavier in pairwise(tiers):
            if heavier.weight_max_g <= lighter.weight_max_g:
                raise ValueError("must grow in weight")
            if heavier.price_minor < lighter.price_minor:
                raise ValueError("a heavier parcel cannot cost less than a lighter one")
        return tiers

    def covers(self, origin: str, destination: str) -> bool:
        return (not self.origins or origin in self.origins) and (
            not self.destinations or destination in self.destinations
        )


class RuleSet(Value):
    """How plans are compared. The first zone that covers a way is its tariff.

    Without any zone, shipping costs nothing and takes `transit_days`; with zones, a location from
    which none covers the way to the customer does not ship there.
    """

    name: str = "default"
    version: int = Field(default=0, ge=0)
    currency: Currency = "EUR"

    parts_max: int = Field(default=2, ge=1, le=PARTS_LIMIT)
    ship_complete: bool = False
    """Never split: one location ships all, or the order waits."""
    part_value_min_minor: Amount = 0
    """What each part of a split must be worth at least, of an order in `currency`."""
    part_value_min_in: dict[str, Amount] = Field(default_factory=dict)
    """The same by other currencies: nothing is converted, and one not named here has no minimum."""

    distance_minor_per_100km: Amount = 50
    split_minor: Amount = 500
    """For each part after the first."""
    balance_minor: Amount = 10
    """For a unit taken where nothing is plentiful; nothing where the stock is largest."""
    lateness_minor_per_day: Amount = 200
    """For each part and each day that it comes after the date asked for."""
    shipping_percent: Percent = 100
    location_percent: Percent = 100
    """How much a location's own cost counts."""

    promise_days: int | None = Field(default=None, ge=0, le=365)
    """The date asked for, in days from the order's sourcing, where the order names none."""
    transit_days: int = Field(default=2, ge=0, le=TRANSIT_MAX_DAYS)
    zones: tuple[Zone, ...] = Field(default=(), max_length=2_000)
    priorities: dict[str, Priority] = Field(default_factory=dict)
    """By channel; who waits for goods with a higher one is served first. Unnamed ones have 0."""

    @field_validator("part_value_min_in")
    @classmethod
    def _currencies_must_be_active(cls, said: dict[str, int]) -> dict[str, int]:
        if not said.keys() <= EXPONENTS.keys():
            raise ValueError("names what is no active ISO 4217 currency with a minor unit")
        return said

    @model_validator(mode="after")
    def _complete_is_one_part(self) -> Self:
        weighed = any((self.part_value_min_minor, *self.part_value_min_in.values()))
        if self.ship_complete and weighed:
            raise ValueError("part_value_min_minor: what is never split has no parts to weigh")
        if self.currency in self.part_value_min_in:
            raise ValueError(f"part_value_min_in: {self.currency} is part_value_min_minor")
        return self

    @property
    def parts_allowed(self) -> int:
        return 1 if self.ship_complete else self.parts_max

    def part_value_min(self, currency: str) -> int:
        """Tell the least worth of a part, in minor units of the order's `currency`."""
        if currency in ("", self.currency):
            return self.part_value_min_minor
        return self.part_value_min_in.get(currency, 0)

    def zone(self, origin: str, destination: str) -> Zone | None:
        """Find the tariff of a way."""
        return next((zone for zone in self.zones if zone.covers(origin, destination)), None)

    def priority(self, channel: str) -> int:
        return self.priorities.get(channel, 0)
