"""`python -m bench [--orders N] [--json FILE]`: measure, show, and fail if a history is too big."""

import argparse
import asyncio
import json
from pathlib import Path

from rich.console import Console

from bench.ground import NotOurOwn, bench_stack
from bench.run import measure
from bench.table import show
from bench.trade import NotDone
from config.leaving import leave
from config.settings import SettingsInvalid
from starter.local.ports import PortTaken
from starter.local.processes import StartFailed
from starter.local.stack import AlreadyUp

ORDERS = 60
ORDERS_MAX = 2_000


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--orders", type=_bounded, default=ORDERS, help="how many in a round")
    parser.add_argument("--json", type=Path, help="also write the numbers to this file")
    wanted = parser.parse_args()
    console = Console(highlight=False)
    try:
        stack = bench_stack()
        with stack.hold_state():
            try:
                for part in stack.start():
                    console.print(f"  up: {part}")
                result = asyncio.run(measure(stack, wanted.orders, console.print))
            finally:
                stack.stop()
    except (AlreadyUp, NotDone, NotOurOwn, PortTaken, SettingsInvalid, StartFailed) as error:
        console.print(str(error), style="red", markup=False)
        return 2
    show(console, result)
    if wanted.json:
        wanted.json.write_text(json.dumps(result.as_json(), indent=2) + "\n", encoding="utf-8")
    for excess in result.too_much():
        console.print(excess, style="red")
    return 1 if result.too_much() else 0


def _bounded(text: str) -> int:
    number = int(text)
    if not 1 <= number <= ORDERS_MAX:
        raise argparse.ArgumentTypeError(f"must be from 1 to {ORDERS_MAX}")
    return number


if __name__ == "__main__":
    leave(main())
