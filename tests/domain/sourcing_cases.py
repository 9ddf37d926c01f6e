"""Small orders and a few locations, made by chance: every rule and cost gets its turn."""

import random
from datetime import UTC, date, datetime, time

from domain.orders import Destination
from domain.promises import Calendar
from domain.sourcing.case import Candidate, Case, Demand
from domain.sourcing.rules import RuleSet, Tier, Zone
from domain.stock import SkuQuantity

SKUS = ("cup", "lid", "pot", "saw")
PLACES = (
    ("aachen", "DE", "52062"),
    ("bonn", "DE", "53111"),
    ("caen", "FR", "14000"),
    ("derby", "GB", "DE1 1AA"),
)
MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)


def small_case(chance: random.Random) -> Case:
    """At most four lines and four locations: so many ways that trying all takes no time."""
    lines = tuple(_line(chance, number) for number in range(chance.choice((1, 2, 3, 4, 4))))
    while _ways(lines) > 2_500:
        lines = lines[:-1]
    places = chance.sample(PLACES, chance.choice((1, 2, 3, 3, 4, 4, 4, 4)))
    held = _held(chance, [place[0] for place in places])
    case = Case(
        destination=Destination(country="DE", postal_code=chance.choice(("10115", "80331", "?"))),
        now=MONDAY,
        deliver_by=chance.choice((None, None, date(2026, 11, 25))),
        lines=lines,
        candidates=tuple(_candidate(chance, held[place[0]], *place) for place in places),
        excluded=("bonn",) if chance.random() < 0.05 else (),
        parts_standing=1 if chance.random() < 0.1 else 0,
        rules=_rules(chance),
    )
    return _unbarred(case) if chance.random() < 0.5 else case


def _unbarred(case: Case) -> Case:
    """The same without what keeps places out: then there is more to choose from."""
    free = {"active": True, "serves": (), "hazmat": True, "capacity_left": None}
    rules = {"parts_max": 3, "ship_complete": False, "part_value_min_minor": 0}
    zones = tuple(
        zone.model_copy(update={"origins": (), "hazmat": True}) for zone in case.rules.zones
    )
    return case.model_copy(
        update={
            "excluded": (),
            "candidates": tuple(one.model_copy(update=free) for one in case.candidates),
            "rules": case.rules.model_copy(update={**rules, "zones": zones}),
        }
    )


def _ways(lines: tuple[Demand, ...]) -> int:
    ways = 1
    for line in lines:
        ways *= {1: 4, 2: 10, 3: 20}[line.quantity]
    return ways


def _line(chance: random.Random, number: int) -> Demand:
    bundle = chance.random() < 0.12
    return Demand(
        line_id=str(number),
        sku="set" if bundle else chance.choice(SKUS),
        quantity=chance.choice((1, 1, 1, 2, 3)),
        components=tuple(
            SkuQuantity(sku=chance.choice(SKUS), quantity=chance.randint(1, 2))
            for _ in range(chance.randint(1, 2))
        )
        if bundle
        else (),
        weight_g=chance.choice((0, 100, 100, 250, 400, 700, 900, 1_300)),
        value_minor=chance.choice((300, 500, 900)),
        hazmat=chance.random() < 0.03,
    )


def _held(chance: random.Random, places: list[str]) -> dict[str, dict[str, int]]:
    """Half of the time each SKU is at one or two places only, so that no place alone has all."""
    if chance.random() < 0.5:
        most = chance.choice((3, 4, 9))
        return {place: {sku: chance.randint(0, most) for sku in SKUS} for place in places}
    held: dict[str, dict[str, int]] = {place: {} for place in places}
    for sku in SKUS:
        for place in chance.sample(places, min(len(places), chance.choice((1, 2)))):
            held[place][sku] = chance.choice((2, 6, 9))
    return held


def _candidate(
    chance: random.Random, available: dict[str, int], name: str, country: str, postal_code: str
) -> Candidate:
    return Candidate(
        location=name,
        country=country,
        postal_code=postal_code,
        available=available,
        active=chance.random() > 0.03,
        serves=("FR",) if chance.random() < 0.03 else chance.choice(((), ("DE", "FR"))),
        hazmat=chance.random() > 0.3,
        parcel_weight_max_g=chance.choice((None, None, None, None, 1_000, 1_800)),
        capacity_left=0 if chance.random() < 0.03 else chance.choice((None, 5, 1)),
        cost_minor=chance.choice((0, 0, 0, 100)),
        calendar=Calendar(
            timezone=chance.choice(("Europe/Berlin", "UTC")),
            cut_off=chance.choice((time(8), time(14))),
            handling_days=chance.choice((0, 0, 1, 3)),
        ),
    )


def _rules(chance: random.Random) -> RuleSet:
    complete = chance.random() < 0.05
    return RuleSet(
        parts_max=chance.choice((1, 2, 3, 3, 3, 3, 3, 3)),
        ship_complete=complete,
        part_value_min_minor=0 if complete else chance.choice((0, 0, 0, 0, 0, 0, 500, 1_400)),
        distance_minor_per_100km=chance.choice((0, 10, 50)),
        split_minor=chance.choice((0, 0, 0, 50, 500)),
        balance_minor=chance.choice((0, 1, 3, 7, 40, 200)),
        lateness_minor_per_day=chance.choice((0, 100)),
        shipping_percent=chance.choice((100, 100, 33)),
        promise_days=chance.choice((None, 1, 3)),
        zones=_zones(chance),
    )


def _zones(chance: random.Random) -> tuple[Zone, ...]:
    kind = chance.random()
    if kind < 0.15:
        return ()
    home = Zone(name="home", origins=("DE",), tiers=_tiers(chance), transit_days=1)
    rest = Zone(
        name="rest",
        origins=("FR",) if kind < 0.25 else (),
        tiers=_tiers(chance),
        transit_days=3,
        delivery_weekdays=(1, 2, 3, 4, 5, 6),
        hazmat=chance.random() > 0.3,
    )
    return (home, rest)


def _tiers(chance: random.Random) -> tuple[Tier, ...]:
    most = chance.choice((800, 2_000, 2_000, 2_000, 5_000))
    weights = [*sorted(chance.sample((300, 450, 500, 700), chance.randint(0, 3))), most]
    prices = sorted(chance.choice((0, 1, 2, 90, 151, 300, 420)) for _ in weights)
    return tuple(
        Tier(weight_max_g=weight, price_minor=price)
        for weight, price in zip(weights, prices, strict=True)
    )
