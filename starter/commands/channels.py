"""`oms channel …`: what channels may sell, and by which rules."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from starter.commands.calls import call, json_in, part, print_json
from starter.commands.terminal import plain_table, print_plain

channels = typer.Typer(no_args_is_help=True, help="What channels may sell.")
rules = typer.Typer(no_args_is_help=True, help="By which rules a channel sells.")
channels.add_typer(rules, name="rules")

UNSET = -1

Channel = Annotated[str, typer.Argument(help="Its id")]
RulesFile = Annotated[Path, typer.Argument(help='JSON: {"standard": {…}, "skus": {…}}; - : stdin')]


@channels.command("list")
def list_channels() -> None:
    for channel in call("GET", "/api/channels")["channels"]:
        typer.echo(channel)


@channels.command()
def changes(channel: Channel, since: int = 0, limit: int = 500) -> None:
    """Which numbers became others after a version."""
    asked = {"since": since, "limit": limit}
    found = call("GET", f"/api/channels/{part(channel)}/stock/changes", params=asked)
    print_json(found)


@rules.command("show")
def show_rules(channel: Channel) -> None:
    """The rules that hold now."""
    _show(call("GET", _path(channel)))


@rules.command("history")
def history(channel: Channel, limit: int = 50) -> None:
    """Who let which rules hold, and since when."""
    table = plain_table("version", "since", "by", "rules")
    found = call("GET", f"{_path(channel)}/versions", params={"limit": limit})["versions"]
    for one in found:
        said = "\n".join(_sentences(one["rules"]))
        table.add_row(str(one["version"]), one["at"], one["by"], said)
    print_plain(table)


@rules.command("put")
def put_rules(channel: Channel, file: RulesFile) -> None:
    """Let the rules of a file hold from now on."""
    _show(call("PUT", _path(channel), json_in(file)))


@rules.command("set")
def set_rule(
    channel: Channel,
    *,
    sku: Annotated[str, typer.Option(help="For this SKU alone; else for all without one")] = "",
    buffer: Annotated[int, typer.Option(min=0, help="Units kept back")] = 0,
    buffer_percent: Annotated[int, typer.Option(min=0, max=100, help="Of what is free")] = 0,
    cap: Annotated[int, typer.Option(help="Never shown more; -1: no cap")] = UNSET,
    hidden_below: Annotated[int, typer.Option(min=0, help="Shown none below it")] = 0,
    location: Annotated[list[str], typer.Option(help="That serve it; none: all")] = [],  # noqa: B006 - typer's way
) -> None:
    """Let one rule hold from now on; what is not said is as if there were no rule for it."""
    rule = {
        "buffer": buffer,
        "buffer_percent": buffer_percent,
        "cap": None if cap == UNSET else cap,
        "hidden_below": hidden_below,
        "locations": location or None,
    }
    said = call("GET", _path(channel))["rules"]
    if sku:
        said["skus"][sku] = rule
    else:
        said["standard"] = rule
    _show(call("PUT", _path(channel), said))


@rules.command("drop")
def drop_rule(channel: Channel, sku: str) -> None:
    """Let a SKU follow the rule of all others again."""
    said = call("GET", _path(channel))["rules"]
    said["skus"].pop(sku, None)
    _show(call("PUT", _path(channel), said))


def _sentences(said: dict[str, Any]) -> Iterator[str]:
    for sku, rule in [("all", said["standard"]), *said["skus"].items()]:
        parts = [f"{name.replace('_', ' ')} {n}" for name, n in rule.items() if _counts(name, n)]
        if rule["locations"] is not None:
            parts.append("from " + (", ".join(rule["locations"]) or "nowhere"))
        yield f"{sku}: {', '.join(parts) or 'all that is free'}"


def _counts(name: str, value: Any) -> bool:
    """Whether this part of a rule makes a difference; a cap of 0 does."""
    return name != "locations" and (value is not None if name == "cap" else bool(value))


def _path(channel: str) -> str:
    return f"/api/channels/{part(channel)}/selling-rules"


def _show(found: Any) -> None:
    print_json(found)
