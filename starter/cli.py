"""`oms`: everything that operators and engineers do from a command line."""

import importlib.util
import subprocess
import sys
from typing import Annotated

import typer

from config.leaving import run_and_leave
from starter.commands.calls import AsJson, call, every, fail, part, print_json
from starter.commands.catalogue import bundles, locations, skus
from starter.commands.channels import channels
from starter.commands.imports import import_file
from starter.commands.orders import addresses, orders
from starter.commands.reservations import reservation, reserve, unreserve
from starter.commands.returns import returns
from starter.commands.setup import attributes, catalogue, keys
from starter.commands.sourcing import sourcing, why
from starter.commands.stock import stock
from starter.commands.supply import counts, discrepancies, pegs, purchase_orders, transfers
from starter.commands.terminal import plain_table, print_plain

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__
)
app.add_typer(orders, name="order")
app.add_typer(addresses, name="address")
app.add_typer(returns, name="return")
app.add_typer(stock, name="stock")
app.add_typer(sourcing, name="sourcing")
app.add_typer(skus, name="sku")
app.add_typer(locations, name="location")
app.add_typer(bundles, name="bundle")
app.add_typer(channels, name="channel")
app.add_typer(catalogue, name="catalogue")
app.add_typer(keys, name="key")
app.add_typer(attributes, name="search-attributes")
stock.add_typer(purchase_orders, name="po")
stock.add_typer(transfers, name="transfer")
stock.add_typer(counts, name="count")
stock.command()(pegs)
stock.command()(discrepancies)
for holding in (reserve, reservation, unreserve):
    stock.command()(holding)
app.command("import")(import_file)
orders.command()(why)


@app.command()
def command(where: Annotated[str, typer.Argument(help="A command's id or address")]) -> None:
    """How far a verb has come that took no effect at once."""
    command_id = where.rstrip("/").rpartition("/")[2]
    print_json(call("GET", f"/api/commands/{part(command_id)}"))


@app.command()
def tasks(as_json: AsJson = False) -> None:
    """What an operator must decide that belongs to no order's wait."""
    found = every("/api/tasks", "tasks")
    if as_json:
        print_json({"tasks": found})
        return
    table = plain_table("since", "kind", "order", "what")
    for task in found:
        order = task["order_id"] or ""
        table.add_row(task["created_at"][:16], task["kind"], order, task["message"])
    print_plain(table if found else "no tasks")


@app.command()
def up() -> None:
    """Bring up everything on this machine until Ctrl-C."""
    _module("starter.local", "up")


@app.command()
def demo() -> None:
    """Play a day of trade and judge it."""
    _module("starter.local", "demo")


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def audit(context: typer.Context) -> None:
    """Check the invariants over our tables, Temporal and the simulators' journals."""
    if importlib.util.find_spec("starter.audit") is None:
        fail("audit: is not part of this installation", 2)
    _module("starter.audit", *context.args)


def _module(name: str, *arguments: str) -> None:
    """Run one of our own programs in our place; its exit status is ours."""
    try:
        done = subprocess.run([sys.executable, "-m", name, *arguments], check=False)  # noqa: S603 - ours
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    raise typer.Exit(done.returncode)


def main() -> None:
    """Run the command, unless what was typed is in no encoding that others could read."""
    for argument in sys.argv[1:]:
        try:
            argument.encode()
        except UnicodeEncodeError:
            sys.stderr.write(f"{argument!r}: is not UTF-8\n")
            sys.exit(2)
    run_and_leave(app)


if __name__ == "__main__":
    main()
