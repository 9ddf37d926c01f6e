"""The shop as a whole: its memory, what it can do, and the webhooks it sends."""

import json
import uuid
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from simulators.faults import Faults
from simulators.journal import Effect, Entry, Journal, now
from simulators.settings import Settings
from simulators.shopify.current import current
from simulators.shopify.fulfilments import Fulfilling
from simulators.shopify.ledger import Ledger, ShopOrder
from simulators.shopify.payments import Payments
from simulators.shopify.statuses import financial_status, fulfilment_status
from simulators.shopify.views import Views
from simulators.webhooks import Sender, shopify_signature

API_VERSION = "2026-07"
ECHOED = {"cancelled": "orders/cancelled"}


class LineItem(BaseModel):
    """What an order's line needs for the simulator to work with it; the rest is kept as given."""

    model_config = ConfigDict(extra="allow")

    id: int
    quantity: int = Field(ge=1)
    price: str
    sku: str | None = None


class OrderPayload(BaseModel):
    """The order of an orders/create webhook: <https://shopify.dev/docs/api/webhooks/2026-07>."""

    model_config = ConfigDict(extra="allow")

    id: int
    name: str
    currency: str = Field(pattern="^[A-Z]{3}$")
    created_at: str
    total_price: str
    financial_status: str = Field(pattern="^(authorized|paid|pending|voided)$")
    line_items: list[LineItem] = Field(min_length=1)


class Delivery(BaseModel):
    """A webhook to send: topic, how often, after how long, and what changed before it."""

    model_config = ConfigDict(extra="forbid")

    order: int
    topic: str = Field(pattern="^[a-z_]+/[a-z_]+$")
    changes: dict[str, Any] = {}
    duplicate: int = Field(0, ge=0, le=100)
    same_webhook_id: bool = False
    delay_s: float = Field(0, ge=0)


class Shop:
    """Ties together the shop's parts; the control API and the GraphQL endpoint talk to it."""

    def __init__(
        self, settings: Settings, journal: Journal, faults: Faults, sender: Sender
    ) -> None:
        self.settings = settings
        self.faults = faults
        self.ledger = Ledger()
        self.views = Views(self.ledger)
        self.payments = Payments(self.ledger, self.views, self.write)
        self.fulfilling = Fulfilling(self.ledger, self.views, self.write)
        self._journal = journal
        self._sender = sender

    def apply(self, entry: Entry) -> None:
        self.ledger.apply(entry)

    def write(self, *effects: Effect) -> None:
        """Journal first, then remember; then tell, if the shop echoes what the API does."""
        for entry in self._journal.append(*effects):
            self.apply(entry)
            if self.settings.shop_echo and entry.effect not in ("order_created", "order_changed"):
                order = self.ledger.orders[int(entry.order or 0)]
                self._send(order, ECHOED.get(entry.effect, "orders/updated"))

    def create(self, payload: dict[str, Any], locations: dict[str, int] | None = None) -> ShopOrder:
        """Take in an order as the checkout would; `ValueError` for one that is there already.

        `locations` says by line id to which of the shop's locations it is assigned, from 1.
        """
        checked = OrderPayload.model_validate(payload)
        if checked.id in self.ledger.orders:
            raise ValueError(f"order {checked.id} exists")
        effect = Effect(
            "shopify", "order_created", str(checked.id), None, str(checked.id),
            {"payload": payload, "locations": locations or {}},
        )  # fmt: skip
        self.write(effect)
        return self.ledger.orders[checked.id]

    def deliver(self, delivery: Delivery) -> list[str]:
        """Change the order if asked, then send its webhook (again); the webhook ids."""
        order = self.ledger.orders[delivery.order]
        if delivery.changes:
            OrderPayload.model_validate(order.payload | delivery.changes)
            effect = Effect(
                "shopify", "order_changed", str(order.id), None, str(order.id),
                {"changes": delivery.changes},
            )  # fmt: skip
            self.write(effect)
        body = self.body(order)
        event_id, first_id = str(uuid.uuid4()), str(uuid.uuid4())
        ids: list[str] = []
        for copy in range(delivery.duplicate + 1):
            again = copy == 0 or delivery.same_webhook_id
            ids.append(first_id if again else str(uuid.uuid4()))
            self.send_raw(delivery.topic, body, event_id, ids[-1], delivery.delay_s)
        return ids

    def send_raw(
        self,
        topic: str,
        body: bytes,
        event_id: str | None = None,
        webhook_id: str | None = None,
        wait_s: float = 0,
    ) -> int:
        """Sign and send exactly these bytes.

        As <https://shopify.dev/docs/apps/build/webhooks/subscribe/https#headers>.
        """
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Shopify-Captain-Hook",
            "X-Shopify-Topic": topic,
            "X-Shopify-Hmac-Sha256": shopify_signature(self.settings.shop_secret, body),
            "X-Shopify-Shop-Domain": self.settings.shop_domain,
            "X-Shopify-API-Version": API_VERSION,
            "X-Shopify-Webhook-Id": webhook_id or str(uuid.uuid4()),
            "X-Shopify-Event-Id": event_id or str(uuid.uuid4()),
            "X-Shopify-Triggered-At": now(),
        }
        url = self.settings.shop_webhook_url
        return self._sender.send("shopify", url, headers, body, text=topic, wait_s=wait_s)

    def body(self, order: ShopOrder) -> bytes:
        """The order as a webhook carries it now; as it was given if nothing happened to it."""
        payload = order.payload | current(order)
        payload.setdefault("admin_graphql_api_id", f"gid://shopify/Order/{order.id}")
        status = fulfilment_status(order)
        partly = "partial" if status == "PARTIALLY_FULFILLED" else None
        payload["fulfillment_status"] = "fulfilled" if status == "FULFILLED" else partly
        payload["financial_status"] = financial_status(order).lower()
        payload["cancelled_at"] = order.cancelled_at
        payload["cancel_reason"] = (order.cancel_reason or "").lower() or None
        payload["updated_at"] = order.updated_at
        return json.dumps(payload, ensure_ascii=False).encode()

    def state(self) -> list[dict[str, Any]]:
        return [
            {
                "id": str(order.id),
                "name": order.payload["name"],
                "financial_status": financial_status(order),
                "fulfillment_status": fulfilment_status(order),
                "cancelled_at": order.cancelled_at,
                "captured": str(order.settled()),
                "refunded": str(order.refunded()),
                "fulfillments": [
                    {"id": f.id, "status": f.status, "tracking": f.tracking}
                    for f in order.fulfilments
                ],
            }
            for order in self.ledger.orders.values()
        ]

    def _send(self, order: ShopOrder, topic: str) -> None:
        self.send_raw(topic, self.body(order))
