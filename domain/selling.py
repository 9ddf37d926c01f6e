"""What a channel may sell of a SKU: a pure function of the stock, the queue and its rules."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated

from pydantic import Field

from domain.values import Value

QUANTITY_MAX = 10**9
"""Far above what a shop holds of anything, and far below what a counter does."""
EXCEPTIONS_MAX = 1_000
LOCATIONS_MAX = 1_000

Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]


class SellingRule(Value):
    """How much of what is free a channel is shown; the default shows all of it.

    Both buffers may be set; the one that keeps more back counts. A rule without `locations` counts
    the stock of every active one, one with an empty tuple counts none.
    """

    buffer: int = Field(default=0, ge=0, le=QUANTITY_MAX)
    """Units kept back from the channel."""
    buffer_percent: int = Field(default=0, ge=0, le=100)
    """Of what is free, rounded up to whole units."""
    cap: int | None = Field(default=None, ge=0, le=QUANTITY_MAX)
    """The channel is never shown more."""
    hidden_below: int = Field(default=0, ge=0, le=QUANTITY_MAX)
    """The channel is shown none where there is less than this to sell."""
    locations: Annotated[tuple[Name, ...], Field(max_length=LOCATIONS_MAX)] | None = None

    def serves(self, location: str) -> bool:
        return self.locations is None or location in self.locations

    def shown_of(self, free: int) -> int:
        """What the buffers leave of `free` units; never less for more."""
        by_percent = free * (100 - self.buffer_percent) // 100
        return max(0, min(by_percent, free - self.buffer))


class SellingRules(Value):
    """A channel's rules: one for all SKUs, and those SKUs that have one of their own instead."""

    standard: SellingRule = SellingRule()
    skus: Mapping[Name, SellingRule] = Field(default_factory=dict, max_length=EXCEPTIONS_MAX)

    def rule_for(self, sku: str) -> SellingRule:
        return self.skus.get(sku, self.standard)


class ComponentStock(Value):
    """How one component of what is sold stands; a SKU that is no bundle has one: itself.

    `available` is by location, active ones alone. `waiting` is what orders in the queue want of
    it, and `backorder_max` how much of it may be sold beyond what is there.
    """

    sku: str
    quantity: int = Field(default=1, ge=1)
    """In one unit of what is sold."""
    available: Mapping[str, int]
    waiting: int = 0
    backorder_max: int = 0


class Sellable(Value):
    """What a channel may sell of a SKU, and why it is this much; all in units of that SKU."""

    quantity: int
    free: int
    """Could be shipped now, each unit from one of the channel's locations."""
    kept_back: int
    """Of `free`, by the buffer."""
    claimed: int
    """By orders that wait in the queue."""
    backorder: int
    """May be sold beyond what is there."""
    limit: str
    """`cap` or `hidden_below` where that rule had the last word, else empty."""

    @property
    def sentence(self) -> str:
        return ", ".join(self._reasons()) + "."

    def _reasons(self) -> Iterator[str]:
        yield f"{self.quantity} to sell: {self.free} free"
        if self.kept_back:
            yield f"{self.kept_back} kept back"
        if self.claimed:
            yield f"{self.claimed} claimed by orders that wait"
        if self.backorder:
            yield f"{self.backorder} on backorder"
        if self.limit:
            yield {"cap": "limited by the cap", "hidden_below": "hidden: too few"}[self.limit]


def sellable(components: Sequence[ComponentStock], rule: SellingRule) -> Sellable:
    """Work out what may be sold of a SKU with these components under `rule`.

    A unit of a bundle is shipped from one location, so its locations are counted one by one and
    added up. What the queue wants and what may be sold beyond the stock are no location's, so each
    component bounds the bundle by its own: it is promised to no more orders than it can serve.
    """
    free = sum(_whole(components, place) for place in _places(components, rule))
    shown = rule.shown_of(free)
    backorder = min((c.backorder_max // c.quantity for c in components), default=0)
    bound = min((_bound(component, rule) for component in components), default=0)
    unlimited = max(0, min(shown + backorder, bound))
    quantity, limit = unlimited, ""
    if 0 < unlimited < rule.hidden_below:
        quantity, limit = 0, "hidden_below"
    elif rule.cap is not None and unlimited > rule.cap:
        quantity, limit = rule.cap, "cap"
    return Sellable(
        quantity=quantity,
        free=free,
        kept_back=free - shown,
        claimed=shown + backorder - unlimited,
        backorder=backorder,
        limit=limit,
    )


def _places(components: Sequence[ComponentStock], rule: SellingRule) -> frozenset[str]:
    found = (place for component in components for place in component.available)
    return frozenset(place for place in found if rule.serves(place))


def _whole(components: Sequence[ComponentStock], place: str) -> int:
    """How many units one location could make up."""
    return min(max(0, c.available.get(place, 0)) // c.quantity for c in components)


def _bound(component: ComponentStock, rule: SellingRule) -> int:
    """How many units one component allows, wherever it lies; below zero where more wait for it."""
    lies = component.available.items()
    free = sum(max(0, available) for place, available in lies if rule.serves(place))
    spare = component.backorder_max - component.waiting
    return rule.shown_of(free // component.quantity) + spare // component.quantity
