"""One order on a terminal: what it waits on, what was bought, where it is, what was paid."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from rich.text import Text

from starter.commands.terminal import plain_table, print_plain


def print_order(order: dict[str, Any]) -> None:
    """`order` is what `GET /api/orders/{order_id}` answers."""
    table = plain_table("line", "SKU", "pieces", "title")
    for line in order["lines"]:
        cancelled = f", {line['cancelled']} cancelled" if line["cancelled"] else ""
        pieces = f"{line['quantity']}{cancelled}"
        table.add_row(line["line_id"], line["sku"], pieces, line.get("title", ""))
    print_plain(
        Text.assemble((order["order_id"], "bold"), f" {order['status']}"),
        *_standing(order),
        table,
        *_parcels(order),
        *_returns(order),
        *_money(order),
    )


def _standing(order: dict[str, Any]) -> Iterator[str]:
    if order["waiting_on"]:
        yield order["waiting_on"]["sentence"]
    if order["promise"]:
        yield order["promise"]["sentence"]
    for hold in order["holds"]:
        why = ", ".join(filter(None, (*hold["problems"], hold["note"])))
        yield f"hold {hold['hold_id']}: {hold['reason']} by {hold['by']}" + (why and f" ({why})")


def _parcels(order: dict[str, Any]) -> Iterator[str]:
    for share in order["fulfilments"]:
        why = f" ({share['reason']})" if share["reason"] else ""
        pieces = ", ".join(f"{line['quantity']} x {line['sku']}" for line in share["lines"])
        what = f"fulfilment {share['number']} at {share['location']}, {pieces}"
        wait = share["waiting_on"] if len(order["fulfilments"]) > 1 else None
        stands = f", {wait['sentence']}" if wait else ""
        yield f"{what}: {share['status']}{why}{stands}"
        for parcel in share["parcels"]:
            label = parcel["label"]
            number = f"{label['carrier']} {label['tracking_number']}" if label else "no label"
            yield f"  parcel of {parcel['weight_g']} g, {number}: {parcel['course']}"


def _returns(order: dict[str, Any]) -> Iterator[str]:
    for back in order["returns"]:
        wait = back["waiting_on"]
        yield f"return {back['return_id']}: {back['status']}" + (
            f", {wait['sentence']}" if wait else ""
        )


def _money(order: dict[str, Any]) -> Iterator[str]:
    sums = ((kind, order["money"][kind]) for kind in ("authorised", "captured", "refunded"))
    said = [f"{kind} {_amount(money)}" for kind, money in sums if money["amount_minor"]]
    if said:
        yield "money: " + ", ".join(said)


def _amount(money: dict[str, Any]) -> str:
    return f"{Decimal(money['amount_minor']).scaleb(-money['exponent'])} {money['currency']}"
