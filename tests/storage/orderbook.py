"""An order and what its workflow and its carrier say of it, for tests to vary."""

from datetime import UTC, datetime, timedelta
from typing import Any

from domain.addresses import Address
from domain.fulfilments import Label, PackedParcel
from domain.ids import order_id
from domain.lifecycles import FulfilmentStatus, OrderStatus
from domain.money import Money
from domain.orders import LineRef, Order, OrderLine, PaymentStatus, Totals
from domain.records import FulfilmentRecord, JournalEntry, OrderRecord, ParcelRecord
from domain.tracking import Course, Scan
from domain.waits import Owner, Wait

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ID = order_id("demo", "1001")
HOME = Address(name="Zoë Groß", lines=("Hauptstr. 1",), city="Berlin", postal_code="10115",
               country="DE", phone="+49 30 1234567")  # fmt: skip


def eur(amount_minor: int) -> Money:
    return Money(amount_minor=amount_minor, currency="EUR")


def an_order(own_id: str = "1001", **changes: Any) -> Order:
    line = OrderLine(line_id="l1", sku="TEE-RED", title="Tee", quantity=2, unit_price=eur(1500),
                     discount=eur(0), tax=eur(479))  # fmt: skip
    nothing = eur(0)
    order = Order(
        channel="demo", channel_order_id=own_id, number=f"#{own_id}", placed_at=NOON,
        channel_updated_at=NOON, email="zoe@example.com", phone="+49 170 5556677",
        lines=(line,), address=HOME, payment=PaymentStatus.AUTHORISED,
        totals=Totals(lines=eur(3000), discounts=nothing, shipping=eur(490), duties=nothing,
                      tips=nothing, rounding=nothing, tax=eur(557), tax_included=True,
                      total=eur(3490)),
    )  # fmt: skip
    return order.model_copy(update=changes)


def a_label(ref: str, tracking: str) -> Label:
    return Label(shipment_ref=ref, carrier="DHL", tracking_number=tracking,
                 label_url=f"https://labels.example/{ref}", cost=eur(399))  # fmt: skip


def a_parcel(label: Label | None = None, *voided: Label) -> ParcelRecord:
    box = PackedParcel(weight_g=700, length_mm=300, width_mm=200, height_mm=100)
    return ParcelRecord(parcel_id=f"{ID}/f1/p1", packed=box, label=label, voided_labels=voided)


def a_record(seq: int, status: OrderStatus = OrderStatus.VALIDATED, **more: Any) -> OrderRecord:
    parcels = more.pop("parcels", None)
    if parcels is not None:
        more["fulfilments"] = (
            FulfilmentRecord(number=1, reference=f"{ID}/f1", location="berlin",
                             status=FulfilmentStatus.PACKED, parcels=parcels,
                             lines=(LineRef(line_id="l1", sku="TEE-RED", quantity=2),)),
        )  # fmt: skip
    wait = Wait(owner=Owner.WAREHOUSE, what="packing", since=NOON, deadline=NOON + timedelta(1))
    fields: dict[str, Any] = {"order_id": ID, "seq": seq, "status": status, "wait": wait,
                              "holds": (), "address_version": 1}  # fmt: skip
    return OrderRecord(**{**fields, **more})


def said(code: str, command_id: str = "") -> JournalEntry:
    return JournalEntry(at=NOON, by="key-1", code=code, command_id=command_id)


def a_scan(key: str, course: Course, minute: int = 0, number: str = "T1") -> Scan:
    return Scan(carrier="easypost", tracking_number=number, scan_key=key, course=course,
                carrier_status="x", claimed_at=NOON + timedelta(minutes=minute))  # fmt: skip
