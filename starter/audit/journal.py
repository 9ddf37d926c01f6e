"""Reads what the simulators did: their journal of effects, and the webhooks that arrived."""

import base64
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

WEBHOOKS = "webhooks.jsonl"
"""Beside the journal."""


@dataclass(frozen=True)
class Deed:
    """A line of the journal; docs/simulators.md says what is in `data`."""

    seq: int
    effect: str
    ref: str
    order: str
    data: dict[str, Any]

    def shown(self) -> dict[str, Any]:
        """As much of it as a counter-example needs, and nothing personal."""
        names = ("amount", "currency", "tracking_numbers", "tracking_code", "reference")
        told = {name: self.data[name] for name in names if name in self.data}
        return {"seq": self.seq, "effect": self.effect, "ref": self.ref, **told}


@dataclass
class ShopOrder:
    """What a shop did with one order, in the currency that its customer paid."""

    order: str
    deeds: list[Deed] = field(default_factory=list)
    created: dict[str, Any] | None = None
    taken: list[tuple[int, Decimal, str]] = field(default_factory=list)
    """By capture or by sale: the journal's line, how much, in which currency."""
    refunded: Decimal = Decimal(0)
    refunds: int = 0
    fulfilments: dict[str, Deed] = field(default_factory=dict)
    """Those that stand, by the shop's id."""
    _state: str = ""

    @property
    def total(self) -> Decimal:
        """What the customer pays."""
        shown = self._payload.get("total_price_set") or {}
        bag = shown.get("presentment_money") or {}
        return Decimal(str(bag.get("amount") or self._payload.get("total_price") or 0))

    @property
    def currency(self) -> str:
        payload = self._payload
        return str(payload.get("presentment_currency") or payload.get("currency") or "")

    @property
    def shop_rate(self) -> Decimal:
        """The shop's money for one unit of the customer's."""
        shop = Decimal(str(self._payload.get("total_price") or 0))
        return shop / self.total if self.total else Decimal(1)

    @property
    def paid_there(self) -> bool:
        """Whether its money was paid at the shop, and not captured by us: we must be told of it."""
        return bool(self.taken) and not any(deed.effect == "captured" for deed in self.deeds)

    @property
    def ships(self) -> bool:
        """Whether any of it is to be sent: the rest is none of ours."""
        lines = self._payload.get("line_items") or []
        return not lines or any(line.get("requires_shipping", True) for line in lines)

    def lines(self) -> dict[str, tuple[int, int]]:
        """Pieces of each line that it holds as sent, and as cancelled."""
        sent: Counter[str] = Counter()
        cancelled: Counter[str] = Counter()
        for deed in self.fulfilments.values():
            for line in deed.data["lines"]:
                sent[str(line["line_item_id"])] += line["quantity"]
        for deed in self.deeds:
            for line in deed.data.get("lines", ()) if deed.effect == "refunded" else ():
                if line["restock_type"] == "CANCEL":
                    cancelled[str(line["line_item_id"])] += line["quantity"]
        return {line_id: (sent[line_id], cancelled[line_id]) for line_id in {*sent, *cancelled}}

    @property
    def _payload(self) -> dict[str, Any]:
        return self.created or {}

    def take(self, deed: Deed) -> None:
        self.deeds.append(deed)
        match deed.effect:
            case "order_created":
                self.created = dict(deed.data["payload"])
                self._pay(deed)
            case "order_changed":
                self.created = self._payload | deed.data["changes"]
                if "financial_status" in deed.data["changes"]:
                    self._pay(deed)
            case "captured":
                self._take(deed, Decimal(deed.data["amount"]), deed.data["currency"])
            case "voided":
                self._state = "voided"
            case "refunded":
                self.refunded += Decimal(deed.data["amount"])
                self.refunds += 1
            case "fulfilled":
                self.fulfilments[str(deed.data["fulfilment_id"])] = deed
            case "fulfilment_cancelled":
                self.fulfilments.pop(str(deed.data["fulfilment_id"]), None)

    def _pay(self, deed: Deed) -> None:
        """What the checkout, or the shop's staff, say of the payment."""
        said = str(self._payload.get("financial_status") or "pending")
        if said == "authorized":
            self._state = said if self._state in ("", "pending") else self._state
        elif said in ("pending", "voided"):
            self._state = self._state or said
        elif self._state in ("", "pending", "authorized"):
            self._take(deed, self.total, self.currency)

    def _take(self, deed: Deed, amount: Decimal, currency: str) -> None:
        self._state = "taken"
        self.taken.append((deed.seq, amount, currency))


@dataclass
class Effects:
    """The journal by what it is about, and what a shop's webhooks said.

    `announced` are its orders whose first one arrived, `unheard` those of which one has not.
    """

    path: Path
    shop: dict[str, ShopOrder] = field(default_factory=dict)
    labels: dict[str, Deed] = field(default_factory=dict)
    """Live ones: bought and not refunded, by shipment."""
    bought: int = 0
    packing: dict[tuple[str, str], list[Deed]] = field(default_factory=lambda: defaultdict(list))
    """By our reference and the warehouse's id."""
    announced: frozenset[str] = frozenset()
    unheard: frozenset[str] = frozenset()


def read(path: Path) -> Effects:
    """Everything that was done until now; a last line in the making is left out.

    Raises:
        OSError: it cannot be read.
        ValueError: a line in it is not what the simulators write.
    """
    effects = Effects(path)
    for line in _lines(path):
        deed = Deed(line["seq"], line["effect"], line["ref"], line["order"] or "", line["data"])
        if line["system"] == "shopify":
            made = effects.shop.setdefault(deed.order, ShopOrder(deed.order))
            made.take(deed)
        elif line["system"] == "warehouse":
            effects.packing[line["key"] or "", deed.ref].append(deed)
        elif deed.effect == "label_bought":
            effects.bought += 1
            effects.labels[deed.ref] = deed
        elif deed.effect == "label_refunded":
            effects.labels.pop(deed.ref, None)
    effects.announced, effects.unheard = _heard(path.with_name(WEBHOOKS))
    return effects


def _heard(path: Path) -> tuple[frozenset[str], frozenset[str]]:
    """The shop's orders whose creation was answered with 2xx; those of which any word was not."""
    announced: list[str] = []
    queued: dict[str, dict[str, Any]] = {}
    for note in _lines(path) if path.exists() else ():
        webhook = note.get("queued")
        if webhook and webhook["system"] == "shopify":
            queued[webhook["id"]] = webhook
        elif note.get("arrived") and (arrived := queued.pop(note["done"], None)):
            created = arrived["headers"].get("X-Shopify-Topic") == "orders/create"
            announced.append(_order_of(arrived) if created else "")
    unheard = (_order_of(webhook) for webhook in queued.values())
    return frozenset(announced) - {""}, frozenset(unheard) - {""}


def _order_of(webhook: dict[str, Any]) -> str:
    """Of a whole order; tests send other bytes too."""
    try:
        said = json.loads(base64.b64decode(webhook["body"]))
    except ValueError:
        return ""
    return str(said["id"]) if isinstance(said, dict) and "id" in said else ""


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    content = path.read_bytes()
    for line in content[: content.rfind(b"\n") + 1].splitlines():
        yield json.loads(line)
