"""Judges the day by what the outside world journalled and what our books say, by nothing else."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from demo.books import Accounts
from demo.shop import Sale, total_shown
from demo.stage import Fact, equal

Json = dict[str, Any]


@dataclass(frozen=True)
class Expected:
    """What must have come of an order, in the world and in our books."""

    status: str = "closed"
    labels_bought: int = 1
    handed_over: bool = True
    accepted: int = 1
    """Warehouses that took it on."""
    rejected: int = 0
    refunded_lines: tuple[int, ...] = ()
    """Places of the lines that came back whole, and were refunded."""


@dataclass(frozen=True)
class Evidence:
    """All that is known of one order from outside, and from our own books."""

    status: str
    waits_on: str
    world: Sequence[Json]
    movements: Mapping[str, tuple[int, int]]
    """On hand and reserved, by SKU: what the order's movements come to."""
    live_numbers: tuple[str, ...]

    def count(self, system: str, effect: str) -> int:
        return sum(1 for one in self.world if (one["system"], one["effect"]) == (system, effect))

    def data(self, system: str, effect: str) -> list[Json]:
        return [
            one["data"] for one in self.world if (one["system"], one["effect"]) == (system, effect)
        ]

    def amount(self, effect: str) -> Decimal:
        told = self.data("shopify", effect)
        return sum((Decimal(data["amount"]) for data in told), Decimal(0))


def read_world(journal_dir: Path, channel: str) -> dict[str, list[Json]]:
    """The simulators' journal by our order id; the shop's entries name its own id."""
    by_order: dict[str, list[Json]] = {}
    for line in (journal_dir / "journal.jsonl").read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        if entry["order"] is not None:
            own = f"{channel}-" if entry["system"] == "shopify" else ""
            by_order.setdefault(f"{own}{entry['order']}", []).append(entry)
    return by_order


def evidence(order_id: str, world: Sequence[Json], accounts: Accounts) -> Evidence:
    standing = accounts.standings.get(order_id)
    return Evidence(
        status=standing.status if standing else "not in the books",
        waits_on=": ".join(filter(None, standing.waits_on)) if standing else "",
        world=world,
        movements={
            row["sku"]: (row["on_hand"], row["reserved"])
            for row in accounts.movements
            if row["order_id"] == order_id
        },
        live_numbers=tuple(
            row["tracking_number"]
            for row in accounts.labels
            if row["order_id"] == order_id and not row["voided"]
        ),
    )


def judge(sale: Sale, expected: Expected, found: Evidence) -> list[Fact]:
    """Each thing that must be so of one order, and what was found."""
    waits = f", waits on {found.waits_on}" if found.waits_on else ""
    ended = Fact(
        f"ends as {expected.status}", f"{found.status}{waits}", found.status == expected.status
    )
    return [
        ended,
        *_warehouse(expected, found),
        *_carrier(sale, expected, found),
        *_channel(expected, found),
        *_money(sale, expected, found),
        *_stock(sale, expected, found),
    ]


def _warehouse(expected: Expected, found: Evidence) -> Iterable[Fact]:
    accepted, rejected = found.count("warehouse", "accepted"), found.count("warehouse", "rejected")
    handed_over = found.count("warehouse", "handed_over")
    yield equal(f"{expected.accepted} warehouses take it on", expected.accepted, accepted)
    yield equal(f"{expected.rejected} warehouses reject it", expected.rejected, rejected)
    once = "handed over once" if expected.handed_over else "never handed over"
    yield equal(once, int(expected.handed_over), handed_over)


def _carrier(sale: Sale, expected: Expected, found: Evidence) -> Iterable[Fact]:
    bought = [data["tracking_code"] for data in found.data("easypost", "label_bought")]
    voided = [data["tracking_code"] for data in found.data("easypost", "label_refunded")]
    live = tuple(sorted(set(bought) - set(voided)))
    if expected.handed_over:
        yield equal(f"labels bought: {expected.labels_bought}", expected.labels_bought, len(bought))
    else:
        yield Fact("at most one label bought", str(len(bought)), len(bought) <= 1)
    once = "one live label" if expected.handed_over else "no live label"
    yield Fact(once, " ".join(live) or "none", len(live) == int(expected.handed_over))
    if expected.handed_over:
        wanted = (sale.customer.country, sale.customer.postal_code)
        places = sorted(_places(found, set(live)))
        yield Fact("it goes to where the customer is", str(places), places == [wanted])
    yield equal("our books know the live labels", live, tuple(sorted(found.live_numbers)))


def _places(found: Evidence, live: set[str]) -> Iterable[tuple[str, str]]:
    """Country and post code on each live label."""
    made = {
        data["shipment"]["id"]: data["shipment"]["to_address"]
        for data in found.data("easypost", "shipment_created")
    }
    for data in found.data("easypost", "label_bought"):
        if data["tracking_code"] in live:
            address = made[data["shipment_id"]]
            yield address["country"], address["zip"]


def _channel(expected: Expected, found: Evidence) -> Iterable[Fact]:
    told = [number for data in found.data("shopify", "fulfilled") for number in _numbers(data)]
    handed = [
        parcel["tracking_number"]
        for data in found.data("warehouse", "handed_over")
        for parcel in data["parcels"]
    ]
    cancelled = found.count("shopify", "cancelled")
    yield equal("the shop is told the number that left, once", handed, told)
    yield equal(
        "the shop hears of the cancellation, once", int(expected.status == "cancelled"), cancelled
    )


def _numbers(fulfilled: Json) -> list[str]:
    return [str(number) for number in fulfilled["tracking_numbers"]]


def _money(sale: Sale, expected: Expected, found: Evidence) -> Iterable[Fact]:
    total, currency = total_shown(sale)
    captured, refunded = found.amount("captured"), found.amount("refunded")
    wanted = total if sale.payment == "authorized" else Decimal(0)
    if expected.status == "cancelled":
        # the payment is released, or what was taken is given back
        kept = captured - refunded
        yield Fact("the customer pays nothing", f"{kept} {currency}", kept == 0)
        return
    yield Fact(
        f"captured once: {wanted} {currency}",
        f"{captured} {currency}, {found.count('shopify', 'captured')} times",
        captured == wanted and found.count("shopify", "captured") == int(wanted > 0),
    )
    yield Fact(
        "refunded, and no more than captured" if expected.refunded_lines else "nothing refunded",
        f"{refunded} {currency}, {found.count('shopify', 'refunded')} times",
        0 < refunded <= total and found.count("shopify", "refunded") == 1
        if expected.refunded_lines
        else refunded == 0,
    )


def _stock(sale: Sale, expected: Expected, found: Evidence) -> Iterable[Fact]:
    left = {sku: -on_hand for sku, (on_hand, _) in found.movements.items() if on_hand}
    still = {sku: reserved for sku, (_, reserved) in found.movements.items() if reserved}
    wanted = dict(sale.pieces()) if expected.handed_over else {}
    for place in expected.refunded_lines:
        sku, quantity = sale.lines[place]
        wanted[sku] -= quantity
    wanted = {sku: pieces for sku, pieces in wanted.items() if pieces}
    yield Fact(
        "exactly these pieces left our stock" if wanted else "no piece left our stock",
        _pieces(left),
        left == wanted,
    )
    yield Fact("nothing stays reserved", _pieces(still), not still)


def _pieces(by_sku: Mapping[str, int]) -> str:
    return ", ".join(f"{quantity} {sku}" for sku, quantity in sorted(by_sku.items())) or "none"
