"""EasyPost's shipments on the wire (https://docs.easypost.com/docs/shipments)."""

import json
import re
from collections.abc import Iterator
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from adapters.carriers.customs import CustomsItem, crosses_customs, customs_items
from adapters.carriers.easypost_scans import Code, Text
from domain.addresses import Address
from domain.fulfilments import Label, LabelRequest, PackedParcel
from domain.locations import Location
from domain.money import InvalidMoney, Money
from domain.orders import Order

GRAMS_PER_OUNCE = Decimal("28.349523125")
MM_PER_INCH = Decimal("25.4")
NO_FILING_BELOW = Money(amount_minor=2_500_00, currency="USD")
"""Exports from the US below this worth need no electronic filing (15 CFR 30.37(a))."""

URL = re.compile("^[!-~]{1,2000}$")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Rate(_Part):
    id: Code
    carrier: Text
    service: Text
    rate: str
    currency: str

    def price(self) -> Money | None:
        """None for a price that is no amount of its currency."""
        try:
            return Money.parse(self.rate, self.currency)
        except InvalidMoney:
            return None


class PostageLabel(_Part):
    label_url: Annotated[str, Field(pattern=URL.pattern)]


def _followable(said: object) -> object:
    """A label without a page to follow it on is a label all the same."""
    return None if isinstance(said, str) and not URL.fullmatch(said) else said


class PublicTracker(_Part):
    public_url: Annotated[str | None, BeforeValidator(_followable)] = None


class Shipment(_Part):
    """What we read of a shipment; with `postage_label` it is bought."""

    id: Code
    reference: str | None = None
    rates: tuple[Rate, ...] | None = None
    messages: tuple[dict[str, Any], ...] | None = None
    selected_rate: Rate | None = None
    postage_label: PostageLabel | None = None
    tracking_code: Code | None = None
    tracker: PublicTracker | None = None
    refund_status: str | None = None

    def label(self) -> Label | None:
        """The label if postage was bought.

        Raises:
            ValueError: it was, but something is missing.
        """
        if self.postage_label is None:
            return None
        if self.selected_rate is None or not self.tracking_code:
            raise ValueError("shipment: has postage, but no rate or tracking code")
        return Label(
            shipment_ref=self.id,
            carrier=self.selected_rate.carrier,
            tracking_number=self.tracking_code,
            label_url=self.postage_label.label_url,
            tracking_url=(self.tracker and self.tracker.public_url) or "",
            cost=Money.parse(self.selected_rate.rate, self.selected_rate.currency),
        )

    def cheapest(self, currency: str) -> Rate | None:
        """The cheapest rate, the same each time: in `currency` if there are any, else in the first.

        Rates in different currencies do not compare; equal ones go by carrier, service and id.
        """
        priced = list(self._priced())
        currencies = sorted(
            {price.currency for price, _ in priced}, key=lambda c: (c != currency, c)
        )
        options = [
            (price.amount_minor, rate.carrier, rate.service, rate.id, rate)
            for price, rate in priced
            if price.currency == currencies[0]
        ]
        return min(options, key=lambda option: option[:-1])[-1] if options else None

    def _priced(self) -> Iterator[tuple[Money, Rate]]:
        for rate in self.rates or ():
            price = rate.price()
            if price is not None and price.amount_minor >= 0:
                yield price, rate


def shipment_body(request: LabelRequest, sender: Location, order: Order) -> dict[str, Any]:
    """What creates the shipment; `reference` is the effect's key."""
    shipment: dict[str, Any] = {
        "reference": request.key,
        "to_address": _address(order.address) | {"email": order.email or None},
        "from_address": _sender(sender),
        "parcel": _parcel(request.parcel),
        "options": {"label_format": "PDF", "invoice_number": order.number},
    }
    origin, destination = sender.address.country, order.address.country
    if crosses_customs(origin, destination):
        items = customs_items(request, order, origin)
        shipment["customs_info"] = _customs(items, sender, destination)
    return {"shipment": shipment}


def explain(content: object) -> tuple[str, str]:
    """Read https://docs.easypost.com/docs/errors, where `errors` is a list or an object."""
    error = content.get("error") if isinstance(content, dict) else None
    if not isinstance(error, dict):
        return "", str(error or "")
    words = [str(error.get("message") or "")]
    if error.get("errors"):
        words.append(json.dumps(error["errors"], ensure_ascii=False))
    return str(error.get("code") or ""), " ".join(words)


def _address(address: Address) -> dict[str, Any]:
    return {
        "name": address.name or None,
        "company": address.company or None,
        "street1": address.lines[0],
        "street2": ", ".join(address.lines[1:]) or None,
        "city": address.city,
        "state": address.region or None,
        "zip": address.postal_code,
        "country": address.country,
        "phone": address.phone,
    }


def _sender(sender: Location) -> dict[str, Any]:
    written = _address(sender.address)
    if not (written["name"] or written["company"]):
        written["company"] = sender.name
    return written


def _parcel(parcel: PackedParcel) -> dict[str, float]:
    """Ounces and inches, rounded up: a parcel that is declared too small costs a surcharge."""
    sides_mm = {"length": parcel.length_mm, "width": parcel.width_mm, "height": parcel.height_mm}
    sides = {name: _rounded(Decimal(mm) / MM_PER_INCH, "0.01") for name, mm in sides_mm.items()}
    return {"weight": _rounded(Decimal(parcel.weight_g) / GRAMS_PER_OUNCE, "0.1"), **sides}


def _rounded(value: Decimal, step: str, rounding: str = ROUND_CEILING) -> float:
    return float(max(value.quantize(Decimal(step), rounding), Decimal(step)))


def _customs(items: list[CustomsItem], sender: Location, destination: str) -> dict[str, Any]:
    """Write https://docs.easypost.com/docs/customs-infos as it stands."""
    return {
        "contents_type": "merchandise",
        "customs_certify": True,
        "customs_signer": sender.address.name or sender.name,
        "non_delivery_option": "return",
        "restriction_type": "none",
        "eel_pfc": _export_exemption(items, sender.address.country, destination),
        "customs_items": [
            {
                "description": item.title,
                "quantity": item.quantity,
                "value": item.value.decimal(),
                "currency": item.value.currency,
                # Down, so that the items never weigh more than the parcel.
                "weight": _rounded(Decimal(item.weight_g) / GRAMS_PER_OUNCE, "0.01", ROUND_FLOOR),
                "hs_tariff_number": item.hs_code,
                "origin_country": item.origin_country,
                "code": item.sku,
            }
            for item in items
        ],
    }


def _export_exemption(items: list[CustomsItem], origin: str, destination: str) -> str | None:
    """Why the export needs no filing in the US, where it does not; the carrier refuses the rest."""
    if origin != "US":
        return None
    if destination == "CA":
        return "NOEEI 30.36"
    values = [item.value for item in items]
    if any(value.currency != NO_FILING_BELOW.currency for value in values):
        return None
    return "NOEEI 30.37(a)" if all(value < NO_FILING_BELOW for value in values) else None
