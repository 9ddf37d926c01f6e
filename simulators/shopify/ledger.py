"""The shop's memory: orders, payments, fulfilments and refunds, folded from the journal."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from simulators.journal import Entry

FIRST_TRANSACTION_ID = 389_404_469
FIRST_FULFILMENT_ORDER_ID = 1_046_000_778
FIRST_FULFILMENT_ORDER_LINE_ID = 1_058_737_482
FIRST_FULFILMENT_ID = 1_069_019_862
FIRST_REFUND_ID = 929_361_462
FIRST_LOCATION_ID = 346_779_380
SETTLED = ("CAPTURE", "SALE")


@dataclass
class Transaction:
    id: int
    kind: str
    status: str
    amount: Decimal
    at: str
    gateway: str
    parent: "Transaction | None" = None

    def succeeded(self, *kinds: str) -> bool:
        return self.status == "SUCCESS" and self.kind in kinds


@dataclass
class FulfilmentOrderLine:
    id: int
    line: dict[str, Any]
    total: int
    remaining: int


@dataclass
class FulfilmentOrder:
    id: int
    at: str
    lines: list[FulfilmentOrderLine]
    location: int
    """Where the shop would send it from."""
    given_back: bool = False
    """Its fulfilment service will not send what remains."""

    def status(self, cancelled: bool) -> str:
        if cancelled or not any(line.remaining for line in self.lines):
            return "CLOSED"
        if self.given_back:
            return "INCOMPLETE"
        partly = any(line.remaining < line.total for line in self.lines)
        return "IN_PROGRESS" if partly else "OPEN"


@dataclass
class Fulfilment:
    id: int
    at: str
    lines: list[tuple[FulfilmentOrderLine, int]]
    tracking: list[dict[str, Any]]
    status: str = "SUCCESS"


@dataclass
class Refund:
    id: int
    at: str
    note: str | None
    lines: list[dict[str, Any]]
    transactions: list[Transaction]


@dataclass
class ShopOrder:
    """An order: what the checkout said (`payload`), and what was done to it since."""

    payload: dict[str, Any]
    updated_at: str
    transactions: list[Transaction] = field(default_factory=list)
    fulfilment_orders: list[FulfilmentOrder] = field(default_factory=list)
    fulfilments: list[Fulfilment] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    cancelled_at: str | None = None
    cancel_reason: str | None = None

    @property
    def id(self) -> int:
        return int(self.payload["id"])

    @property
    def currency(self) -> str:
        return str(self.payload["currency"])

    @property
    def presentment_currency(self) -> str:
        return str(self.payload.get("presentment_currency") or self.currency)

    def total(self) -> Decimal:
        """What the customer pays, in the currency shown to the customer."""
        bag = self.payload.get("total_price_set")
        if bag:
            return Decimal(str(bag["presentment_money"]["amount"]))
        return Decimal(str(self.payload["total_price"]))

    def shop_rate(self) -> Decimal:
        """Shop money for one unit of presentment money."""
        total = self.total()
        return Decimal(str(self.payload["total_price"])) / total if total else Decimal(1)

    def settled(self) -> Decimal:
        return self._sum(*SETTLED)

    def refunded(self) -> Decimal:
        return self._sum("REFUND")

    def capturable(self, authorisation: Transaction) -> Decimal:
        """What may still be captured of one authorisation; nothing once it is void."""
        children = [t for t in self.transactions if t.parent is authorisation]
        if authorisation.status != "SUCCESS" or any(t.succeeded("VOID") for t in children):
            return Decimal(0)
        captured = (t.amount for t in children if t.succeeded("CAPTURE"))
        return authorisation.amount - sum(captured, Decimal(0))

    def open_authorisations(self) -> list[Transaction]:
        authorisations = [t for t in self.transactions if t.succeeded("AUTHORIZATION")]
        captured = {id(t.parent) for t in self.transactions if t.succeeded("CAPTURE")}
        return [t for t in authorisations if self.capturable(t) > 0 and id(t) not in captured]

    def refundable(self, parent: Transaction) -> Decimal:
        refunds = [t for t in self.transactions if t.parent is parent and t.succeeded("REFUND")]
        return parent.amount - sum((t.amount for t in refunds), Decimal(0))

    def _sum(self, *kinds: str) -> Decimal:
        return sum((t.amount for t in self.transactions if t.succeeded(*kinds)), Decimal(0))


class Ledger:
    """All orders by id.

    Only `apply` changes it, once for each journal entry, so a replay gives the same ids again.
    """

    def __init__(self) -> None:
        self.orders: dict[int, ShopOrder] = {}
        self._owners: dict[tuple[str, int], ShopOrder] = {}
        self.jobs: set[str] = set()
        self.refunds_by_key: dict[str, dict[str, Any]] = {}
        self._ids = {
            "transaction": FIRST_TRANSACTION_ID,
            "fulfilment_order": FIRST_FULFILMENT_ORDER_ID,
            "fulfilment_order_line": FIRST_FULFILMENT_ORDER_LINE_ID,
            "fulfilment": FIRST_FULFILMENT_ID,
            "refund": FIRST_REFUND_ID,
        }

    def peek(self, kind: str, ahead: int = 0) -> int:
        """The id that the next thing of this kind gets (or a later one)."""
        return self._ids[kind] + ahead

    def apply(self, entry: Entry) -> None:
        handler = getattr(self, f"_on_{entry.effect}", None)
        if handler is None:
            raise ValueError(f"the journal has a shopify effect unknown here: {entry.effect}")
        handler(entry, entry.data)
        order = self.orders.get(int(entry.order)) if entry.order else None
        if order is not None:
            order.updated_at = entry.at

    def owner(self, kind: str, thing_id: int) -> ShopOrder | None:
        """The order that a transaction, fulfilment order, fulfilment or refund belongs to."""
        return self._owners.get((kind, thing_id))

    def _next(self, kind: str, order: ShopOrder) -> int:
        made = self._ids[kind]
        self._ids[kind] = made + 1
        self._owners[kind, made] = order
        return made

    def _on_order_created(self, entry: Entry, data: dict[str, Any]) -> None:
        order = ShopOrder(data["payload"], entry.at)
        self.orders[order.id] = order
        self._pay(order, entry.at)
        by_location: dict[int, list[FulfilmentOrderLine]] = {}
        for line in order.payload["line_items"]:
            if line.get("requires_shipping", True):
                place = FIRST_LOCATION_ID - 1 + data.get("locations", {}).get(str(line["id"]), 1)
                number, many = self._next("fulfilment_order_line", order), line["quantity"]
                by_location.setdefault(place, []).append(
                    FulfilmentOrderLine(number, line, many, many)
                )
        for place, lines in by_location.items() or [(FIRST_LOCATION_ID, [])]:
            made = FulfilmentOrder(self._next("fulfilment_order", order), entry.at, lines, place)
            order.fulfilment_orders.append(made)

    def _on_order_changed(self, entry: Entry, data: dict[str, Any]) -> None:
        order = self.orders[int(entry.ref)]
        order.payload = order.payload | data["changes"]
        if "financial_status" in data["changes"]:
            self._pay(order, entry.at)

    def _pay(self, order: ShopOrder, at: str) -> None:
        """Bring the payment to what the payload's financial status says of it."""
        status = order.payload.get("financial_status", "pending")
        kind = "AUTHORIZATION" if status == "authorized" else "SALE"
        state = {"pending": "PENDING", "voided": "FAILURE"}.get(status, "SUCCESS")
        pending = [t for t in order.transactions if t.status == "PENDING"]
        for transaction in pending:
            transaction.kind, transaction.status = kind, state
        if not order.transactions:
            gateways = order.payload.get("payment_gateway_names") or ["bogus"]
            made = Transaction(
                self._next("transaction", order), kind, state, order.total(), at, gateways[0]
            )
            order.transactions.append(made)
        authorised = order.open_authorisations()
        if status == "paid" and authorised:
            self._child(order, authorised[0], "CAPTURE", authorised[0].amount, at)

    def _child(
        self, order: ShopOrder, parent: Transaction, kind: str, amount: Decimal, at: str
    ) -> Transaction:
        made = Transaction(
            self._next("transaction", order), kind, "SUCCESS", amount, at, parent.gateway, parent
        )
        order.transactions.append(made)
        return made

    def _on_captured(self, entry: Entry, data: dict[str, Any]) -> None:
        order, parent = self._parent(entry, data)
        self._child(order, parent, "CAPTURE", Decimal(data["amount"]), entry.at)

    def _on_voided(self, entry: Entry, data: dict[str, Any]) -> None:
        order, parent = self._parent(entry, data)
        self._child(order, parent, "VOID", Decimal(data["amount"]), entry.at)

    def _parent(self, entry: Entry, data: dict[str, Any]) -> tuple[ShopOrder, Transaction]:
        order = self.orders[int(entry.order or 0)]
        return order, next(t for t in order.transactions if t.id == data["parent_id"])

    def _on_fulfilled(self, entry: Entry, data: dict[str, Any]) -> None:
        order = self.orders[int(entry.order or 0)]
        by_id = {line.id: line for made in order.fulfilment_orders for line in made.lines}
        lines = [(by_id[taken["id"]], taken["quantity"]) for taken in data["lines"]]
        for line, quantity in lines:
            line.remaining -= quantity
        made = Fulfilment(self._next("fulfilment", order), entry.at, lines, data["tracking"])
        order.fulfilments.append(made)

    def _on_fulfilment_cancelled(self, entry: Entry, data: dict[str, Any]) -> None:
        order = self.orders[int(entry.order or 0)]
        fulfilment = next(f for f in order.fulfilments if f.id == data["fulfilment_id"])
        fulfilment.status = "CANCELLED"
        for line, quantity in fulfilment.lines:
            line.remaining += quantity

    def _on_fulfilment_order_closed(self, entry: Entry, _data: dict[str, Any]) -> None:
        order = self.orders[int(entry.order or 0)]
        for made in order.fulfilment_orders:
            made.given_back |= made.id == int(entry.ref)

    def _on_cancelled(self, entry: Entry, data: dict[str, Any]) -> None:
        order = self.orders[int(entry.order or 0)]
        order.cancelled_at, order.cancel_reason = entry.at, data["reason"]
        self.jobs.add(data["job"])

    def _on_refunded(self, entry: Entry, data: dict[str, Any]) -> None:
        order = self.orders[int(entry.order or 0)]
        by_id = {t.id: t for t in order.transactions}
        made = [
            self._child(order, by_id[t["parent_id"]], "REFUND", Decimal(t["amount"]), entry.at)
            for t in data["transactions"]
        ]
        refund = Refund(
            self._next("refund", order), entry.at, data.get("note"), data.get("lines", []), made
        )
        order.refunds.append(refund)
        for line in refund.lines:
            if line["restock_type"] == "CANCEL":
                _no_longer_to_be_sent(order, line)
        if entry.key:
            answer = {"order": order.id, "refund": refund.id, "input": data["input"]}
            self.refunds_by_key[entry.key] = answer


def _no_longer_to_be_sent(order: ShopOrder, cancelled: dict[str, Any]) -> None:
    """As <https://shopify.dev/docs/api/admin-rest/latest/resources/refund> says of `cancel`."""
    left = cancelled["quantity"]
    here = sorted(
        order.fulfilment_orders, key=lambda made: made.location != cancelled["location_id"]
    )
    for line in (line for made in here for line in made.lines):
        if line.line["id"] == cancelled["line_item_id"]:
            taken = min(left, line.remaining)
            left -= taken
            line.remaining -= taken
            line.total -= taken
