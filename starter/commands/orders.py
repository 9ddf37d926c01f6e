"""`oms order …` and `oms address …`: the verbs of the API, by hand."""

from pathlib import Path
from typing import Annotated, Any

import typer

from starter.commands.calls import AsJson, call, json_in, part, print_json
from starter.commands.order_page import print_order
from starter.commands.terminal import plain_table, print_plain

orders = typer.Typer(no_args_is_help=True, help="Find, show and steer orders.")
addresses = typer.Typer(no_args_is_help=True, help="Other versions of an order's address.")

OrderId = Annotated[str, typer.Argument(help="<channel>-<the channel's own id>")]
AddressFile = Annotated[Path, typer.Argument(help="JSON: name, lines, city, country, …; - : stdin")]


def _path(order_id: str, verb: str = "") -> str:
    return f"/api/orders/{part(order_id)}" + (f"/{verb}" if verb else "")


def _show(order: Any, *, as_json: bool) -> None:
    if as_json or "order_id" not in order or "lines" not in order:
        print_json(order)
    else:
        print_order(order)


@orders.command("list")
def list_orders(
    *,
    status: str = "",
    channel: str = "",
    waiting_on: str = "",
    q: Annotated[str, typer.Option("--find", "-q")] = "",
    limit: int = 50,
    as_json: AsJson = False,
) -> None:
    """Newest first."""
    wanted = {"status": status, "channel": channel, "waiting_on": waiting_on, "q": q}
    page = call("GET", "/api/orders", params={**wanted, "limit": limit})
    if as_json:
        print_json(page)
        return
    table = plain_table("order", "number", "status", "waits on")
    for order in page["orders"]:
        said = _waits_on(order["waiting_on"])
        table.add_row(order["order_id"], order["number"], order["status"], said)
    print_plain(table)


def _waits_on(wait: dict[str, Any] | None) -> str:
    if wait is None:
        return ""
    of = f" (return {wait['return_id']})" if wait["return_id"] else ""
    return f"{wait['owner']}: {wait['what']}{of}"


@orders.command()
def show(order_id: OrderId, as_json: AsJson = False) -> None:
    """One order, as it stands."""
    _show(call("GET", _path(order_id)), as_json=as_json)


@orders.command()
def events(order_id: OrderId) -> None:
    """Its journal: when, who, what, why."""
    table = plain_table("when", "who", "what", "why")
    for event in call("GET", _path(order_id, "events")):
        table.add_row(event["at"], event["by"], event["code"], event["why"])
    print_plain(table)


@orders.command()
def hold(
    order_id: OrderId,
    reason: Annotated[str, typer.Option(help="A code such as fraud_check")],
    note: str = "",
) -> None:
    """Stop it before its next irreversible step."""
    _show(call("POST", _path(order_id, "hold"), {"reason": reason, "note": note}), as_json=False)


@orders.command()
def release(order_id: OrderId, hold_id: Annotated[str, typer.Argument()]) -> None:
    """Take back one hold."""
    _show(call("POST", _path(order_id, "release"), {"hold_id": hold_id}), as_json=False)


@orders.command()
def cancel(
    order_id: OrderId,
    reason: str = "requested",
    *,
    unpaid: Annotated[
        bool, typer.Option("--unpaid", help="Write off the money of goods that left without it")
    ] = False,
) -> None:
    """Take everything back that was done, and tell the channel."""
    body = {"reason": reason, "unpaid": unpaid}
    _show(call("POST", _path(order_id, "cancel"), body), as_json=False)


@orders.command()
def retry(
    order_id: OrderId,
    arrived: Annotated[
        str, typer.Option(help="Only say that this fulfilment, which has no label, has arrived")
    ] = "",
) -> None:
    """Try again what an outside system refused."""
    _show(call("POST", _path(order_id, "retry"), {"arrived": arrived}), as_json=False)


@addresses.command("fix")
def fix_address(order_id: OrderId, file: AddressFile) -> None:
    """Keep another version of the address and use it."""
    body = {"address": json_in(file)}
    _show(call("POST", _path(order_id, "address"), body), as_json=False)


@addresses.command("add")
def add_address(order_id: OrderId, file: AddressFile) -> None:
    """Keep another version without using it, for a `fix_address` sent from Temporal's own UI."""
    made = call("POST", _path(order_id, "addresses"), {"address": json_in(file)})
    print_json(made)
