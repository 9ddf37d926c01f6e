"""`oms import FILE`: orders from a file, each judged by itself."""

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from adapters.channels.reading import Unreadable
from adapters.channels.shopify.order import to_order
from adapters.strict_json import strict_json
from starter.commands.calls import fail, refusal, send

CREATED, CONFLICT = 201, 409


def import_orders(
    file: Annotated[Path, typer.Argument(help="A JSON array, or one JSON object a line")],
    shopify: Annotated[
        str, typer.Option(help="The rows are Shopify's orders of this channel")
    ] = "",
) -> None:
    """Take in orders from a file, canonical or Shopify's, with a report by row.

    The same row may be imported again: it is the same order. Ends with 1 if a row was refused.
    """
    try:
        text = file.read_bytes()
    except OSError as error:
        fail(f"{file}: {error.strerror}", 2)
    table = Table("row", "order", "what became of it")
    refused = 0
    for number, row in _rows(text):
        order, said, fine = _import(row, shopify)
        refused += not fine
        table.add_row(str(number), order, said)
    console = Console(soft_wrap=True)
    console.print(table)
    if refused:
        fail(f"{refused} of {table.row_count} rows were refused")


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
    answer = send("POST", "/api/orders", order, key=f"import-{key}")
    if answer.status_code == CREATED:
        return answer.json()["order_id"], "taken in", True
    named = f"{order.get('channel', 'api')}-{order.get('channel_order_id', '')}"
    if answer.status_code == CONFLICT and answer.json().get("code") == "order_exists":
        return named, "exists already", True
    return named, refusal(answer), False
