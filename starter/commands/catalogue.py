"""`oms sku …`, `oms location …`, `oms bundle …`: what is sold and from where."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from starter.commands.calls import (
    AsJson,
    call,
    every,
    fail,
    json_in,
    part,
    print_json,
    quantity_of,
    send,
)
from starter.commands.terminal import plain_table, print_plain

skus = typer.Typer(no_args_is_help=True, help="What is sold.")
locations = typer.Typer(no_args_is_help=True, help="Where stock is held.")
bundles = typer.Typer(no_args_is_help=True, help="What is sold as one and picked as its parts.")

NOT_FOUND = 404
TEXTS = frozenset(
    {"title", "hs_code", "origin_country", "name", "timezone", "cut_off", "city", "company"}
    | {"region", "postal_code", "country", "phone"}
)
"""Fields that are texts even where they look like numbers."""

Find = Annotated[str, typer.Option("--find", "-q", help="A part of the id or of the name")]
EntryFile = Annotated[Path | None, typer.Argument(help="JSON, all of the entry; - : stdin")]
Settings = Annotated[
    list[str],
    typer.Option("--set", help="FIELD=VALUE, of what is there; may be given again"),
]


@skus.command("list")
def list_skus(find: Find = "", as_json: AsJson = False) -> None:
    """By SKU."""
    found = every("/api/skus", "skus", q=find)
    table = plain_table("SKU", "title", "weight g", "HS code", "origin", "hazmat", "backorder max")
    for one in found:
        hazmat = "yes" if one["hazmat"] else ""
        said = (one["title"], one["weight_g"], one["hs_code"], one["origin_country"], hazmat)
        table.add_row(*map(_cell, (one["sku"], *said, one["backorder_max"] or "")))
    _print(found, table, as_json=as_json)


@skus.command("show")
def show_sku(sku: str) -> None:
    print_json(call("GET", f"/api/skus/{part(sku)}"))


@skus.command("put")
def put_sku(sku: str, file: EntryFile = None, fields: Settings = []) -> None:  # noqa: B006 - typer's way
    """Add a SKU or change it: --set title="Tea pot" --set weight_g=1650."""
    _put(f"/api/skus/{part(sku)}", file, fields)


@locations.command("list")
def list_locations(find: Find = "", as_json: AsJson = False) -> None:
    """By id."""
    found = every("/api/locations", "locations", q=find)
    table = plain_table("location", "name", "country", "time zone", "ships to", "cut-off", "active")
    for one in found:
        serves, active = " ".join(one["serves"]) or "all", "yes" if one["active"] else "no"
        said = (one["name"], one["address"]["country"], one["timezone"], serves, one["cut_off"][:5])
        table.add_row(one["location"], *map(_cell, said), active)
    _print(found, table, as_json=as_json)


@locations.command("show")
def show_location(location: str) -> None:
    print_json(call("GET", f"/api/locations/{part(location)}"))


@locations.command("put")
def put_location(location: str, file: EntryFile = None, fields: Settings = []) -> None:  # noqa: B006 - likewise
    """Add a location or change it: --set active=false --set address.city=Berlin."""
    _put(f"/api/locations/{part(location)}", file, fields)


@bundles.command("list")
def list_bundles(as_json: AsJson = False) -> None:
    """By SKU."""
    found = every("/api/bundles", "bundles")
    table = plain_table("bundle", "components")
    for one in found:
        made_of = (f"{part['quantity']} x {part['sku']}" for part in one["components"])
        table.add_row(_cell(one["sku"]), _cell(", ".join(made_of)))
    _print(found, table, as_json=as_json)


@bundles.command("show")
def show_bundle(sku: str) -> None:
    print_json(call("GET", f"/api/bundles/{part(sku)}"))


@bundles.command("put")
def put_bundle(
    sku: str,
    components: Annotated[list[str], typer.Argument(help="SKU or SKU=QUANTITY, each in one unit")],
) -> None:
    """Say what one unit of a SKU is made up of: oms bundle put TEA-SET POT CUP=4."""
    body = {"components": [_component(said) for said in components]}
    print_json(call("PUT", f"/api/bundles/{part(sku)}", body))


@bundles.command("remove")
def remove_bundle(sku: str) -> None:
    """Make it a SKU like others again."""
    call("DELETE", f"/api/bundles/{part(sku)}")


def _component(said: str) -> dict[str, Any]:
    sku, sign, quantity = said.rpartition("=")
    if not sign:
        return {"sku": said, "quantity": 1}
    return {"sku": sku, "quantity": quantity_of(sku, quantity)}


def _put(path: str, file: Path | None, fields: list[str]) -> None:
    """The file is the whole entry; without one, what is there is kept but for the fields given."""
    entry = json_in(file) if file is not None else _there(path)
    if not isinstance(entry, dict):
        fail(f"{file}: is not a JSON object", 2)
    for said in fields:
        _set(entry, said)
    print_json(call("PUT", path, entry))


def _set(entry: dict[str, Any], said: str) -> None:
    """`FIELD=VALUE`; the field may lie in another one: `address.city=Berlin`."""
    name, sign, value = said.partition("=")
    if not sign:
        fail(f"--set: {said} is not FIELD=VALUE", 2)
    *groups, last = name.split(".")
    for group in groups:
        if entry.get(group) is None:
            entry[group] = {}
        entry = entry[group]
        if not isinstance(entry, dict):
            fail(f"--set: {said}: {group} has no fields", 2)
    entry[last] = value if last in TEXTS else _value(value)


def _there(path: str) -> dict[str, Any]:
    answer = send("GET", path)
    if answer.status_code == NOT_FOUND:
        return {}
    found: dict[str, Any] = call("GET", path)
    return found


def _value(said: str) -> Any:
    try:
        return json.loads(said)
    except ValueError:
        return said


def _cell(said: Any) -> str:
    return "" if said is None else str(said)


def _print(found: list[Any], table: Table, *, as_json: bool) -> None:
    if as_json:
        print_json(found)
    else:
        print_plain(table)
