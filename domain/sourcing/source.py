"""Decides which locations ship an order: the cheapest plan that the rules allow, and why."""

from collections.abc import Iterator, Mapping
from itertools import chain, combinations, islice

from domain.sourcing.branches import Found
from domain.sourcing.case import Candidate, Case
from domain.sourcing.decision import Bar, Considered, Cost, Decision, Plan
from domain.sourcing.prices import planned, planned_part
from domain.sourcing.problem import Place, Problem, barred_lines, needed, problem
from domain.sourcing.search import EXACT_PARTS, STEPS_MAX, search
from domain.sourcing.words import bar_in_words, sentence
from domain.stock import SkuQuantity

LACKS_LOOKED_AT = 2_000
"""Combinations of locations whose shortage is compared where nothing can ship."""


def source(case: Case, steps_max: int = STEPS_MAX) -> Decision:
    """Choose who ships what: the plan of least cost among all that the hard rules allow.

    Exact for up to three parts while the search stays within `steps_max` and no line can be shared
    out in more ways than are tried; else `proven` is false and the plan is the best one found. No
    plan at all, and that unproven: up to three parts took too long even to look for any plan, or
    more are allowed. Among plans of the same cost: fewer parts, then the locations' names, then
    most of the first lines (by line id) at the first location. That last is looked for in
    `STEPS_FOR_NAMES` steps, and for `DECIDED_MAX` lines to share out, at most: past that it is
    the best found so far, the same each time. How the case's lines and candidates are ordered
    changes nothing.
    """
    numbers, bars, asked = problem(case)
    outcome = search(numbers, steps_max)
    plan = _plan(numbers, outcome.best) if outcome.best else None
    alone = {at: _plan(numbers, found) for at, found in outcome.alone.items()}
    candidates = _candidates(case, numbers, bars, alone)
    missing = () if plan else _missing(case, numbers)
    runners_up = tuple(_plan(numbers, found) for found in outcome.runners_up)
    return Decision(
        rules_name=case.rules.name,
        rules_version=case.rules.version,
        currency=case.rules.currency,
        plan=plan,
        proven=outcome.proven,
        missing=missing,
        candidates=candidates,
        runners_up=runners_up,
        deliver_by=asked,
        steps=outcome.steps,
        sentence=sentence(case, plan, runners_up, candidates, missing, proven=outcome.proven),
    )


def _plan(numbers: Problem, found: Found) -> Plan:
    parts = tuple(
        planned_part(numbers, place, [units[at] for units in found.units])
        for at, place in enumerate(found.places)
    )
    return planned(numbers, found.places, parts)


def _candidates(
    case: Case, numbers: Problem, bars: Mapping[str, Bar], alone: Mapping[int, Plan]
) -> tuple[Considered, ...]:
    """Every candidate by name, with its cost alone or what keeps it from shipping all alone."""
    at = {place.candidate.location: index for index, place in enumerate(numbers.places)}
    wanted = needed(numbers.lines)
    found: list[Considered] = []
    for candidate in sorted(case.candidates, key=lambda one: one.location):
        bar = bars.get(candidate.location)
        if bar:
            reason = bar_in_words(bar, case, candidate.calendar)
            found.append(_considered(candidate, bar=bar, reason=reason))
            continue
        index = at[candidate.location]
        found.append(_usable(case, numbers, index, wanted, alone.get(index)))
    return tuple(found)


def _usable(
    case: Case, numbers: Problem, index: int, wanted: Mapping[str, int], plan: Plan | None
) -> Considered:
    place = numbers.places[index]
    lines = barred_lines(place, numbers.lines)
    lacks = _lacks(wanted, place.candidate.available)
    bar = next(iter(lines.values()), Bar.STOCK if lacks else None)
    skus = [numbers.lines[line].sku for line, why in lines.items() if why is bar]
    return _considered(
        place.candidate,
        bar=bar,
        reason=bar_in_words(bar, case, place.candidate.calendar, lacks, skus) if bar else "",
        lacks=lacks,
        cost=plan.cost if plan else None,
        place=place,
    )


def _considered(
    candidate: Candidate,
    *,
    bar: Bar | None,
    reason: str,
    lacks: tuple[SkuQuantity, ...] = (),
    cost: Cost | None = None,
    place: Place | None = None,
) -> Considered:
    return Considered(
        location=candidate.location,
        name=candidate.shown,
        bar=bar,
        reason=reason,
        lacks=lacks,
        cost=cost,
        distance_km=place.distance_km if place else None,
        promise=place.promise if place else None,
    )


def _missing(case: Case, numbers: Problem) -> tuple[SkuQuantity, ...]:
    """What the places lack that together lack least, of those that lack anything."""
    wanted = needed(numbers.lines)
    stocks = [_usable_stock(place, case) for place in numbers.places]
    shortages = []
    for places in islice(_together(len(stocks), numbers.parts_max), LACKS_LOOKED_AT):
        held = {sku: sum(stocks[place].get(sku, 0) for place in places) for sku in wanted}
        if lacks := _lacks(wanted, held):
            shortages.append((sum(item.quantity for item in lacks), len(places), places, lacks))
    everything = tuple(SkuQuantity(sku=sku, quantity=many) for sku, many in wanted.items())
    return min(shortages, key=lambda one: one[:3])[3] if shortages else everything


def _together(many: int, parts_max: int) -> Iterator[tuple[int, ...]]:
    sizes = range(1, min(EXACT_PARTS, parts_max, many) + 1)
    return chain.from_iterable(combinations(range(many), size) for size in sizes)


def _usable_stock(place: Place, case: Case) -> dict[str, int]:
    """What is there of all that the place may ship for some line of the order."""
    barred = barred_lines(place, case.lines)
    free = {
        item.sku
        for index, line in enumerate(case.lines)
        if index not in barred
        for item in line.items(1)
    }
    return {sku: max(0, place.candidate.available.get(sku, 0)) for sku in free}


def _lacks(wanted: Mapping[str, int], held: Mapping[str, int]) -> tuple[SkuQuantity, ...]:
    return tuple(
        SkuQuantity(sku=sku, quantity=many - max(0, held.get(sku, 0)))
        for sku, many in wanted.items()
        if many > max(0, held.get(sku, 0))
    )
