"""What may be asked of a warehouse, checked field by field: docs/warehouse-protocol.md."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Text = Annotated[str, Field(min_length=1, max_length=500)]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class ShipTo(Strict):
    name: Text
    company: str | None = None
    lines: list[Text] = Field(min_length=1, max_length=6)
    city: str | None = None
    region: str | None = None
    postal_code: str | None = None
    country: str = Field(pattern="^[A-Z]{2}$")
    phone: str | None = None


class Line(Strict):
    sku: Text
    quantity: int = Field(ge=1)


class FulfilmentRequest(Strict):
    reference: Text
    order_id: Text
    lines: list[Line] = Field(min_length=1)
    ship_to: ShipTo


class LabelledParcel(Strict):
    carrier: Text
    tracking_number: Text
    label_url: Text


class HandOver(Strict):
    """One entry for each packed parcel, in their order."""

    parcels: list[LabelledParcel] = Field(min_length=1)

    def tracking_numbers(self) -> list[str]:
        return [parcel.tracking_number for parcel in self.parcels]
