"""A small shop in a database of its own, its simulators' journal, and an audit of both."""

import base64
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.ids import OrderId, order_id
from starter.audit.findings import Report
from starter.audit.run import Patience, run
from storage.audit.snapshot import AuditTables
from storage.effects import Begun, Effects

HASTY = Patience(poll_s=0.02, settle_s=0.1, bound_s=5)


@dataclass
class SmallWorld:
    engine: AsyncEngine
    folder: Path
    channel: str = "demo"
    journal: list[dict[str, Any]] = field(default_factory=list)
    webhooks: list[dict[str, Any]] = field(default_factory=list)

    @property
    def delivered(self) -> OrderId:
        return order_id(self.channel, "1001")

    @property
    def cancelled(self) -> OrderId:
        return order_id(self.channel, "1002")

    @property
    def packing(self) -> OrderId:
        return order_id(self.channel, "1003")

    @property
    def returned(self) -> OrderId:
        return order_id(self.channel, "1004")

    @property
    def split(self) -> OrderId:
        return order_id(self.channel, "1005")

    @property
    def partly_cancelled(self) -> OrderId:
        return order_id(self.channel, "1006")

    @property
    def waiting(self) -> OrderId:
        return order_id(self.channel, "1007")

    async def audit(self, **more: Any) -> Report:
        """With the journal as it stands now."""
        tables = more.pop("tables", None) or AuditTables(self.engine)
        return await run(
            tables,
            **{"journal": self.write(), "shops": {self.channel}, "patience": HASTY, **more},
        )

    def write(self) -> Path:
        """The journal and the outbox, as the simulators would."""
        path = self.folder / "journal.jsonl"
        path.write_text("".join(f"{json.dumps(line)}\n" for line in self.journal))
        outbox = path.with_name("webhooks.jsonl")
        outbox.write_text("".join(f"{json.dumps(line)}\n" for line in self.webhooks))
        return path

    async def plant(self, *statements: str, **values: Any) -> None:
        """Past every guard that triggers and foreign keys are."""
        async with self.engine.begin() as connection:
            await connection.execute(text("SET LOCAL session_replication_role = replica"))
            for statement in statements:
                await connection.execute(text(statement), values)

    def did(self, system: str, effect: str, ref: str, key: str | None, **data: Any) -> None:
        """A line of the journal; `order` where the key does not name it."""
        order = data.pop("order", None) or (key or "").partition("/")[0]
        self.journal.append(
            {"seq": len(self.journal) + 1, "at": "2026-03-01T12:00:00Z", "system": system,
             "effect": effect, "ref": ref, "key": key, "order": order, "data": data}
        )  # fmt: skip

    def announced(self, own_id: str) -> None:
        self.says(own_id, "orders/create")

    def says(self, own_id: str, topic: str) -> None:
        """A shop's webhook, which arrived."""
        body = base64.b64encode(json.dumps({"id": int(own_id)}).encode()).decode()
        webhook = f"{own_id} {topic}"
        queued = {"id": webhook, "system": "shopify", "url": "x", "body": body,
                  "headers": {"X-Shopify-Topic": topic}}  # fmt: skip
        self.webhooks += [{"queued": queued}, {"done": webhook, "arrived": True}]

    def sold(self, own_id: str, total: str = "34.90") -> None:
        payload = {"id": int(own_id), "total_price": total, "currency": "EUR",
                   "financial_status": "authorized", "line_items": [{"id": 1}]}  # fmt: skip
        self.did("shopify", "order_created", own_id, None, order=own_id, payload=payload)
        self.announced(own_id)

    async def effect(self, key: str, system: str) -> None:
        """A deed that was done."""
        effects = Effects(self.engine)
        begun = await effects.begin(key, system, 10)
        assert isinstance(begun, Begun)
        await effects.finish(key, begun.fence, {})

    def packed(self, reference: str) -> None:
        for effect in ("accepted", "packed"):
            self.did("warehouse", effect, f"ful-{reference}", reference)

    def bought(self, reference: str, ref: str, code: str, generation: int = 1) -> None:
        """A label of the fulfilment's first parcel."""
        label = f"{reference}/p1/label/{generation}"
        self.did("easypost", "label_bought", ref, label, shipment_id=ref, tracking_code=code,
                 reference=label, carrier="DHL")  # fmt: skip
