"""Makes what people see (`domain.views`) from rows."""

import json
from collections.abc import Iterable, Mapping
from operator import attrgetter
from typing import Any

from domain.ids import return_workflow_id
from domain.lifecycles import ENDED, RETURN_ENDED, SENTENCES, OrderStatus
from domain.money import Money
from domain.orders import PaymentStatus
from domain.promised import PromiseView
from domain.views import (
    AddressView,
    EventView,
    FulfilmentView,
    HoldView,
    LabelView,
    LineView,
    MoneyEntry,
    MoneyView,
    OrderSummary,
    OrderView,
    ParcelView,
    ReturnView,
    ScanView,
    WaitView,
)
from domain.waits import ITS_RETURN, Wait, most_pressing

Row = Mapping[Any, Any]
Rows = Mapping[str, list[Any]]
ReturnWait = tuple[Row, Row | None]
"""A return, and the note of its step that keeps failing, if one does."""

OVER = frozenset(map(str, ENDED)) | frozenset(map(str, RETURN_ENDED))
"""What nothing follows, of orders and of returns."""


def wait_view(row: Row, retrying: Row | None) -> WaitView | None:
    """A step that keeps failing is what the order waits for, whatever its workflow last said.

    What has ended waits for nothing; a note of it came late.
    """
    if retrying is not None and row["status"] not in OVER:
        wait = Wait(owner=retrying["owner"], what=retrying["code"], since=retrying["since"],
                    next_action="is tried again")  # fmt: skip
        more = {"step": retrying["step"], "attempt": retrying["attempt"]}
    elif row["wait_owner"] is not None:
        wait = Wait(owner=row["wait_owner"], what=row["wait_what"], since=row["wait_since"],
                    deadline=row["wait_deadline"], next_action=row["wait_next"])  # fmt: skip
        more = {}
    else:
        return None
    return WaitView(**wait.model_dump(), sentence=wait.sentence(), **more)


def order_wait(row: Row, retrying: Row | None, returns: Iterable[ReturnWait]) -> WaitView | None:
    """An order that waits for its return waits on whom the return does, or the most pressing."""
    own = wait_view(row, retrying)
    if row["wait_what"] != ITS_RETURN:
        return own
    waits = [own] if own and own.step else []
    for back, note in returns:
        if wait := wait_view(back, note):
            waits.append(wait.model_copy(update={"return_id": back["return_id"]}))
    return most_pressing(waits, attrgetter("owner")) or own


def summary(row: Row, returns: Iterable[ReturnWait]) -> OrderSummary:
    return OrderSummary(
        order_id=row["order_id"],
        number=row["number"],
        channel=row["channel"],
        placed_at=row["placed_at"],
        updated_at=row["updated_at"],
        status=row["status"],
        payment=row["payment"],
        waiting_on=order_wait(row, row["retrying"], returns),
        holds=tuple(hold["reason"] for hold in row["holds"]),
        attention=row["attention"],
        name=row["address"]["name"],
        country=row["address"]["country"],
        total=row["totals"]["total"],
    )


def order_view(
    row: Row, parts: Rows, notes: Mapping[str, str], promise: PromiseView | None
) -> OrderView:
    addresses = tuple(AddressView.model_validate(dict(part)) for part in parts["addresses"])
    used = [entry for entry in addresses if entry.version == row["address_version"]]
    same = (
        "order_id", "number", "channel", "channel_order_id", "placed_at", "received_at",
        "updated_at", "channel_updated_at", "channel_cancelled", "attention", "email", "phone",
        "note", "address_version", "totals", "presentment_total", "track_token", "seq",
    )  # fmt: skip
    status = OrderStatus(row["status"])
    retrying = {part["workflow_id"]: part for part in reversed(parts["retrying"])}
    cancelled = {line["line_id"]: line["quantity"] for line in row["cancelled_lines"]}
    returns = [
        (part, retrying.get(return_workflow_id(part["return_id"]))) for part in parts["returns"]
    ]
    return OrderView(
        **{name: row[name] for name in same},
        status=status,
        sentence=SENTENCES[status],
        payment=PaymentStatus(row["payment"]),
        waiting_on=order_wait(row, retrying.get(f"order:{row['order_id']}"), returns),
        holds=tuple(_hold(hold, notes) for hold in row["holds"]),
        problems=tuple(_problems(parts["verdicts"], row["address_version"])),
        address=(used or list(addresses))[-1].address,
        addresses=addresses,
        lines=tuple(_line(line, cancelled) for line in parts["order_lines"]),
        promise=promise,
        fulfilments=_fulfilments(parts),
        returns=tuple(return_view(part, note) for part, note in returns),
        money=_money(parts["money"], row["currency"]),
    )


def return_view(row: Row, retrying: Row | None) -> ReturnView:
    same = ("return_id", "order_id", "status", "location", "lines", "inspected", "attention",
            "requested_at", "updated_at")  # fmt: skip
    fields = {name: row[name] for name in same}
    return ReturnView.model_validate({**fields, "waiting_on": wait_view(row, retrying)})


def event_view(row: Row, notes: Mapping[str, str]) -> EventView:
    same = ("at", "by", "code", "why", "command_id", "return_id", "data")
    note = notes.get(row["command_id"], "")
    return EventView(**{name: row[name] for name in same}, note=note)


def note_in(body: bytes) -> str:
    """The note that a command's body carries; none if the body is something else."""
    try:
        said = json.loads(body)
    except ValueError:
        return ""
    note = said.get("note", "") if isinstance(said, dict) else ""
    return note if isinstance(note, str) else ""


def _hold(hold: Row, notes: Mapping[str, str]) -> HoldView:
    note = hold["note"] or notes.get(hold["hold_id"], "")
    return HoldView.model_validate({**hold, "note": note})


def _problems(verdicts: Iterable[Row], version: int) -> Iterable[Any]:
    for verdict in verdicts:
        if verdict["address_version"] == version:
            yield from verdict["address_problems"]
            yield from verdict["data_problems"]


def _amount(row: Row, column: str) -> Money:
    return Money(amount_minor=row[column], currency=row["currency"])


def _line(row: Row, cancelled: Mapping[str, int]) -> LineView:
    return LineView(
        line_id=row["line_id"],
        sku=row["sku"],
        title=row["title"],
        quantity=row["quantity"],
        cancelled=cancelled.get(row["line_id"], 0),
        unit_price=_amount(row, "unit_price_minor"),
        discount=_amount(row, "discount_minor"),
        tax=_amount(row, "tax_minor"),
    )


def _fulfilments(parts: Rows) -> tuple[FulfilmentView, ...]:
    parcels = [(part["number"], _parcel(part, parts)) for part in parts["parcels"]]
    same = ("number", "reference", "location", "status", "reason", "lines")
    return tuple(
        FulfilmentView.model_validate(
            {
                **{name: part[name] for name in same},
                "waiting_on": _part_wait(part["wait"]),
                "parcels": tuple(view for number, view in parcels if number == part["number"]),
            }
        )
        for part in parts["fulfilments"]
    )


def _part_wait(row: Row | None) -> WaitView | None:
    if row is None:
        return None
    wait = Wait.model_validate(row)
    return WaitView(**wait.model_dump(), sentence=wait.sentence())


def _parcel(row: Row, parts: Rows) -> ParcelView:
    labels = tuple(
        _label(part) for part in parts["labels"] if part["parcel_id"] == row["parcel_id"]
    )
    numbers = {label.tracking_number for label in labels}
    same = ("parcel_id", "weight_g", "length_mm", "width_mm", "height_mm", "course")
    return ParcelView(
        **{name: row[name] for name in same},
        label=next((one for one in labels if not one.voided and not one.given_up), None),
        labels=labels,
        scans=tuple(_scan(part) for part in parts["scans"] if part["tracking_number"] in numbers),
    )


def _label(row: Row) -> LabelView:
    same = ("shipment_ref", "carrier", "tracking_number", "tracking_url", "label_url")
    return LabelView(
        **{name: row[name] for name in same},
        cost=_amount(row, "cost_minor"),
        voided=row["voided"],
        given_up=row["given_up"],
    )


def _scan(row: Row) -> ScanView:
    return ScanView.model_validate({name: row[name] for name in ScanView.model_fields})


def _money(rows: list[Row], currency: str) -> MoneyView:
    entries = tuple(
        MoneyEntry(
            key=row["key"],
            kind=row["kind"],
            amount=_amount(row, "amount_minor"),
            ref=row["ref"],
            return_id=row["return_id"],
            at=row["at"],
        )
        for row in rows
    )

    def total(kind: str) -> Money:
        return Money.sum((entry.amount for entry in entries if entry.kind == kind), currency)

    return MoneyView(
        authorised=total("authorised"),
        captured=total("captured"),
        refunded=total("refunded"),
        entries=entries,
    )
