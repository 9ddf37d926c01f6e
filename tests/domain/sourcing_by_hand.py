"""Every way to ship a small order, one after the other: what `source` must never be worse than.

It shares no code with the search: it reads the rules as they are written and tries everything.
"""

import itertools
from collections.abc import Iterator
from datetime import timedelta

from domain.geography import coordinates, distance_km
from domain.promises import promise
from domain.sourcing.case import Candidate, Case, Demand
from domain.sourcing.rules import Zone

Shares = tuple[tuple[int, ...], ...]
"""Units by line (in line order), then by candidate (in order of names)."""


def best_by_hand(case: Case) -> tuple[int, int, tuple[str, ...], Shares] | None:
    """The best plan's cost, parts, locations and, negated, the units at these; or None."""
    lines = sorted(case.lines, key=lambda line: line.line_id)
    candidates = sorted(case.candidates, key=lambda one: one.location)
    ways = [list(_ways(line.quantity, len(candidates))) for line in lines]
    best = None
    for shares in itertools.product(*ways):
        used = [at for at in range(len(candidates)) if any(units[at] for units in shares)]
        if not allowed(case, lines, candidates, shares):
            continue
        plan = (
            cost_by_hand(case, lines, candidates, shares),
            len(used),
            tuple(candidates[at].location for at in used),
            tuple(tuple(-units[at] for at in used) for units in shares),
        )
        if best is None or plan < best:
            best = plan
    return best


def _ways(quantity: int, places: int) -> Iterator[tuple[int, ...]]:
    for units in itertools.product(range(quantity + 1), repeat=places):
        if sum(units) == quantity:
            yield units


def allowed(case: Case, lines: list[Demand], candidates: list[Candidate], shares: Shares) -> bool:
    used = [at for at in range(len(candidates)) if any(units[at] for units in shares)]
    parts_max = 1 if case.rules.ship_complete else case.rules.parts_max
    if len(used) > 1 and len(used) + case.parts_standing > parts_max:
        return False
    unpriced = case.currency == "" and sum(line.value_minor for line in lines) == 0
    for at in used:
        own = [(line, units[at]) for line, units in zip(lines, shares, strict=True) if units[at]]
        if not _may_ship(case, candidates[at], own):
            return False
        worth = sum(line.value_minor * units for line, units in own)
        if len(used) > 1 and not unpriced and worth < case.rules.part_value_min(case.currency):
            return False
    return True


def _may_ship(case: Case, candidate: Candidate, own: list[tuple[Demand, int]]) -> bool:
    zone = _zone(case, candidate)
    left = candidate.capacity_left
    kept_out = (
        candidate.location in case.excluded
        or not candidate.active
        or (candidate.serves and case.destination.country not in candidate.serves)
        or (left is not None and left < 1)
        or (case.rules.zones and zone is None)
    )
    return not kept_out and _may_send(candidate, zone, own) and _has(candidate, own)


def _may_send(candidate: Candidate, zone: Zone | None, own: list[tuple[Demand, int]]) -> bool:
    takes_hazmat = candidate.hazmat and (zone is None or zone.hazmat)
    return all(
        line.weight_g <= _limit(candidate, zone) and (takes_hazmat or not line.hazmat)
        for line, _ in own
    )


def _has(candidate: Candidate, own: list[tuple[Demand, int]]) -> bool:
    left = dict(candidate.available)
    for line, units in own:
        for sku, many in [(one.sku, one.quantity) for one in line.components] or [(line.sku, 1)]:
            left[sku] = left.get(sku, 0) - many * units
    return all(many >= 0 for many in left.values())


def _zone(case: Case, candidate: Candidate) -> Zone | None:
    for zone in case.rules.zones:
        if zone.origins and candidate.country not in zone.origins:
            continue
        if zone.destinations and case.destination.country not in zone.destinations:
            continue
        return zone
    return None


def _limit(candidate: Candidate, zone: Zone | None) -> float:
    limits = [float("inf")]
    if candidate.parcel_weight_max_g is not None:
        limits.append(candidate.parcel_weight_max_g)
    if zone is not None:
        limits.append(zone.tiers[-1].weight_max_g)
    return min(limits)


def cost_by_hand(
    case: Case, lines: list[Demand], candidates: list[Candidate], shares: Shares
) -> int:
    rules, total, parts = case.rules, 0, 0
    for at, candidate in enumerate(candidates):
        own = [(line, units[at]) for line, units in zip(lines, shares, strict=True) if units[at]]
        if not own:
            continue
        parts += 1
        total += _distance(case, candidate) * rules.distance_minor_per_100km // 100
        total += candidate.cost_minor * rules.location_percent // 100
        total += _lateness(case, candidate)
        total += _shipping(case, candidate, own)
        total += sum(_balance(case, candidate, line) * units for line, units in own)
    return total + (parts - 1) * rules.split_minor


def _distance(case: Case, candidate: Candidate) -> int:
    here = coordinates(candidate.country, candidate.postal_code)
    there = coordinates(case.destination.country, case.destination.postal_code)
    return 20_015 if here is None or there is None else round(distance_km(here, there))


def _lateness(case: Case, candidate: Candidate) -> int:
    asked = case.deliver_by
    if asked is None and case.rules.promise_days is not None:
        asked = case.now.date() + timedelta(days=case.rules.promise_days)
    if asked is None:
        return 0
    zone = _zone(case, candidate)
    days = zone.transit_days if zone else case.rules.transit_days
    weekdays = zone.delivery_weekdays if zone else (1, 2, 3, 4, 5)
    arrives = promise(candidate.calendar, case.now, days, weekdays).deliver_on
    return max(0, (arrives - asked).days) * case.rules.lateness_minor_per_day


def _shipping(case: Case, candidate: Candidate, own: list[tuple[Demand, int]]) -> int:
    zone = _zone(case, candidate)
    if zone is None:
        return 0
    limit = _limit(candidate, zone)
    parcels: list[int] = []
    for weight in sorted(
        (line.weight_g for line, units in own for _ in range(units)), reverse=True
    ):
        for at, load in enumerate(parcels):
            if load + weight <= limit:
                parcels[at] += weight
                break
        else:
            parcels.append(weight)
    return sum(
        next(tier.price_minor for tier in zone.tiers if tier.weight_max_g >= parcel)
        * case.rules.shipping_percent
        // 100
        for parcel in parcels
    )


def _balance(case: Case, candidate: Candidate, line: Demand) -> int:
    each: dict[str, int] = {}
    for sku, many in [(one.sku, one.quantity) for one in line.components] or [(line.sku, 1)]:
        each[sku] = each.get(sku, 0) + many
    total = 0
    for sku, many in each.items():
        most = max(one.available.get(sku, 0) for one in case.candidates if _may_ship(case, one, []))
        if most > 0:
            short = most - candidate.available.get(sku, 0)
            total += case.rules.balance_minor * many * short // most
    return total
