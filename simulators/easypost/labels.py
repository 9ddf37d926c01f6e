"""Labels and trackers as EasyPost shows them once postage is bought."""

import base64
from typing import Any

from simulators.easypost.shipments import MODE, identity, stamp

Json = dict[str, Any]
# A one-pixel PNG: what a label looks like is nobody's business here.
LABEL_PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
PREFIXES = {"USPS": "9400100", "UPS": "1Z999AA1", "DHLExpress": "JD0146", "DHLPaket": "00340434"}


def tracking_code(carrier: str, number: int) -> str:
    return f"{PREFIXES[carrier]}{number:012d}"


def postage_label(shipment: Json, host: str) -> Json:
    """As <https://docs.easypost.com/docs/shipments#buy-a-shipment>."""
    return {
        "object": "PostageLabel",
        "id": identity("pl", shipment["id"]),
        "created_at": stamp(),
        "updated_at": stamp(),
        "date_advance": 0,
        "integrated_form": "none",
        "label_date": stamp(),
        "label_resolution": 300,
        "label_size": "4x6",
        "label_type": "default",
        "label_file_type": "image/png",
        "label_url": f"{host}/easypost/label/{shipment['id']}.png",
        "label_pdf_url": None,
        "label_zpl_url": None,
        "label_epl2_url": None,
        "label_file": None,
    }


def tracker(shipment: Json, code: str, carrier: str) -> Json:
    """As <https://docs.easypost.com/docs/trackers>."""
    tracker_id = identity("trk", shipment["id"])
    public = base64.urlsafe_b64encode(f"v1:{tracker_id}".encode()).decode().rstrip("=")
    return {
        "id": tracker_id,
        "object": "Tracker",
        "mode": MODE,
        "tracking_code": code,
        "status": "unknown",
        "status_detail": "unknown",
        "created_at": stamp(),
        "updated_at": stamp(),
        "signed_by": None,
        "weight": None,
        "est_delivery_date": None,
        "shipment_id": shipment["id"],
        "carrier": carrier,
        "tracking_details": [],
        "fees": [],
        "carrier_detail": None,
        "public_url": f"https://track.easypost.com/{public}",
    }


def detail(carrier: str, wanted: Json, place: Json, at: str | None = None) -> Json:
    """One scan: <https://docs.easypost.com/docs/trackers#trackingdetail-object>."""
    return {
        "object": "TrackingDetail",
        "message": wanted["message"],
        "description": "",
        "status": wanted["status"],
        "status_detail": wanted["status_detail"],
        "datetime": at or stamp(),
        "source": carrier,
        "carrier_code": "",
        "tracking_location": {
            "object": "TrackingLocation",
            "city": place.get("city"),
            "state": place.get("state"),
            "country": place.get("country"),
            "zip": place.get("zip"),
        },
        "est_delivery_date": None,
    }


def event(event_id: str, result: Json, before: Json, at: str) -> Json:
    """As <https://docs.easypost.com/docs/events>."""
    return {
        "id": event_id,
        "object": "Event",
        "mode": MODE,
        "description": "tracker.updated",
        "previous_attributes": before,
        "result": result,
        "status": "pending",
        "pending_urls": [],
        "completed_urls": [],
        "user_id": identity("user", "simulator"),
        "created_at": at,
        "updated_at": at,
    }
