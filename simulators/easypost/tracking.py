"""What happens to a parcel after hand-over: scan after scan, until it is delivered."""

import asyncio
import json
from typing import Any

from simulators.easypost import labels
from simulators.easypost.carrier import Carrier
from simulators.easypost.shipments import crosses_customs
from simulators.settings import Settings
from simulators.webhooks import Sender, easypost_signature

Json = dict[str, Any]
# Status, status detail, message, and at which end of the way it is scanned.
START = (
    ("pre_transit", "status_update", "Shipping Label Created", "from_address"),
    ("in_transit", "arrived_at_facility", "Picked up", "from_address"),
)
CUSTOMS = (
    ("in_transit", "in_transit", "Presented to customs", "to_address"),
    ("in_transit", "in_transit", "Released by customs", "to_address"),
)
END = (
    ("out_for_delivery", "out_for_delivery", "Out for delivery", "to_address"),
    ("delivered", "arrived_at_destination", "Delivered", "to_address"),
)
HELD = ("in_transit", "held_for_customs", "Held by customs: clearance delayed", "to_address")
STUCK_POLL_S = 0.05
FINAL = frozenset({"delivered", "return_to_sender", "failure", "cancelled"})


class Tracking:
    """A task for each parcel on its way; the journal says how far each has come."""

    def __init__(self, settings: Settings, carrier: Carrier, sender: Sender) -> None:
        self._settings = settings
        self._carrier = carrier
        self._sender = sender
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._steps: dict[str, int] = {}
        self._events: dict[str, list[bytes]] = {}
        self.started: set[str] = set()
        self.stopped: set[str] = set()
        self.stuck: set[str] = set()

    def noted(self, data: Json) -> None:
        """How far a scan brings the parcel."""
        tracker = self._carrier.trackers[data["tracker_id"]]
        if data["step"] is not None:
            self._steps[tracker["id"]] = data["step"] + 1
        elif data["status"] in FINAL:
            self.stopped.add(tracker["id"])

    def recovered(self, data: Json) -> None:
        """A scan was read back from the journal."""
        self.noted(data)
        body = _body(self._carrier.event(data, data["detail"]["datetime"]))
        self._events.setdefault(data["tracker_id"], []).append(body)

    def hand_over(self, tracking_code: str) -> None:
        """The carrier has the parcel; a code that is not ours is nobody's parcel here."""
        tracker_id = self._carrier.tracker_by_code.get(tracking_code)
        if tracker_id is not None:
            self.started.add(tracker_id)

    def resume(self) -> None:
        """Give every parcel on its way a task; those that have one keep it."""
        for tracker_id in self.started - self.stopped - self._tasks.keys():
            self._tasks[tracker_id] = asyncio.create_task(self._travel(tracker_id))

    async def close(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def scan(self, tracker: Json, wanted: Json, *, at: str | None, step: int | None = None) -> None:
        """One scan and its event."""
        shipped = self._carrier.shipments[tracker["shipment_id"]]
        detail = labels.detail(tracker["carrier"], wanted, shipped[wanted["end"]], at)
        event = self._carrier.scan(tracker, detail, step)
        self.noted({"tracker_id": tracker["id"], "step": step, "status": detail["status"]})
        body = _body(event)
        self._events.setdefault(tracker["id"], []).append(body)
        self._send(body, shipped)

    def replay(self, tracker: Json, index: int, times: int) -> int:
        """Send an event again, byte for byte; how many deliveries."""
        shipped = self._carrier.shipments[tracker["shipment_id"]]
        body = self._events[tracker["id"]][index]
        return sum(self._send(body, shipped) for _ in range(times))

    def send_raw(self, body: bytes) -> int:
        """Sign and send exactly these bytes."""
        return self._send(body, None)

    def _send(self, body: bytes, shipped: Json | None) -> int:
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "EasyPost/v2 WebhookBot",
            "X-Hmac-Signature": easypost_signature(self._settings.carrier_secret, body),
        }
        text = str(shipped["reference"]) if shipped else ""
        url = self._settings.carrier_webhook_url
        return self._sender.send("easypost", url, headers, body, text=text)

    async def _travel(self, tracker_id: str) -> None:
        tracker = self._carrier.trackers[tracker_id]
        shipped = self._carrier.shipments[tracker["shipment_id"]]
        plan = START + (CUSTOMS if crosses_customs(shipped) else ()) + END
        while (step := self._steps.get(tracker_id, 0)) < len(plan):
            await asyncio.sleep(self._settings.scan_s)
            if tracker_id in self.stopped:
                return
            if plan[step][2] == CUSTOMS[1][2] and await self._held(tracker, shipped):
                continue
            self.scan(tracker, _wanted(plan[step]), at=None, step=step)
        self.stopped.add(tracker_id)

    async def _held(self, tracker: Json, shipped: Json) -> bool:
        """Wait as long as this parcel is stuck in customs; whether it was."""
        if not self._is_stuck(shipped):
            return False
        self.scan(tracker, _wanted(HELD), at=None)
        while self._is_stuck(shipped) and tracker["id"] not in self.stopped:  # noqa: ASYNC110 - rare
            await asyncio.sleep(STUCK_POLL_S)
        return True

    def _is_stuck(self, shipped: Json) -> bool:
        return any(word in str(shipped["reference"]) for word in self.stuck)


def _wanted(step: tuple[str, str, str, str]) -> Json:
    status, status_detail, message, end = step
    return {"status": status, "status_detail": status_detail, "message": message, "end": end}


def _body(event: Json) -> bytes:
    return json.dumps(event, ensure_ascii=False).encode()
