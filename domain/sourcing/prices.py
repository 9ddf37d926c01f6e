"""What parts of an order cost and promise: those that a search found, or other rules made."""

from collections.abc import Sequence
from itertools import chain, repeat

from domain.orders import LineRef
from domain.promises import together
from domain.sourcing.case import Case
from domain.sourcing.decision import Cost, Plan, PlannedParcel, PlannedPart
from domain.sourcing.problem import Problem, barred_lines, problem
from domain.sourcing.tariffs import Tariff, pack
from domain.stock import summed


def priced(case: Case, plan: Plan) -> Plan | None:
    """Price the same parts by the case's rules; None where a part has no price by them.

    That is where a location or a line is barred. How many parts there may be, and what each must
    be worth, is not asked: what was done was done.
    """
    numbers, _, _ = problem(case)
    places = {place.candidate.location: at for at, place in enumerate(numbers.places)}
    if not all(part.location in places for part in plan.parts):
        return None
    at = [places[part.location] for part in plan.parts]
    if not all(_may_ship(numbers, place, part) for place, part in zip(at, plan.parts, strict=True)):
        return None
    parts = tuple(_part(numbers, place, part) for place, part in zip(at, plan.parts, strict=True))
    return planned(numbers, at, parts)


def planned(numbers: Problem, at: Sequence[int], parts: tuple[PlannedPart, ...]) -> Plan:
    """The plan of these parts, each from its place of `at`."""
    return Plan(
        parts=parts,
        cost=_cost(numbers, at, parts),
        promise=together([part.promise for part in parts]),
    )


def planned_part(numbers: Problem, at: int, units: Sequence[int]) -> PlannedPart:
    """The part that a place ships of each line, with its price and its days."""
    place = numbers.places[at]
    own = [(line, many) for line, many in zip(numbers.lines, units, strict=True) if many]
    return PlannedPart(
        location=place.candidate.location,
        lines=tuple(
            LineRef(line_id=line.line_id, sku=line.sku, quantity=many) for line, many in own
        ),
        items=summed(chain.from_iterable(line.items(many) for line, many in own)),
        weight_g=sum(line.weight_g * many for line, many in own),
        value_minor=sum(line.value_minor * many for line, many in own),
        parcels=_parcels([(line.weight_g, many) for line, many in own], place.rates),
        distance_km=place.distance_km,
        promise=place.promise,
        zone=place.zone_name,
    )


def _may_ship(numbers: Problem, at: int, part: PlannedPart) -> bool:
    barred = {numbers.lines[n].line_id for n in barred_lines(numbers.places[at], numbers.lines)}
    return not any(line.line_id in barred for line in part.lines)


def _part(numbers: Problem, at: int, part: PlannedPart) -> PlannedPart:
    place = numbers.places[at]
    unit_g = {line.line_id: line.weight_g for line in numbers.lines}
    shares = [(unit_g[line.line_id], line.quantity) for line in part.lines]
    changes = {
        "parcels": _parcels(shares, place.rates),
        "distance_km": place.distance_km,
        "promise": place.promise,
        "zone": place.zone_name,
    }
    return part.model_copy(update=changes)


def _parcels(shares: Sequence[tuple[int, int]], rates: Tariff) -> tuple[PlannedParcel, ...]:
    """Each parcel of a part by itself; `shares` are as `pack` takes them."""
    return tuple(
        chain.from_iterable(
            repeat(PlannedParcel(weight_g=weight_g, shipping_minor=rates.price(weight_g)), parcels)
            for weight_g, parcels in pack(rates.limit_g, shares)
        )
    )


def _cost(numbers: Problem, at: Sequence[int], parts: tuple[PlannedPart, ...]) -> Cost:
    used = [numbers.places[place] for place in at]
    line_at = {line.line_id: index for index, line in enumerate(numbers.lines)}
    cost = Cost(
        distance_minor=sum(place.distance_minor for place in used),
        shipping_minor=sum(parcel.shipping_minor for part in parts for parcel in part.parcels),
        split_minor=numbers.split * (len(parts) - 1),
        location_minor=sum(place.location_minor for place in used),
        balance_minor=sum(
            numbers.unit[place][line_at[line.line_id]] * line.quantity
            for place, part in zip(at, parts, strict=True)
            for line in part.lines
        ),
        lateness_minor=sum(place.lateness_minor for place in used),
    )
    return cost.model_copy(update={"total_minor": sum(cost.model_dump().values())})
