"""`python -m bench.stock [--rounds N] [--json FILE]`: what a reservation costs, beside bare SQL.

Every design takes its turn in each round, so that whatever else the machine does hits all alike.
"""

import argparse
import json
import statistics
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import pgbench, stock_callers
from bench.cpu import Others
from bench.load import WARM_S, Load, NothingMeasured, Run
from bench.pgbench import PgbenchFailed
from bench.result import Spread
from bench.stock_callers import NotReserved
from bench.stock_ground import DESIGNS, HOT, Ground, database, faults, fill, stock_server
from config.settings import SettingsInvalid
from starter.local.ports import PortTaken
from starter.local.processes import StartFailed

ROUNDS = 5
SECONDS = 2.0
CLIENTS = 16
SKUS = 10_000
UNITS = 300_000
TO_BARE_MIN = 0.7
BARE = "bare statements"
PRODUCT = "product's function"

Play = Callable[[Ground, Load], Run]


@dataclass(frozen=True)
class Scale:
    """Every design runs once a round; `units` of the hot SKU have a row of their own."""

    rounds: int = ROUNDS
    seconds: float = SECONDS
    warm_s: float = WARM_S
    skus: int = SKUS
    units: int = UNITS


@dataclass(frozen=True)
class Design:
    """A way to reserve `orders` in a transaction; its tables are in `schema`."""

    name: str
    play: Play
    schema: str = "public"
    orders: int = 1
    callers: int = CLIENTS


@dataclass(frozen=True)
class Found:
    """Reservations a second in the middle round; what a transaction took; the server's CPU.

    The ratios to bare SQL are those of the middle round too: by rate, and by the server's CPU; that
    is told in coarse steps, so a short run may be told none: `None` where every round was.
    """

    design: str
    per_s: float
    ms: Spread
    cpu_ms: float
    to_bare: float
    to_bare_by_cpu: float | None


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.stock", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each run")
    parser.add_argument("--json", type=Path, help="also write the numbers to this file")
    wanted = parser.parse_args()
    scale = Scale(wanted.rounds, wanted.seconds)
    console = Console(highlight=False)
    try:
        with stock_server() as server:
            where = database(server, "stock")
            fill(where, scale.skus, scale.units)
            stock_callers.decide(where, HOT)
            others = Others(where.pid)
            rounds = Rounds(where, scale, console.print)
            spread = rounds.play(SPREAD, 1, scale.skus)
            hot = rounds.play(ONE_SKU, HOT, HOT)
            others_share = others.share()
            wrong = faults(where, rounds.served)
    except (
        NothingMeasured,
        NotReserved,
        PgbenchFailed,
        PortTaken,
        SettingsInvalid,
        StartFailed,
    ) as error:
        console.print(str(error), style="red", markup=False)
        return 2
    console.print(_table(f"{scale.skus:,} SKUs, any of them", spread))
    console.print(_table("one hot SKU", hot))
    console.print(f"others used {others_share:.0%} of the machine meanwhile", style="dim")
    if wanted.json:
        told = {
            "spread": [asdict(one) for one in spread],
            "hot": [asdict(one) for one in hot],
            "others_share": others_share,
        }
        wanted.json.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    bad = wrong + missed(spread)
    for one in bad:
        console.print(one, style="red")
    return 1 if bad else 0


MANY = stock_callers.BATCH_MAX
TASKS = (16, 64)


def _script(name: str) -> Play:
    script = DESIGNS / f"{name}.sql"
    return lambda where, load: pgbench.run(where, script, load)


SPREAD = (
    Design(BARE, _script("statements"), "statements"),
    Design("bare, one statement", _script("one_statement"), "one_statement"),
    Design(PRODUCT, _script("product")),
    Design("… its decision kept", _script("product_decided")),
    *(Design(f"… Python, {n} tasks", stock_callers.reserve, callers=n) for n in TASKS),
    Design("… sourced too, 16 tasks", stock_callers.source_and_reserve),
)
ONE_SKU = (
    *SPREAD,
    Design("row a unit, SKIP LOCKED", _script("units"), "units"),
    Design(f"bare, {MANY} in one", _script("many"), "many", MANY),
    Design(f"{PRODUCT}, {MANY} in one", _script("product_many"), orders=MANY),
    Design(
        f"… Python, {TASKS[-1]}, batched",
        stock_callers.reserve_batched,
        callers=TASKS[-1],
    ),
)


@dataclass
class Rounds:
    """Lets designs take turns; counts what was served by schema."""

    where: Ground
    scale: Scale
    say: Callable[[str], None]
    served: Counter[str] = field(default_factory=Counter)

    def play(self, designs: Sequence[Design], low: int, high: int) -> list[Found]:
        """Reserve SKUs from `low` to `high`."""
        runs: dict[str, list[Run]] = {design.name: [] for design in designs}
        for number in range(self.scale.rounds):
            self.say(f"  round {number + 1} of {self.scale.rounds}, {high - low + 1:,} SKUs")
            first = number % len(designs)  # each is first, and last, about as often as others
            for design in (*designs[first:], *designs[:first]):
                load = Load(low, high, design.callers, self.scale.seconds, self.scale.warm_s)
                run = design.play(self.where, load)
                runs[design.name].append(run)
                self.served[design.schema] += run.served * design.orders
        return [compare(design, runs[design.name], runs[BARE]) for design in designs]


def compare(design: Design, runs: Sequence[Run], bare: Sequence[Run]) -> Found:
    """Round by round, with the bare statements of the same round."""
    pairs = list(zip(runs, bare, strict=True))
    told = [(run, yard) for run, yard in pairs if run.cpu_ms and yard.cpu_ms]
    by_cpu = [yard.cpu_ms * design.orders / run.cpu_ms for run, yard in told]
    return Found(
        design=design.name,
        per_s=statistics.median(run.per_s * design.orders for run in runs),
        ms=Spread.of([took for run in runs for took in run.took_ms]),
        cpu_ms=statistics.median(run.cpu_ms / design.orders for run in runs),
        to_bare=statistics.median(run.per_s * design.orders / yard.per_s for run, yard in pairs),
        to_bare_by_cpu=statistics.median(by_cpu) if by_cpu else None,
    )


def missed(spread: Sequence[Found]) -> list[str]:
    (ours,) = (one for one in spread if one.design == PRODUCT)
    if ours.to_bare >= TO_BARE_MIN:
        return []
    return [f"{PRODUCT} does {ours.to_bare:.2f} of bare SQL, the aim is {TO_BARE_MIN:g}"]


def _table(title: str, found: Sequence[Found]) -> Table:
    table = Table(title=title)
    headings = ("", "/s", "p50 ms", "p99 ms", "CPU ms", "to bare", "by CPU")
    for heading in headings:
        table.add_column(heading, justify="right" if heading else "left")
    for one in found:
        table.add_row(
            one.design,
            f"{one.per_s:,.0f}",
            *(f"{ms:.2f}" for ms in (one.ms.p50, one.ms.p99, one.cpu_ms)),
            f"{one.to_bare:.2f}",
            "" if one.to_bare_by_cpu is None else f"{one.to_bare_by_cpu:.2f}",
        )
    return table


if __name__ == "__main__":
    sys.exit(main())
