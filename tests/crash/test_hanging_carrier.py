"""A carrier that does not answer keeps no other order from its stock."""

import statistics
import sys

import pytest

from config.settings import TaskSlots
from tests.crash.furnishing import told_carriers
from tests.crash.operators import until_fulfilments
from tests.crash.orders import Placed
from tests.crash.soundness import assert_sound
from tests.crash.world import World

pytestmark = [pytest.mark.crash, pytest.mark.timeout(600)]

HANGING = 100
"""Orders of two parts, each of which wants a label."""
PROBES = 10
BATCHES = 3
CARRIER_S = 20.0
"""The time of a call, so long that every slot for carriers is taken by one that hangs."""
RATIO_MAX = 2.0
NOISE_S = 0.15
"""What one busy moment of the machine may add to a whole batch."""
MOMENT_S = 1.0
"""What it may add to a single order; one that waited for a call would wait for `CARRIER_S`."""


def test_200_hanging_carrier_calls_do_not_slow_reserving(world: World) -> None:
    """Probes one at a time, in batches: before, while 200 calls hang, and after.

    As many calls hang in the carrier's hands as there are slots for it, the others behind them.
    """
    world.hire("patient", told=told_carriers(world.stack, CARRIER_S))
    probes: list[Placed] = []
    before = [_batch(world, probes) for _ in range(BATCHES)]
    world.fault("easypost", "*", "hang")
    stuck = world.place(HANGING, split=True)
    until_fulfilments(world, stuck, "packed")
    slots = TaskSlots().carrier
    world.until("every slot hangs", lambda: _hanging(world) >= slots)
    during = [_batch(world, probes) for _ in range(BATCHES)]
    assert _hanging(world) >= slots, "the carrier had answered meanwhile"
    world.mend()
    world.until_arrived(stuck + probes, within_s=300)
    after = [_batch(world, probes) for _ in range(BATCHES)]
    world.until_arrived(probes)
    world.dismiss("patient")
    world.shipped += stuck + probes
    _say(before + after, during)
    for percentile, noise_s in ((_typical, NOISE_S), (_p99, MOMENT_S)):
        quiet, hanging = (percentile(batches) for batches in (before + after, during))
        assert hanging <= RATIO_MAX * quiet + noise_s, (quiet, hanging)
    assert_sound(world)


def _batch(world: World, probes: list[Placed]) -> list[float]:
    """Seconds from received to reserved, of probes placed one after another."""
    placed: list[Placed] = []

    def all_reserved() -> bool:
        return len(_reserving_s(world, placed)) == len(placed)

    for _ in range(PROBES):
        placed.extend(world.place(split=False))
        world.until("reserved", all_reserved)
    probes += placed
    return _reserving_s(world, placed)


def _reserving_s(world: World, orders: list[Placed]) -> list[float]:
    rows = world.rows(
        "SELECT extract(epoch FROM r.created_at - i.received_at)::float8 AS seconds "
        "FROM reservations r JOIN inbox i USING (order_id) "
        "WHERE i.kind = 'order_created' AND r.order_id = ANY (%s)",
        [order.order_id for order in orders],
    )
    return [row["seconds"] for row in rows]


def _hanging(world: World) -> int:
    """Labels that were begun and have no answer."""
    rows = world.rows(
        "SELECT key FROM effects WHERE system = 'easypost' AND state <> 'done' "
        "AND call_until > clock_timestamp()"
    )
    return len(rows)


def _typical(batches: list[list[float]]) -> float:
    """The median of the batches' 90th percentiles: one slow moment moves one batch alone."""
    return statistics.median(statistics.quantiles(batch, n=10)[-1] for batch in batches)


def _p99(batches: list[list[float]]) -> float:
    """Of all batches together; of so few probes it is all but the slowest one."""
    return statistics.quantiles([s for batch in batches for s in batch], n=100)[98]


def _say(quiet: list[list[float]], hanging: list[list[float]]) -> None:
    """The percentiles themselves, with the machine's noise in them."""
    for name, batches in (("quiet", quiet), ("200 hanging", hanging)):
        p50 = statistics.median(second for batch in batches for second in batch)
        p99 = _p99(batches)
        sys.stdout.write(f"reserving, {name}: p50 {p50 * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms\n")
