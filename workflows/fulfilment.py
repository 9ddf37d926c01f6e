"""One location's share of an order, from the request to pack to the carrier's last scan."""

import contextlib
from collections.abc import Callable
from functools import partial

from activities.carrier import CarrierActivities, TrackRequest
from activities.channel import ChannelActivities
from activities.inventory import InventoryActivities
from activities.warehouse import WarehouseActivities
from domain.fulfilments import (
    FulfilmentRef,
    HandedOver,
    HandOverRequest,
    Label,
    LabelRef,
    LabelRequest,
    NotThere,
    PackAccepted,
    Packed,
    PackRejected,
    PackRequest,
    Recalled,
    ShippedNotice,
    ShippedParcel,
)
from domain.ids import effect_key
from domain.lifecycles import FULFILMENT, FulfilmentStatus, OrderStatus
from domain.orders import OrderInput
from domain.records import LABEL_NOT_VOIDED, FulfilmentRecord
from domain.stock import ReservationRef
from domain.tracking import FINAL, Course
from domain.verbs import ParcelMoved, Verb, WarehouseSaid
from domain.waits import Owner
from workflows.conduct import GO_ON, Conduct, GivenUp, Interrupted, Overtaken
from workflows.outside import CARRIER, CHANNEL, OURS, WAREHOUSE
from workflows.parcel import Parcel
from workflows.undo import Undos

F = FulfilmentStatus
RECALL_FIRST = (
    "not_now: the warehouse must recall the goods first, or hand them over; retry asks it again"
)
"""Without a recall, goods of a cancelled order may leave: nobody may go on without it."""


class Rejected(Interrupted):
    """The warehouse will not pack this; the stock must come from elsewhere."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Fulfilment:
    """The steps of one fulfilment in the order they happen, and its state."""

    def __init__(
        self, order: OrderInput, number: int, location: str, conduct: Conduct, undos: Undos
    ) -> None:
        self._order = order
        self._conduct = conduct
        self._undos = undos
        self.number = number
        self.location = location
        self.status = F.REQUESTED
        self.reason = ""
        self.parcels: list[Parcel] = []
        self.rejection: Rejected | None = None
        self._papers_bear = 0
        self._readdressed = 0
        self._handing_over = False
        self.reference = effect_key(order.order_id, f"f{number}")

    # -- the steps

    async def request(self, address_version: int) -> None:
        """Ask the location to pick and pack.

        Raises:
            Interrupted: also `Rejected`, if it will not.
        """
        self._papers_bear = address_version
        self._undos.register(self._deed("packing"), self._recall)
        answer = await self._conduct.attempt(
            WarehouseActivities.request,
            PackRequest(
                order_id=self._order.order_id,
                reference=self.reference,
                location=self.location,
                lines=self._order.lines,
                address_version=address_version,
            ),
            WAREHOUSE,
            summary=f"ask {self.location} to pack",
        )
        self._hear(answer)
        self._conduct.make_way()

    async def packed(self) -> None:
        """Wait until everything is packed, asking the warehouse if it stays silent for too long.

        Raises:
            Interrupted: also `Rejected`, if it could not.
        """
        checks, most = 0, self._order.policy.warehouse_checks_max
        while self._being_packed():
            silent = checks >= most
            heard = await self._conduct.until(
                lambda: not self._being_packed(),
                Owner.OPERATOR if silent else Owner.WAREHOUSE,
                "warehouse_silent" if silent else "packing",
                timeout_s=None if silent else self._order.policy.warehouse_check_s,
                next_action="" if silent else "then we ask the warehouse ourselves",
            )
            if not heard:
                checks += 1
                await self._look()

    async def use_address(self, address_version: int) -> None:
        """Put another address on the packing papers, if they bear another."""
        if address_version == self._papers_bear:
            return
        self._papers_bear = 0  # until the answer is here, they may bear either
        self._readdressed += 1
        answer = await self._conduct.attempt(
            WarehouseActivities.readdress,
            self._ref("readdress", self._readdressed, address_version=address_version),
            WAREHOUSE,
            summary="correct the address at the warehouse",
        )
        if isinstance(answer, HandedOver):
            self.left()
        self._papers_bear = address_version

    async def buy_labels(self, address_version: int) -> None:
        """Rate and buy one label for each parcel that has none."""
        for parcel in self.parcels:
            if parcel.label is not None:
                continue
            self._undos.register(self._deed("label", parcel), partial(self._void, parcel))
            parcel.label = await self._conduct.attempt(
                CarrierActivities.buy,
                LabelRequest(
                    order_id=self._order.order_id,
                    key=parcel.label_key,
                    location=self.location,
                    lines=self._order.lines,
                    parcel=parcel.packed,
                    address_version=address_version,
                ),
                CARRIER,
                summary=f"buy a label for {parcel.parcel_id}",
            )
            self._conduct.note(
                "label_bought",
                data={
                    "carrier": parcel.label.carrier,
                    "tracking_number": parcel.tracking_number,
                    "parcel": parcel.parcel_id,
                },
            )
        self._advance(F.LABELLED)

    async def hand_over(self, reservation_key: str) -> None:
        """Give the warehouse all labels; its answer, its word or the first scan say that it left.

        Raises:
            Interrupted: also `Rejected`, if the warehouse no longer has it.
        """
        # from here on the recall decides: a parcel that has left must keep its label
        self._handing_over = True
        self._undos.register(self._deed("packing"), self._recall)
        if len(self._labels) < len(self.parcels):
            raise AssertionError("a parcel without a label cannot be handed over")
        generations = "-".join(str(parcel.generation) for parcel in self.parcels)
        with contextlib.suppress(Overtaken):
            answer = await self._conduct.attempt(
                WarehouseActivities.hand_over,
                HandOverRequest(
                    order_id=self._order.order_id,
                    key=effect_key(self.reference, "hand-over", generations),
                    reference=self.reference,
                    location=self.location,
                    labels=self._labels,
                    reservation_key=reservation_key,
                ),
                WAREHOUSE,
                summary=f"hand over {self.reference}",
                overtaken=lambda: self.has_left,
            )
            if isinstance(answer, Recalled):
                self._reject("recalled_elsewhere")
                self._conduct.make_way()
        self.left()

    async def after_hand_over(self, reservation_key: str) -> None:
        """Book the goods out and tell the channel; a request to stop comes too late for both."""
        await self._conduct.attempt(
            InventoryActivities.ship,
            ReservationRef(order_id=self._order.order_id, key=reservation_key),
            OURS,
            summary="book the goods out",
            interruptible=False,
        )
        if self._labels:
            await self._tell_shipped()

    async def _tell_shipped(self) -> None:
        await self._conduct.attempt(
            ChannelActivities.tell_shipped,
            ShippedNotice(
                order_id=self._order.order_id,
                key=effect_key(self.reference, "tell-shipped"),
                channel=self._order.channel,
                lines=self._order.lines,
                parcels=tuple(
                    ShippedParcel(
                        carrier=label.carrier,
                        tracking_number=label.tracking_number,
                        tracking_url=label.tracking_url,
                    )
                    for label in self._labels
                ),
            ),
            CHANNEL,
            summary="tell the channel that it shipped",
            interruptible=False,
        )

    async def ask_carrier(self, heard: Callable[[], bool]) -> None:
        """The carrier was silent for too long: ask it where the parcels are, unless it speaks."""
        for parcel in self.parcels:
            if parcel.label is None or parcel.course in FINAL:
                continue
            try:
                tracked = await self._conduct.attempt(
                    CarrierActivities.track,
                    TrackRequest(
                        order_id=self._order.order_id, tracking_number=parcel.tracking_number
                    ),
                    CARRIER,
                    summary=f"ask where {parcel.parcel_id} is",
                    interruptible=False,
                    overtaken=heard,
                )
            except Overtaken:
                return
            self.parcel_moved(
                ParcelMoved(tracking_number=parcel.tracking_number, course=tracked.course)
            )

    # -- what the outside says

    def warehouse_said(self, said: WarehouseSaid) -> None:
        """Hear a warehouse's report; what is no news changes nothing."""
        match said.status:
            case "packed" if self.status in (F.REQUESTED, F.ACCEPTED) and said.parcels:
                self._hear(Packed(parcels=said.parcels))
            case "rejected" if F.REJECTED in FULFILMENT[self.status]:
                self._reject(said.reason or "no_reason")
            case "handed_over" if self.status is F.LABELLED:
                self.left()
            case _:
                pass

    def parcel_moved(self, moved: ParcelMoved) -> bool:
        """Hear a carrier; True if the course of one of our parcels changed."""
        for parcel in self.parcels:
            if parcel.label is None or parcel.tracking_number != moved.tracking_number:
                continue
            if parcel.moved(moved.course):
                if self.status is F.LABELLED:
                    self.left()
                self._settle_delivery()
                self._conduct.note(
                    f"parcel_{parcel.course}",
                    data={"tracking_number": parcel.tracking_number},
                )
                return True
        return False

    def hear_rejection(self) -> str:
        """The life knows of it now; returns the location that rejected."""
        self.rejection = None
        return self.location

    # -- how it stands

    @property
    def has_left(self) -> bool:
        return self.status in (F.HANDED_OVER, F.DELIVERED, F.UNDELIVERED)

    @property
    def packed_and_here(self) -> bool:
        """Whether the goods are packed and surely still in the warehouse."""
        return self.status in (F.PACKED, F.LABELLED) and not self._handing_over

    @property
    def arrived_or_lost(self) -> bool:
        return self.status in (F.DELIVERED, F.UNDELIVERED)

    @property
    def delivery_status(self) -> OrderStatus:
        """What its end means for the order."""
        delivered = self.status is F.DELIVERED
        return OrderStatus.DELIVERED if delivered else OrderStatus.UNDELIVERED

    @property
    def over(self) -> bool:
        return self.status in (F.REJECTED, F.RECALLED)

    def waits_on(self) -> tuple[Owner, str]:
        """Whom a parcel on its way waits on."""
        courses = {parcel.course for parcel in self.parcels}
        if Course.EXCEPTION in courses:
            return Owner.OPERATOR, "carrier_exception"
        if Course.CUSTOMS in courses:
            return Owner.CUSTOMS, "customs_clearance"
        if Course.RETURNING in courses:
            return Owner.CARRIER, "return_to_sender"
        return Owner.CARRIER, "delivery"

    def record(self) -> FulfilmentRecord:
        return FulfilmentRecord(
            number=self.number,
            reference=self.reference,
            location=self.location,
            status=self.status,
            lines=self._order.lines,
            parcels=tuple(parcel.record() for parcel in self.parcels),
            reason=self.reason,
        )

    # -- what the steps lean on

    @property
    def _labels(self) -> tuple[Label, ...]:
        """The parcels' live labels; a warehouse may say that it left before there are any."""
        return tuple(parcel.label for parcel in self.parcels if parcel.label is not None)

    def left(self) -> None:
        """The parcels are the carrier's now."""
        if not self.has_left:
            for parcel in self.parcels:
                parcel.left()
            self._advance(F.HANDED_OVER)
            self._conduct.note("handed_over", data={"location": self.location})

    def _advance(self, status: FulfilmentStatus) -> None:
        self.status = status
        self._conduct.touch()

    def _hear(
        self, answer: PackAccepted | PackRejected | Packed | Recalled | HandedOver | NotThere
    ) -> None:
        """Take in a report on a fulfilment that is being requested or packed."""
        match answer:
            case PackAccepted() if self.status is F.REQUESTED:
                self._advance(F.ACCEPTED)
            case Packed(parcels=parcels) if not self.parcels:
                self.parcels = [
                    Parcel(effect_key(self.reference, f"p{n}"), packed)
                    for n, packed in enumerate(parcels, start=1)
                ]
                self._advance(F.PACKED)
                self._conduct.note("packed", data={"parcels": len(parcels)})
            case PackRejected(reason=reason):
                self._reject(reason)
            case Recalled() | NotThere():
                self._reject("unknown_to_warehouse")
            case _:
                pass

    def _being_packed(self) -> bool:
        return self.status is F.ACCEPTED

    def _reject(self, reason: str) -> None:
        """The life hears of it as soon as it does or waits for anything."""
        if self.rejection is None and self.status is not F.REJECTED:
            self.reason, self.rejection = reason, Rejected(reason)
            self._advance(F.REJECTED)

    def _settle_delivery(self) -> None:
        """The fulfilment's end follows from its parcels', once they have left."""
        courses = {parcel.course for parcel in self.parcels}
        if self.has_left and courses <= FINAL:
            self._advance(F.DELIVERED if courses == {Course.DELIVERED} else F.UNDELIVERED)

    async def _look(self) -> None:
        """Ask the warehouse how far it is, unless it speaks meanwhile."""
        with contextlib.suppress(Overtaken):
            answer = await self._conduct.attempt(
                WarehouseActivities.look,
                self._ref("look"),
                WAREHOUSE,
                summary="ask the warehouse how far it is",
                overtaken=lambda: not self._being_packed(),
            )
            self._hear(answer)

    async def _recall(self) -> bool:
        try:
            answer = await self._conduct.attempt(
                WarehouseActivities.recall,
                self._ref("recall"),
                WAREHOUSE,
                summary="recall from the warehouse",
                interruptible=False,
                overtaken=lambda: self.has_left,
                if_said_again=RECALL_FIRST,
            )
        except Overtaken:
            return False
        if isinstance(answer, HandedOver):
            self.left()
            return False
        if self.status is not F.REJECTED:
            self._advance(F.RECALLED)
        self._conduct.note("recalled", data={"location": self.location})
        return True

    async def _void(self, parcel: Parcel) -> bool:
        """A carrier that will not give the money back need not stop the order: see `_give_up`."""
        try:
            await self._conduct.attempt(
                CarrierActivities.void,
                LabelRef(
                    order_id=self._order.order_id,
                    key=effect_key(parcel.label_key, "void"),
                    bought_key=parcel.label_key,
                ),
                CARRIER,
                summary=f"void the label of {parcel.parcel_id}",
                interruptible=False,
                overtaken=lambda: self.has_left,
                if_said_again=GO_ON,
            )
        except Overtaken:
            return False
        except GivenUp as wanted:
            self._give_up(parcel, wanted.verb)
        else:
            if self.has_left:
                return False
            if parcel.label is not None:
                self._conduct.note("label_voided", data={"tracking_number": parcel.tracking_number})
            parcel.void()
        if self.status is F.LABELLED:
            self._advance(F.PACKED)
        return True

    def _give_up(self, parcel: Parcel, verb: Verb) -> None:
        """An operator goes on without the void; by this line somebody must reclaim the label."""
        self._conduct.note(
            LABEL_NOT_VOIDED,
            verb=verb,
            data={"tracking_number": parcel.tracking_number, "label": parcel.label_key},
        )
        parcel.give_up()

    def _deed(self, deed: str, parcel: Parcel | None = None) -> str:
        return f"{parcel.parcel_id if parcel else self.reference}/{deed}"

    def _ref(self, deed: str, *more: int, address_version: int = 1) -> FulfilmentRef:
        return FulfilmentRef(
            order_id=self._order.order_id,
            key=effect_key(self.reference, deed, *more),
            reference=self.reference,
            location=self.location,
            address_version=address_version,
        )
