"""What was decided on where an order ships from, and why.

`domain.sourcing.source` decides. Amounts are minor units of the rule set's currency.
"""

from datetime import date
from enum import StrEnum

from domain.orders import LineRef
from domain.promises import Promise
from domain.stock import SkuQuantity
from domain.values import Value


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
    """One location's share; `lines` as sold, `items` what is picked, each SKU once.

    `zone` names the shipping zone that it is priced by; it may have none, or no name.
    """

    location: str
    lines: tuple[LineRef, ...]
    items: tuple[SkuQuantity, ...]
    weight_g: int
    value_minor: int
    parcels: tuple[PlannedParcel, ...]
    distance_km: int | None
    promise: Promise
    zone: str = ""


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
