"""The end of the day on one page: what befell, how long it took, and what the audit says."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from demo.place import Place
from demo.verdict import LABEL, Audit, Judged, Verdict, percentile

GOOD, BAD = Text("✓", "bold green"), Text("✗", "bold red")


def show(console: Console, found: Verdict, place: Place) -> None:
    console.print(_scenarios(found))
    for line in broken(found):
        console.print(Text(f"  ✗ {line}", "red"))
    console.print()
    console.print(_timings(found))
    console.print()
    captured = ", ".join(f"{taken} {currency}" for currency, (taken, _) in found.money.items())
    back = ", ".join(f"{given} {currency}" for currency, (_, given) in found.money.items() if given)
    _say(console, "money", f"captured {captured or 'nothing'}; refunded {back or 'nothing'}")
    _audit(console, found.audit)
    _say(console, "compressed", f"{place.compressed}; nothing else")
    _say(console, "Temporal", place.temporal_ui_url)
    _say(console, "API", f"{place.api_url} (described at /openapi.json)")
    if place.kept:
        _say(console, "API key", place.api_key)
    else:
        _say(console, "", "both end now; KEEP=1 make demo leaves everything up")
    _whys(console, found.judged)
    console.print(Text(last_words(found), "bold green" if found.good else "bold red"))


def last_words(found: Verdict) -> str:
    """The verdict in a sentence."""
    orders = [one for one in found.judged if one.status]
    right = sum(not one.broken for one in orders)
    audit = "the audit is clean" if found.audit.clean else "the audit is NOT clean"
    facts = sum(len(one.facts) for one in found.judged) + len(found.facts)
    return (
        f"{right} of {len(orders)} orders ended as they must: {facts} facts checked, {audit}, "
        f"{found.trade_s:.0f} s of trade"
    )


def broken(found: Verdict) -> Iterator[str]:
    """Each fact that does not hold."""
    for one in found.judged:
        for fact in one.broken:
            yield f"{one.act.sale.name} {one.act.scenario.title}: {fact.must}; found: {fact.found}"
    for fact in found.facts:
        if not fact.holds:
            yield f"{fact.must}; found: {fact.found}"


def _scenarios(found: Verdict) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("", "what befell", "must come of it", "found", "to label"):
        table.add_column(name, justify="right" if name == "to label" else "left")
    labels = next((timing.after_s for timing in found.timings if timing.step == LABEL), {})
    by_title: dict[str, list[Judged]] = {}
    for one in found.judged:
        by_title.setdefault(one.act.scenario.title, []).append(one)
    for title, acts in by_title.items():
        wrong = sum(bool(one.broken) for one in acts)
        after_s = [labels[one.order_id] for one in acts if one.order_id in labels]
        table.add_row(
            BAD if wrong else GOOD,
            title,
            acts[0].act.scenario.outcome,
            f"{_found(acts)}, {wrong} wrong" if wrong else _found(acts),
            f"{percentile(50, after_s):.1f} s" if after_s else "",
        )
    return table


def _found(acts: Sequence[Judged]) -> str:
    """How the orders ended; what was seen where there was none."""
    statuses = Counter(one.status for one in acts if one.status)
    ended = ", ".join(f"{count} {status}" for status, count in statuses.items())
    return ended or acts[0].facts[0].found


def _timings(found: Verdict) -> Table:
    """Twice: of all orders, and of the plain sales that the carrier's outage did not meet."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("from webhook to")
    for name in ("all orders", "p50", "p99", "undisturbed", "p50", "p99"):
        table.add_column(name, justify="right")
    for timing in found.timings:
        calm = [s for order_id, s in timing.after_s.items() if order_id in found.undisturbed]
        cells = [*_times(timing.after_s.values()), *_times(calm)]
        table.add_row(timing.step, *cells)
    return table


def _times(times_s: Collection[float]) -> tuple[str, str, str]:
    if not times_s:
        return "0", "", ""
    p50, p99 = percentile(50, times_s), percentile(99, times_s)
    return str(len(times_s)), f"{p50:.2f} s", f"{p99:.2f} s"


def _audit(console: Console, audit: Audit) -> None:
    """Its last line where all is well, everything it says where not."""
    lines = audit.said.splitlines() or ["said nothing"]
    _say(console, "oms audit", lines[-1].strip() if audit.clean else "NOT clean:")
    for line in [] if audit.clean else lines:
        console.print(line, markup=False, soft_wrap=True)


def _whys(console: Console, judged: Sequence[Judged]) -> None:
    """The first order of each scenario whose way is worth telling, decision by decision."""
    console.print()
    console.print(Text("where from, and why", "bold"), Text("(any other: oms order why ID)", "dim"))
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    told: set[str] = set()
    for one in judged:
        title = one.act.scenario.title
        if one.act.scenario.tells_why and title not in told:
            told.add(title)
            for n, sentence in enumerate(one.why):
                table.add_row("" if n else one.act.sale.name, "" if n else title, Text(sentence))
    console.print(table)
    console.print()


def _say(console: Console, what: str, said: str) -> None:
    console.print(Text(f"{what:<11}", "bold"), Text(said), soft_wrap=True)
