"""The carrier's memory and deeds: shipments, labels bought and given back, trackers."""

import copy
from typing import Any

from simulators.easypost import labels
from simulators.easypost.refusals import RefusedError, missing, not_found
from simulators.easypost.shipments import identity, shipment
from simulators.journal import Effect, Entry, Journal

Json = dict[str, Any]
PAGE, PAGE_MAX = 20, 100
MOVING = frozenset({"in_transit", "out_for_delivery", "delivered", "return_to_sender"})


class Carrier:
    """Shipments in the order they were made; only `apply` changes anything."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.shipments: dict[str, Json] = {}
        self.by_reference: dict[str, str] = {}
        self.trackers: dict[str, Json] = {}
        self.tracker_by_code: dict[str, str] = {}
        self.host = ""

    def apply(self, entry: Entry) -> None:
        data = entry.data
        match entry.effect:
            case "shipment_created":
                made = copy.deepcopy(data["shipment"])
                self.shipments[made["id"]] = made
                if made["reference"]:
                    self.by_reference[made["reference"]] = made["id"]
            case "label_bought":
                self._bought(self.shipments[data["shipment_id"]], copy.deepcopy(data))
            case "label_refunded":
                bought = self.shipments[data["shipment_id"]]
                bought["refund_status"] = "submitted"
                bought["updated_at"] = entry.at
            case "scan":
                self._scanned(data)
            case _:
                raise ValueError(f"the journal has an easypost effect unknown here: {entry.effect}")

    def create(self, asked: Any) -> Json:
        """As <https://docs.easypost.com/docs/shipments#create-a-shipment>."""
        if not isinstance(asked, dict) or not isinstance(asked.get("shipment") or None, dict):
            raise missing("shipment")
        made = shipment(asked["shipment"], len(self.shipments) + 1)
        self._write("shipment_created", made, made["id"], {"shipment": made})
        return self.shipments[made["id"]]

    def buy(self, given: str, asked: Any) -> Json:
        """As <https://docs.easypost.com/docs/shipments#buy-a-shipment>."""
        found = self.find(given)
        rate_id = ((asked or {}).get("rate") or {}).get("id") if isinstance(asked, dict) else None
        if rate_id is None:
            raise missing("rate")
        if found["postage_label"] is not None:
            raise RefusedError(
                422, "SHIPMENT.POSTAGE.EXISTS", "Postage already exists for this shipment"
            )
        rate = next((rate for rate in found["rates"] if rate["id"] == rate_id), None)
        if rate is None:
            raise not_found()
        code = labels.tracking_code(rate["carrier"], len(self.trackers) + 1)
        data = {
            "shipment_id": found["id"],
            "tracking_code": code,
            "reference": found["reference"],
            "carrier": rate["carrier"],
            "service": rate["service"],
            "rate": rate,
            "postage_label": labels.postage_label(found, self.host),
            "tracker": labels.tracker(found, code, rate["carrier"]),
        }
        self._write("label_bought", found, found["id"], data)
        return found

    def refund(self, given: str) -> Json:
        """As <https://docs.easypost.com/docs/shipments#refund-a-shipment>."""
        found = self.find(given)
        if found["postage_label"] is None:
            raise RefusedError(
                422, "SHIPMENT.REFUND.UNAVAILABLE", "Unable to request refund. No postage bought."
            )
        if found["refund_status"] is not None:
            raise RefusedError(422, "SHIPMENT.REFUND.UNAVAILABLE", "Label refund already requested")
        if found["tracker"]["status"] in MOVING:
            raise RefusedError(
                422,
                "SHIPMENT.REFUND.UNAVAILABLE",
                "Unable to request refund. The parcel has been shipped.",
            )
        data = {"shipment_id": found["id"], "tracking_code": found["tracking_code"]}
        self._write("label_refunded", found, found["id"], data)
        return found

    def find(self, given: str) -> Json:
        """By id, or by the reference that the caller gave."""
        found = self.shipments.get(given) or self.shipments.get(self.by_reference.get(given, ""))
        if found is None:
            raise not_found()
        return found

    def page(self, asked: dict[str, str]) -> Json:
        """Newest first, and only those with postage unless `purchased=false`.

        As <https://docs.easypost.com/docs/shipments#retrieve-a-list-of-shipments>.
        """
        purchased = asked.get("purchased", "true") != "false"
        ids = [
            made["id"]
            for made in self.shipments.values()
            if (made["postage_label"] is not None) == purchased
        ]
        for name in ("before_id", "after_id"):
            if name in asked and asked[name] not in self.shipments:
                raise not_found()
        order = {shipment_id: place for place, shipment_id in enumerate(self.shipments)}
        if "before_id" in asked:
            ids = [one for one in ids if order[one] < order[asked["before_id"]]]
        if "after_id" in asked:
            ids = [one for one in ids if order[one] > order[asked["after_id"]]]
        newest = ids[::-1]
        shown = newest[: _page_size(asked)]
        return {
            "shipments": [self.shipments[one] for one in shown],
            "has_more": len(newest) > len(shown),
        }

    def tracked(self, asked: dict[str, str]) -> Json:
        """Newest first, and only those of this code and carrier.

        As <https://docs.easypost.com/docs/trackers#retrieve-a-list-of-trackers>.
        """
        wanted = {name: asked[name] for name in ("tracking_code", "carrier") if name in asked}
        newest = [
            tracker
            for tracker in reversed(self.trackers.values())
            if all(tracker[name] == value for name, value in wanted.items())
        ]
        size = _page_size(asked)
        return {"trackers": newest[:size], "has_more": len(newest) > size}

    def scan(self, tracker: Json, detail: Json, step: int | None) -> Json:
        """Write a scan down; the event that tells of it."""
        number = len(tracker["tracking_details"]) + 1
        data = {
            "tracker_id": tracker["id"],
            "tracking_code": tracker["tracking_code"],
            "status": detail["status"],
            "step": step,
            "event_id": identity("evt", tracker["id"], number),
            "before": {"status": tracker["status"]},
            "detail": detail,
        }
        shipped = self.shipments[tracker["shipment_id"]]
        self._write("scan", shipped, tracker["id"], data)
        return self.event(data, detail["datetime"])

    def event(self, data: Json, at: str) -> Json:
        """The event that told of a scan, while that scan is the tracker's last."""
        tracker = copy.deepcopy(self.trackers[data["tracker_id"]])
        return labels.event(data["event_id"], tracker, data["before"], at)

    def _bought(self, found: Json, data: Json) -> None:
        rate = data["rate"]
        found["selected_rate"] = rate
        found["postage_label"] = data["postage_label"]
        found["tracking_code"] = data["tracking_code"]
        found["tracker"] = data["tracker"]
        found["updated_at"] = data["postage_label"]["updated_at"]
        found["fees"] = [
            {
                "object": "Fee", "type": kind, "amount": amount, "charged": True, "refunded": False
            }
            for kind, amount in (("LabelFee", "0.00000"), ("PostageFee", f"{rate['rate']}000"))
        ]  # fmt: skip
        self.trackers[data["tracker"]["id"]] = data["tracker"]
        self.tracker_by_code[data["tracking_code"]] = data["tracker"]["id"]

    def _scanned(self, data: Json) -> None:
        """A tracker's status is that of its latest scan by the carrier's clock."""
        tracker = self.trackers[data["tracker_id"]]
        details = tracker["tracking_details"]
        details.append(data["detail"])
        details.sort(key=lambda one: str(one["datetime"]))
        tracker["status"] = details[-1]["status"]
        tracker["status_detail"] = details[-1]["status_detail"]
        tracker["updated_at"] = data["detail"]["datetime"]
        shipped = self.shipments[tracker["shipment_id"]]
        shipped["status"] = tracker["status"]
        if tracker["status"] == "delivered":
            tracker["signed_by"] = shipped["to_address"]["name"]

    def _write(self, effect: str, about: Json, ref: str, data: Json) -> None:
        reference = about["reference"]
        order = reference.split("/")[0] if reference else None
        for entry in self._journal.append(Effect("easypost", effect, ref, reference, order, data)):
            self.apply(entry)


def _page_size(asked: dict[str, str]) -> int:
    """20 unless told, and at most 100."""
    size = asked.get("page_size", "")
    return max(1, min(int(size), PAGE_MAX)) if size.isdecimal() else PAGE
