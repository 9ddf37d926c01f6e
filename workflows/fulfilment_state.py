"""How one location's share of an order stands, and what warehouse and carrier say of it."""

from collections.abc import Callable

from domain.fulfilments import (
    HandedOver,
    Label,
    NotThere,
    PackAccepted,
    Packed,
    PackRejected,
    Recalled,
)
from domain.ids import effect_key
from domain.lifecycles import FULFILMENT, HAS_LEFT, FulfilmentStatus, may_follow
from domain.records import LEFT_WITHOUT_LABEL, FulfilmentRecord
from domain.stock import Part, ShortPick
from domain.tracking import FINAL, Course
from domain.verbs import ParcelMoved, Verb, WarehouseSaid
from domain.waits import Owner
from workflows.parcel import Parcel
from workflows.strand import Interrupted, Strand
from workflows.telling import Telling

F = FulfilmentStatus


class Rejected(Interrupted):
    """The warehouse will not pack this; the stock must come from elsewhere."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class FulfilmentState:
    """The state of one fulfilment; `moved` is called whenever its status changes.

    `reservation_key` is the key of the part of the order's reservation that it ships, `country`
    the one that its location was last found to ship to.
    """

    def __init__(
        self,
        order_id: str,
        number: int,
        part: Part,
        reservation_key: str,
        *,
        country: str,
        telling: Telling,
        moved: Callable[["FulfilmentState"], None],
    ) -> None:
        self._telling = telling
        self._moved = moved
        self.number = number
        self.part = part
        self.reservation_key = reservation_key
        self.country = country
        self.reference = effect_key(order_id, f"f{number}")
        self.status = F.PLANNED
        self.reason = ""
        self.parcels: list[Parcel] = []
        self.rejection: Rejected | None = None
        """Until the life has answered it."""
        self.barred = False
        """By a rule, from where the goods are to go now."""
        self.short: tuple[ShortPick, ...] = ()
        """What the warehouse did not find of it."""
        self.strand: Strand | None = None
        """What is at work on it now."""
        self.being_handed_over = False
        self.being_taken_back = False
        """Its labels or the goods, and no answer has come yet."""
        self.moves = 0
        """Counts its parcels' changes of course."""

    # -- what the outside says

    def answered(
        self, answer: PackAccepted | PackRejected | Packed | Recalled | HandedOver | NotThere
    ) -> None:
        """Take in a report on a fulfilment that is being requested or packed."""
        match answer:
            case PackAccepted() if self.status is F.REQUESTED:
                self.advance(F.ACCEPTED)
            case Packed(parcels=parcels) if self.status in (F.REQUESTED, F.ACCEPTED):
                self.parcels = [
                    Parcel(effect_key(self.reference, f"p{n}"), packed)
                    for n, packed in enumerate(parcels, start=1)
                ]
                self.advance(F.PACKED)
                self._telling.note("packed", data={"parcels": len(parcels)})
            case PackRejected(reason=reason, short=short):
                self.reject(reason, short)
            case Recalled() | NotThere():
                self.reject("unknown_to_warehouse")
            case _:
                pass

    def warehouse_said(self, said: WarehouseSaid) -> None:
        """Hear a warehouse's report; what is no news changes nothing."""
        match said.status:
            case "packed" if said.parcels:
                self.answered(Packed(parcels=said.parcels))
            case "rejected":
                self.reject(said.reason or "no_reason", said.short)
            case "handed_over" if self._may_have_left:
                self.left()
            case _:
                pass

    def parcel_moved(self, moved: ParcelMoved) -> bool:
        """Hear a carrier; True if the course of one of our parcels changed."""
        for parcel in self.parcels:
            if parcel.label is None or parcel.tracking_number != moved.tracking_number:
                continue
            if parcel.moved(moved.course):
                self.moves += 1
                if self._may_have_left:
                    self.left()
                self._settle_delivery()
                self._telling.note(
                    f"parcel_{parcel.course}",
                    data={"tracking_number": parcel.tracking_number},
                )
                return True
        return False

    # -- changes

    def advance(self, status: FulfilmentStatus) -> None:
        if not may_follow(FULFILMENT, self.status, status):
            raise AssertionError(f"{self.status} is never followed by {status}")
        self.status = status
        self._telling.touch()
        self._moved(self)

    def reject(self, reason: str, short: tuple[ShortPick, ...] = ()) -> None:
        """The life hears of it as soon as it does or waits for anything.

        What is not short corrects nothing, and the order would come back here for ever.
        """
        if F.REJECTED in FULFILMENT[self.status]:
            asked = {item.sku: item.quantity for item in self.part.items}
            self.short = tuple(pick for pick in short if pick.found < asked.get(pick.sku, 0))
            self.reason, self.rejection = reason, Rejected(reason)
            self.advance(F.REJECTED)

    def left(self) -> None:
        """The parcels are the carrier's now."""
        if not self.has_left:
            self.rejection = None
            for parcel in self.parcels:
                parcel.left()
            if len(self.labels) < max(len(self.parcels), 1):
                self._telling.note(LEFT_WITHOUT_LABEL, data={"fulfilment": self.reference})
            self._telling.note("handed_over", data={"location": self.location})
            self.advance(F.HANDED_OVER)
            self._settle_delivery()

    def take_as_arrived(self, said: Verb) -> None:
        """Somebody says so of what has no label, and whatever else was in it has ended its way."""
        self._telling.note("taken_as_arrived", verb=said, data={"fulfilment": self.reference})
        self.moves += 1
        for parcel in self.parcels:
            if parcel.label is None:
                parcel.course = Course.DELIVERED
        if not self.parcels:
            self.advance(F.DELIVERED)
        self._settle_delivery()

    def _settle_delivery(self) -> None:
        """The fulfilment's end follows from its parcels', once they have left."""
        courses = {parcel.course for parcel in self.parcels}
        if self.has_left and courses and courses <= FINAL:
            self.advance(F.DELIVERED if courses == {Course.DELIVERED} else F.UNDELIVERED)

    # -- how it stands

    @property
    def location(self) -> str:
        return self.part.location

    @property
    def labels(self) -> tuple[Label, ...]:
        """The parcels' live labels; a warehouse may say that it left before there are any."""
        return tuple(parcel.label for parcel in self.parcels if parcel.label is not None)

    @property
    def has_left(self) -> bool:
        return self.status in HAS_LEFT

    @property
    def _may_have_left(self) -> bool:
        """Whether others are believed that say so: with its labels, or while it is taken back."""
        recalled = self.status is F.RECALLED
        return self.status is F.LABELLED or (self.being_taken_back and not recalled)

    @property
    def being_packed(self) -> bool:
        return self.status is F.ACCEPTED

    @property
    def packed_and_here(self) -> bool:
        """Whether the goods are packed and surely still in the warehouse."""
        return self.status in (F.PACKED, F.LABELLED) and not self.being_handed_over

    @property
    def arrived_or_lost(self) -> bool:
        return self.status in (F.DELIVERED, F.UNDELIVERED)

    @property
    def beyond_scans(self) -> bool:
        """Whether no carrier will say any more how it goes on: the rest left without a label."""
        return all(parcel.label is None or parcel.course in FINAL for parcel in self.parcels)

    @property
    def only_people_know(self) -> bool:
        """Whether it has left, and only somebody who asks around can say that it has arrived."""
        return self.has_left and not self.arrived_or_lost and self.beyond_scans

    @property
    def over(self) -> bool:
        """Nothing comes of it: its lines must come from elsewhere, if they are still wanted.

        A rejection that the life has not answered yet may be overtaken by the goods that left.
        """
        return self.status in (F.REJECTED, F.RECALLED) and self.rejection is None

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
            lines=self.part.lines,
            parcels=tuple(parcel.record() for parcel in self.parcels),
            reason=self.reason,
            wait=self.strand.wait if self.strand else None,
        )
