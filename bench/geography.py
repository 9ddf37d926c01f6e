"""`python -m bench.geography`: what looking up postal codes costs in size, time and memory."""

import random
import sys
import time
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from domain.geography import coordinates, countries, load

LARGE = ("PT", "JP", "SG", "RU", "US", "RO", "KR", "MX", "GB", "DE")
LOOK_UPS = 20_000


def main() -> int:
    console = Console(highlight=False)
    before = psutil.Process().memory_info().rss
    table = Table("", "ms", title="Postal codes to coordinates")
    table.add_row("first look-up of all (unknown country)", f"{_spent_ms('XX', ''):.2f}")
    for country in LARGE:
        table.add_row(f"first look-up in {country}", f"{_spent_ms(country, '1'):.2f}")
    started = time.perf_counter()
    load(countries())
    table.add_row("the other countries", f"{(time.perf_counter() - started) * 1000:.2f}")
    chance = random.Random(1)
    spent = sorted(
        _spent_ms(chance.choice(LARGE), f"{chance.randrange(10**7):07}") for _ in range(LOOK_UPS)
    )
    for name, share in (("p50", 0.5), ("p99", 0.99), ("worst", 1)):
        table.add_row(f"warm look-up, {name}", f"{spent[int((LOOK_UPS - 1) * share)]:.4f}")
    console.print(table)
    grown = psutil.Process().memory_info().rss - before
    data = Path(__file__).parents[1] / "domain" / "data"
    on_disk = sum(file.stat().st_size for file in data.iterdir())
    console.print(f"on disk {on_disk / 1e6:.1f} MB, memory grown by {grown / 1e6:.1f} MB")
    return 0


def _spent_ms(country: str, postal_code: str) -> float:
    started = time.perf_counter()
    coordinates(country, postal_code)
    return (time.perf_counter() - started) * 1000


if __name__ == "__main__":
    sys.exit(main())
