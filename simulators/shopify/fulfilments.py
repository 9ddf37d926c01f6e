"""Fulfilments of the shop: made once for what remains, and cancelled."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from simulators.journal import Effect
from simulators.shopify.ledger import FulfilmentOrder, FulfilmentOrderLine, Ledger, ShopOrder
from simulators.shopify.refusals import RefusedError
from simulators.shopify.shapes import View, number
from simulators.shopify.views import Views


class Fulfilling:
    """Checks what is asked, writes the effect to the journal, shows the outcome.

    Nothing awaits between the check and the write, so two calls cannot pass the same check.
    """

    def __init__(self, ledger: Ledger, views: Views, write: Callable[..., None]) -> None:
        self._ledger = ledger
        self._views = views
        self._write = write

    def create(self, asked: dict[str, Any]) -> View:
        """As <https://shopify.dev/docs/api/admin-graphql/2026-07/mutations/fulfillmentCreate>.

        Of one order and one location; the lines that are named, or all that remain.
        """
        order: ShopOrder | None = None
        places: set[int] = set()
        lines: list[dict[str, int]] = []
        if not asked["lineItemsByFulfillmentOrder"]:
            raise RefusedError(["fulfillment"], "Line items by fulfillment order can't be blank")
        for share in asked["lineItemsByFulfillmentOrder"]:
            owner, made = self._fulfilment_order(share["fulfillmentOrderId"])
            if order not in (None, owner):
                raise RefusedError(
                    ["fulfillment"], "All fulfillment orders must belong to the same order."
                )
            order = owner
            places.add(made.location)
            if len(places) > 1:
                raise RefusedError(
                    ["fulfillment"],
                    "All fulfillment orders must be assigned to the same location.",
                )
            lines += self._taken(made, share.get("fulfillmentOrderLineItems"))
        if order is None:
            raise AssertionError("unreachable: there was at least one share")
        tracking = trackers(asked.get("trackingInfo") or {})
        made_id = self._ledger.peek("fulfilment")
        data = {
            "fulfilment_id": made_id,
            "tracking_numbers": [entry["number"] for entry in tracking],
            "tracking": tracking,
            "lines": lines,
            "notify_customer": bool(asked.get("notifyCustomer")),
        }
        self._effect(order, "fulfilled", made_id, data)
        return {"fulfillment": self._views.fulfilment(order, order.fulfilments[-1])}

    def _fulfilment_order(self, given: str) -> tuple[ShopOrder, FulfilmentOrder]:
        wanted = number("FulfillmentOrder", given)
        order = None if wanted is None else self._ledger.owner("fulfilment_order", wanted)
        if order is None:
            raise RefusedError(["fulfillment"], "Fulfillment order does not exist.")
        made = next(entry for entry in order.fulfilment_orders if entry.id == wanted)
        status = made.status(order.cancelled_at is not None)
        if status not in ("OPEN", "IN_PROGRESS"):
            raise RefusedError(
                ["fulfillment"],
                f"Fulfillment order {made.id} has an unfulfillable status= {status.lower()}.",
            )
        return order, made

    def _taken(
        self, made: FulfilmentOrder, asked: list[dict[str, Any]] | None
    ) -> list[dict[str, Any]]:
        """The lines to fulfil; all that remain if none are named."""
        if not asked:
            return [describe(line, line.remaining) for line in made.lines if line.remaining]
        by_id = {line.id: line for line in made.lines}
        wanted: Counter[int] = Counter()
        for item in asked:
            line_id = number("FulfillmentOrderLineItem", item["id"])
            if line_id is None or line_id not in by_id:
                raise RefusedError(["fulfillment"], "Fulfillment order line item does not exist.")
            if item["quantity"] < 1:
                raise RefusedError(
                    ["fulfillment"], "Invalid fulfillment order line item quantity requested."
                )
            wanted[line_id] += item["quantity"]
        if any(quantity > by_id[line_id].remaining for line_id, quantity in wanted.items()):
            raise RefusedError(
                ["fulfillment"], "Invalid fulfillment order line item quantity requested."
            )
        return [describe(by_id[line_id], quantity) for line_id, quantity in wanted.items()]

    def cancel(self, given: str) -> View:
        """As <https://shopify.dev/docs/api/admin-graphql/2026-07/mutations/fulfillmentCancel>."""
        wanted = number("Fulfillment", given)
        order = None if wanted is None else self._ledger.owner("fulfilment", wanted)
        if order is None:
            raise RefusedError(["id"], "Fulfillment does not exist.")
        fulfilment = next(entry for entry in order.fulfilments if entry.id == wanted)
        if fulfilment.status == "CANCELLED":
            raise RefusedError(["id"], "Fulfillment is already cancelled.")
        data = {"fulfilment_id": fulfilment.id}
        self._effect(order, "fulfilment_cancelled", fulfilment.id, data)
        return {"fulfillment": self._views.fulfilment(order, fulfilment)}

    def close(self, given: str) -> View:
        """As <https://shopify.dev/docs/api/admin-graphql/2026-07/mutations/fulfillmentOrderClose>.

        Whoever calls it is taken for the fulfilment service that accepted it.
        """
        order, made = self._fulfilment_order(given)
        if made.status(cancelled=False) != "IN_PROGRESS":
            raise RefusedError(["id"], "Fulfillment order is not in progress.")
        self._effect(order, "fulfilment_order_closed", made.id, {})
        return {"fulfillmentOrder": self._views.fulfilment_order(order, made)}

    def _effect(self, order: ShopOrder, effect: str, ref: int, data: dict[str, Any]) -> None:
        self._write(Effect("shopify", effect, str(ref), None, str(order.id), data))


def describe(line: FulfilmentOrderLine, quantity: int) -> dict[str, Any]:
    return {
        "id": line.id,
        "line_item_id": line.line["id"],
        "sku": line.line.get("sku"),
        "quantity": quantity,
    }


def trackers(given: dict[str, Any]) -> list[dict[str, Any]]:
    """As <https://shopify.dev/docs/api/admin-graphql/2026-07/input-objects/FulfillmentTrackingInput>."""
    numbers = given.get("numbers") or ([given["number"]] if given.get("number") else [])
    urls = given.get("urls") or ([given["url"]] if given.get("url") else [])
    return [
        {
            "number": tracking_number,
            "company": given.get("company"),
            "url": urls[place] if place < len(urls) else None,
        }
        for place, tracking_number in enumerate(numbers)
    ]
