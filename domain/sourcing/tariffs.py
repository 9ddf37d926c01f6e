"""What parcels cost: units packed into as few as first-fit decreasing finds, each by its tier."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

from domain.sourcing.rules import Zone

UNLIMITED_G = 10**15
LEVELS_MAX = 60


class Tariff(NamedTuple):
    """Tiers of a parcel: `prices[i]` up to `caps[i]` grams; the last cap is the heaviest parcel."""

    caps: tuple[int, ...]
    prices: tuple[int, ...]

    @property
    def limit_g(self) -> int:
        return self.caps[-1]

    def price(self, weight_g: int) -> int:
        """What one parcel costs that is no heavier than the limit."""
        return self.prices[bisect_left(self.caps, weight_g)]


class Level(NamedTuple):
    """A part of more than `over_g` and up to `upto_g` costs at least `price` to ship.

    So bounded from below, a heavier part may seem cheaper.
    """

    over_g: int
    upto_g: int
    price: int


def tariff(zone: Zone | None, parcel_weight_max_g: int | None, percent: int) -> Tariff:
    """Cut a zone's tiers off at what the location can ship; no zone is free of charge."""
    limit_g = parcel_weight_max_g or UNLIMITED_G
    if zone is None:
        return Tariff((limit_g,), (0,))
    caps: list[int] = []
    prices: list[int] = []
    for tier in zone.tiers:
        caps.append(min(tier.weight_max_g, limit_g))
        prices.append(tier.price_minor * percent // 100)
        if tier.weight_max_g >= limit_g:
            break
    return Tariff(tuple(caps), tuple(prices))


def pack(limit_g: int, shares: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Pack `(unit weight, units)` and give `(weight, parcels)`; no unit is over the limit.

    First-fit decreasing: heaviest units first, each into the first parcel that takes it. Parcels
    that are alike are filled at once, so that it takes no longer where they are a million.
    """
    loads = [(0, 1)]
    for weight_g, units in sorted(shares, reverse=True):
        if not weight_g:
            break
        left, before, loads = units, loads, []
        for load, parcels in before:
            fits = (limit_g - load) // weight_g if left else 0
            if not fits:
                loads.append((load, parcels))
            elif parcels == 1:
                some = min(fits, left)
                loads.append((load + some * weight_g, 1))
                left -= some
            else:
                filled = min(parcels * fits, left)
                loads += _fill(load, weight_g, fits, filled, parcels)
                left -= filled
        if left:
            a_parcel = limit_g // weight_g
            loads += _fill(0, weight_g, a_parcel, left, -(-left // a_parcel))
    return loads


def _fill(
    load: int, weight_g: int, fits: int, units: int, parcels: int
) -> Iterator[tuple[int, int]]:
    """Put the units, as many as `fits`, into one parcel of that load after the other."""
    full, some = divmod(units, fits)
    empty = parcels - full - bool(some)
    if full:
        yield load + fits * weight_g, full
    if some:
        yield load + some * weight_g, 1
    if empty:
        yield load, empty


def levels(rates: Tariff, heaviest_g: int, most_g: int) -> tuple[Level, ...]:
    """Bound from below what parts up to `most_g` cost whose units weigh up to `heaviest_g`.

    Exact for a single parcel. Of several, first-fit decreasing fills each but the last so far
    that no unit of the last fits in, hence over `limit - heaviest` and over half of the limit.
    """
    limit_g = rates.limit_g
    full = rates.price(min(limit_g, max(limit_g - heaviest_g + 1, limit_g // 2 + 1)))
    found: list[Level] = []
    before_g, below, over_g = 0, 0, -1
    while over_g < most_g:
        for cap, price in zip(rates.caps, rates.prices, strict=True):
            least = below + (price if not before_g else min(price, full + rates.prices[0]))
            if found and found[-1].price == least:
                found[-1] = Level(found[-1].over_g, before_g + cap, least)
            else:
                found.append(Level(over_g, before_g + cap, least))
            over_g = before_g + cap
            if over_g >= most_g:
                return tuple(found)
        before_g, below = over_g, below + full
        if len(found) > LEVELS_MAX:
            found.append(Level(over_g, most_g, below + min(rates.prices[0], full)))
            break
    return tuple(found)


def dearest(rates: Tariff, most_g: int) -> int:
    """Bound from above what a part of up to `most_g` costs.

    One that is over the limit has less than twice the parcels that its weight fills: any two of
    these are over the limit.
    """
    if most_g <= rates.limit_g:
        return rates.price(most_g)
    return rates.prices[-1] * ((2 * most_g - 1) // rates.limit_g)


def cheapest(parts: Sequence[tuple[Level, ...]], total_g: int) -> int:
    """Bound from below what a total weight costs to ship in parts with these levels."""
    *others, last = parts
    front = [(0, total_g)]
    for part in others:
        front = _pareto(
            [(price + one.price, left_g - one.upto_g) for price, left_g in front for one in part]
        )
    upto_g = [one.upto_g for one in last[:-1]]
    least = list(accumulate([one.price for one in reversed(last)], min))[::-1]
    return min([price + least[bisect_left(upto_g, left_g)] for price, left_g in front])


def _pareto(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Keep the prices that leave less weight than all lower ones, up to the first to leave none."""
    kept: list[tuple[int, int]] = []
    for price, left_g in sorted(pairs):
        if not kept or left_g < kept[-1][1]:
            kept.append((price, left_g))
            if left_g <= 0:
                break
    return kept
