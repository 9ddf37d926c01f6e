"""Warehouses at work: packing takes its time, and each change is told by a signed webhook."""

import asyncio
import json
import time
from typing import Any
from urllib.parse import quote

from simulators.easypost.tracking import Tracking
from simulators.journal import Entry, Journal, now
from simulators.settings import Settings
from simulators.warehouse.requests import FulfilmentRequest, HandOver
from simulators.warehouse.stockroom import Fulfilment, Stockroom
from simulators.webhooks import Sender, standard_signature


class Warehouse:
    """The stockroom, the packing tasks and the carrier's van at the door."""

    def __init__(
        self, settings: Settings, journal: Journal, sender: Sender, tracking: Tracking
    ) -> None:
        self._settings = settings
        self._sender = sender
        self._tracking = tracking
        self._tasks: set[asyncio.Task[None]] = set()
        self._told = 0
        self.stockroom = Stockroom(journal, self._tell)

    def apply(self, entry: Entry) -> None:
        """Take in an effect read back from the journal."""
        self.stockroom.apply(entry)
        if entry.effect == "handed_over":
            for parcel in entry.data["parcels"]:
                self._tracking.hand_over(parcel["tracking_number"])

    def resume(self) -> None:
        """Go on packing what was accepted before the process ended."""
        for found in self.stockroom.fulfilments.values():
            if found.status == "accepted":
                self._start(found)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def take_on(self, location: str, asked: FulfilmentRequest) -> tuple[Fulfilment, bool]:
        found, new = self.stockroom.take_on(location, asked)
        if new and found.status == "accepted":
            self._start(found)
        return found, new

    def hand_over(self, fulfilment_id: str, asked: HandOver) -> Fulfilment:
        found, new = self.stockroom.hand_over(fulfilment_id, asked)
        if new:
            for tracking_number in asked.tracking_numbers():
                self._tracking.hand_over(tracking_number)
            self._tracking.resume()
        return found

    def send_raw(self, location: str, body: bytes, text: str = "") -> int:
        """Sign and send exactly these bytes.

        As <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>.
        """
        if self._settings.warehouse_webhook_base is None:
            return 0
        self._told += 1
        stamp_s = int(time.time())
        message_id = f"msg_{time.time_ns():x}{self._told:04x}"
        signature = standard_signature(self._settings.warehouse_secret, message_id, stamp_s, body)
        headers = {
            "Content-Type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(stamp_s),
            "webhook-signature": signature,
        }
        url = f"{self._settings.warehouse_webhook_base.rstrip('/')}/{quote(location, safe='')}"
        return self._sender.send("warehouse", url, headers, body, text=text)

    def _start(self, found: Fulfilment) -> None:
        task = asyncio.create_task(self._pack(found))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _pack(self, found: Fulfilment) -> None:
        await asyncio.sleep(self._settings.pack_s)
        self.stockroom.finish(found)

    def _tell(self, kind: str, found: Fulfilment) -> None:
        message: dict[str, Any] = {"type": kind, "timestamp": now(), "data": found.shown()}
        body = json.dumps(message, ensure_ascii=False).encode()
        self.send_raw(found.location, body, found.reference)
