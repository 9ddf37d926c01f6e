"""A case in plain numbers, in one fixed order, for a search that knows no names."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from domain.geography import Located, coordinates, distance_km
from domain.promises import Promise, days_late, promise
from domain.sourcing.case import Candidate, Case, Demand
from domain.sourcing.decision import Bar
from domain.sourcing.rules import Zone
from domain.sourcing.tariffs import Level, Tariff, levels, tariff
from domain.stock import SkuQuantity

FAR_KM = 20_015
"""Half way round the Earth: where a location cannot be located."""


@dataclass(frozen=True, slots=True)
class Place:
    """A candidate that no rule keeps out; its costs are for a part, whatever is in it."""

    candidate: Candidate
    zone: Zone | None
    distance_km: int | None
    promise: Promise
    distance_minor: int
    location_minor: int
    lateness_minor: int
    rates: Tariff

    @property
    def zone_name(self) -> str:
        return self.zone.name if self.zone else ""

    @property
    def fixed_minor(self) -> int:
        return self.distance_minor + self.location_minor + self.lateness_minor


@dataclass(frozen=True, slots=True)
class Problem:
    """Places are sorted by name and lines by id; both are meant by their place in that order.

    `fits[p][l]` units of line l are at place p while no other line takes of them, `unit[p][l]` is
    the cost of balance for one. What several lines draw on is shared: `draws[l]` lists the shared
    SKUs and how many a unit takes, `shared[p]` how many are there, `drawn` how many all lines take.
    """

    places: tuple[Place, ...]
    lines: tuple[Demand, ...]
    need: tuple[int, ...]
    weight: tuple[int, ...]
    value: tuple[int, ...]
    fits: tuple[tuple[int, ...], ...]
    unit: tuple[tuple[int, ...], ...]
    fixed: tuple[int, ...]
    rates: tuple[Tariff, ...]
    levels: tuple[tuple[Level, ...], ...]
    draws: tuple[tuple[tuple[int, int], ...], ...]
    shared: tuple[tuple[int, ...], ...]
    drawn: tuple[int, ...]
    split: int
    value_min: int
    parts_max: int
    total_g: int


def problem(case: Case) -> tuple[Problem, dict[str, Bar], date | None]:
    """Read a case: the problem, which locations are kept out and why, and the date asked for."""
    asked = _asked(case)
    lines = tuple(sorted(case.lines, key=lambda line: (line.line_id, line.sku, line.quantity)))
    places: list[Place] = []
    bars: dict[str, Bar] = {}
    for candidate in sorted(case.candidates, key=lambda one: one.location):
        zone = case.rules.zone(candidate.country, case.destination.country)
        bar = _bar(case, candidate, zone)
        if bar:
            bars[candidate.location] = bar
        else:
            places.append(_place(case, candidate, zone, asked))
    return _numbers(case, tuple(places), lines), bars, asked


def barred_lines(place: Place, lines: Sequence[Demand]) -> dict[int, Bar]:
    """The lines that a place may not ship whatever it has, by their place in the order."""
    takes_hazmat = place.candidate.hazmat and (place.zone is None or place.zone.hazmat)
    found: dict[int, Bar] = {}
    for index, line in enumerate(lines):
        if line.hazmat and not takes_hazmat:
            found[index] = Bar.HAZMAT
        elif line.weight_g > place.rates.limit_g:
            found[index] = Bar.TOO_HEAVY
    return found


def needed(lines: Sequence[Demand]) -> dict[str, int]:
    """What is picked for all lines, by SKU, in SKU order."""
    total: dict[str, int] = {}
    for line in lines:
        for item in line.items(line.quantity):
            total[item.sku] = total.get(item.sku, 0) + item.quantity
    return {sku: total[sku] for sku in sorted(total)}


def _asked(case: Case) -> date | None:
    if case.deliver_by is not None or case.rules.promise_days is None:
        return case.deliver_by
    return case.now.date() + timedelta(days=case.rules.promise_days)


def _bar(case: Case, candidate: Candidate, zone: Zone | None) -> Bar | None:
    if candidate.location in case.excluded:
        return Bar.EXCLUDED
    if not candidate.active:
        return Bar.INACTIVE
    if candidate.serves and case.destination.country not in candidate.serves:
        return Bar.NOT_SERVED
    if case.rules.zones and zone is None:
        return Bar.NO_ZONE
    if candidate.capacity_left is not None and candidate.capacity_left <= 0:
        return Bar.NO_CAPACITY
    return None


def _place(case: Case, candidate: Candidate, zone: Zone | None, asked: date | None) -> Place:
    rules = case.rules
    promised = (
        promise(candidate.calendar, case.now, rules.transit_days)
        if zone is None
        else promise(candidate.calendar, case.now, zone.transit_days, zone.delivery_weekdays)
    )
    far_km = _distance_km(candidate, case)
    return Place(
        candidate=candidate,
        zone=zone,
        distance_km=far_km,
        promise=promised,
        distance_minor=(FAR_KM if far_km is None else far_km)
        * rules.distance_minor_per_100km
        // 100,
        location_minor=candidate.cost_minor * rules.location_percent // 100,
        lateness_minor=days_late(promised.deliver_on, asked) * rules.lateness_minor_per_day,
        rates=tariff(zone, candidate.parcel_weight_max_g, rules.shipping_percent),
    )


def _distance_km(candidate: Candidate, case: Case) -> int | None:
    """Whole kilometres; None if either end is in no country that we know."""
    here = _located(candidate.country, candidate.postal_code)
    there = _located(case.destination.country, case.destination.postal_code)
    return None if here is None or there is None else round(distance_km(here, there))


@lru_cache(maxsize=4_096)
def _located(country: str, postal_code: str) -> Located | None:
    return coordinates(country, postal_code)


def _numbers(case: Case, places: tuple[Place, ...], lines: tuple[Demand, ...]) -> Problem:
    items = [line.items(1) for line in lines]
    weight = tuple(line.weight_g for line in lines)
    need = tuple(line.quantity for line in lines)
    total_g = sum(map(int.__mul__, weight, need))
    wanted = needed(lines)
    draws, shared_skus = _draws(places, wanted, items)
    most = _most(places, items)
    return Problem(
        places=places,
        lines=lines,
        need=need,
        weight=weight,
        value=tuple(line.value_minor for line in lines),
        fits=tuple(_fits(place, lines, items) for place in places),
        unit=tuple(_balance(place, items, most, case.rules.balance_minor) for place in places),
        fixed=tuple(place.fixed_minor for place in places),
        rates=tuple(place.rates for place in places),
        levels=tuple(_levels(place.rates, weight, total_g) for place in places),
        draws=draws,
        shared=tuple(
            tuple(place.candidate.available.get(sku, 0) for sku in shared_skus) for place in places
        ),
        drawn=tuple(wanted[sku] for sku in shared_skus),
        split=case.rules.split_minor,
        value_min=case.part_value_min,
        parts_max=case.parts_allowed,
        total_g=total_g,
    )


def _levels(rates: Tariff, weight: Sequence[int], total_g: int) -> tuple[Level, ...]:
    heaviest_g = max((unit_g for unit_g in weight if unit_g <= rates.limit_g), default=0)
    return levels(rates, heaviest_g, total_g)


def _draws(
    places: Sequence[Place], wanted: Mapping[str, int], items: Sequence[tuple[SkuQuantity, ...]]
) -> tuple[tuple[tuple[tuple[int, int], ...], ...], list[str]]:
    """For each line what a unit takes of the SKUs that several lines draw on, where it matters.

    It does not where each place has all that they draw together, or nothing.
    """
    users = Counter(item.sku for line in items for item in line)
    shared = sorted(
        sku
        for sku, many in users.items()
        if many > 1 and any(0 < one.candidate.available.get(sku, 0) < wanted[sku] for one in places)
    )
    at = {sku: index for index, sku in enumerate(shared)}
    draws = tuple(
        tuple((at[item.sku], item.quantity) for item in line if item.sku in at) for line in items
    )
    return draws, shared


def _most(places: Sequence[Place], items: Sequence[tuple[SkuQuantity, ...]]) -> dict[str, int]:
    """How many of each SKU there are where most of them are."""
    skus = {item.sku for line in items for item in line}
    return {
        sku: max((place.candidate.available.get(sku, 0) for place in places), default=0)
        for sku in skus
    }


def _fits(
    place: Place, lines: Sequence[Demand], items: Sequence[tuple[SkuQuantity, ...]]
) -> tuple[int, ...]:
    """How many units of each line the place could ship, up to all of them."""
    available = place.candidate.available
    barred = barred_lines(place, lines)
    return tuple(
        0
        if index in barred
        else max(
            0,
            min(
                line.quantity,
                *(available.get(item.sku, 0) // item.quantity for item in items[index]),
            ),
        )
        for index, line in enumerate(lines)
    )


def _balance(
    place: Place,
    items: Sequence[tuple[SkuQuantity, ...]],
    most: Mapping[str, int],
    weight_minor: int,
) -> tuple[int, ...]:
    """What taking a unit of each line costs: nothing of what is most here, all of what is not."""
    available = place.candidate.available
    return tuple(
        sum(
            weight_minor
            * item.quantity
            * (most[item.sku] - available.get(item.sku, 0))
            // most[item.sku]
            for item in line
            if most[item.sku] > 0
        )
        for line in items
    )
