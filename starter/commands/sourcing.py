"""`oms sourcing …` and `oms order why`: which rules decide, why an order went where it went."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from domain.currencies import EXPONENTS
from domain.sourcing.replay import Comparison, Tally
from starter.commands.calls import LONG_S, AsJson, call, fail, json_in, part, print_json
from starter.commands.terminal import plain_table, print_plain

sourcing = typer.Typer(no_args_is_help=True, help="Where orders ship from.")
rules = typer.Typer(no_args_is_help=True, help="Rule sets: drafted, activated, retired.")
sourcing.add_typer(rules, name="rules")

Version = Annotated[int, typer.Argument(help="As `oms sourcing rules list` names it")]
RulesFile = Annotated[
    Path, typer.Argument(help="JSON; what is left out is as in RuleSet; - : stdin")
]
DAY = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S%z"]


@rules.command("list")
def list_rules(as_json: AsJson = False) -> None:
    """All versions, newest first."""
    found = call("GET", "/api/sourcing/rules")["rules"]
    if as_json:
        print_json(found)
        return
    table = plain_table("version", "name", "state", "drafted by", "activated", "by")
    for kept in found:
        since = str(kept["activated_at"] or "")[:16]
        drafted = (kept["rules"]["name"], kept["state"], kept["created_by"])
        told = (*drafted, since, kept["activated_by"] or "")
        table.add_row(str(kept["version"]), *told)
    print_plain(table)


@rules.command("show")
def show_rules(version: Version) -> None:
    """A rule set in full."""
    print_json(call("GET", f"/api/sourcing/rules/{version}"))


@rules.command("draft")
def draft_rules(file: RulesFile) -> None:
    """Keep a draft; orders are not sourced by it before it is activated."""
    kept = call("POST", "/api/sourcing/rules", json_in(file))
    typer.echo(f"draft {kept['version']}: {kept['rules']['name']}")


@rules.command("activate")
def activate_rules(version: Version) -> None:
    """Source orders by it from now on."""
    kept = call("POST", f"/api/sourcing/rules/{version}/activate")
    typer.echo(f"active: {kept['version']}: {kept['rules']['name']}")


@sourcing.command()
def replay(
    draft: Annotated[str, typer.Option("--rules", help="A version, or a file with a rule set")],
    since: Annotated[datetime, typer.Option("--from", formats=DAY, help="UTC unless it says")],
    until: Annotated[datetime, typer.Option("--to", formats=DAY, help="before this time")],
    as_json: AsJson = False,
) -> None:
    """Send past orders through other rules, with the stock that was seen then."""
    named = {"rules_version": int(draft)} if draft.isdecimal() else {"rules": json_in(Path(draft))}
    asked = {**named, "from": _moment(since), "to": _moment(until)}
    page = call("POST", "/api/sourcing/replay", asked, limit_s=LONG_S)
    total = Comparison.model_validate(page["comparison"])
    while page["next"] is not None:
        rest = {**asked, "after": page["next"]}
        page = call("POST", "/api/sourcing/replay", rest, limit_s=LONG_S)
        total += Comparison.model_validate(page["comparison"])
    if as_json:
        typer.echo(total.model_dump_json())
        return
    _print_comparison(total, page)


@sourcing.command()
def batch(
    apply: Annotated[bool, typer.Option("--apply", help="Assign, not only propose.")] = False,
    seconds: Annotated[int, typer.Option(min=1, max=20, help="The solver's time")] = 10,
    as_json: AsJson = False,
) -> None:
    """Assign the orders that wait for goods together, where that serves more or costs less."""
    asked = {"apply": apply, "seconds": seconds}
    found = call("POST", "/api/sourcing/batch", asked, limit_s=LONG_S)
    if as_json:
        print_json(found)
        return
    for given in found["orders"]:
        said = f"{given['order_id']} {given['state']}: {given['sentence']}"
        print_plain(said)
    for said in _gained(found):
        print_plain(said)


def _gained(found: dict[str, Any]) -> Iterator[str]:
    """How many are served, and what the same orders cost beside one after the other."""
    currency = found["currency"]
    known = "proven best"
    if not found["proven"]:
        known = f"at most {_amount(round(found['gap_minor']), currency)} from the best"
    served = f"{found['served']} of {found['waiting']} that wait, {known}"
    yield f"{served}; one after the other {found['in_turn_served']}"
    if found["both_served"]:
        costs = [found[f"both_{way}cost_minor"] for way in ("", "in_turn_")]
        together, in_turn = (_amount(one, currency) for one in costs)
        saved = costs[1] - costs[0]
        gain = f"{_amount(abs(saved), currency)} {'less' if saved >= 0 else 'more'}"
        yield f"the {found['both_served']} of both cost {together} instead of {in_turn}: {gain}"


def why(order_id: Annotated[str, typer.Argument()], as_json: AsJson = False) -> None:
    """Why it ships from where it ships: in one sentence, then candidate by candidate."""
    found = call("GET", f"/api/orders/{part(order_id)}/sourcing")
    if as_json:
        print_json(found)
        return
    if not found["decisions"]:
        fail(f"{order_id}: nothing was decided yet")
    for kept in found["decisions"]:
        print_plain(f"{kept['at'][:16]} {kept['sentence']}")
        for share in kept["reservations"]:
            said = f"  {share['key']} at {share['location']}: {share['state']}"
            print_plain(said)
        print_plain(_candidates(kept["decision"]))


def _candidates(decision: dict[str, Any]) -> Table:
    plan = decision["plan"] or {"parts": []}
    zones = {share["location"]: share["zone"] for share in plan["parts"]}
    table = plain_table("location", "ships", "zone", "alone it would cost", "km", "arrives")
    for one in decision["candidates"]:
        cost, promised = one["cost"], one["promise"]
        price = _amount(cost["total_minor"], decision["currency"]) if cost else one["reason"]
        table.add_row(
            one["location"],
            "yes" if one["location"] in zones else "",
            zones.get(one["location"], ""),
            price,
            "" if one["distance_km"] is None else str(one["distance_km"]),
            promised["deliver_on"] if promised else "",
        )
    return table


def _print_comparison(total: Comparison, page: dict[str, Any]) -> None:
    name = f"{page['rules_name']} ({page['rules_version'] or 'not kept'})"
    table = plain_table("by the other rules", "as decided", name)
    for label, one, other in _rows(total, page["currency"]):
        table.add_row(label, one, other)
    changed = f"{total.changed} of {total.was.decisions} decisions would change"
    print_plain(table, changed)


def _rows(total: Comparison, currency: str) -> list[tuple[str, str, str]]:
    def row(label: str, told: list[str]) -> tuple[str, str, str]:
        return label, told[0], told[1]

    both = (total.was, total.would)
    return [
        row("decisions", [str(one.decisions) for one in both]),
        row("waiting for goods", [str(one.decisions - one.planned) for one in both]),
        row("split", [_share(one.split, one.planned) for one in both]),
        row("parcels", [str(one.parcels) for one in both]),
        row(f"cost of {total.priced}", [_amount(one.total_minor, currency) for one in both]),
        row("of it shipping", [_amount(one.shipping_minor, currency) for one in both]),
        row("kilometres a part", [_mean(one) for one in both]),
        row("late", [_share(one.late, one.dated) for one in both]),
        row("not proven best", [str(one.unproven) for one in both]),
    ]


def _share(some: int, of_all: int) -> str:
    return f"{some} ({some / of_all:.1%})" if of_all else "none to count"


def _mean(tally: Tally) -> str:
    return str(round(tally.distance_km / tally.parts)) if tally.parts else "none to count"


def _amount(minor: int, currency: str) -> str:
    return f"{Decimal(minor).scaleb(-EXPONENTS[currency])} {currency}"


def _moment(said: datetime) -> str:
    return said.isoformat() if said.tzinfo else f"{said.isoformat()}Z"
