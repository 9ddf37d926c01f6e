"""`oms audit`: the report as a table or as JSON; exit status 1 if anything is broken."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from temporalio.service import RPCError

from config.settings import Settings, SettingsInvalid, load_settings
from domain.errors import Unavailable
from starter.audit.findings import Checked, Finding, Report
from starter.audit.run import Patience, audit

JOURNAL = Path("simulators") / "journal.jsonl"
"""In the local stack's state folder."""
BROKEN, IMPOSSIBLE = 1, 2
MORE_SHOWN = 5
_NORMAL = Patience()

Journal = Annotated[
    Path | None,
    typer.Option("--journal", help="The simulators' journal; by default the local stack's, if any"),
]


def audit_command(
    *,
    journal: Journal = None,
    temporal: Annotated[bool, typer.Option(help="Ask Temporal which workflows run")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="The whole report as JSON")] = False,
    late_s: Annotated[
        float, typer.Option(min=0, help="How old undelivered rows and open fates may become")
    ] = _NORMAL.late_s,
    bound_s: Annotated[
        float, typer.Option(min=0, help="How long to look again before somebody is accused")
    ] = _NORMAL.bound_s,
) -> None:
    """Check every invariant over our tables, Temporal and the simulators' journal.

    Exit status 0: all hold. 1: some do not. 2: something could not be asked.
    """
    patience = Patience(late_s=late_s, bound_s=bound_s)
    try:
        settings = load_settings()
        chosen = journal or _local_journal(settings)
        report = asyncio.run(audit(settings, journal=chosen, temporal=temporal, patience=patience))
    except (SettingsInvalid, Unavailable, RPCError, RuntimeError, OSError, ValueError) as error:
        sys.stderr.write(f"oms audit: {type(error).__name__}: {error}\n")
        raise typer.Exit(IMPOSSIBLE) from error
    if as_json:
        sys.stdout.write(f"{report.json()}\n")
    else:
        show(report, Console())
    if not report.clean:
        raise typer.Exit(BROKEN)


def show(report: Report, console: Console) -> None:
    """The table of what was looked at, then the smallest counter-example of what is broken."""
    table = Table("invariant", "looked at", "found", "what holds")
    for checked in report.checked:
        broken = len(checked.findings)
        style = "bold red" if broken else "dim" if checked.skipped or not checked.looked else ""
        table.add_row(
            checked.invariant, _looked(checked), str(broken or ""), checked.sentence, style=style
        )
    console.print(table)
    for checked in report.checked:
        if checked.smallest is not None:
            _explain(checked, checked.smallest, console)
    broken = len(report.broken)
    said = f"{broken} invariants are broken" if broken else "every invariant holds"
    looks = "1 look" if report.looks == 1 else f"{report.looks} looks"
    console.print(f"{said}; {looks}", markup=False)


def _explain(checked: Checked, smallest: Finding, console: Console) -> None:
    order = f" (order {smallest.order_id})" if smallest.order_id else ""
    lines = [
        f"{checked.invariant}: {smallest.subject}{order}",
        f"  expected: {smallest.expected}",
        f"  found:    {smallest.found}",
        *(f"  row:      {row}" for row in smallest.rows),
    ]
    others = [one.subject for one in checked.findings if one is not smallest]
    if others:
        more = ", …" if len(others) > MORE_SHOWN else ""
        lines.append(f"  and {len(others)} more: {', '.join(others[:MORE_SHOWN])}{more}")
    console.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)


def _looked(checked: Checked) -> str:
    if checked.skipped:
        return f"skipped: {checked.skipped}"
    return str(checked.looked) if checked.looked else "nothing"


def _local_journal(settings: Settings) -> Path | None:
    there = settings.state_dir / JOURNAL
    return there if there.exists() else None
