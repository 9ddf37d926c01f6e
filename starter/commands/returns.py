"""`oms return …`: goods on their way back, by hand."""

from pathlib import Path
from typing import Annotated, Any

import typer

from starter.commands.calls import call, json_in, part, print_json

returns = typer.Typer(no_args_is_help=True, help="Goods on their way back.")

ReturnId = Annotated[str, typer.Argument(help="As `oms return request` printed it")]
Key = Annotated[str, typer.Option(help="Names what is said, so that it can be repeated safely.")]
LinesFile = Annotated[Path, typer.Argument(help="JSON: a list of lines as the API wants them; -")]


@returns.command()
def request(order_id: str, file: LinesFile, key: Key = "") -> None:
    """Ask for a return; each line has line_id, quantity, reason."""
    print_json(call("POST", f"/api/orders/{part(order_id)}/returns", _lines(file), key=key))


@returns.command()
def show(return_id: ReturnId) -> None:
    """One return, as it stands."""
    print_json(call("GET", f"/api/returns/{part(return_id)}"))


@returns.command()
def receive(return_id: ReturnId, key: Key = "") -> None:
    """The goods are here."""
    _say(return_id, "receive", None, key)


@returns.command()
def inspect(return_id: ReturnId, file: LinesFile, key: Key = "") -> None:
    """The goods were looked at; each line has line_id, restock, discard, refund."""
    _say(return_id, "inspect", _lines(file), key)


@returns.command()
def cancel(return_id: ReturnId, key: Key = "") -> None:
    """The customer keeps the goods."""
    _say(return_id, "cancel", None, key)


@returns.command()
def retry(return_id: ReturnId, key: Key = "") -> None:
    """Try again what an outside system refused."""
    _say(return_id, "retry", None, key)


@returns.command()
def unannounced(
    location: str,
    note: Annotated[str, typer.Argument(help="What it is and what is written on it")],
    order: str = "",
    tracking: str = "",
    key: Key = "",
) -> None:
    """Goods came back that nobody announced: a task for somebody to decide."""
    came: dict[str, str] = {"location": location, "note": note, "tracking_number": tracking}
    if order:
        came["order_id"] = order
    print_json(call("POST", "/api/returns/unannounced", came, key=key))


def _say(return_id: str, verb: str, body: Any, key: str) -> None:
    print_json(call("POST", f"/api/returns/{part(return_id)}/{verb}", body, key=key))


def _lines(file: Path) -> dict[str, Any]:
    return {"lines": json_in(file)}
