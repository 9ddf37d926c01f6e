"""Goods to come on one page: what each document still lacks, beside the model of stock."""

from collections import Counter
from dataclasses import dataclass, field

from tests.storage.stock_model import Cell, Model, RefusedByModel, Units

Wrong = tuple[str, str, str, int]
"""Kind, SKU, location and by how much."""
Shown = tuple[str, Units, list[Wrong]]
"""A document's state, what is on its way, and what was wrong with what came."""


@dataclass
class Document:
    origin: str | None
    destination: str
    lacking: Units
    state: str = "open"
    anything_came: bool = False
    wrong: list[Wrong] = field(default_factory=list)

    @property
    def on_its_way(self) -> Units:
        left = self.state == ("open" if self.origin is None else "dispatched")
        return {sku: n for sku, n in self.lacking.items() if n} if left else {}

    def shown(self) -> Shown:
        return self.state, self.on_its_way, list(self.wrong)


@dataclass
class SupplyModel:
    stock: Model
    documents: list[Document] = field(default_factory=list)
    wrong: list[Wrong] = field(default_factory=list)
    """Of all documents and counts."""
    appeared: Counter[str] = field(default_factory=Counter)
    """Units by SKU that a transfer brought and had not taken; below none, that it lost."""

    # -- how it stands

    def incoming(self, cell: Cell) -> int:
        return sum(
            one.on_its_way.get(cell[0], 0) for one in self.documents if one.destination == cell[1]
        )

    def in_transit(self, sku: str) -> int:
        """Neither at the one location nor at the other."""
        return sum(one.on_its_way.get(sku, 0) for one in self.documents if one.origin is not None)

    def in_our_hands(self, sku: str) -> int:
        """On hand anywhere, or between two locations: all that came, less all that went."""
        flows = sum(
            many
            for (kind, of), many in self.stock.flows.items()
            if of == sku and not kind.startswith("transferred")
        )
        return flows + self.appeared[sku]

    def document(self, number: int) -> Document:
        if number >= len(self.documents):
            raise RefusedByModel("unknown_supply")
        return self.documents[number]

    # -- what people do

    def open(
        self, origin: str | None, destination: str, lines: list[tuple[str, int, int]]
    ) -> Shown:
        lacking: Units = {}
        for sku, quantity, _ in lines:
            lacking[sku] = lacking.get(sku, 0) + quantity
        self.documents.append(Document(origin, destination, lacking))
        return self.documents[-1].shown()

    def dispatch(self, number: int) -> Shown:
        one = self.document(number)
        if one.origin is None:
            raise RefusedByModel("not_a_transfer")
        if one.state != "open":
            raise RefusedByModel(one.state)
        if any(self.stock.sound((sku, one.origin)) < n for sku, n in one.lacking.items()):
            raise RefusedByModel("below_reserved")
        for sku, quantity in one.lacking.items():
            self.stock.move("transferred_out", (sku, one.origin), -quantity)
        one.state = "dispatched"
        return one.shown()

    def receive(self, number: int, came: Units, damaged: Units) -> Shown:
        one = self.document(number)
        if one.state != ("open" if one.origin is None else "dispatched"):
            raise RefusedByModel("not_dispatched" if one.state == "open" else one.state)
        if not set(came) <= set(one.lacking):
            raise RefusedByModel("not_on_document")
        for sku in sorted(came):
            self.arrive(one, sku, came[sku], damaged[sku])
        one.anything_came = True
        if not any(one.lacking.values()):
            one.state = "closed"
        self.stock.share_out({one.destination}, set(came))
        return one.shown()

    def arrive(self, one: Document, sku: str, quantity: int, damaged: int) -> None:
        cell = (sku, one.destination)
        over = max(quantity - one.lacking[sku], 0)
        one.lacking[sku] -= quantity - over
        self.stock.move("received" if one.origin is None else "transferred_in", cell, quantity)
        self.stock.damaged[cell] = self.stock.damaged.get(cell, 0) + damaged
        self.differs("damaged", cell, damaged, one)
        self.differs("over", cell, over, one)
        if one.origin is not None:
            self.appeared[sku] += over

    def reschedule(self, number: int, sku: str | None) -> Shown:
        one = self.document(number)
        if one.state not in ("open", "dispatched"):
            raise RefusedByModel(one.state)
        if sku is not None and not one.lacking.get(sku):
            raise RefusedByModel("not_on_document")
        return one.shown()

    def end(self, number: int, how: str, reason: str) -> Shown:
        one = self.document(number)
        if one.state == how:
            return one.shown()
        if hindrance := self.cannot_end(one, how):
            raise RefusedByModel(hindrance)
        if how == "closed" and not reason:
            raise RefusedByModel("missing")
        one.state = how
        for sku, quantity in sorted(one.lacking.items()):
            if how == "closed":
                self.differs("short", (sku, one.destination), -quantity, one)
                self.appeared[sku] -= quantity if one.origin is not None else 0
        return one.shown()

    def cannot_end(self, one: Document, how: str) -> str:
        if one.state in ("closed", "cancelled"):
            return one.state
        if how == "closed":
            return "not_dispatched" if one.origin is not None and one.state == "open" else ""
        if one.state == "dispatched":
            return "dispatched"
        return "received_in_part" if one.anything_came else ""

    def count(self, place: str, found: Units) -> dict[str, tuple[int, int]]:
        """What was recorded and what was found, by SKU."""
        recorded = {sku: self.stock.on_hand.get((sku, place), 0) for sku in found}
        self.stock.count(place, found)
        for sku in sorted(found):
            self.differs("counted", (sku, place), found[sku] - recorded[sku])
        return {sku: (recorded[sku], found[sku]) for sku in found}

    def differs(self, kind: str, cell: Cell, by: int, of: Document | None = None) -> None:
        if by:
            self.wrong.append((kind, *cell, by))
            if of is not None:
                of.wrong.append((kind, *cell, by))
