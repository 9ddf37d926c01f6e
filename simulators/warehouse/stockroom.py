"""The warehouses' memory and deeds: take on, pack, recall, hand over."""

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from simulators.journal import Effect, Entry, Journal
from simulators.warehouse.requests import FulfilmentRequest, HandOver, ShipTo

Json = dict[str, Any]
Reason = Literal["no_stock", "damaged", "closed", "short"]
BOX_G = 120
UNIT_G = 350
UNITS_A_LAYER = 4


class ProblemError(Exception):
    """A refusal as an RFC 9457 problem document with a `code`."""

    def __init__(self, status: int, code: str, detail: str, **more: Any) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.more = more


class Found(BaseModel):
    """How many pieces of a SKU the picker finds, and what is the matter with the others."""

    model_config = ConfigDict(extra="forbid")

    sku: str
    found: int = Field(0, ge=0)
    reason: Literal["not_in_stock", "mismatch", "damaged"] = "not_in_stock"


class Rejection(BaseModel):
    """An order to reject the next fulfilments that fit.

    One that is `short` fits those that ask for more of a SKU than is found of it.
    """

    model_config = ConfigDict(extra="forbid")

    match: str | None = None
    location: str | None = None
    reason: Reason = "no_stock"
    short: list[Found] = []
    when: Literal["at_once", "after_accepting"] = "at_once"
    times: int = Field(1, ge=1)

    @model_validator(mode="after")
    def _says_what_is_short(self) -> Self:
        if (self.reason == "short") != bool(self.short):
            raise ValueError("reason short and what is short go together")
        return self

    def fits(self, location: str, asked: FulfilmentRequest) -> bool:
        here = self.location in (None, location)
        matches = self.match is None or self.match in f"{asked.reference} {asked.order_id}"
        return here and matches and (not self.short or bool(self.missing(asked)))

    def missing(self, asked: FulfilmentRequest) -> list[Json]:
        """What is short of the pieces that are asked for."""
        wanted = Counter[str]()
        for line in asked.lines:
            wanted[line.sku] += line.quantity
        return [one.model_dump() for one in self.short if one.found < wanted[one.sku]]


class Boxes(BaseModel):
    """How many pieces go into a box of the fulfilments whose reference fits."""

    model_config = ConfigDict(extra="forbid")

    match: str = ""
    units: int = Field(ge=1)


@dataclass
class Fulfilment:
    id: str
    reference: str
    location: str
    order_id: str
    request: Json
    status: str = "accepted"
    reason: str | None = None
    short: list[Json] | None = None
    parcels: list[Json] | None = None
    ship_to: Json | None = None
    doomed: Json | None = None
    handed_over_at: str | None = None
    labels: list[Json] | None = None

    def shown(self) -> Json:
        """The fulfilment as the protocol shows it."""
        return {
            "id": self.id,
            "reference": self.reference,
            "location": self.location,
            "order_id": self.order_id,
            "status": self.status,
            "reason": self.reason,
            "short": self.short or [],
            "parcels": self.parcels or [],
            "handed_over_at": self.handed_over_at,
            "labels": self.labels or [],
        }


class Stockroom:
    """All warehouses in one; only `apply` changes a fulfilment."""

    def __init__(self, journal: Journal, changed: Callable[[str, Fulfilment], None]) -> None:
        self._journal = journal
        self._changed = changed
        self._by_reference: dict[tuple[str, str], str] = {}
        self._rejections: list[Rejection] = []
        self.fulfilments: dict[str, Fulfilment] = {}
        self.unit_weights_g: dict[str, int] = {}
        self.boxes: list[Boxes] = []

    def apply(self, entry: Entry) -> None:
        data = entry.data
        if entry.effect == "accepted" or (
            entry.effect == "rejected" and entry.ref not in self.fulfilments
        ):
            self._taken_on(entry)
        found = self.fulfilments[entry.ref]
        match entry.effect:
            case "accepted":
                pass
            case "rejected":
                found.status, found.reason = "rejected", data["reason"]
                found.short = data["short"]
            case "packed":
                found.status, found.parcels = "packed", data["parcels"]
            case "recalled":
                found.status = "recalled"
            case "readdressed":
                found.ship_to = data["ship_to"]
            case "handed_over":
                found.status, found.handed_over_at = "handed_over", entry.at
                found.labels = data["parcels"]
            case _:
                raise ValueError(f"the journal has a warehouse effect unknown here: {entry.effect}")

    def _taken_on(self, entry: Entry) -> None:
        request = entry.data["request"]
        made = Fulfilment(
            entry.ref, request["reference"], entry.data["location"], request["order_id"], request
        )
        made.ship_to, made.doomed = request["ship_to"], entry.data.get("doomed")
        self.fulfilments[made.id] = made
        self._by_reference[made.location, made.reference] = made.id

    def reject_next(self, rejection: Rejection) -> None:
        self._rejections.append(rejection)

    def rejections(self) -> list[Json]:
        return [rejection.model_dump() for rejection in self._rejections]

    def take_on(self, location: str, asked: FulfilmentRequest) -> tuple[Fulfilment, bool]:
        """Accept or reject; the same reference again gives the same fulfilment (and False)."""
        request = asked.model_dump()
        known = self.find_reference(location, asked.reference)
        if known is not None:
            if known.request != request:
                raise ProblemError(
                    409, "reference_reused", "This reference was used with another body."
                )
            return known, False
        made_id = f"ful_{len(self.fulfilments) + 1:08d}"
        rejection = self._rejection(location, asked)
        data: Json = {"location": location, "request": request}
        doom = rejection and {"reason": rejection.reason, "short": rejection.missing(asked)}
        if rejection is not None and doom and rejection.when == "at_once":
            self._write("rejected", made_id, asked.reference, data | doom)
            return self.fulfilments[made_id], True
        self._write("accepted", made_id, asked.reference, data | {"doomed": doom})
        return self.fulfilments[made_id], True

    def _rejection(self, location: str, asked: FulfilmentRequest) -> Rejection | None:
        for rejection in self._rejections:
            if rejection.fits(location, asked):
                rejection.times -= 1
                if not rejection.times:
                    self._rejections.remove(rejection)
                return rejection
        return None

    def find_reference(self, location: str, reference: str) -> Fulfilment | None:
        return self.fulfilments.get(self._by_reference.get((location, reference), ""))

    def find(self, fulfilment_id: str) -> Fulfilment:
        found = self.fulfilments.get(fulfilment_id)
        if found is None:
            raise ProblemError(404, "not_found", "There is no such fulfilment.")
        return found

    def finish(self, found: Fulfilment) -> None:
        """The packing time is over: packed, or after all rejected. Nothing if it was recalled."""
        if found.status != "accepted":
            return
        if found.doomed is not None:
            self._write("rejected", found.id, found.reference, found.doomed)
            self._changed("fulfilment.rejected", found)
            return
        self._write("packed", found.id, found.reference, {"parcels": self._parcels(found)})
        self._changed("fulfilment.packed", found)

    def _parcels(self, found: Fulfilment) -> list[Json]:
        """Filled one after the other, all pieces in one unless boxes are told to be small."""
        pieces_g = [
            self.unit_weights_g.get(line["sku"], UNIT_G)
            for line in found.request["lines"]
            for _ in range(line["quantity"])
        ]
        boxes = (box.units for box in self.boxes if box.match in found.reference)
        units = next(boxes, len(pieces_g))
        return [parcel(pieces_g[first : first + units]) for first in range(0, len(pieces_g), units)]

    def recall(self, fulfilment_id: str) -> Fulfilment:
        found = self.find(fulfilment_id)
        if found.status == "handed_over":
            raise ProblemError(409, "handed_over", "The parcel has left the warehouse.")
        if found.status not in ("recalled", "rejected"):
            self._write("recalled", found.id, found.reference, {})
        return found

    def readdress(self, fulfilment_id: str, ship_to: ShipTo) -> Fulfilment:
        found = self.find(fulfilment_id)
        if found.status == "handed_over":
            raise ProblemError(409, "handed_over", "The parcel has left the warehouse.")
        wanted = ship_to.model_dump()
        if found.ship_to != wanted:
            self._write("readdressed", found.id, found.reference, {"ship_to": wanted})
        return found

    def hand_over(self, fulfilment_id: str, asked: HandOver) -> tuple[Fulfilment, bool]:
        """Give the parcels to the carrier; again with the same numbers changes nothing (False)."""
        found = self.find(fulfilment_id)
        if found.status == "handed_over":
            known = [label["tracking_number"] for label in found.labels or ()]
            if known != asked.tracking_numbers():
                raise ProblemError(
                    409, "handed_over", "Handed over already with other tracking numbers."
                )
            return found, False
        if found.status == "recalled":
            raise ProblemError(409, "recalled", "The fulfilment was recalled.")
        if found.status != "packed":
            raise ProblemError(409, "not_packed", f"The fulfilment is {found.status}.")
        if len(asked.parcels) != len(found.parcels or ()):
            raise ProblemError(
                409, "parcels_differ", f"Packed in {len(found.parcels or ())} parcels."
            )
        self._write("handed_over", found.id, found.reference, asked.model_dump())
        self._changed("fulfilment.handed_over", found)
        return found, True

    def state(self) -> list[Json]:
        return [asdict(found) for found in self.fulfilments.values()]

    def _write(self, effect: str, ref: str, reference: str, data: Json) -> None:
        order = reference.split("/", maxsplit=1)[0]
        for entry in self._journal.append(Effect("warehouse", effect, ref, reference, order, data)):
            self.apply(entry)


def parcel(pieces_g: list[int]) -> Json:
    """Weight and height grow with the number of pieces."""
    layers = -(-len(pieces_g) // UNITS_A_LAYER)
    return {
        "weight_g": BOX_G + sum(pieces_g),
        "length_mm": 300,
        "width_mm": 200,
        "height_mm": 60 + 50 * layers,
    }
