"""`oms stock po|transfer|count …`: goods to come, what came, what was counted, who waits for it."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any

import typer

from starter.commands.calls import AsJson, call, every, fail, part, print_json, quantity_of
from starter.commands.terminal import plain_table, print_plain

purchase_orders = typer.Typer(no_args_is_help=True, help="Goods from outside.")
transfers = typer.Typer(no_args_is_help=True, help="Goods from one location to another.")
counts = typer.Typer(no_args_is_help=True, help="What was found on hand.")

DAY = ["%Y-%m-%d"]

Key = Annotated[str, typer.Option(help="Names this deed, so that it can be repeated safely.")]
SupplyId = Annotated[str, typer.Argument(help="As `list` names it")]
Reason = Annotated[str, typer.Option(help="Why; it is kept")]
Dated = Annotated[list[str], typer.Argument(help="SKU=QUANTITY, or SKU=QUANTITY@DAY")]
Expected = Annotated[
    datetime | None, typer.Option(formats=DAY, help="The day, of those without one of their own")
]
Reference = Annotated[str, typer.Option(help="What others call it")]
State = Annotated[str, typer.Option(help="open, dispatched, closed or cancelled")]


@purchase_orders.command("new")
def new_purchase_order(  # noqa: PLR0917 - the fields of a document
    destination: str,
    lines: Dated,
    expected: Expected = None,
    reference: Reference = "",
    reason: Reason = "",
    key: Key = "",
) -> None:
    """Goods are expected at a location: CUP=10 POT=4@2026-12-24 --expected 2026-12-01."""
    body = {"destination": destination, **_opened(lines, expected, reference, reason)}
    _print_supply(call("POST", "/api/supply/purchase-orders", body, key=key))


@transfers.command("new")
def new_transfer(  # noqa: PLR0917 - the fields of a document
    origin: str,
    destination: str,
    lines: Dated,
    expected: Expected = None,
    reference: Reference = "",
    reason: Reason = "",
    key: Key = "",
) -> None:
    """Goods shall go from one location to another; nothing moves before `dispatch`."""
    way = {"origin": origin, "destination": destination}
    body = {**way, **_opened(lines, expected, reference, reason)}
    _print_supply(call("POST", "/api/supply/transfers", body, key=key))


@transfers.command()
def dispatch(supply_id: SupplyId, reason: Reason = "", key: Key = "") -> None:
    """The goods leave their origin, all of them."""
    _deed("transfers", supply_id, "dispatch", {"reason": reason}, key)


def _add_verbs(group: typer.Typer, kind: str) -> None:
    """What is done to both kinds of document."""

    @group.command("list")
    def list_supplies(state: State = "", as_json: AsJson = False) -> None:
        """Newest first."""
        found = every(f"/api/supply/{kind}", "supplies", state=state)
        (print_json if as_json else _print_supplies)(found)

    @group.command()
    def show(supply_id: SupplyId, as_json: AsJson = False) -> None:
        """One document, as it stands."""
        found = call("GET", f"/api/supply/{kind}/{part(supply_id)}")
        (print_json if as_json else _print_supply)(found)

    @group.command()
    def receive(
        supply_id: SupplyId,
        lines: Annotated[
            list[str] | None,
            typer.Argument(help="SKU=QUANTITY, SKU=QUANTITY/DAMAGED; none: all that is awaited"),
        ] = None,
        reason: Reason = "",
        key: Key = "",
    ) -> None:
        """Goods came: part of them, all, or more."""
        came = _arrivals(lines) if lines else _awaited(kind, supply_id)
        _deed(kind, supply_id, "receive", {"lines": came, "reason": reason}, key)

    @group.command()
    def reschedule(  # noqa: PLR0917 - what is moved, and when
        supply_id: SupplyId,
        expected: Annotated[datetime, typer.Argument(formats=DAY)],
        sku: Annotated[str, typer.Option(help="Only this one")] = "",
        line: Annotated[int | None, typer.Option(help="Only this one, by its number")] = None,
        reason: Reason = "",
        key: Key = "",
    ) -> None:
        """What is still to come comes on another day."""
        which = {"sku": sku or None, "line": line}
        body = {"expected_on": str(expected.date()), **which, "reason": reason}
        _deed(kind, supply_id, "reschedule", body, key)

    @group.command()
    def close(supply_id: SupplyId, reason: Reason = "", key: Key = "") -> None:
        """No more will come; what lacks needs a reason."""
        _deed(kind, supply_id, "close", {"reason": reason}, key)

    @group.command()
    def cancel(supply_id: SupplyId, reason: Reason = "", key: Key = "") -> None:
        """Nothing will come, and nothing has."""
        _deed(kind, supply_id, "cancel", {"reason": reason}, key)


_add_verbs(purchase_orders, "purchase-orders")
_add_verbs(transfers, "transfers")


@counts.command("new")
def new_count(
    location: str,
    lines: Annotated[list[str], typer.Argument(help="SKU=QUANTITY, damaged ones included")],
    reason: Reason = "",
    key: Key = "",
) -> None:
    """What was found on hand at a location becomes the record; says where that differed."""
    counted = [{"sku": sku, "quantity": quantity_of(sku, many)} for sku, many in _pairs(lines)]
    body = {"location": location, "lines": counted, "reason": reason}
    _print_count(call("POST", "/api/stock/counts", body, key=key))


@counts.command("list")
def list_counts(as_json: AsJson = False) -> None:
    """Newest first."""
    found = every("/api/stock/counts", "counts")
    if as_json:
        print_json(found)
        return
    table = plain_table("count", "location", "when", "by", "SKUs", "differed")
    for one in found:
        differed = sum(line["counted"] != line["recorded"] for line in one["lines"])
        told = (one["count_id"], one["location"], one["at"][:16], one["by"])
        table.add_row(*told, str(len(one["lines"])), str(differed))
    print_plain(table)


@counts.command("show")
def show_count(count_id: str, as_json: AsJson = False) -> None:
    """One count, line by line."""
    found = call("GET", f"/api/stock/counts/{part(count_id)}")
    (print_json if as_json else _print_count)(found)


def pegs(as_json: AsJson = False) -> None:
    """Who waits for goods, which supply is for them, and when they get theirs by that."""
    found = every("/api/stock/pegs", "waiting")
    if as_json:
        print_json(found)
        return
    table = plain_table("order", "priority", "since", "promise", "gets")
    for one in found:
        promise = one["promise"]
        table.add_row(
            one["order_id"],
            str(one["priority"]),
            one["since"][:10],
            promise["sentence"],
            ", ".join(map(_peg, promise["pegs"])),
        )
    print_plain(table)


def discrepancies(sku: str = "", location: str = "", as_json: AsJson = False) -> None:
    """Where what came or was counted is not what was said, newest first."""
    found = every("/api/stock/discrepancies", "discrepancies", sku=sku, location=location)
    if as_json:
        print_json(found)
        return
    table = plain_table("when", "of", "SKU", "location", "what", "quantity", "why", "by")
    for one in found:
        said = (one["cause"], one["sku"], one["location"], one["kind"], str(one["quantity"]))
        table.add_row(one["at"][:16], *said, one["reason"], one["by"])
    print_plain(table)


def _deed(kind: str, supply_id: str, deed: str, body: dict[str, Any], key: str) -> None:
    _print_supply(call("POST", f"/api/supply/{kind}/{part(supply_id)}/{deed}", body, key=key))


def _opened(
    lines: list[str], expected: datetime | None, reference: str, reason: str
) -> dict[str, Any]:
    return {"reference": reference, "reason": reason, "lines": _dated(lines, expected)}


def _pairs(lines: Iterable[str]) -> list[tuple[str, str]]:
    found = [line.rpartition("=") for line in lines]
    for (sku, _, _), line in zip(found, lines, strict=True):
        if not sku:
            fail(f"{line}: is not SKU=QUANTITY", 2)
    return [(sku, many) for sku, _, many in found]


def _dated(lines: list[str], expected: datetime | None) -> list[dict[str, Any]]:
    found = []
    for sku, said in _pairs(lines):
        many, _, day = said.partition("@")
        if not day and expected is None:
            fail(f"{sku}: needs a day: {sku}={many}@2026-12-31, or --expected for all", 2)
        on = day or str(expected.date() if expected else "")
        found.append({"sku": sku, "quantity": quantity_of(sku, many), "expected_on": on})
    return found


def _arrivals(lines: list[str]) -> list[dict[str, Any]]:
    found = []
    for sku, said in _pairs(lines):
        many, _, damaged = said.partition("/")
        quantities = {
            "quantity": quantity_of(sku, many),
            "damaged": quantity_of(sku, damaged or "0"),
        }
        found.append({"sku": sku, **quantities})
    return found


def _awaited(kind: str, supply_id: str) -> list[dict[str, Any]]:
    lines = call("GET", f"/api/supply/{kind}/{part(supply_id)}")["lines"]
    found = [{"sku": one["sku"], "quantity": one["awaited"]} for one in lines if one["awaited"]]
    if not found:
        fail(f"{supply_id}: nothing of it is on its way")
    return found


def _print_supplies(found: list[Any]) -> None:
    table = plain_table("document", "state", "from", "to", "reference", "awaited", "next on")
    for one in found:
        days = [line["expected_on"] for line in one["lines"] if line["awaited"]]
        awaited = sum(line["awaited"] for line in one["lines"])
        said = (one["origin"] or "", one["destination"], one["reference"])
        table.add_row(one["supply_id"], one["state"], *said, str(awaited), min(days, default=""))
    print_plain(table)


def _print_supply(one: dict[str, Any]) -> None:
    way = f"from {one['origin']} to {one['destination']}" if one["origin"] else one["destination"]
    print_plain(f"{one['supply_id']} {one['state']}: {way}")
    table = plain_table("line", "SKU", "quantity", "received", "awaited", "expected on")
    for line in one["lines"]:
        numbers = (str(line[name]) for name in ("quantity", "received", "awaited"))
        table.add_row(str(line["line"]), line["sku"], *numbers, line["expected_on"])
    print_plain(table)
    for note in one["discrepancies"]:
        why = f": {note['reason']}" if note["reason"] else ""
        said = f"{note['kind']} {note['quantity']} x {note['sku']}{why}"
        print_plain(said)
    for deed in one["deeds"]:
        if deed["reason"]:
            said = f"{deed['deed']} by {deed['by']}: {deed['reason']}"
            print_plain(said)


def _print_count(one: dict[str, Any]) -> None:
    said = f"{one['count_id']} at {one['location']}"
    print_plain(said)
    table = plain_table("SKU", "counted", "recorded", "difference")
    for line in one["lines"]:
        by = line["counted"] - line["recorded"]
        table.add_row(
            line["sku"],
            str(line["counted"]),
            str(line["recorded"]),
            f"{by:+}" if by else "",
        )
    print_plain(table)


def _peg(one: dict[str, Any]) -> str:
    on = "overdue since" if one["overdue"] else "on"
    source = f"{one['supply_id']} {on} {one['expected_on']}" if one["supply_id"] else "stock"
    return f"{one['quantity']} x {one['sku']} at {one['location']} from {source}"
