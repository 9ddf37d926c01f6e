"""`oms stock …`: what is where, what may be sold of it, goods in, corrections."""

from collections import defaultdict
from typing import Annotated, Any

import typer

from starter.commands.calls import PAGE, AsJson, call, every, part, print_json
from starter.commands.terminal import number, plain_table, print_plain

stock = typer.Typer(no_args_is_help=True, help="Stock by SKU and location.")

COUNTERS = ("on_hand", "available", "reserved", "damaged", "safety_stock", "incoming")

Key = Annotated[str, typer.Option(help="Names this change, so that it can be repeated safely.")]
Reason = Annotated[str, typer.Option(help="Why; it is kept with the movement")]


@stock.command("list")
def list_stock(
    sku: str = "",
    location: str = "",
    channel: Annotated[str, typer.Option(help="What this channel may sell, by SKU")] = "",
    as_json: AsJson = False,
) -> None:
    """All levels by SKU and location, and what each channel may sell of the SKU in all."""
    if channel and not location:
        _show_channel(channel, sku, as_json=as_json)
        return
    wanted = {"sku": sku, "location": location, "channel": channel, "limit": PAGE}
    levels: list[Any] = []
    offers: dict[tuple[str, str], Any] = {}
    cursor = None
    while True:
        page = call("GET", "/api/stock", params={**wanted, "cursor": cursor})
        levels += page["levels"]
        # a SKU whose locations are on two pages is told of on both
        offers |= {(one["sku"], one["channel"]): one for one in page["channels"]}
        cursor = page["next"]
        if cursor is None:
            break
    if as_json:
        told = {"levels": levels, "channels": list(offers.values())}
        print_json(told)
        return
    for_sale: dict[str, dict[str, int]] = defaultdict(dict)
    for (of, by), one in offers.items():
        for_sale[of][by] = one["quantity"]
    _print_levels(levels, for_sale)


@stock.command()
def receive(sku: str, location: str, quantity: int, reason: str = "", key: Key = "") -> None:
    """Goods came in."""
    _change("receipts", sku, location, quantity, reason, key)


@stock.command()
def adjust(
    sku: str,
    location: str,
    quantity: Annotated[int, typer.Argument(help="How much more, or less: -- -3")],
    reason: Reason,
    key: Key = "",
) -> None:
    """Correct what is on hand."""
    _change("adjustments", sku, location, quantity, reason, key)


@stock.command()
def damage(
    sku: str,
    location: str,
    quantity: Annotated[int, typer.Argument(help="How many; mended again: -- -3")],
    reason: Reason,
    key: Key = "",
) -> None:
    """So many are damaged: they stay on hand and are no more for sale."""
    _change("damages", sku, location, quantity, reason, key)


@stock.command("write-off")
def write_off(sku: str, location: str, quantity: int, reason: Reason, key: Key = "") -> None:
    """So many of the damaged ones are thrown away."""
    _change("write-offs", sku, location, quantity, reason, key)


@stock.command()
def safety(sku: str, location: str, quantity: int, reason: str = "", key: Key = "") -> None:
    """Hold back so many from now on."""
    _change("safety", sku, location, quantity, reason, key)


@stock.command()
def rebuild() -> None:
    """Work the counters out of the ledger again; says what was wrong, which is nothing."""
    drifted = call("POST", "/api/stock/rebuild")["drifted"]
    _print_drifted(drifted, "now")
    print_plain(f"{len(drifted) or 'no'} counters had drifted from the ledger")


@stock.command()
def drift() -> None:
    """Say where the counters differ from the ledger, which is nowhere, and change nothing."""
    drifted = call("GET", "/api/stock/drift")["drifted"]
    _print_drifted(drifted, "the ledger says")
    print_plain(f"{len(drifted) or 'no'} counters have drifted from the ledger")
    raise typer.Exit(1 if drifted else 0)


def _print_drifted(drifted: list[Any], right: str) -> None:
    for one in drifted:
        place = f"{one['sku']} at {one['location']}"
        print_plain(f"{place}: counted {one['counted']}, {right} {one['folded']}")


def _change(  # noqa: PLR0917 - the fields of one change
    kind: str, sku: str, location: str, quantity: int, reason: str, key: str
) -> None:
    body = {"sku": sku, "location": location, "quantity": quantity, "reason": reason}
    _print_levels([call("POST", f"/api/stock/{kind}", body, key=key)], {})


def _print_levels(levels: list[Any], for_sale: dict[str, dict[str, int]]) -> None:
    """What channels may sell is said once a SKU: it is of all its locations together."""
    channels = sorted({name for one in for_sale.values() for name in one})
    counted = [name.replace("_", " ") for name in COUNTERS]
    offered = [f"for {channel}" for channel in channels]
    table = plain_table("SKU", "location", *map(number, (*counted, *offered)))
    before = ""
    for level in levels:
        sku = level["sku"]
        counters = (str(level[name]) for name in COUNTERS)
        said = for_sale.get(sku, {}) if sku != before else {}
        sold = (str(said.get(channel, "")) for channel in channels)
        table.add_row(sku if sku != before else "", level["location"], *counters, *sold)
        before = sku
    told = {level["sku"] for level in levels}
    for sku in sorted(set(for_sale) - told):
        sold = (str(for_sale[sku].get(channel, "")) for channel in channels)
        table.add_row(sku, "", *("" for _ in COUNTERS), *sold)
    print_plain(table)


def _show_channel(channel: str, sku: str, *, as_json: bool) -> None:
    if sku:
        wanted = {"sku": sku, "channel": channel}
        found = call("GET", "/api/stock", params=wanted)["channels"]
    else:
        found = every(f"/api/channels/{part(channel)}/stock", "stock")
    if as_json:
        print_json(found)
        return
    table = plain_table("SKU", number("quantity"), "why", title=f"what {channel} may sell")
    for one in found:
        table.add_row(one["sku"], str(one["quantity"]), one["why"])
    print_plain(table)
