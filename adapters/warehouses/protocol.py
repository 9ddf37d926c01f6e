"""What docs/warehouse-protocol.md says, as we write and read it."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from domain.addresses import Address
from domain.fulfilments import (
    HandedOver,
    PackAccepted,
    Packed,
    PackedParcel,
    PackRejected,
    PackRequest,
    Recalled,
)
from domain.stock import ShortPick, ShortReason

REASONS = frozenset({"no_stock", "damaged", "closed", "short"})

PARCELS_LIMIT = 100
"""Of one fulfilment: each costs a label, and a few events of its order's history."""

Size = Annotated[int, Field(strict=True, gt=0, le=10_000_000)]
Count = Annotated[int, Field(strict=True, ge=0, le=10_000_000)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Parcel(_Part):
    weight_g: Size
    length_mm: Size
    width_mm: Size
    height_mm: Size


class Found(_Part):
    """What a picker found of one SKU, and why it is less than was asked for."""

    sku: str = Field(pattern=r"^[^\x00-\x1f\x7f]{1,500}$")
    found: Count
    reason: ShortReason


class Fulfilment(_Part):
    """A fulfilment as the warehouse shows it."""

    id: str = Field(min_length=1, max_length=200)
    reference: str
    location: str
    status: Literal["accepted", "rejected", "packed", "recalled", "handed_over"]
    reason: str | None = None
    short: tuple[Found, ...] = Field(default=(), max_length=1_000)
    parcels: tuple[Parcel, ...] = Field(default=(), max_length=PARCELS_LIMIT)

    @field_validator("short")
    @classmethod
    def _once(cls, short: tuple[Found, ...]) -> tuple[Found, ...]:
        """Two counts of one SKU would leave open which of them corrects the record."""
        if len({found.sku for found in short}) < len(short):
            raise ValueError("names a SKU twice")
        return short

    def packed_parcels(self) -> tuple[PackedParcel, ...]:
        return tuple(PackedParcel(**parcel.model_dump()) for parcel in self.parcels)

    def rejection(self) -> str:
        """The reason as a code of ours."""
        return self.reason if self.reason in REASONS else "other"

    def short_picks(self) -> tuple[ShortPick, ...]:
        return tuple(ShortPick(**found.model_dump()) for found in self.short)

    def rejected(self) -> PackRejected:
        return PackRejected(reason=self.rejection(), short=self.short_picks())

    def standing(self) -> PackAccepted | PackRejected | Packed | Recalled | HandedOver:
        match self.status:
            case "accepted":
                return PackAccepted()
            case "rejected":
                return self.rejected()
            case "packed" if self.parcels:
                return Packed(parcels=self.packed_parcels())
            case "packed":  # in nothing that we could label: we ask again, then an operator does
                return PackAccepted()
            case "recalled":
                return Recalled()
            case "handed_over":
                return HandedOver()

    def answer(self) -> PackAccepted | PackRejected:
        """What became of the request to pack it; one that they took back themselves is rejected."""
        match self.status:
            case "rejected":
                return self.rejected()
            case "recalled":
                return PackRejected(reason="other")
            case "accepted" | "packed" | "handed_over":
                return PackAccepted()


class Fulfilments(_Part):
    fulfilments: tuple[Fulfilment, ...] = Field(max_length=1)


def request_body(request: PackRequest, address: Address) -> dict[str, Any]:
    return {
        "reference": request.reference,
        "order_id": request.order_id,
        "lines": [{"sku": item.sku, "quantity": item.quantity} for item in request.items],
        "ship_to": ship_to(address),
    }


def ship_to(address: Address) -> dict[str, Any]:
    """`name` is never empty: papers without one cannot be packed by."""
    return {
        "name": address.name or address.company,
        "company": address.company or None,
        "lines": [line for line in address.lines if line],
        "city": address.city or None,
        "region": address.region or None,
        "postal_code": address.postal_code or None,
        "country": address.country,
        "phone": address.phone,
    }


def explain(content: object) -> tuple[str, str]:
    """The `code` and `detail` of an RFC 9457 problem document."""
    if not isinstance(content, dict):
        return "", ""
    return str(content.get("code") or ""), str(content.get("detail") or "")
