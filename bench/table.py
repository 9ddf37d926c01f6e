"""Shows a result as a table."""

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table

from bench.result import BYTES_MAX, EVENTS_MAX, TWIN_SHARE_MIN, Result, Spread, Yardstick


def show(console: Console, result: Result) -> None:
    title = f"{len(result.rounds)} rounds of {result.orders} orders, webhook to closed"
    table = Table(title=title, show_header=False)
    table.add_column(style="bold")
    table.add_column(justify="right")
    table.add_column(style="dim")
    _rates(table, result)
    _times(table, result)
    _weights(table, result)
    _cpu(table, result)
    console.print(table)


def _rates(table: Table, result: Result) -> None:
    table.add_row("orders a second, to label", f"{result.labels_per_s:.1f}", "all sent at once")
    table.add_row("… to delivered", f"{result.delivered_per_s:.1f}")
    table.add_row("… to closed", f"{result.closed_per_s:.1f}", "return window of 1 s")
    twin, bare = result.twin, result.bare
    each = ", ".join(f"{one.to_twin:.2f}" for one in result.rounds)
    table.add_row(
        "no-op twins a second",
        f"{twin.per_s:.1f}",
        f"real to twin {result.to_twin:.2f} (each round: {each}), "
        f"by CPU {result.to_twin_by_cpu:.2f}, aim {TWIN_SHARE_MIN:g} or more; {_weight(twin)}",
    )
    table.add_row(
        "bare workflows a second",
        f"{bare.per_s:.1f}",
        f"five activities; real to bare {result.to_bare:.2f}; {_weight(bare)}",
    )
    table.add_section()


def _weight(yardstick: Yardstick) -> str:
    cpu = ", ".join(f"{process} {ms:.0f} ms" for process, ms in yardstick.cpu_ms.items())
    return f"{yardstick.events} events, CPU {cpu}"


def _times(table: Table, result: Result) -> None:
    pace = f"{result.paced_per_s:.1f} orders a second"
    table.add_row("webhook to label, p50 / p99", _seconds(result.paced_to_label_s), pace)
    table.add_row("webhook to delivered, p50 / p99", _seconds(result.paced_to_delivered_s), pace)
    table.add_row(
        "webhook to label, p50 / p99", _seconds(result.burst_to_label_s), "all sent at once"
    )
    table.add_section()


def _weights(table: Table, result: Result) -> None:
    events, size = result.events, result.history_bytes
    table.add_row(
        "events a history, p50 / most", f"{events.p50:g} / {events.most:g}", f"limit {EVENTS_MAX}"
    )
    table.add_row(
        "bytes a history, p50 / most", f"{size.p50:,.0f} / {size.most:,.0f}", f"limit {BYTES_MAX:,}"
    )
    table.add_section()


def _cpu(table: Table, result: Result) -> None:
    for name, spent in _descending(result.cpu_ms):
        idle = f"idle {result.idle_cpu_ms[name]:.0f} ms a second"
        table.add_row(f"CPU ms an order: {name}", f"{spent:.0f}", idle)
    table.add_row(
        "CPU ms an order: all",
        f"{result.cpu_ms_an_order:.0f}",
        f"others used {result.others_share:.0%} of the machine meanwhile",
    )


def _descending(numbers: Mapping[str, float]) -> list[tuple[str, float]]:
    return sorted(numbers.items(), key=lambda one: -one[1])


def _seconds(spread: Spread) -> str:
    return f"{spread.p50:.2f} / {spread.p99:.2f} s"
