"""The benches of stock at a tiny scale: every design reserves what it says, and is counted."""

from collections.abc import Callable

import pytest

from bench.growth import CALLS_ON_STOCK, grow, measure
from bench.load import NothingMeasured, Run
from bench.result import Spread
from bench.stock import BARE, ONE_SKU, PRODUCT, Found, Rounds, Scale, compare, missed
from bench.stock_callers import decide
from bench.stock_ground import HOT, faults, fill, ground
from starter.local.postgres import PostgresServer


def test_every_design_keeps_a_row_for_each_order_that_it_served(
    postgres: PostgresServer, new_database: Callable[[], str]
) -> None:
    where = ground(postgres, new_database())
    fill(where, skus=3, units=20_000)
    decide(where, HOT)
    rounds = Rounds(where, Scale(rounds=1, seconds=1, warm_s=0), lambda _: None)
    found = rounds.play(ONE_SKU, HOT, HOT)
    assert [one.design for one in found] == [design.name for design in ONE_SKU]
    assert all(one.per_s > 0 and one.ms.p99 >= one.ms.p50 > 0 for one in found)
    assert faults(where, rounds.served) == []
    rounds.served["many"] += 1
    assert len(faults(where, rounds.served)) == 3


def test_a_run_counts_what_ended_after_the_warm_up() -> None:
    run = Run.of([(1.0, 0.5), (2.0, 0.1), (4.0, 0.2)], warm=1.5, cpu_ms=10)
    assert run == Run(per_s=0.8, took_ms=(100, 200), cpu_ms=5, served=3)


def test_a_run_with_nothing_after_the_warm_up_says_so() -> None:
    with pytest.raises(NothingMeasured, match="all of 1 calls ended before"):
        Run.of([(1.0, 0.5)], warm=1.5, cpu_ms=10)


def test_a_machine_that_tells_no_cpu_time_leaves_that_ratio_out() -> None:
    def run(cpu_ms: float) -> Run:
        return Run(per_s=100, took_ms=(1,), cpu_ms=cpu_ms, served=1)

    untold = compare(ONE_SKU[0], [run(0)], [run(2)])
    assert (untold.to_bare, untold.to_bare_by_cpu) == (1, None)
    assert compare(ONE_SKU[0], [run(0), run(4)], [run(2), run(2)]).to_bare_by_cpu == 0.5


def test_the_product_is_held_to_seven_tenths_of_bare_sql() -> None:
    def found(to_bare: float) -> Found:
        return Found(PRODUCT, 700, Spread(1, 1, 1), 1, to_bare, 1)

    bare = Found(BARE, 1_000, Spread(1, 1, 1), 1, 1, 1)
    assert missed([bare, found(0.7)]) == []
    assert len(missed([bare, found(0.69)])) == 1


async def test_a_grown_ledger_is_asked_what_a_small_one_is(
    postgres: PostgresServer, new_database: Callable[[], str]
) -> None:
    small, grown = (ground(postgres, new_database()) for _ in range(2))
    grow(small, 5)
    grow(grown, 20)
    found = await measure(small, 5, grown, 20, 4)
    assert [one.call for one in found] == list(CALLS_ON_STOCK)
    assert all(one.small_ms.p99 > 0 and one.grown_ms.p99 > 0 for one in found)
    assert faults(small, {}) == faults(grown, {}) == []
