"""Four orders as the product leaves them: delivered, cancelled, packing, returned."""

import base64
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from config.inbound import ORDER_CREATED, WHOLE_ORDERS
from domain.fulfilments import PackedParcel
from domain.ids import OrderId, ReturnId, order_id
from domain.lifecycles import FulfilmentStatus, OrderStatus, ReturnStatus
from domain.orders import Destination, LineRef
from domain.records import (
    FulfilmentRecord,
    JournalEntry,
    MoneyRecord,
    OrderRecord,
    ParcelRecord,
    ReturnRecord,
)
from domain.returns import InspectedLine, ReturnLine, ReturnReason
from domain.stock import (
    Claim,
    Part,
    ReservationRef,
    ReserveRequest,
    RestockRequest,
    SkuQuantity,
    StockChange,
)
from domain.validation import Verdict
from domain.waits import Owner, Wait
from starter.audit.findings import Report
from starter.audit.run import Patience, run
from storage.audit.snapshot import AuditTables
from storage.effects import Begun, Effects
from storage.inbox import Inbox
from storage.intake import OrderIntake
from storage.orders import PostgresOrderBook
from storage.stock import PostgresInventory
from tests.storage.orderbook import NOON, a_label, an_order, eur

SKU = "TEE-RED"
BOX = PackedParcel(weight_g=700, length_mm=300, width_mm=200, height_mm=100)
Status, F = OrderStatus, FulfilmentStatus
NO_STEP = (ReturnStatus.REQUESTED, ReturnStatus.CANCELLED)
HASTY = Patience(poll_s=0.02, settle_s=0.1, bound_s=5)
LEFT = (Status.VALIDATED, Status.RESERVED, Status.FULFILLING, Status.SHIPPED, Status.DELIVERED)
CALLED_OFF = (
    Status.VALIDATED,
    Status.RESERVED,
    Status.FULFILLING,
    Status.CANCELLING,
    Status.CANCELLED,
)
assert ORDER_CREATED in WHOLE_ORDERS


@dataclass
class SmallWorld:
    engine: AsyncEngine
    folder: Path
    channel: str = "demo"
    journal: list[dict[str, Any]] = field(default_factory=list)
    webhooks: list[dict[str, Any]] = field(default_factory=list)

    @property
    def delivered(self) -> OrderId:
        return order_id(self.channel, "1001")

    @property
    def cancelled(self) -> OrderId:
        return order_id(self.channel, "1002")

    @property
    def packing(self) -> OrderId:
        return order_id(self.channel, "1003")

    @property
    def returned(self) -> OrderId:
        return order_id(self.channel, "1004")

    async def build(self) -> None:
        await self._stock()
        for own_id in ("1001", "1002", "1003", "1004"):
            await self._taken_in(own_id)
        await self._leaves(self.delivered, LEFT)
        await self._is_cancelled()
        await self._is_packed()
        await self._leaves(self.returned, (*LEFT, Status.CLOSED))
        await self._comes_back()

    async def audit(self, **more: Any) -> Report:
        """With the journal as it stands now."""
        tables = more.pop("tables", None) or AuditTables(self.engine)
        return await run(
            tables,
            **{"journal": self.write(), "shops": {self.channel}, "patience": HASTY, **more},
        )

    def write(self) -> Path:
        """The journal and the outbox, as the simulators would."""
        path = self.folder / "journal.jsonl"
        path.write_text("".join(f"{json.dumps(line)}\n" for line in self.journal))
        outbox = path.with_name("webhooks.jsonl")
        outbox.write_text("".join(f"{json.dumps(line)}\n" for line in self.webhooks))
        return path

    async def plant(self, *statements: str, **values: Any) -> None:
        """Past every guard that triggers and foreign keys are."""
        async with self.engine.begin() as connection:
            await connection.execute(text("SET LOCAL session_replication_role = replica"))
            for statement in statements:
                await connection.execute(text(statement), values)

    def did(self, system: str, effect: str, ref: str, key: str | None, **data: Any) -> None:
        """A line of the journal; `order` where the key does not name it."""
        order = data.pop("order", None) or (key or "").partition("/")[0]
        self.journal.append(
            {"seq": len(self.journal) + 1, "at": "2026-03-01T12:00:00Z", "system": system,
             "effect": effect, "ref": ref, "key": key, "order": order, "data": data}
        )  # fmt: skip

    def announced(self, own_id: str) -> None:
        body = base64.b64encode(json.dumps({"id": int(own_id)}).encode()).decode()
        queued = {"id": own_id, "system": "shopify", "url": "x", "body": body,
                  "headers": {"X-Shopify-Topic": "orders/create"}}  # fmt: skip
        self.webhooks += [{"queued": queued}, {"done": own_id, "arrived": True}]

    def sold(self, own_id: str) -> None:
        payload = {"id": int(own_id), "total_price": "34.90", "currency": "EUR",
                   "financial_status": "authorized", "line_items": [{"id": 1}]}  # fmt: skip
        self.did("shopify", "order_created", own_id, None, order=own_id, payload=payload)
        self.announced(own_id)

    # -- how it came to be

    async def _stock(self) -> None:
        await self.plant(
            "INSERT INTO locations (location, name, country, timezone, address) "
            "VALUES ('berlin', 'Berlin', 'DE', 'Europe/Berlin', '{}')",
            "INSERT INTO skus (sku, title) VALUES ('TEE-RED', 'Tee')",
        )
        await PostgresInventory(self.engine).receive(
            StockChange(key="in-1", sku=SKU, location="berlin", quantity=10, reason="", by="ann")
        )

    async def _taken_in(self, own_id: str) -> None:
        order = an_order(own_id).model_copy(update={"channel": self.channel})
        source = f"channel:{self.channel}"
        self.sold(own_id)
        await Inbox(self.engine).put(
            source, ORDER_CREATED, f"event-{own_id}", b"{}", order_id=order.order_id
        )
        await OrderIntake(self.engine).accept(order)
        await PostgresOrderBook(self.engine).save_verdict(
            order.order_id, 1, Verdict(outcome="accepted")
        )
        await self.plant("UPDATE inbox SET delivered_at = now(), settled_at = now()")

    async def _leaves(self, order: OrderId, path: tuple[OrderStatus, ...]) -> None:
        ref = await self._reserved(order)
        label = a_label(f"shp_{order}", f"T-{order}")
        await self._effect(f"{order}/capture/1", "shopify")
        self.did("shopify", "captured", f"c-{order}", None, order=_own(order), amount="34.90",
                 currency="EUR")  # fmt: skip
        await self._effect(f"{order}/f1/p1/label/1", "easypost")
        self._packed(order)
        self._bought(order, label.shipment_ref, label.tracking_number)
        self.did("warehouse", "handed_over", f"ful-{order}", f"{order}/f1")
        await self._record(order, path[:4], F.HANDED_OVER, label=label, money=("captured",))
        await PostgresInventory(self.engine).ship(ref)
        await self._effect(f"{order}/f1/tell-shipped", "shopify")
        self.did("shopify", "fulfilled", f"ff-{order}", None, order=_own(order),
                 fulfilment_id=f"ff-{order}", tracking_numbers=[label.tracking_number])  # fmt: skip
        wait = None if path[-1] is Status.CLOSED else Wait(
            owner=Owner.CUSTOMER, what="return_window", since=NOON)  # fmt: skip
        await self._record(order, path, F.DELIVERED, label=label, money=("captured",), wait=wait,
                           told=path[4:])  # fmt: skip

    async def _is_cancelled(self) -> None:
        order = self.cancelled
        ref = await self._reserved(order)
        label = a_label("shp_voided", "T-voided")
        self._packed(order)
        self._bought(order, "shp_voided", "T-voided")
        self.did("easypost", "label_refunded", "shp_voided", f"{order}/f1/p1/label/1",
                 tracking_code="T-voided")  # fmt: skip
        self.did("warehouse", "recalled", f"ful-{order}", f"{order}/f1")
        for effect in ("captured", "refunded"):
            self.did("shopify", effect, f"{effect}-{order}", None, order=_own(order),
                     amount="34.90", currency="EUR")  # fmt: skip
        await PostgresInventory(self.engine).release(ref)
        money = ("captured", "refunded")
        await self._record(order, CALLED_OFF, F.RECALLED, voided=(label,), money=money,
                           handed_over=False)  # fmt: skip

    async def _is_packed(self) -> None:
        await self._reserved(self.packing)
        self.did("warehouse", "accepted", f"ful-{self.packing}", f"{self.packing}/f1")
        wait = Wait(owner=Owner.WAREHOUSE, what="packing", since=NOON)
        await self._record(self.packing, LEFT[:3], F.ACCEPTED, handed_over=False, wait=wait)

    async def _comes_back(self) -> None:
        order, return_id = self.returned, ReturnId("r1")
        amount = eur(3000)
        line = ReturnLine(line_id="l1", sku=SKU, quantity=2, reason=ReturnReason.UNWANTED)
        money = MoneyRecord(key=f"{order}/r-r1/refund", kind="refunded", amount=amount, ref="9")
        path = [
            s for s in ReturnStatus if s not in (ReturnStatus.REQUESTED, ReturnStatus.CANCELLED)
        ]
        await PostgresInventory(self.engine).restock(
            RestockRequest(return_id="r1", order_id=order, location="berlin", key=f"{order}/r-r1/r",
                           lines=(SkuQuantity(sku=SKU, quantity=2),))
        )  # fmt: skip
        self.did("shopify", "refunded", "9", "k", order=_own(order), amount="30.00", currency="EUR")
        await PostgresOrderBook(self.engine).record_return(
            ReturnRecord(
                return_id=return_id, order_id=order, seq=1, status=ReturnStatus.CLOSED, wait=None,
                location="berlin", lines=(line,), money=(money,),
                inspected=(InspectedLine(line_id="l1", sku=SKU, restock=2, discard=0, refund=2),),
                journal=tuple(_said(f"return_{status}") for status in path),
            )
        )  # fmt: skip

    async def _reserved(self, order: OrderId) -> ReservationRef:
        key = f"{order}/reserve/1"
        await PostgresInventory(self.engine).reserve(
            ReserveRequest(order_id=order, key=key, lines=_lines(),
                           destination=Destination(country="DE", postal_code="10115")),
            Claim(parts=(Part(location="berlin", lines=_lines()),)),
        )  # fmt: skip
        return ReservationRef(order_id=order, key=key)

    async def _effect(self, key: str, system: str) -> None:
        effects = Effects(self.engine)
        begun = await effects.begin(key, system, 10)
        assert isinstance(begun, Begun)
        await effects.finish(key, begun.fence, {})

    def _packed(self, order: OrderId) -> None:
        for effect in ("accepted", "packed"):
            self.did("warehouse", effect, f"ful-{order}", f"{order}/f1")

    def _bought(self, order: OrderId, ref: str, code: str, generation: int = 1) -> None:
        reference = f"{order}/f1/p1/label/{generation}"
        self.did("easypost", "label_bought", ref, reference, shipment_id=ref, tracking_code=code,
                 reference=reference, carrier="DHL")  # fmt: skip

    async def _record(
        self, order: OrderId, path: tuple[OrderStatus, ...], part: FulfilmentStatus, *,
        label: Any = None, voided: tuple[Any, ...] = (), money: tuple[str, ...] = (),
        handed_over: bool = True, wait: Wait | None = None,
        told: tuple[OrderStatus, ...] | None = None,
    ) -> None:  # fmt: skip
        first = told is None
        entries = [_said(f"status_{status}") for status in (path if told is None else told)]
        if handed_over and first:
            entries.append(_said("handed_over"))
        parcel = ParcelRecord(parcel_id=f"{order}/f1/p1", packed=BOX, label=label,
                              voided_labels=voided)  # fmt: skip
        share = FulfilmentRecord(
            number=1, reference=f"{order}/f1", location="berlin", status=part, lines=_lines(),
            parcels=(parcel,) if label or voided else (),
        )  # fmt: skip
        entered = tuple(
            MoneyRecord(key=f"{order}/{kind}/{n}", kind=kind, amount=eur(3490), ref="x")
            for n, kind in enumerate(money, start=1)
        )
        at_work = Wait(owner=Owner.US, what="processing", since=NOON)
        await PostgresOrderBook(self.engine).record(
            OrderRecord(
                order_id=order, seq=1 if first else 2, status=path[-1], holds=(),
                wait=wait or (at_work if path[-1] is Status.SHIPPED else None), address_version=1,
                fulfilments=(share,), money=entered, journal=tuple(entries),
            )
        )  # fmt: skip


def _lines() -> tuple[LineRef, ...]:
    return (LineRef(line_id="l1", sku=SKU, quantity=2),)


def _said(code: str) -> JournalEntry:
    return JournalEntry(at=NOON, by="holdfast", code=code)


def _own(order: OrderId) -> str:
    return order.rpartition("-")[2]
