"""Judges the day by what the outside world journalled and what our books say, by nothing else."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from demo.books import Accounts
from demo.decisions import Decided
from demo.shop import Sale, refund_shown, total_shown
from demo.stage import Fact, equal
from demo.till import CENT, SHOP_CURRENCY

Json = dict[str, Any]
Correction = tuple[str, str, int, int]
"""Location, SKU, by how much on hand changed, and how much of it was found damaged."""


@dataclass(frozen=True)
class Expected:
    """What must have come of an order, in the world and in our books."""

    status: str = "closed"
    labels_bought: int = 1
    left: int = 1
    """Fulfilments that a warehouse handed over, each at another location and in one parcel."""
    accepted: int = 1
    """Warehouses that took it on."""
    rejected: int = 0
    returned_lines: tuple[int, ...] = ()
    """Places of the lines that came back whole, and were refunded."""
    cancelled_lines: tuple[int, ...] = ()
    """Places of the lines that never left, and were refunded."""

    corrected: frozenset[Correction] = frozenset()
    """How what its pickers found corrected our record."""

    @property
    def refunded_lines(self) -> tuple[int, ...]:
        return self.returned_lines + self.cancelled_lines


@dataclass(frozen=True)
class Evidence:
    """All that is known of one order from outside, and from our own books."""

    status: str
    waits_on: str
    world: Sequence[Json]
    movements: Mapping[str, tuple[int, int]]
    """On hand and reserved, by SKU: what the order's movements come to, but for corrections."""
    corrected: frozenset[Correction]
    live_numbers: tuple[str, ...]
    decided: Decided

    def count(self, system: str, effect: str) -> int:
        return len(self.of(system, effect))

    def data(self, system: str, effect: str) -> list[Json]:
        return [one["data"] for one in self.of(system, effect)]

    def of(self, system: str, effect: str) -> list[Json]:
        return [one for one in self.world if (one["system"], one["effect"]) == (system, effect)]

    def amount(self, effect: str) -> Decimal:
        told = self.data("shopify", effect)
        return sum((Decimal(data["amount"]) for data in told), Decimal(0))


def read_world(journal_dir: Path, channel: str) -> dict[str, list[Json]]:
    """The simulators' journal by our order id; the shop's entries name its own id.

    A last line in the making is left out.
    """
    by_order: dict[str, list[Json]] = {}
    written = (journal_dir / "journal.jsonl").read_bytes()
    for line in written[: written.rfind(b"\n") + 1].splitlines():
        entry = json.loads(line)
        if entry["order"] is not None:
            own = f"{channel}-" if entry["system"] == "shopify" else ""
            by_order.setdefault(f"{own}{entry['order']}", []).append(entry)
    return by_order


def evidence(
    order_id: str, world: Sequence[Json], accounts: Accounts, decided: Decided
) -> Evidence:
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
        corrected=frozenset(
            (row["location"], row["sku"], row["on_hand"], row["damaged"])
            for row in accounts.corrections
            if row["order_id"] == order_id
        ),
        live_numbers=tuple(
            row["tracking_number"]
            for row in accounts.labels
            if row["order_id"] == order_id and not row["voided"]
        ),
        decided=decided,
    )


def judge(sale: Sale, expected: Expected, found: Evidence) -> list[Fact]:
    """Each thing that must be so of one order, and what was found."""
    waits = f", waits on {found.waits_on}" if found.waits_on else ""
    ended = Fact(
        f"ends as {expected.status}", f"{found.status}{waits}", found.status == expected.status
    )
    return [
        ended,
        *_warehouse(sale, expected, found),
        *_carrier(sale, expected, found),
        *_channel(sale, expected, found),
        *_money(sale, expected, found),
        *_stock(sale, expected, found),
    ]


def _warehouse(sale: Sale, expected: Expected, found: Evidence) -> Iterable[Fact]:
    accepted, rejected = found.count("warehouse", "accepted"), found.count("warehouse", "rejected")
    yield equal(f"{expected.accepted} warehouses take it on", expected.accepted, accepted)
    yield equal(f"{expected.rejected} warehouses reject it", expected.rejected, rejected)
    requests = {one["key"]: one["data"] for one in found.of("warehouse", "accepted")}
    gone = [requests[one["key"]] for one in found.of("warehouse", "handed_over")]
    yield equal(f"handed over: {expected.left}", expected.left, len(gone))
    places = sorted(one["location"] for one in gone)
    yield Fact("each part from another location", str(places), len(set(places)) == expected.left)
    packed: Counter[str] = Counter()
    for line in (line for one in gone for line in one["request"]["lines"]):
        packed[line["sku"]] += line["quantity"]
    wanted = sale.pieces(*expected.cancelled_lines) if expected.left else {}
    yield Fact("exactly these pieces were packed", _pieces(packed), packed == wanted)
    yield equal("it left from where sourcing decided", places, sorted(found.decided.shipped_from))
    yield Fact("why is on record", str(len(found.decided.why)), bool(found.decided.why))


def _carrier(sale: Sale, expected: Expected, found: Evidence) -> Iterable[Fact]:
    bought = [data["tracking_code"] for data in found.data("easypost", "label_bought")]
    voided = [data["tracking_code"] for data in found.data("easypost", "label_refunded")]
    live = tuple(sorted(set(bought) - set(voided)))
    if expected.left:
        yield equal(f"labels bought: {expected.labels_bought}", expected.labels_bought, len(bought))
    else:
        yield Fact("at most one label bought", str(len(bought)), len(bought) <= 1)
    yield Fact(f"live labels: {expected.left}", _listed(live), len(live) == expected.left)
    if expected.left:
        wanted = (sale.customer.country, sale.customer.postal_code)
        places = sorted(set(_places(found, set(live))))
        yield Fact("it goes to where the customer is", str(places), places == [wanted])
    scans = found.data("easypost", "scan")
    arrived = {scan["tracking_code"] for scan in scans if scan["status"] == "delivered"}
    yield equal("what left arrives", live, tuple(sorted(arrived)))
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


def _channel(sale: Sale, expected: Expected, found: Evidence) -> Iterable[Fact]:
    fulfilled = found.data("shopify", "fulfilled")
    told = [str(number) for data in fulfilled for number in data["tracking_numbers"]]
    handed = [
        parcel["tracking_number"]
        for data in found.data("warehouse", "handed_over")
        for parcel in data["parcels"]
    ]
    yield equal("the shop is told each number that left, once", sorted(handed), sorted(told))
    lines: Counter[str] = Counter()
    for line in (line for data in fulfilled for line in data["lines"]):
        lines[str(line["line_item_id"])] += line["quantity"]
    wanted = {
        sale.line_id(place): quantity
        for place, (_, quantity) in enumerate(sale.lines)
        if expected.left and place not in expected.cancelled_lines
    }
    yield Fact("the shop is told which lines left, once", str(dict(lines)), lines == wanted)
    cancelled = found.count("shopify", "cancelled")
    yield equal(
        "the shop hears of the cancellation, once", int(expected.status == "cancelled"), cancelled
    )


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
    back = refund_shown(sale, expected.refunded_lines)
    pieces = sum(sale.lines[place][1] for place in expected.refunded_lines)
    slack = Decimal(0) if currency == SHOP_CURRENCY else pieces * CENT  # each was rounded
    once = int(bool(expected.refunded_lines))
    yield Fact(
        f"refunded once: {back} {currency}" if once else "nothing refunded",
        f"{refunded} {currency}, {found.count('shopify', 'refunded')} times",
        abs(refunded - back) <= slack and found.count("shopify", "refunded") == once,
    )


def _stock(sale: Sale, expected: Expected, found: Evidence) -> Iterable[Fact]:
    left = {sku: -on_hand for sku, (on_hand, _) in found.movements.items() if on_hand}
    still = {sku: reserved for sku, (_, reserved) in found.movements.items() if reserved}
    wanted = sale.pieces(*expected.refunded_lines) if expected.left else {}
    yield Fact(
        "exactly these pieces left our stock" if wanted else "no piece left our stock",
        _pieces(left),
        left == wanted,
    )
    yield Fact("nothing stays reserved", _pieces(still), not still)
    corrected = sorted(found.corrected)
    yield equal("our record is corrected as was found", sorted(expected.corrected), corrected)


def _listed(words: Sequence[str]) -> str:
    return " ".join(words) or "none"


def _pieces(by_sku: Mapping[str, int]) -> str:
    return ", ".join(f"{quantity} {sku}" for sku, quantity in sorted(by_sku.items())) or "none"
