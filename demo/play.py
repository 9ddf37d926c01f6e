"""Plays the day: stocks the shelves, lets every act begin at its time, and sees them all end."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from demo.day import Act
from demo.outside import Refusal
from demo.shop import HERE, offers, rarities
from demo.stage import LOOK_S, DidNotHappen, Fact, Stage

LIMIT_S = 180.0
"""When the day is over, whatever is still open."""
AT_ONCE = 8


@dataclass(frozen=True)
class Played:
    """What the acts saw with their own eyes; the judge looks for the rest."""

    trade_s: float
    seen: dict[int, tuple[Fact, ...]]


async def stock_shelves(stage: Stage) -> int:
    """Load the catalogue, and receive the goods that the day begins with. How many pieces."""
    await asyncio.to_thread(oms, "catalogue", "load", str(HERE / "catalogue.json"))
    slots = asyncio.Semaphore(AT_ONCE)

    async def receive(sku: str, location: str, quantity: int) -> int:
        async with slots:
            await stage.receive(sku, location, quantity)
        return quantity

    came = await asyncio.gather(
        *(
            receive(sku, location, quantity)
            for sku, offer in {**offers(), **rarities()}.items()
            for location, quantity in offer["stock"].items()
        )
    )
    return sum(came)


async def put_rules(stage: Stage) -> str:
    """Draft the day's rules of sourcing, and activate them. Their name."""
    rules = json.loads((HERE / "rules.json").read_text(encoding="utf-8"))
    draft = await stage.api.posted("/sourcing/rules", rules)
    active = await stage.api.posted(f"/sourcing/rules/{draft['version']}/activate")
    return str(active["rules"]["name"])


class OmsFailed(Exception):
    """The product's own command line failed; the text is what it said."""


def oms(*arguments: str) -> str:
    """Run a command of the product's, as an operator would, and return what it says."""
    done = subprocess.run(  # noqa: S603 our own command, no shell
        [sys.executable, "-m", "starter.cli", *arguments],
        capture_output=True, text=True, check=False, env=os.environ,
    )  # fmt: skip
    if done.returncode:
        raise OmsFailed(f"oms {' '.join(arguments)}: {done.stdout}{done.stderr}".strip())
    return done.stdout


async def play(stage: Stage, acts: Sequence[Act], looked: Callable[[], None]) -> Played:
    """Play all acts; the day ends when each order has, or after `LIMIT_S`."""
    began = time.monotonic()
    stage.happenings.began = began
    watching = asyncio.create_task(stage.watch(looked))
    playing = asyncio.gather(*(_act(stage, act) for act in acts))
    try:
        both: list[asyncio.Future[Any]] = [watching, playing]
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        while not stage.all_ended() and time.monotonic() - began < LIMIT_S:
            if watching.done():
                watching.result()
            await asyncio.sleep(LOOK_S)
        seen = await playing
    finally:
        watching.cancel()
        playing.cancel()
    numbers = (act.sale.number for act in acts)
    return Played(time.monotonic() - began, dict(zip(numbers, seen, strict=True)))


async def _act(stage: Stage, act: Act) -> tuple[Fact, ...]:
    await asyncio.sleep(act.at_s)
    try:
        return await act.scenario.play(stage, act.sale)
    except (DidNotHappen, Refusal, httpx.HTTPError) as error:
        stage.say(act.sale, f"not as planned: {error}")
        return (Fact("the act goes as planned", str(error) or type(error).__name__, holds=False),)
