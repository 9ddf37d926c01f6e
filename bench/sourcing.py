"""`python -m bench.sourcing [--cases N] [--json FILE]`: how long it takes to choose a location.

Orders and stock are made by chance from a fixed seed: locations all over Europe, tariffs by zone
and weight, some goods that lines share. The more often a SKU is missing, the harder the choice.
"""

import argparse
import json
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.result import Spread
from config import garbage
from domain.geography import load
from domain.orders import Destination
from domain.promises import Calendar
from domain.sourcing.case import Candidate, Case, Demand
from domain.sourcing.decision import Decision
from domain.sourcing.rules import RuleSet, Tier, Zone
from domain.sourcing.source import source
from domain.stock import SkuQuantity

CASES = 300
BUNDLES = 0.1
MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)
SEED = 20261123
CITIES = (
    ("berlin", "DE", "10115"), ("lyon", "FR", "69001"), ("leeds", "GB", "LS1 4DY"),
    ("madrid", "ES", "28001"), ("milan", "IT", "20121"), ("vienna", "AT", "1010"),
    ("warsaw", "PL", "00-001"), ("utrecht", "NL", "3511 AA"), ("ghent", "BE", "9000"),
    ("porto", "PT", "4000-001"), ("malmo", "SE", "211 20"), ("aarhus", "DK", "8000"),
    ("brno", "CZ", "602 00"), ("zurich", "CH", "8001"), ("dublin", "IE", "D01 F5P2"),
    ("hamburg", "DE", "20095"), ("munich", "DE", "80331"), ("lille", "FR", "59000"),
    ("turin", "IT", "10121"), ("cardiff", "GB", "CF10 1EP"),
)  # fmt: skip
CUSTOMERS = (("DE", "04109"), ("FR", "75001"), ("AT", "8010"), ("NL", "1012 AB"), ("IT", "00118"))


@dataclass(frozen=True)
class Shape:
    """How big and how hard: `held` is the share of the SKUs that a location has."""

    name: str
    locations: int
    lines: int
    held: float
    parts_max: int
    aim_p99_ms: float | None = None


SHAPES = (
    Shape("5 locations, 5 lines", 5, 5, 0.8, 2, 5),
    Shape("5 locations, 5 lines, 3 parts, scarce", 5, 5, 0.6, 3, 5),
    Shape("20 locations, 50 lines", 20, 50, 0.9, 2, 200),
    Shape("20 locations, 50 lines, 3 parts, scarce", 20, 50, 0.75, 3, 200),
    Shape("50 locations, 20 lines, 3 parts, scarce", 50, 20, 0.7, 3),
)


@dataclass(frozen=True)
class Timing:
    """Milliseconds of CPU for a decision; shares of all cases."""

    shape: Shape
    cases: int
    ms: Spread
    proven: float
    planned: float
    split: float
    steps_most: int


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.sourcing", description=__doc__)
    parser.add_argument("--cases", type=int, default=CASES, help="how many of each shape")
    parser.add_argument("--json", type=Path, help="also write the numbers to this file")
    wanted = parser.parse_args()
    timings = [measure(shape, wanted.cases) for shape in SHAPES]
    console = Console(highlight=False)
    console.print(_table(timings))
    if wanted.json:
        text = json.dumps([asdict(timing) for timing in timings], indent=2)
        wanted.json.write_text(text + "\n", encoding="utf-8")
    slow = [one for one in timings if one.shape.aim_p99_ms and one.ms.p99 > one.shape.aim_p99_ms]
    for one in slow:
        console.print(f"{one.shape.name}: p99 {one.ms.p99:.1f} ms", style="red")
    return 1 if slow else 0


def measure(shape: Shape, cases: int) -> Timing:
    chance = random.Random(SEED)
    load({country for _, country, _ in CITIES} | {country for country, _ in CUSTOMERS})
    garbage.settle()  # as the worker does
    source(case_of(shape, chance))
    times_ms: list[float] = []
    decisions: list[Decision] = []
    for _ in range(cases):
        case = case_of(shape, chance)
        before_ns = time.process_time_ns()
        decisions.append(source(case))
        times_ms.append((time.process_time_ns() - before_ns) / 1e6)
    plans = [decision.plan for decision in decisions if decision.plan]
    return Timing(
        shape=shape,
        cases=cases,
        ms=Spread.of(times_ms),
        proven=sum(decision.proven for decision in decisions) / cases,
        planned=len(plans) / cases,
        split=sum(len(plan.parts) > 1 for plan in plans) / cases,
        steps_most=max(decision.steps for decision in decisions),
    )


def case_of(shape: Shape, chance: random.Random) -> Case:
    country, postal_code = chance.choice(CUSTOMERS)
    skus = [f"sku-{number}" for number in range(2 * shape.lines)]
    lines = tuple(_line(chance, number, skus) for number in range(shape.lines))
    return Case(
        destination=Destination(country=country, postal_code=postal_code),
        now=MONDAY,
        lines=lines,
        candidates=tuple(
            _candidate(chance, number, skus, shape) for number in range(shape.locations)
        ),
        rules=RuleSet(parts_max=shape.parts_max, promise_days=3, balance_minor=30, zones=ZONES),
    )


def _line(chance: random.Random, number: int, skus: Sequence[str]) -> Demand:
    bundle = chance.random() < BUNDLES
    parts = tuple(SkuQuantity(sku=sku, quantity=1) for sku in chance.sample(skus, 2))
    return Demand(
        line_id=f"{number:03}",
        sku=f"set-{number}" if bundle else chance.choice(skus),
        quantity=chance.choice((1, 1, 1, 2, 3, 5)),
        components=parts if bundle else (),
        weight_g=round(chance.lognormvariate(5.7, 0.9)),
        value_minor=chance.randint(500, 9_000),
    )


def _candidate(chance: random.Random, number: int, skus: Sequence[str], shape: Shape) -> Candidate:
    city, country, postal_code = CITIES[number % len(CITIES)]
    return Candidate(
        location=f"{city}-{number}",
        name=city.title(),
        country=country,
        postal_code=postal_code,
        available={sku: chance.randint(1, 60) for sku in skus if chance.random() < shape.held},
        cost_minor=chance.choice((0, 50, 120)),
        parcel_weight_max_g=chance.choice((None, 20_000)),
        calendar=Calendar(handling_days=chance.choice((0, 0, 1))),
    )


def _zone(origins: tuple[str, ...], dear: int, days: int) -> Zone:
    tiers = ((1_000, 390), (2_000, 490), (5_000, 620), (10_000, 890), (31_500, 1_490))
    return Zone(
        origins=origins,
        tiers=tuple(
            Tier(weight_max_g=upto, price_minor=dear * price // 100) for upto, price in tiers
        ),
        transit_days=days,
    )


ZONES = (
    _zone(("DE", "AT", "NL", "BE"), 100, 1),
    _zone(("FR", "IT", "CZ", "PL"), 160, 2),
    _zone((), 240, 4),
)


def _table(timings: Sequence[Timing]) -> Table:
    table = Table(title="choosing where an order ships from")
    for heading in ("", "p50 ms", "p99 ms", "most ms", "aim p99", "proven", "planned", "split"):
        table.add_column(heading, justify="right" if heading else "left")
    for one in timings:
        aim = f"{one.shape.aim_p99_ms:g}" if one.shape.aim_p99_ms else ""
        table.add_row(
            one.shape.name,
            *(f"{ms:.2f}" for ms in (one.ms.p50, one.ms.p99, one.ms.most)),
            aim,
            *(f"{share:.1%}" for share in (one.proven, one.planned, one.split)),
        )
    return table


if __name__ == "__main__":
    sys.exit(main())
