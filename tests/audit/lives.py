"""Seven orders as the product leaves them.

Delivered, cancelled, being packed, returned; split over two places, half cancelled after the other
half had left, and waiting for goods after a short pick.
"""

from dataclasses import dataclass, field
from typing import Any

from config.inbound import ORDER_CREATED, WHOLE_ORDERS
from domain.addresses import Address
from domain.fulfilments import Label, PackedParcel
from domain.ids import OrderId, ReturnId
from domain.lifecycles import FulfilmentStatus, OrderStatus, ReturnStatus
from domain.locations import Location
from domain.orders import Destination, LineRef, Order, OrderLine
from domain.records import (
    FulfilmentRecord,
    JournalEntry,
    MoneyRecord,
    OrderRecord,
    ParcelRecord,
    ReturnRecord,
)
from domain.returns import InspectedLine, ReturnLine, ReturnReason
from domain.sourcing.rules import RuleSet
from domain.sourcing.source import source
from domain.stock import (
    Part,
    ReservationRef,
    Reserved,
    ReserveRequest,
    RestockRequest,
    Short,
    ShortPick,
    ShortPickRequest,
    ShortReason,
    SkuQuantity,
    StockChange,
)
from domain.validation import Verdict
from domain.waits import Owner, Wait
from storage.bundles import Bundle, Bundles, Component
from storage.catalogue import Catalogue, CatalogueSku
from storage.inbox import Inbox
from storage.intake import OrderIntake
from storage.orders import PostgresOrderBook
from storage.sourcing import PostgresSourcing
from storage.sourcing_rules import SourcingRules
from storage.stock import PostgresInventory
from tests.audit.small_world import SmallWorld
from tests.storage.orderbook import NOON, a_label, an_order, eur

SKU = "TEE-RED"
BOX = PackedParcel(weight_g=700, length_mm=300, width_mm=200, height_mm=100)
Status, F = OrderStatus, FulfilmentStatus
BEFORE = (Status.VALIDATED, Status.RESERVED, Status.FULFILLING)
LEFT = (*BEFORE, Status.SHIPPED, Status.DELIVERED)
CALLED_OFF = (*BEFORE, Status.CANCELLING, Status.CANCELLED)
HALF_CALLED_OFF = (*BEFORE, Status.PARTLY_SHIPPED, Status.CANCELLING, Status.DELIVERED)
SPLIT = (*BEFORE, Status.PARTLY_SHIPPED, Status.SHIPPED, Status.DELIVERED, Status.CLOSED)
assert ORDER_CREATED in WHOLE_ORDERS


@dataclass
class Share:
    """One place's share of an order: what was reserved for it, and its parcel's label."""

    order_id: OrderId
    number: int
    key: str
    part: Part
    status: FulfilmentStatus = F.PLANNED
    label: Label | None = None
    voided: tuple[Label, ...] = ()

    @property
    def reference(self) -> str:
        return f"{self.order_id}/f{self.number}"

    @property
    def reservation(self) -> ReservationRef:
        return ReservationRef(order_id=self.order_id, key=self.key)

    def record(self) -> FulfilmentRecord:
        parcel = ParcelRecord(parcel_id=f"{self.reference}/p1", packed=BOX, label=self.label,
                              voided_labels=self.voided)  # fmt: skip
        return FulfilmentRecord(
            number=self.number, reference=self.reference, location=self.part.location,
            status=self.status, lines=self.part.lines,
            parcels=(parcel,) if self.label or self.voided else (),
        )  # fmt: skip


@dataclass
class Lives:
    """Brings a shop to where it is, by the product's own writers."""

    world: SmallWorld
    orders: dict[OrderId, Order] = field(default_factory=dict)

    def __post_init__(self) -> None:
        engine = self.world.engine
        self.stock = PostgresInventory(engine)
        self.rules = SourcingRules(engine)
        self.sourcing = PostgresSourcing(engine, self.stock, self.rules)
        self.book = PostgresOrderBook(engine)

    async def lead(self) -> None:
        await self._furnish()
        for own_id in ("1001", "1002", "1003", "1004"):
            await self._taken_in(an_order(own_id))
        for own_id in ("1005", "1006", "1007"):
            await self._taken_in(_in_two_parts(own_id))
        await self._is_delivered(self.world.delivered, LEFT)
        await self._is_cancelled()
        await self._is_packed()
        await self._is_delivered(self.world.returned, (*LEFT, Status.CLOSED))
        await self._comes_back()
        await self._is_delivered(self.world.split, SPLIT)
        await self._is_partly_cancelled()
        await self._is_picked_short()

    # -- before any order

    async def _furnish(self) -> None:
        """Two places; only Lyon has what a gift is made of."""
        catalogue = Catalogue(self.world.engine)
        skus = ("TEE-RED", "CUP", "POT", "GIFT")
        await catalogue.put_skus([CatalogueSku(sku=sku, title=sku.title()) for sku in skus])
        await catalogue.put_locations(
            [_place("berlin", "DE", "10115"), _place("lyon", "FR", "69001")]
        )
        gift = (Component(sku="CUP", quantity=2), Component(sku="POT", quantity=1))
        await Bundles(self.world.engine).put(Bundle(sku="GIFT", components=gift))
        rules = await self.rules.draft(RuleSet(parts_max=2), "ann")
        await self.rules.activate(rules.version, "ann")
        for place, sku, many in (("berlin", SKU, 20), ("lyon", "CUP", 8), ("lyon", "POT", 4)):
            change = StockChange(key=f"in-{place}-{sku}", sku=sku, location=place, quantity=many,
                                 reason="", by="ann")  # fmt: skip
            await self.stock.receive(change)
        await self.stock.move_to_damaged(
            StockChange(
                key="broken", sku="CUP", location="lyon", quantity=1, reason="fell", by="ann"
            )
        )

    async def _taken_in(self, order: Order) -> None:
        order = order.model_copy(update={"channel": self.world.channel})
        self.orders[order.order_id] = order
        self.world.sold(order.channel_order_id, order.totals.total.decimal())
        await Inbox(self.world.engine).put(
            f"channel:{self.world.channel}", ORDER_CREATED, f"event-{order.channel_order_id}",
            b"{}", order_id=order.order_id,
        )  # fmt: skip
        await OrderIntake(self.world.engine).accept(order)
        await self.book.save_verdict(order.order_id, 1, Verdict(outcome="accepted"))
        await self.world.plant("UPDATE inbox SET delivered_at = now(), settled_at = now()")

    # -- what becomes of them

    async def _is_delivered(self, order: OrderId, path: tuple[OrderStatus, ...]) -> None:
        shares = await self._reserved(order)
        await self._captured(order)
        for share in shares:
            await self._leaves(share)
        shipped = path.index(Status.SHIPPED) + 1
        at_work = Wait(owner=Owner.US, what="processing", since=NOON)
        await self._record(order, path[:shipped], shares, money=("captured",), wait=at_work)
        await self._settle(shares)
        wait = None if path[-1] is Status.CLOSED else Wait(
            owner=Owner.CUSTOMER, what="return_window", since=NOON)  # fmt: skip
        await self._record(order, path[shipped:], shares, money=("captured",), wait=wait, seq=2)

    async def _is_cancelled(self) -> None:
        order = self.world.cancelled
        (share,) = await self._reserved(order)
        share.status, share.voided = F.RECALLED, (a_label("shp_voided", "T-voided"),)
        self.world.packed(share.reference)
        self.world.bought(share.reference, "shp_voided", "T-voided")
        await self._captured(order)
        self._taken_back(share, "shp_voided", "T-voided")
        self.world.did("shopify", "refunded", f"r-{order}", None, order=_own(order),
                       amount="34.90", currency="EUR")  # fmt: skip
        await self.stock.release(share.reservation)
        await self._record(order, CALLED_OFF, [share], money=("captured", "refunded"))

    async def _is_packed(self) -> None:
        (share,) = await self._reserved(self.world.packing)
        share.status = F.ACCEPTED
        self.world.did("warehouse", "accepted", f"ful-{share.reference}", share.reference)
        wait = Wait(owner=Owner.WAREHOUSE, what="packing", since=NOON)
        await self._record(self.world.packing, BEFORE, [share], wait=wait)

    async def _comes_back(self) -> None:
        order, return_id = self.world.returned, ReturnId("r1")
        line = ReturnLine(line_id="l1", sku=SKU, quantity=2, reason=ReturnReason.UNWANTED)
        money = MoneyRecord(key=f"{order}/r-r1/refund", kind="refunded", amount=eur(3000), ref="9")
        path = [
            s for s in ReturnStatus if s not in (ReturnStatus.REQUESTED, ReturnStatus.CANCELLED)
        ]
        await self.stock.restock(
            RestockRequest(return_id="r1", order_id=order, location="berlin", key=f"{order}/r-r1/r",
                           lines=(SkuQuantity(sku=SKU, quantity=2),))
        )  # fmt: skip
        back = [{"line_item_id": "l1", "quantity": 2, "restock_type": "NO_RESTOCK"}]
        self.world.did("shopify", "refunded", "9", "k", order=_own(order), amount="30.00",
                       currency="EUR", lines=back)  # fmt: skip
        await self.book.record_return(
            ReturnRecord(
                return_id=return_id, order_id=order, seq=1, status=ReturnStatus.CLOSED, wait=None,
                location="berlin", lines=(line,), money=(money,),
                inspected=(InspectedLine(line_id="l1", sku=SKU, restock=2, discard=0, refund=2),),
                journal=tuple(_said(f"return_{status}") for status in path),
            )
        )  # fmt: skip

    async def _is_partly_cancelled(self) -> None:
        """Berlin's share had left when the customer called it off."""
        order = self.world.partly_cancelled
        shares = await self._reserved(order)
        here, gone = sorted(shares, key=lambda share: share.part.location == "berlin")
        await self._captured(order)
        await self._leaves(gone)
        await self._settle([gone])
        self.world.packed(here.reference)
        self._taken_back(here)
        here.status, gone.status = F.RECALLED, F.DELIVERED
        await self.stock.release(here.reservation)
        lines = [
            {"line_item_id": line.line_id, "quantity": line.quantity, "restock_type": "CANCEL"}
            for line in here.part.lines
        ]
        self.world.did("shopify", "refunded", f"r-{order}", f"{order}/refund-rest",
                       order=_own(order), amount="25.00", currency="EUR", lines=lines)  # fmt: skip
        wait = Wait(owner=Owner.CUSTOMER, what="return_window", since=NOON)
        await self._record(order, HALF_CALLED_OFF, shares, money=("captured", "refunded"),
                           wait=wait, cancelled=here.part.lines, refunded=eur(2500))  # fmt: skip

    async def _is_picked_short(self) -> None:
        """Lyon has fewer pots than its record said: the gift waits for more."""
        order = self.world.waiting
        shares = await self._reserved(order)
        lyon = next(share for share in shares if share.part.location == "lyon")
        berlin = next(share for share in shares if share is not lyon)
        lyon.status, berlin.status = F.REJECTED, F.ACCEPTED
        self.world.did("warehouse", "accepted", f"ful-{berlin.reference}", berlin.reference)
        self.world.did("warehouse", "rejected", f"ful-{lyon.reference}", lyon.reference)
        pots = ShortPick(sku="POT", found=0, reason=ShortReason.NOT_IN_STOCK)
        cups = ShortPick(sku="CUP", found=1, reason=ShortReason.DAMAGED)
        await self.stock.short_pick(
            ShortPickRequest(order_id=order, key=lyon.key, short=(pots, cups))
        )
        answer = await self._asked(order, lyon.part.lines, generation=2)
        assert isinstance(answer, Short)
        wait = Wait(owner=Owner.SUPPLIER, what="stock", since=NOON)
        await self._record(order, BEFORE, shares, wait=wait)

    # -- what they have in common

    async def _asked(
        self, order: OrderId, lines: tuple[LineRef, ...], generation: int
    ) -> Reserved | Short:
        wanted = ReserveRequest(
            order_id=order, key=f"{order}/reserve/{generation}", lines=lines,
            destination=Destination(country="DE", postal_code="10115"),
        )  # fmt: skip
        case = await self.sourcing.case(wanted)
        answer = await self.sourcing.reserve(wanted, case, source(case))
        assert isinstance(answer, Reserved | Short)
        return answer

    async def _reserved(self, order: OrderId) -> list[Share]:
        lines = tuple(
            LineRef(line_id=line.line_id, sku=line.sku, quantity=line.quantity)
            for line in self.orders[order].lines
        )
        answer = await self._asked(order, lines, generation=1)
        assert isinstance(answer, Reserved)
        return [
            Share(order, number, f"{order}/reserve/1/{number}", part)
            for number, part in enumerate(answer.parts, start=1)
        ]

    async def _captured(self, order: OrderId) -> None:
        await self.world.effect(f"{order}/capture/1", "shopify")
        amount = self.orders[order].totals.total.decimal()
        self.world.did("shopify", "captured", f"c-{order}", None, order=_own(order), amount=amount,
                       currency="EUR")  # fmt: skip

    async def _leaves(self, share: Share) -> None:
        name = share.order_id if share.number == 1 else f"{share.order_id}-{share.number}"
        share.label, share.status = a_label(f"shp_{name}", f"T-{name}"), F.HANDED_OVER
        await self.world.effect(f"{share.reference}/p1/label/1", "easypost")
        self.world.packed(share.reference)
        self.world.bought(share.reference, share.label.shipment_ref, share.label.tracking_number)
        self.world.did("warehouse", "handed_over", f"ful-{share.reference}", share.reference)

    async def _settle(self, shares: list[Share]) -> None:
        """Book them out, tell the shop, and bring them to the door."""
        for share in shares:
            assert share.label is not None
            await self.stock.ship(share.reservation)
            await self.world.effect(f"{share.reference}/tell-shipped", "shopify")
            lines = [
                {"line_item_id": line.line_id, "quantity": line.quantity}
                for line in share.part.lines
            ]
            self.world.did("shopify", "fulfilled", f"ff-{share.reference}", None,
                           order=_own(share.order_id), fulfilment_id=f"ff-{share.reference}",
                           tracking_numbers=[share.label.tracking_number], lines=lines)  # fmt: skip
            share.status = F.DELIVERED

    def _taken_back(self, share: Share, label: str = "", code: str = "") -> None:
        if label:
            self.world.did("easypost", "label_refunded", label, f"{share.reference}/p1/label/1",
                           tracking_code=code)  # fmt: skip
        self.world.did("warehouse", "recalled", f"ful-{share.reference}", share.reference)

    async def _record(
        self, order: OrderId, path: tuple[OrderStatus, ...], shares: list[Share], *,
        money: tuple[str, ...] = (), wait: Wait | None = None, seq: int = 1,
        cancelled: tuple[LineRef, ...] = (), refunded: Any = None,
    ) -> None:  # fmt: skip
        total = self.orders[order].totals.total
        entries = [_said(f"status_{status}") for status in path]
        if seq == 1:
            left = [share for share in shares if share.label]
            entries += [_said("handed_over", nth) for nth, _ in enumerate(left, start=1)]
        await self.book.record(
            OrderRecord(
                order_id=order, seq=seq, status=path[-1], holds=(), wait=wait, address_version=1,
                fulfilments=tuple(share.record() for share in shares), cancelled_lines=cancelled,
                money=tuple(
                    MoneyRecord(key=f"{order}/{kind}/{n}", kind=kind, ref="x",
                                amount=refunded or total if kind == "refunded" else total)
                    for n, kind in enumerate(money, start=1)
                ),
                journal=tuple(entries),
            )
        )  # fmt: skip


def _place(location: str, country: str, postal_code: str) -> Location:
    address = Address(city=location.title(), country=country, postal_code=postal_code)
    return Location(location=location, name=location.title(), address=address,
                    timezone="Europe/Berlin")  # fmt: skip


def _in_two_parts(own_id: str) -> Order:
    """Two shirts, which only Berlin has, and a gift, which only Lyon can make."""
    order = an_order(own_id)
    gift = OrderLine(line_id="l2", sku="GIFT", title="Gift", quantity=1, unit_price=eur(2500),
                     discount=eur(0), tax=eur(399))  # fmt: skip
    totals = order.totals.model_copy(update={"lines": eur(5500), "total": eur(5990)})
    return order.model_copy(update={"lines": (*order.lines, gift), "totals": totals})


def _said(code: str, nth: int = 1) -> JournalEntry:
    return JournalEntry(at=NOON, by="holdfast", code=code, nth=nth)


def _own(order: OrderId) -> str:
    return order.rpartition("-")[2]
