"""A box on its way: its labels, at most one of them in use, and where it is."""

from domain.fulfilments import Label, PackedParcel
from domain.ids import effect_key
from domain.records import ParcelRecord
from domain.tracking import FINAL, Course


class Parcel:
    """`generation` counts the labels that were wanted for it; each has an effect key of its own."""

    def __init__(self, parcel_id: str, packed: PackedParcel) -> None:
        self.parcel_id = parcel_id
        self.packed = packed
        self.label: Label | None = None
        self.voided: list[Label] = []
        self.given_up: list[Label] = []
        self.generation = 1
        self._given_up_before = 0
        self.course = Course.EXPECTED

    @property
    def label_key(self) -> str:
        return effect_key(self.parcel_id, "label", self.generation)

    @property
    def tracking_number(self) -> str:
        return self.label.tracking_number if self.label else ""

    def void(self) -> None:
        """The label, if there was one, is void; the next is another deed."""
        if self.label is not None:
            self.voided.append(self.label)
        self.label = None
        self.generation += 1

    def give_up(self) -> None:
        """The label, if there was one, could not be voided; the next is another deed."""
        if self.label is not None:
            self.given_up.append(self.label)
            self._given_up_before = self.generation + 1
        self.label = None
        self.generation += 1

    def left(self) -> None:
        """It left: with the label that was given up, if that was its last."""
        if self.label is None and self.generation == self._given_up_before:
            self.label = self.given_up.pop()
            self.generation -= 1

    def moved(self, course: Course) -> bool:
        """Take a new course; False if it says nothing new or would leave a final one.

        What was thought returned may be delivered after all; nothing undoes a delivery.
        """
        if course in (self.course, Course.EXPECTED):
            return False
        if self.course in FINAL and (self.course, course) != (Course.RETURNED, Course.DELIVERED):
            return False
        self.course = course
        return True

    def record(self) -> ParcelRecord:
        return ParcelRecord(
            parcel_id=self.parcel_id,
            packed=self.packed,
            label=self.label,
            label_key=self.label_key,
            voided_labels=tuple(self.voided),
            given_up_labels=tuple(self.given_up),
            course=self.course,
        )
