"""All simulators together: one journal, one outbox, one set of faults."""

from typing import Any

from simulators.easypost.carrier import Carrier
from simulators.easypost.tracking import Tracking
from simulators.faults import Faults
from simulators.journal import Journal
from simulators.settings import Settings
from simulators.shopify.shop import Shop
from simulators.warehouse.warehouse import Warehouse
from simulators.webhooks import Sender


class World:
    """Made from the journal, so a process that was killed goes on where it was."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.faults = Faults()
        self.journal = Journal(settings.state_dir / "journal.jsonl")
        self.sender = Sender(settings, self.faults, self.journal.settle)
        self.shop = Shop(settings, self.journal, self.faults, self.sender)
        self.carrier = Carrier(self.journal)
        self.carrier.host = f"http://{settings.host}:{settings.port}"
        self.tracking = Tracking(settings, self.carrier, self.sender)
        self.warehouse = Warehouse(settings, self.journal, self.sender, self.tracking)
        self._recover()

    async def start(self) -> None:
        await self.sender.start()
        self.warehouse.resume()
        self.tracking.resume()

    async def stop(self) -> None:
        await self.tracking.close()
        await self.warehouse.close()
        await self.sender.stop()
        self.journal.close()

    def state(self) -> dict[str, Any]:
        return {
            "shopify": {"orders": self.shop.state()},
            "easypost": {
                "shipments": list(self.carrier.shipments.values()),
                "trackers": list(self.carrier.trackers.values()),
                "stuck_in_customs": sorted(self.tracking.stuck),
            },
            "warehouse": {
                "fulfilments": self.warehouse.stockroom.state(),
                "rejections": self.warehouse.stockroom.rejections(),
            },
            "webhooks": self.sender.state(),
            "faults": self.faults.all(),
            "journal": {"entries": len(self.journal.entries)},
        }

    def _recover(self) -> None:
        for entry in self.journal.entries:
            match entry.system:
                case "shopify":
                    self.shop.apply(entry)
                case "easypost":
                    self.carrier.apply(entry)
                    if entry.effect == "scan":
                        self.tracking.recovered(entry.data)
                case "warehouse":
                    self.warehouse.apply(entry)
                case _:
                    raise ValueError(f"the journal has a system unknown here: {entry.system}")
