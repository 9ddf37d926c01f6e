"""`python -m demo`: a day of trade on a running system, and its verdict. Started by `make demo`."""

import asyncio
import sys

import httpx
import psycopg
from rich.console import Console

from demo import summary
from demo.books import Books
from demo.day import programme
from demo.judge import read_world
from demo.outside import Api, Refusal, Simulators
from demo.place import NotPlaced, Place
from demo.play import OmsFailed, play, put_rules, stock_shelves
from demo.screen import Screen
from demo.stage import Stage
from demo.verdict import audited, verdict

INTERRUPTED = 130
PLAIN_WIDTH = 100


async def _run(place: Place, console: Console) -> bool:
    """Whether all is well."""
    api, world, books = Api(place), Simulators(place), await Books.opened(place.database_url)
    try:
        if await books.standings():
            console.print("there are orders in the books already: `make demo` begins afresh")
            return False
        stage = Stage(place.channel, api, world, books)
        pieces = await stock_shelves(stage)
        console.print(f"  on the shelves: {pieces} pieces")
        console.print(f"  sourcing: {await put_rules(stage)}")
        acts = programme()
        orders = sum(act.scenario.sells for act in acts)
        screen = Screen(console, stage, orders)
        with screen.playing():
            played = await play(stage, acts, screen.looked)
        accounts = await books.accounts(place.channel)
        audit = await asyncio.to_thread(audited)
        told = read_world(place.journal_dir, place.channel)
        found = await verdict(stage, acts, played, world=told, accounts=accounts, audit=audit)
        summary.show(console, found, place)
        return found.good
    finally:
        await asyncio.gather(api.aclose(), world.aclose(), books.close())


def main() -> int:
    wide = None if sys.stdout.isatty() else PLAIN_WIDTH
    console = Console(highlight=False, width=wide)
    try:
        place = Place.of()
    except NotPlaced as error:
        console.print(str(error))
        return 2
    try:
        return 0 if asyncio.run(_run(place, console)) else 1
    except KeyboardInterrupt:
        return INTERRUPTED
    except (OmsFailed, Refusal, httpx.HTTPError, psycopg.Error) as error:
        console.print(f"the day broke off: {type(error).__name__}: {error}", markup=False)
        return 1


if __name__ == "__main__":
    sys.exit(main())
