"""`oms import …`: orders from a file, or SKUs, locations, bundles, stock from CSV, row by row."""

import json
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import typer

from adapters.channels.reading import Unreadable
from adapters.channels.shopify.order import to_order
from adapters.strict_json import strict_json
from starter.commands.calls import call, fail, refusal, send, unsayable
from starter.commands.terminal import plain_table, print_plain

CREATED, CONFLICT = 201, 409
CSV_KINDS = ("skus", "locations", "bundles", "stock")
KINDS = ", ".join(CSV_KINDS)


def import_file(
    what: Annotated[
        str,
        typer.Argument(metavar="[KIND] FILE", help="orders (if none is said) or one of " + KINDS),
    ],
    file: Annotated[Path | None, typer.Argument(metavar="", show_default=False)] = None,
    *,
    shopify: Annotated[
        str, typer.Option(help="Orders: the rows are Shopify's, of this channel")
    ] = "",
    strict: Annotated[bool, typer.Option(help="CSV: all rows, or none")] = False,
    name: Annotated[
        str, typer.Option(help="Stock: a SKU is booked once at a location under a name")
    ] = "opening",
) -> None:
    """Take in a file, with a report by row: oms import orders.json, oms import stock FILE.csv.

    Orders: a JSON array, or one JSON object a line. SKUs, locations, bundles and stock: CSV with a
    header. The same file may be imported again: it changes nothing. Ends with 1 if a row was
    refused.
    """
    if file is None:
        import_orders(Path(what), shopify)
    elif what == "orders":
        import_orders(file, shopify)
    elif what in CSV_KINDS:
        import_csv(what, file, strict=strict, name=name)
    else:
        fail(f"{what}: is none of orders, {KINDS}", 2)


def import_csv(kind: str, file: Path, *, strict: bool, name: str) -> None:
    """Have the API take in a CSV file, and print what it says of each row that is wrong."""
    wanted = {"strict": "true" if strict else "", "name": name if kind == "stock" else ""}
    report = call("POST", f"/api/imports/{kind}", content=_bytes(file), params=wanted)
    if report["problems"]:
        table = plain_table("row", "field", "reason")
        for problem in report["problems"]:
            cells = (problem["row"], problem["field"], problem["message"])
            table.add_row(*map(str, cells))
        print_plain(table)
    counts = ", ".join(f"{report[became]} {became}" for became in ("added", "changed", "unchanged"))
    sys.stdout.write(f"{report['rows']} rows: {counts}, {report['refused']} refused\n")
    if report["refused"]:
        others = report["applied"] and report["refused"] < report["rows"]
        taken = "the others were taken" if others else "nothing was taken"
        fail(f"{report['refused']} of {report['rows']} rows were refused; {taken}")


def import_orders(file: Path, shopify: str) -> None:
    """Take in orders, canonical or Shopify's: the same row again is the same order."""
    table = plain_table("row", "order", "what became of it")
    refused = 0
    for number, row in _rows(_bytes(file)):
        order, said, fine = _import(row, shopify)
        refused += not fine
        table.add_row(str(number), order, said)
    print_plain(table)
    if refused:
        fail(f"{refused} of {table.row_count} rows were refused")


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        fail(f"{file}: {error.strerror}", 2)


def _rows(text: bytes) -> Iterator[tuple[int, Any]]:
    """Each row with its number from 1; one that is not JSON is the error it is."""
    if text.lstrip().startswith(b"["):
        try:
            rows = strict_json(text)
        except ValueError as error:
            fail(str(error), 2)
        assert isinstance(rows, list)  # noqa: S101 - it begins with "["
        yield from enumerate(rows, start=1)
        return
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            try:
                yield number, strict_json(line)
            except ValueError as error:
                yield number, error


def _import(row: Any, shopify: str) -> tuple[str, str, bool]:
    if not isinstance(row, dict):
        return "", str(row) if isinstance(row, ValueError) else "row: is no object", False
    try:
        order = to_order(shopify, row).model_dump(mode="json") if shopify else row
    except Unreadable as error:
        return "", str(error), False
    key = sha256(json.dumps(order, sort_keys=True).encode()).hexdigest()
    try:
        answer = send("POST", "/api/orders", order, key=f"import-{key}")
    except ValueError as error:
        return "", f"row: {unsayable(error)}", False
    if answer.status_code == CREATED:
        return answer.json()["order_id"], "taken in", True
    named = f"{order.get('channel', 'api')}-{order.get('channel_order_id', '')}"
    if answer.status_code == CONFLICT and answer.json().get("code") == "order_exists":
        return named, "exists already", True
    return named, refusal(answer), False
