"""Shipments as EasyPost makes them: addresses, a parcel, customs and the rates for it."""

import hashlib
import math
from typing import Any

from simulators.easypost.refusals import absent, missing, wrong_type
from simulators.journal import now

Json = dict[str, Any]
MODE = "test"
MAX_WEIGHT_OZ = 2_400.0
ADDRESS_FIELDS = (
    "name", "company", "street1", "street2", "city", "state", "zip", "country", "phone", "email",
    "carrier_facility", "residential", "federal_tax_id", "state_tax_id",
)  # fmt: skip
# Carrier, service, base price, price an ounce, days.
DOMESTIC_US = (
    ("USPS", "GroundAdvantage", 4.10, 0.055, 4),
    ("USPS", "Priority", 7.40, 0.075, 2),
    ("USPS", "Express", 26.50, 0.190, 1),
)
DOMESTIC = (
    ("DHLPaket", "DHLPaket", 4.50, 0.040, 2),
    ("UPS", "UPSStandard", 6.20, 0.050, 2),
    ("UPS", "UPSSaver", 19.80, 0.140, 1),
)
CROSS_BORDER = (
    ("UPS", "UPSStandard", 11.90, 0.120, 5),
    ("DHLExpress", "ExpressWorldwide", 24.00, 0.210, 2),
    ("UPS", "Expedited", 29.50, 0.200, 3),
)
CUSTOMS_UNION = frozenset(
    {
        "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU",
        "IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
    }
)  # fmt: skip


def stamp() -> str:
    return now()[:19] + "Z"


def identity(prefix: str, *parts: object) -> str:
    """An id of the vendor's shape, `<prefix>_` and 32 hex digits, the same after a replay."""
    seed = "/".join(str(part) for part in parts)
    return f"{prefix}_{hashlib.sha256(f'{prefix}/{seed}'.encode()).hexdigest()[:32]}"


def crosses_customs(shipment: Json) -> bool:
    """Whether the parcel passes a customs border on its way."""
    origin, destination = (shipment[end]["country"] for end in ("from_address", "to_address"))
    return origin != destination and not {origin, destination} <= CUSTOMS_UNION


def shipment(asked: Json, number: int) -> Json:
    """As <https://docs.easypost.com/docs/shipments#create-a-shipment>."""
    lacking = [end for end in ("to_address", "from_address") if not asked.get(end)]
    if lacking:
        raise absent(*lacking)
    ends = {end: _address(asked, end, number) for end in ("to_address", "from_address")}
    made: Json = {
        "id": identity("shp", number),
        "object": "Shipment",
        "mode": MODE,
        "created_at": stamp(),
        "updated_at": stamp(),
        "reference": _text(asked, "reference"),
        "status": "unknown",
        "is_return": bool(asked.get("is_return", False)),
        "options": _options(asked),
        "messages": [],
        "tracking_code": None,
        "batch_id": None,
        "batch_status": None,
        "batch_message": None,
        "customs_info": _customs(asked, number),
        "insurance": None,
        "order_id": None,
        "parcel": _parcel(asked, number),
        "postage_label": None,
        "rates": [],
        "refund_status": None,
        "scan_form": None,
        "selected_rate": None,
        "tracker": None,
        "usps_zone": None,
        "return_address": ends["from_address"],
        "buyer_address": ends["to_address"],
        "forms": [],
        "fees": [],
    } | ends
    _rate(made)
    return made


def _text(asked: Json, name: str) -> str | None:
    value = asked.get(name)
    if value is not None and not isinstance(value, str):
        raise wrong_type(name, "a string")
    return value


def _options(asked: Json) -> Json:
    options = asked.get("options") or {}
    if not isinstance(options, dict):
        raise wrong_type("options", "an object")
    return {"currency": "USD", "payment": {"type": "SENDER"}, "date_advance": 0} | options


def _address(asked: Json, end: str, number: int) -> Json:
    """As <https://docs.easypost.com/docs/addresses>, within the US unless it says otherwise."""
    given = asked[end]
    if not isinstance(given, dict):
        raise wrong_type(end, "an object")
    lacking = [f"{end}.{name}" for name in ("street1", "city") if not given.get(name)]
    if not (given.get("name") or given.get("company")):
        lacking.append(f"{end}.name")
    if lacking:
        raise missing(*lacking)
    country = given.get("country") or "US"
    if len(str(country)) != 2:  # noqa: PLR2004 - ISO 3166-1 alpha-2
        raise wrong_type(f"{end}.country", "a two-letter country code")
    kept = {name: given.get(name) for name in ADDRESS_FIELDS} | {"country": country}
    return {
        "id": identity("adr", number, end),
        "object": "Address",
        "created_at": stamp(),
        "updated_at": stamp(),
        **kept,
        "mode": MODE,
        "verifications": {},
    }


def _parcel(asked: Json, number: int) -> Json:
    """Weight in ounces, sides in inches: <https://docs.easypost.com/docs/parcels>."""
    given = asked.get("parcel")
    if not given:
        raise missing("parcel")
    if not isinstance(given, dict):
        raise wrong_type("parcel", "an object")
    if given.get("weight") is None:
        raise missing("parcel.weight")
    sizes = {
        name: None if given.get(name) is None else _positive(given[name], f"parcel.{name}")
        for name in ("weight", "length", "width", "height")
    }
    return {
        "id": identity("prcl", number),
        "object": "Parcel",
        "created_at": stamp(),
        "updated_at": stamp(),
        **sizes,
        "predefined_package": given.get("predefined_package"),
        "mode": MODE,
    }


def _positive(value: Any, field: str) -> float:
    """A number, or a text that is one, as in the vendor's own examples."""
    try:
        amount = 0.0 if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        amount = 0.0
    if not 0 < amount < math.inf:
        raise wrong_type(field, "a number greater than 0")
    return amount


def _customs(asked: Json, number: int) -> Json | None:
    """As <https://docs.easypost.com/docs/customs-infos>."""
    given = asked.get("customs_info")
    if given is None:
        return None
    if not isinstance(given, dict):
        raise wrong_type("customs_info", "an object")
    items = given.get("customs_items")
    if not items or not isinstance(items, list):
        raise missing("customs_info.customs_items")
    return {
        "id": identity("cstinfo", number),
        "object": "CustomsInfo",
        "created_at": stamp(),
        "updated_at": stamp(),
        "contents_explanation": given.get("contents_explanation", ""),
        "contents_type": given.get("contents_type", "merchandise"),
        "customs_certify": given.get("customs_certify", False),
        "customs_signer": given.get("customs_signer"),
        "eel_pfc": given.get("eel_pfc"),
        "non_delivery_option": given.get("non_delivery_option", "return"),
        "restriction_comments": given.get("restriction_comments"),
        "restriction_type": given.get("restriction_type", "none"),
        "mode": MODE,
        "declaration": given.get("declaration"),
        "customs_items": [_customs_item(item, place, number) for place, item in enumerate(items)],
    }


def _customs_item(item: Json, place: int, number: int) -> Json:
    """As <https://docs.easypost.com/docs/customs-items>."""
    at = f"customs_info.customs_items[{place}]"
    required = ("description", "quantity", "value", "weight", "origin_country")
    lacking = [f"{at}.{name}" for name in required if item.get(name) in (None, "")]
    if lacking:
        raise missing(*lacking)
    for name in ("quantity", "value", "weight"):
        _positive(item[name], f"{at}.{name}")
    return {
        "id": identity("cstitem", number, place),
        "object": "CustomsItem",
        "created_at": stamp(),
        "updated_at": stamp(),
        "description": item["description"],
        "hs_tariff_number": item.get("hs_tariff_number"),
        "origin_country": item["origin_country"],
        "quantity": int(item["quantity"]),
        "value": str(item["value"]),
        "weight": float(item["weight"]),
        "code": item.get("code"),
        "mode": MODE,
        "manufacturer": item.get("manufacturer"),
        "currency": item.get("currency"),
        "eccn": item.get("eccn"),
        "printed_commodity_identifier": item.get("printed_commodity_identifier"),
    }


def _rate(made: Json) -> None:
    """Rates, or the carriers' words on why there are none.

    As <https://docs.easypost.com/docs/shipments/messages>.
    """
    origin = made["from_address"]["country"]
    abroad = origin != made["to_address"]["country"]
    table = CROSS_BORDER if abroad else DOMESTIC_US if origin == "US" else DOMESTIC
    problem = None
    if made["parcel"]["weight"] > MAX_WEIGHT_OZ:
        problem = f"Parcel weighs more than {MAX_WEIGHT_OZ:g} oz"
    elif crosses_customs(made) and made["customs_info"] is None:
        problem = "customs_info is required for shipments that cross a customs border"
    for carrier, service, base, an_ounce, days in table:
        account = identity("ca", carrier)
        if problem is not None:
            message = {
                "carrier": carrier,
                "carrier_account_id": account,
                "type": "rate_error",
                "message": problem,
            }
            made["messages"].append(message)
            continue
        price = f"{base + an_ounce * made['parcel']['weight']:.2f}"
        made["rates"].append(
            {
                "id": identity("rate", made["id"], carrier, service),
                "object": "Rate",
                "created_at": stamp(),
                "updated_at": stamp(),
                "mode": MODE,
                "service": service,
                "carrier": carrier,
                "rate": price,
                "currency": "USD",
                "retail_rate": price,
                "retail_currency": "USD",
                "list_rate": price,
                "list_currency": "USD",
                "billing_type": "easypost",
                "delivery_days": days,
                "delivery_date": None,
                "delivery_date_guaranteed": False,
                "est_delivery_days": days,
                "shipment_id": made["id"],
                "carrier_account_id": account,
            }
        )
