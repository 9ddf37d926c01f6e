"""`oms stock reserve|unreserve|reservation`: stock held for a cart before there is an order."""

from typing import Annotated, Any

import typer

from domain.currencies import EXPONENTS
from domain.money import InvalidMoney, Money
from starter.commands.calls import AsJson, call, fail, part, print_json, quantity_of
from starter.commands.terminal import plain_table, print_plain

PATH = "/api/stock/reservations"
HOUR_S = 3600

Named = Annotated[str, typer.Argument(help="The cart's own id")]
Lines = Annotated[list[str], typer.Argument(help="SKU, SKU=QUANTITY or SKU=QUANTITY@PRICE of one")]


def reserve(  # noqa: PLR0917 - typer reads the command's options from it
    reservation_id: Named,
    lines: Lines,
    country: Annotated[str, typer.Option(help="Where it would go, such as DE")],
    postal_code: str = "",
    seconds: Annotated[int, typer.Option(help="How long, at most 7 days")] = HOUR_S,
    channel: str = "",
    currency: Annotated[str, typer.Option(help="What prices are in, such as EUR")] = "",
    as_json: AsJson = False,
) -> None:
    """Hold stock for a cart, all of it or none; said again, for so long from then on."""
    currency = currency.upper()
    body = {
        "reservation_id": reservation_id,
        "destination": {"country": country.upper(), "postal_code": postal_code},
        "currency": currency,
        "lines": [_line(line, currency) for line in lines],
        "expires_in_s": seconds,
    }
    _show(call("POST", PATH, body | ({"channel": channel} if channel else {})), as_json=as_json)


def reservation(reservation_id: Named, as_json: AsJson = False) -> None:
    """What a cart holds or held, and what became of it."""
    _show(call("GET", f"{PATH}/{part(reservation_id)}"), as_json=as_json)


def unreserve(reservation_id: Named) -> None:
    """Give back what is held for a cart."""
    call("DELETE", f"{PATH}/{part(reservation_id)}")
    typer.echo(f"{reservation_id}: released")


def _line(said: str, currency: str) -> dict[str, Any]:
    sku, equals, many = said.rpartition("=")
    if not equals:
        return {"sku": said, "quantity": 1}
    quantity, at, price = many.partition("@")
    line = {"sku": sku, "quantity": quantity_of(sku, quantity)}
    return line | {"unit_price_minor": _minor(price, currency, said)} if at else line


def _minor(price: str, currency: str, said: str) -> int:
    if currency not in EXPONENTS:
        fail(f"{said}: a price needs --currency, an ISO 4217 code", 2)
    try:
        return Money.parse(price, currency).amount_minor
    except InvalidMoney as error:
        fail(f"{said}: {error}", 2)


def _show(held: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(held)
        return
    until = f", until {held['expires_at']}" if held["state"] == "held" else ""
    title = f"{held['reservation_id']}: {held['state']}"
    table = plain_table("location", "state", "holds", title=title)
    for one in held["parts"]:
        items = ", ".join(f"{item['quantity']} x {item['sku']}" for item in one["items"])
        table.add_row(one["location"], one["state"], items)
    print_plain(table, f"{title}{until}")
