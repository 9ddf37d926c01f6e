"""`oms stock …`: what is where, goods in, corrections."""

import json
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from starter.commands.calls import call

stock = typer.Typer(no_args_is_help=True, help="Stock by SKU and location.")

Key = Annotated[str, typer.Option(help="Names this change, so that it can be repeated safely.")]


@stock.command("list")
def list_stock(
    sku: str = "",
    location: str = "",
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """All levels, by location and SKU."""
    levels: list[Any] = []
    cursor = None
    while True:
        wanted = {"sku": sku, "location": location, "limit": 500, "cursor": cursor}
        page = call("GET", "/api/stock", params=wanted)
        levels += page["levels"]
        cursor = page["next"]
        if cursor is None:
            break
    _show(levels, as_json=as_json)


@stock.command()
def receive(sku: str, location: str, quantity: int, reason: str = "", key: Key = "") -> None:
    """Goods came in."""
    _change("receipts", sku, location, quantity, reason, key)


@stock.command()
def adjust(
    sku: str,
    location: str,
    quantity: Annotated[int, typer.Argument(help="How much more, or less: -- -3")],
    reason: Annotated[str, typer.Option()],
    key: Key = "",
) -> None:
    """Correct what is on hand."""
    _change("adjustments", sku, location, quantity, reason, key)


def _change(  # noqa: PLR0917 - the fields of one change
    kind: str, sku: str, location: str, quantity: int, reason: str, key: str
) -> None:
    body = {"sku": sku, "location": location, "quantity": quantity, "reason": reason}
    _show([call("POST", f"/api/stock/{kind}", body, key=key)], as_json=False)


def _show(levels: list[Any], *, as_json: bool) -> None:
    if as_json:
        Console().print_json(json.dumps(levels))
        return
    table = Table("SKU", "location", "on hand", "reserved", "available")
    for level in levels:
        numbers = (str(level[name]) for name in ("on_hand", "reserved", "available"))
        table.add_row(level["sku"], level["location"], *numbers)
    Console().print(table)
