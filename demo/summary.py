"""The end of the day on one page: what befell, how long it took, and what the audit says."""

from collections import Counter
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from demo.place import Place
from demo.verdict import Audit, Judged, Verdict

GOOD, BAD = Text("✓", "bold green"), Text("✗", "bold red")


def show(console: Console, found: Verdict, place: Place) -> None:
    console.print(_scenarios(found.judged))
    for line in broken(found):
        console.print(Text(f"  ✗ {line}", "red"))
    console.print()
    console.print(_timings(found))
    console.print()
    _audit(console, found.audit)
    compressed = ", ".join(f"{what} {value}" for what, value in place.compressed.items())
    _say(console, "time", f"compressed through the order policy alone: {compressed}")
    _say(console, "Temporal", place.temporal_ui_url)
    _say(console, "API", f"{place.api_url}/api/orders, described at {place.api_url}/openapi.json")
    console.print()
    console.print(Text(last_words(found), "bold green" if found.good else "bold red"))


def last_words(found: Verdict) -> str:
    """The verdict in a sentence."""
    orders = [one for one in found.judged if one.status]
    right = sum(not one.broken for one in orders)
    audit = "the audit is clean" if found.audit.clean else "the audit is NOT clean"
    facts = sum(len(one.facts) for one in found.judged) + len(found.facts)
    return (
        f"{right} of {len(orders)} orders ended as they must in {found.trade_s:.0f} s of trade "
        f"({facts} facts checked); {audit}."
    )


def broken(found: Verdict) -> Iterator[str]:
    """Each fact that does not hold."""
    for one in found.judged:
        for fact in one.broken:
            yield f"{one.act.sale.name} {one.act.scenario.title}: {fact.must}; found: {fact.found}"
    for fact in found.facts:
        if not fact.holds:
            yield f"{fact.must}; found: {fact.found}"


def _scenarios(judged: Sequence[Judged]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), title_justify="left")
    for name in ("", "what befell", "must come of it", "orders", "found"):
        table.add_column(name, justify="right" if name == "orders" else "left")
    by_title: dict[str, list[Judged]] = {}
    for one in judged:
        by_title.setdefault(one.act.scenario.title, []).append(one)
    for title, acts in by_title.items():
        statuses = Counter(one.status for one in acts if one.status)
        found = ", ".join(f"{count} {status}" for status, count in statuses.items())
        wrong = sum(bool(one.broken) for one in acts)
        said = found or acts[0].facts[0].found
        table.add_row(
            BAD if wrong else GOOD,
            title,
            acts[0].act.scenario.outcome,
            str(len(acts)) if statuses else "",
            f"{said}, {wrong} not as it must" if wrong else said,
        )
    return table


def _timings(found: Verdict) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("from webhook to")
    for name in ("orders", "p50", "p99", "longest"):
        table.add_column(name, justify="right")
    for timing in found.timings:
        values = (timing.percentile(50), timing.percentile(99), max(timing.times_s))
        seconds = (f"{value:.2f} s" for value in values)
        table.add_row(timing.step, str(len(timing.times_s)), *seconds)
    return table


def _audit(console: Console, audit: Audit) -> None:
    lines = audit.said.splitlines() or ["said nothing"]
    _say(console, "oms audit", lines[0] if audit.clean else "NOT clean:")
    for line in lines[1:] if audit.clean else lines:
        console.print(f"             {line}", markup=False, highlight=False)


def _say(console: Console, what: str, said: str) -> None:
    console.print(Text(f"{what:<11}", "bold"), Text(said), soft_wrap=True)
