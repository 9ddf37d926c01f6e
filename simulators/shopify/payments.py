"""The shop's money: captured, voided, refunded, and given back when an order is cancelled."""

import json
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

from simulators.journal import Effect
from simulators.shopify.ledger import SETTLED, Ledger, ShopOrder, Transaction
from simulators.shopify.refusals import RefusedError, money
from simulators.shopify.shapes import View, gid, number
from simulators.shopify.views import Views

STAFF_NOTE_LIMIT = 255


class Payments:
    """Checks what is asked, writes the effect to the journal, shows the outcome.

    Nothing awaits between the check and the write, so two calls cannot pass the same check.
    """

    def __init__(self, ledger: Ledger, views: Views, write: Callable[..., None]) -> None:
        self._ledger = ledger
        self._views = views
        self._write = write

    def capture(self, asked: dict[str, Any]) -> View:
        """As <https://shopify.dev/docs/api/admin-graphql/2026-07/mutations/orderCapture>."""
        order = self._order(asked["id"], ["input", "id"])
        parent = self._transaction(order, asked["parentTransactionId"])
        amount = money(asked["amount"], ["input", "amount"])
        in_presentment(order, asked.get("currency"), ["input", "currency"])
        if not parent.succeeded("AUTHORIZATION"):
            raise RefusedError(
                ["input", "parentTransactionId"], "Transaction is not a successful authorization"
            )
        if parent not in order.open_authorisations():
            raise RefusedError(["input", "parentTransactionId"], "Transaction is not capturable")
        if amount > order.capturable(parent):
            raise RefusedError(
                ["input", "amount"], "Amount can't be greater than the authorized amount"
            )
        made = self._ledger.peek("transaction")
        data = {
            "amount": str(amount),
            "currency": order.presentment_currency,
            "parent_id": parent.id,
            "transaction_id": made,
        }
        self._effect(order, "captured", str(made), None, data)
        return {"transaction": self._views.transaction(order, order.transactions[-1])}

    def void(self, parent_id: str) -> View:
        """As <https://shopify.dev/docs/api/admin-graphql/2026-07/mutations/transactionVoid>."""
        wanted = number("OrderTransaction", parent_id)
        order = None if wanted is None else self._ledger.owner("transaction", wanted)
        field = ["parentTransactionId"]
        if order is None:
            raise RefusedError(field, "Transaction does not exist", "TRANSACTION_NOT_FOUND")
        parent = next(t for t in order.transactions if t.id == wanted)
        if not parent.succeeded("AUTHORIZATION"):
            raise RefusedError(
                field, "Transaction is not a successful authorization", "AUTH_NOT_SUCCESSFUL"
            )
        if parent not in order.open_authorisations():
            raise RefusedError(field, "Transaction is not voidable", "AUTH_NOT_VOIDABLE")
        self._write(self._voided(order, parent, self._ledger.peek("transaction")))
        return {"transaction": self._views.transaction(order, order.transactions[-1])}

    def cancel(self, asked: dict[str, Any]) -> View:
        """As <https://shopify.dev/docs/api/admin-graphql/2026-07/mutations/orderCancel>.

        The job is over by the time it is asked about; an authorisation is always released.
        """
        order = self._to_cancel(asked)
        method = asked.get("refundMethod")
        refund = asked.get("refund") or bool(method and method.get("originalPaymentMethodsRefund"))
        effects = [
            self._voided(order, parent, self._ledger.peek("transaction", place))
            for place, parent in enumerate(order.open_authorisations())
        ]
        if refund:
            effects += self._refund_all(order, self._ledger.peek("transaction", len(effects)))
        job = gid("Job", str(UUID(int=order.id)))
        data = {
            "reason": asked["reason"],
            "restock": asked["restock"],
            "refund": bool(refund),
            "job": job,
        }
        effects.append(self._made(order, "cancelled", str(order.id), None, data))
        self._write(*effects)
        return {"job": {"id": job, "done": False}}

    def _to_cancel(self, asked: dict[str, Any]) -> ShopOrder:
        wanted = number("Order", asked["orderId"])
        order = None if wanted is None else self._ledger.orders.get(wanted)
        if order is None:
            raise RefusedError(["orderId"], "Order does not exist", "NOT_FOUND")
        if order.cancelled_at is not None:
            raise RefusedError(
                ["orderId"], "Cannot cancel an order that has already been canceled", "INVALID"
            )
        if any(fulfilment.status == "SUCCESS" for fulfilment in order.fulfilments):
            words = "Cannot cancel an order that has outstanding fulfillments"
            raise RefusedError(["orderId"], words, "INVALID")
        if len(asked.get("staffNote") or "") > STAFF_NOTE_LIMIT:
            words = f"Staff note is too long. Maximum length is {STAFF_NOTE_LIMIT} characters."
            raise RefusedError(["staffNote"], words, "INVALID")
        if asked.get("refundMethod") is not None and asked.get("refund") is not None:
            words = "Only one of the arguments `refund` or `refund_method` is allowed."
            raise RefusedError(["refund"], words, "INVALID")
        return order

    def _refund_all(self, order: ShopOrder, first_id: int) -> list[Effect]:
        parents = [t for t in order.transactions if t.succeeded(*SETTLED)]
        owed = [(parent, order.refundable(parent)) for parent in parents]
        due = [(parent, amount) for parent, amount in owed if amount > 0]
        if not due:
            return []
        shares = [
            {"parent_id": parent.id, "amount": str(amount), "transaction_id": first_id + place}
            for place, (parent, amount) in enumerate(due)
        ]
        refund_id = self._ledger.peek("refund")
        data = self._refund_data(order, refund_id, shares) | {"input": None}
        return [self._made(order, "refunded", str(refund_id), None, data)]

    def refund(self, asked: dict[str, Any], key: str) -> View:
        """As <https://shopify.dev/docs/api/admin-graphql/2026-07/mutations/refundCreate>.

        The key works as <https://shopify.dev/docs/api/usage/implementing-idempotency> says: the
        same key and input give the first answer again.
        """
        done = self._ledger.refunds_by_key.get(key)
        if done is not None:
            if json.dumps(done["input"], sort_keys=True) != json.dumps(asked, sort_keys=True):
                raise RefusedError(
                    None,
                    "The same idempotency key cannot be used with different operation parameters.",
                )
            order = self._ledger.orders[done["order"]]
            refund = next(entry for entry in order.refunds if entry.id == done["refund"])
            return self._refunded(order, refund.id)
        order = self._order(asked["orderId"], ["orderId"])
        try:
            return self._refund(order, asked, key)
        except RefusedError as refused:
            refused.beside = {"order": self._views.order(order)}
            raise

    def _refund(self, order: ShopOrder, asked: dict[str, Any], key: str) -> View:
        in_presentment(order, asked.get("currency"), ["currency"])
        lines = self._refund_lines(order, asked.get("refundLineItems") or [])
        shares = self._refund_shares(order, asked.get("transactions") or [])
        if not lines and not shares and not asked.get("shipping"):
            raise RefusedError(["input"], "Refund must have line items, shipping or transactions")
        refund_id = self._ledger.peek("refund")
        data = self._refund_data(order, refund_id, shares)
        data |= {"lines": lines, "note": asked.get("note"), "input": asked}
        self._effect(order, "refunded", str(refund_id), key, data)
        return self._refunded(order, refund_id)

    def _refunded(self, order: ShopOrder, refund_id: int) -> View:
        refund = next(entry for entry in order.refunds if entry.id == refund_id)
        return {"order": self._views.order(order), "refund": self._views.refund(order, refund)}

    def _refund_lines(self, order: ShopOrder, asked: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """What is cancelled must not have been fulfilled, and needs a location as a return does.

        As <https://shopify.dev/docs/api/admin-rest/latest/resources/refund> says of `restock_type`.
        """
        by_id = {line["id"]: line for line in order.payload["line_items"]}
        lines: list[dict[str, Any]] = []
        taken: Counter[int] = Counter()
        unsent: Counter[int] = Counter()
        for line in (line for made in order.fulfilment_orders for line in made.lines):
            unsent[line.line["id"]] += line.remaining
        for gone in (line for refund in order.refunds for line in refund.lines):
            taken[gone["line_item_id"]] += gone["quantity"]
        for item in asked:
            line_id = number("LineItem", item["lineItemId"])
            field = ["refundLineItems", str(len(lines))]
            if line_id is None or line_id not in by_id:
                raise RefusedError([*field, "lineItemId"], "Line item does not exist")
            taken[line_id] += item["quantity"]
            if item["quantity"] < 1 or taken[line_id] > by_id[line_id]["quantity"]:
                raise RefusedError(
                    [*field, "quantity"],
                    "Quantity cannot refund more items than were purchased",
                )
            restock = item.get("restockType") or "NO_RESTOCK"
            if restock == "LEGACY_RESTOCK":
                raise RefusedError([*field, "restockType"], "Restock type is not accepted")
            place = number("Location", item.get("locationId") or "")
            if restock in ("RETURN", "CANCEL") and place is None:
                raise RefusedError([*field, "locationId"], "Location can't be blank")
            if restock == "CANCEL":
                unsent[line_id] -= item["quantity"]
                if unsent[line_id] < 0:
                    raise RefusedError(
                        [*field, "quantity"],
                        "Quantity cannot cancel more items than are unfulfilled",
                    )
            lines.append(
                {
                    "line_item_id": line_id,
                    "quantity": item["quantity"],
                    "restock_type": restock,
                    "location_id": place,
                }
            )
        return lines

    def _refund_shares(self, order: ShopOrder, asked: list[dict[str, Any]]) -> list[dict[str, Any]]:
        left = {t.id: order.refundable(t) for t in order.transactions if t.succeeded(*SETTLED)}
        shares: list[dict[str, Any]] = []
        for place, item in enumerate(asked):
            field = ["transactions", str(place)]
            parent_id = number("OrderTransaction", item.get("parentId") or "")
            amount = money(item["amount"], [*field, "amount"])
            if item["kind"] != "REFUND":
                raise RefusedError(None, f"Kind {item['kind'].lower()} is not a valid transaction")
            if number("Order", item["orderId"]) != order.id:
                raise RefusedError([*field, "orderId"], "Order does not match the refund")
            if parent_id is None or parent_id not in left:
                words = "Transactions require a parent_id associated with the order"
                raise RefusedError(["transactions"], words)
            if amount > left[parent_id]:
                received = sum(left.values(), Decimal(0))
                raise RefusedError(
                    None,
                    f"Refund amount ${amount:.2f} is greater than net payment received"
                    f" ${received:.2f}",
                )
            left[parent_id] -= amount
            made = self._ledger.peek("transaction", place)
            shares.append({"parent_id": parent_id, "amount": str(amount), "transaction_id": made})
        return shares

    def _refund_data(
        self, order: ShopOrder, refund_id: int, shares: list[dict[str, Any]]
    ) -> dict[str, Any]:
        total = sum((Decimal(share["amount"]) for share in shares), Decimal(0))
        return {
            "refund_id": refund_id,
            "amount": str(total),
            "currency": order.presentment_currency,
            "transactions": shares,
        }

    def _voided(self, order: ShopOrder, parent: Transaction, made: int) -> Effect:
        data = {
            "amount": str(order.capturable(parent)),
            "currency": order.presentment_currency,
            "parent_id": parent.id,
            "transaction_id": made,
        }
        return self._made(order, "voided", str(made), None, data)

    def _effect(
        self, order: ShopOrder, effect: str, ref: str, key: str | None, data: dict[str, Any]
    ) -> None:
        self._write(self._made(order, effect, ref, key, data))

    def _made(
        self, order: ShopOrder, effect: str, ref: str, key: str | None, data: dict[str, Any]
    ) -> Effect:
        return Effect("shopify", effect, ref, key, str(order.id), data)

    def _order(self, given: str, field: list[str]) -> ShopOrder:
        wanted = number("Order", given)
        order = None if wanted is None else self._ledger.orders.get(wanted)
        if order is None:
            raise RefusedError(field, "Order does not exist")
        return order

    def _transaction(self, order: ShopOrder, given: str) -> Transaction:
        wanted = number("OrderTransaction", given)
        for transaction in order.transactions:
            if transaction.id == wanted:
                return transaction
        raise RefusedError(["input", "parentTransactionId"], "Transaction does not exist")


def in_presentment(order: ShopOrder, currency: str | None, field: list[str]) -> None:
    """The customer's currency, which must be named where the shop's is another.

    As <https://shopify.dev/docs/api/admin-graphql/2026-07/input-objects/RefundInput> says.
    """
    if currency is None and order.currency != order.presentment_currency:
        raise RefusedError(field, "Currency must be provided for this order")
    if currency not in (None, order.presentment_currency):
        raise RefusedError(field, "Currency must match the presentment currency of the order")
