"""A seeded instance of scarce stock: 400 orders that wait for 300 SKUs at 8 locations."""

import random
from datetime import UTC, datetime, timedelta

from domain.orders import Destination
from domain.sourcing.case import Candidate, Case, Demand
from domain.sourcing.rules import RuleSet, Tier, Zone

SEED = 20_260_301
ORDERS = 400
SKUS = 300
LOCATIONS = (
    ("berlin", "DE", "10115"), ("koeln", "DE", "50667"), ("wien", "AT", "1010"),
    ("lyon", "FR", "69001"), ("lille", "FR", "59000"), ("madrid", "ES", "28001"),
    ("milano", "IT", "20121"), ("utrecht", "NL", "3511"),
)  # fmt: skip
CUSTOMERS = (
    ("DE", "80331"), ("DE", "20095"), ("DE", "60311"), ("DE", "04109"), ("AT", "8010"),
    ("FR", "75001"), ("FR", "13001"), ("ES", "08001"), ("IT", "00184"), ("NL", "1011"),
    ("BE", "1000"), ("PL", "00-001"),
)  # fmt: skip
HOME = ((1_000, 449), (5_000, 590), (30_000, 1190))
ABROAD = ((1_000, 990), (5_000, 1490), (30_000, 2990))
MONDAY = datetime(2026, 3, 2, 8, tzinfo=UTC)
STOCK_SHARE = 0.8
"""Of what all orders want together; each SKU lies at a few locations."""


def rules() -> RuleSet:
    countries = sorted({country for _, country, _ in LOCATIONS})
    home = tuple(
        Zone(name=f"{one} home", origins=(one,), destinations=(one,), tiers=_tiers(HOME),
             transit_days=1)
        for one in countries
    )  # fmt: skip
    abroad = Zone(name="abroad", tiers=_tiers(ABROAD), transit_days=3)
    return RuleSet(name="bench", version=1, parts_max=2, promise_days=3, zones=(*home, abroad))


def instance(orders: int = ORDERS, skus: int = SKUS, seed: int = SEED) -> dict[str, Case]:
    """Cases by order, the oldest first; all see the same stock at the same moment."""
    chance = random.Random(seed)
    weight = {f"sku-{n:03}": chance.choice((80, 200, 450, 900, 2_500)) for n in range(skus)}
    popular = [1 / (n + 3) for n in range(skus)]
    demands = {
        f"order-{n:03}": _demand(chance, list(weight), popular, weight) for n in range(orders)
    }
    candidates = _candidates(chance, demands)
    ruled = rules()
    return {
        key: Case(
            destination=_destination(chance),
            now=MONDAY,
            deliver_by=(MONDAY + timedelta(days=chance.randint(1, 5))).date(),
            lines=lines,
            candidates=candidates,
            rules=ruled,
        )
        for key, lines in demands.items()
    }


def _destination(chance: random.Random) -> Destination:
    country, postal_code = chance.choice(CUSTOMERS)
    return Destination(country=country, postal_code=postal_code)


def _demand(
    chance: random.Random, skus: list[str], popular: list[float], weight: dict[str, int]
) -> tuple[Demand, ...]:
    wanted = dict.fromkeys(chance.choices(skus, popular, k=chance.choice((1, 1, 2, 2, 3, 4))))
    return tuple(
        Demand(
            line_id=str(number),
            sku=sku,
            quantity=chance.choice((1, 1, 1, 2, 3)),
            weight_g=weight[sku],
            value_minor=weight[sku] * 4,
        )
        for number, sku in enumerate(wanted, 1)
    )


def _candidates(
    chance: random.Random, demands: dict[str, tuple[Demand, ...]]
) -> tuple[Candidate, ...]:
    wanted: dict[str, int] = {}
    for lines in demands.values():
        for line in lines:
            wanted[line.sku] = wanted.get(line.sku, 0) + line.quantity
    names = [name for name, _, _ in LOCATIONS]
    stock: dict[str, dict[str, int]] = {name: {} for name in names}
    for sku in sorted(wanted):
        places = chance.sample(names, chance.choice((1, 2, 3)))
        for _ in range(max(1, round(wanted[sku] * STOCK_SHARE))):
            place = chance.choice(places)
            stock[place][sku] = stock[place].get(sku, 0) + 1
    return tuple(
        Candidate(location=name, country=country, postal_code=code, available=stock[name],
                  cost_minor=chance.choice((0, 50, 120)), capacity_left=chance.choice((None, 70)))
        for name, country, code in LOCATIONS
    )  # fmt: skip


def _tiers(tariff: tuple[tuple[int, int], ...]) -> tuple[Tier, ...]:
    return tuple(Tier(weight_max_g=weight_g, price_minor=price) for weight_g, price in tariff)
