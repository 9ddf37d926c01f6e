"""What a decision on sourcing depends on: lines, the locations with their stock, and the rules."""

from datetime import date

from pydantic import AwareDatetime, Field, field_validator

from domain.orders import Destination
from domain.promises import Calendar
from domain.sourcing.rules import WEIGHT_MAX_G, Amount, RuleSet
from domain.stock import SkuQuantity, summed
from domain.values import Value

QUANTITY_MAX = 10**6


class Demand(Value):
    """A line to be shipped. Weight and value are a unit's, as sold; `components` a unit's, too.

    `components` is empty for what is no bundle: a unit is then one of `sku`. A unit's components
    are never parted.
    """

    line_id: str
    sku: str
    quantity: int = Field(ge=1, le=QUANTITY_MAX)
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
    """The date that was first promised; None: what the rule set promises, if it does."""
    lines: tuple[Demand, ...] = Field(min_length=1)
    currency: str = ""
    """What the lines' values are in; empty: the rule set's."""
    candidates: tuple[Candidate, ...] = ()
    excluded: tuple[str, ...] = ()
    """Locations that rejected this order."""
    partial: bool = False
    """Whether its order has more than these lines, which are sourced by themselves."""
    parts_standing: int = Field(default=0, ge=0)
    """Parts that its order has beside these lines, or may still be given for others."""
    rules: RuleSet = Field(default_factory=RuleSet)

    @property
    def parts_allowed(self) -> int:
        """How many parts may be made of these lines: they must leave from somewhere."""
        return max(1, self.rules.parts_allowed - self.parts_standing)

    @property
    def part_value_min(self) -> int:
        """What each part of a split must be worth: nothing, where nobody said what it costs."""
        if not self.currency and not any(line.value_minor for line in self.lines):
            return 0
        return self.rules.part_value_min(self.currency)
