"""A carrier that does not answer keeps no other order from its stock."""

import math
import sys
import time
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import pytest

from config.settings import TaskSlots
from tests.crash.furnishing import told_carriers
from tests.crash.operators import tell_all, until_fulfilments
from tests.crash.orders import Placed
from tests.crash.soundness import assert_sound
from tests.crash.world import World

pytestmark = [pytest.mark.crash, pytest.mark.timeout(1200)]

HANGING = 100
"""Orders of two parts, each of which wants a label."""
PROBES = 100
WINDOW_S = 60.0
"""Where each probe waits for the carrier, the first few of a window say enough."""
CARRIER_S = 20.0
"""The time of a call, so long that every slot for carriers is taken by one that hangs."""
RATIO_MAX = 2.0
ROUNDS = 5
"""A machine that was busy in one round is asked again; slots that carriers share fail each."""


class Percentiles(NamedTuple):
    p50: float
    p99: float

    @classmethod
    def of(cls, seconds: list[float]) -> "Percentiles":
        """By the nearest rank: each is the time of a probe."""
        ranked = sorted(seconds)
        p50, p99 = (ranked[math.ceil(len(ranked) * share) - 1] for share in (0.5, 0.99))
        return cls(p50, p99)

    def __str__(self) -> str:
        return f"p50 {self.p50 * 1000:.0f} ms, p99 {self.p99 * 1000:.0f} ms"


@dataclass(frozen=True)
class Compared:
    """How long reserving takes while the carrier answers, and while it does not."""

    quiet: Percentiles
    hanging: Percentiles

    @property
    def starved(self) -> bool:
        return self.hanging.p99 > RATIO_MAX * self.quiet.p99

    def __str__(self) -> str:
        return f"reserving, quiet: {self.quiet}; 200 hanging: {self.hanging}"


def test_200_hanging_carrier_calls_do_not_slow_reserving(world: World) -> None:
    """As many calls hang in the carrier's hands as there are slots; the others wait for those."""
    world.hire("patient", told=told_carriers(world.stack, CARRIER_S))
    rounds: list[Compared] = []
    while len(rounds) < ROUNDS and all(compared.starved for compared in rounds):
        rounds.append(_compare(world))
        sys.stdout.write(f"{rounds[-1]}\n")
    world.dismiss("patient")
    assert not rounds[-1].starved, "; ".join(map(str, rounds))
    assert_sound(world)


def _compare(world: World) -> Compared:
    """Half of the quiet probes before, half after those while calls hang."""
    before = _window(world, PROBES // 2)
    unpaid = world.fault("shopify", "orderCapture", "down")
    stuck = world.place(HANGING, split=True)
    until_fulfilments(world, stuck, "packed")
    world.fault("easypost", "*", "hang")
    world.mend(unpaid)
    slots = TaskSlots().carrier
    world.until("all but the labels is there", lambda: _paid(world, stuck))
    world.until("every slot hangs", lambda: _hanging(world) >= slots)
    during = _window(world, PROBES)
    assert not _labelled(world, stuck), "the carrier had answered meanwhile"
    world.mend()
    world.until_arrived(stuck)
    after = _window(world, PROBES // 2)
    probes = [*before, *during, *after]
    tell_all(world, probes, "cancel", {"reason": "requested"})
    world.until_all(probes, "cancelled")
    world.shipped += stuck
    world.cancelled += probes
    return Compared(
        Percentiles.of([*before.values(), *after.values()]), Percentiles.of([*during.values()])
    )


def _window(world: World, probes: int) -> dict[Placed, float]:
    """How many seconds each probe waits for its stock; each is placed once the last one has its.

    None is paid for, so that with its stock it comes to rest: whatever the carrier does, the probes
    before it make as little work.
    """
    took: dict[Placed, float] = {}
    end = time.monotonic() + WINDOW_S
    while len(took) < probes and time.monotonic() < end:
        (probe,) = world.place(payment="pending", split=False)
        look = partial(_waited_s, world, probe, until=end)
        took[probe] = world.until("it has its stock, or long waited", look)
    return took


def _waited_s(world: World, order: Placed, until: float) -> float | None:
    """From received to reserved; where it has none at the end, so far."""
    rows = world.rows(
        "SELECT r.created_at IS NOT NULL AS reserved, "
        "extract(epoch FROM coalesce(r.created_at, clock_timestamp()) - i.received_at)::float8 "
        "AS seconds FROM inbox i LEFT JOIN reservations r USING (order_id) "
        "WHERE i.kind = 'order_created' AND i.order_id = %s",
        order.order_id,
    )
    known = bool(rows) and (rows[0]["reserved"] or time.monotonic() > until)
    return rows[0]["seconds"] if known else None


def _paid(world: World, orders: list[Placed]) -> bool:
    paid = {entry["order"] for entry in world.journal() if entry["effect"] == "captured"}
    return {str(order.own_id) for order in orders} <= paid


def _hanging(world: World) -> int:
    """Labels that were begun and have no answer."""
    rows = world.rows(
        "SELECT key FROM effects WHERE system = 'easypost' AND state <> 'done' "
        "AND call_until > clock_timestamp()"
    )
    return len(rows)


def _labelled(world: World, orders: list[Placed]) -> list[str]:
    """Labels that have their answer; one whose time is over is asked for again, and is none."""
    rows = world.rows(
        "SELECT key FROM effects WHERE system = 'easypost' AND state = 'done' "
        "AND split_part(key, '/', 1) = ANY (%s)",
        [order.order_id for order in orders],
    )
    return [row["key"] for row in rows]
