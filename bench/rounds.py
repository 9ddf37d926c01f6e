"""Orders, their no-op twins and bare workflows in turns, so that a slow hour hits all alike."""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from bench.cpu import Meter, spent_ms
from bench.histories import Weighed
from bench.result import Round, Yardstick
from bench.trade import Life, Shop
from bench.yardsticks import BARE, TWIN, TWIN_WORKER, Yardsticks

REAL = "real"
KINDS = (REAL, TWIN, BARE)


@dataclass(frozen=True)
class Turn:
    """How long one kind of work took in one round, and the CPU of each process meanwhile."""

    took_s: float
    spent_ms: Mapping[str, float]


class Rounds:
    """Lets orders, their twins and bare workflows take turns: `many` of each in each round.

    All processes are up all the time, so that who has no turn is idle.
    """

    def __init__(self, shop: Shop, yardsticks: Yardsticks, meter: Meter, many: int) -> None:
        self._shop = shop
        self._yardsticks = yardsticks
        self._meter = meter
        self.many = many
        self._turns: dict[str, list[Turn]] = {kind: [] for kind in KINDS}
        self._sold: list[tuple[Life, ...]] = []
        self.weighed: list[Weighed] = []

    async def play(self, number: int) -> None:
        """Raises NotDone where something did not end in time."""
        for kind in turns_of(number):
            before, began = self._meter.read_s(), time.monotonic()
            if kind == REAL:
                self._sold.append(await self._shop.sell(self.many))
            else:
                await self._yardsticks.run(kind, self.many)
            took_s, spent = time.monotonic() - began, spent_ms(before, self._meter.read_s())
            self._turns[kind].append(Turn(took_s, spent))
            if kind == REAL:
                self.weighed += await self._yardsticks.follow(self._sold[-1])

    def rates(self) -> tuple[Round, ...]:
        return tuple(
            Round(
                labels_per_s=_per_s(lives, lambda life: life.labelled),
                delivered_per_s=_per_s(lives, lambda life: life.delivered),
                closed_per_s=_per_s(lives, lambda life: life.closed),
                twins_per_s=self.many / twin.took_s,
                bares_per_s=self.many / bare.took_s,
            )
            for lives, twin, bare in zip(
                self._sold, self._turns[TWIN], self._turns[BARE], strict=True
            )
        )

    def lives(self) -> list[Life]:
        return list(chain.from_iterable(self._sold))

    def orders_cpu_ms(self) -> dict[str, float]:
        """By process, for one order."""
        spent = self._cpu_ms(REAL)
        return {name: ms for name, ms in spent.items() if name not in {TWIN_WORKER, "machine"}}

    async def yardstick(self, kind: str, per_s: float) -> Yardstick:
        """Its CPU is that of those who worked for it: the idle ones are left out."""
        spent = self._cpu_ms(kind)
        return Yardstick(
            per_s=per_s,
            events=await self._yardsticks.events(kind),
            cpu_ms={
                "temporal": spent["temporal"],
                "worker": spent[TWIN_WORKER],
                "bench": spent["bench"],
            },
        )

    def others_share(self) -> float:
        """Of all processors, while any of the three kinds had its turn."""
        turns = list(chain.from_iterable(self._turns.values()))
        machine = sum(turn.spent_ms["machine"] for turn in turns)
        ours = sum(sum(turn.spent_ms.values()) for turn in turns) - machine
        available = 1000 * sum(turn.took_s for turn in turns) * (os.cpu_count() or 1)
        return max(0.0, machine - ours) / available

    def _cpu_ms(self, kind: str) -> dict[str, float]:
        turns = self._turns[kind]
        done = self.many * len(turns)
        return {
            name: sum(turn.spent_ms[name] for turn in turns) / done for name in turns[0].spent_ms
        }


def turns_of(number: int) -> tuple[str, ...]:
    """Counted from 0, when the orders come first: the twins need a history to follow."""
    return KINDS[::-1] if number % 2 else KINDS


def _per_s(lives: Sequence[Life], end: Callable[[Life], datetime]) -> float:
    first = min(life.heard for life in lives)
    return len(lives) / (max(end(life) for life in lives) - first).total_seconds()
