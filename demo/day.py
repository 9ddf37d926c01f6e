"""The day's programme: who buys what, when, and what befalls it; the same on every day."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from demo import repertoire as on
from demo.repertoire import Scenario
from demo.shop import Customer, Sale, customers, offers

SEED = 20_260_701
SALES = 42
SALES_OVER_S = 36.0
FIRST_NUMBER = 1_001
LINES = (1, 1, 1, 2, 2, 2, 3, 3, 4, 5, 6)
SCARCE = "SAMOVAR"
"""A SKU of which there is nothing in stock when the day begins."""
APART = (("TAGINE", 1), ("TOASTRACK", 1))
"""What no location has both of: Berlin the first, Leeds the second."""
ELSEWHERE = {"address1": "Schlossplatz 1", "address2": None, "city": "Stuttgart", "zip": "70173"}
"""A good address, but not where the customer lives by now."""


@dataclass(frozen=True)
class Act:
    """One scenario with its order, `at_s` seconds after the day began."""

    at_s: float
    scenario: Scenario
    sale: Sale


# When, what befalls it, to where, and what is special about the order.
_BEFALLS: tuple[tuple[float, Scenario, str, dict[str, object]], ...] = (
    (0.5, on.DUPLICATES, "DE", {}),
    (0.7, on.LOST_CAPTURE, "GB", {"payment": "authorized"}),
    (1.0, on.IN_FLIGHT, "DE", {"payment": "authorized"}),
    (1.5, on.EARLY, "GB", {}),
    (2.0, on.LOST_LABEL, "DE", {}),
    (2.5, on.RETURNED, "DE", {"payment": "authorized", "discount_percent": 10}),
    (3.0, on.REFUSED, "US", {}),
    (3.3, on.MOVED, "DE", {"wrong": ELSEWHERE}),
    (3.5, on.ADDRESS, "US", {"wrong": {"zip": "6060"}}),
    (4.5, on.SHORT, "AT", {"lines": ((SCARCE, 1),)}),
    (5.0, on.SHORT, "DE", {"lines": ((SCARCE, 2), ("MUG-BLUE", 1))}),
    (5.5, on.PENDING, "FR", {"payment": "pending"}),
    (6.5, on.HELD, "US", {}),
    (8.5, on.REJECTED, "DE", {}),
    (9.5, on.CUSTOMS, "NO", {}),
    (10.5, on.BUSY, "NL", {}),
    (11.5, on.IN_TIME, "GB", {"payment": "authorized"}),
    (13.0, on.UNREADABLE, "DE", {}),
    (14.0, on.CARRIER_DOWN, "IT", {}),
    (18.0, on.ADDRESS, "ES", {"wrong": {"address1": "", "address2": None}}),
    (29.5, on.TOO_LATE, "DE", {}),
    (30.5, on.RETURNED, "US", {"payment": "authorized"}),
    (31.5, on.SCANS, "CA", {}),
    (32.5, on.REJECTED, "GB", {}),
    (33.5, on.DUPLICATES, "AU", {}),
    (1.2, on.SPLIT, "DE", {"lines": APART, "payment": "authorized"}),
    (2.2, on.SPLIT, "GB", {"lines": (("CLOCK", 3), ("WHISK", 2)), "payment": "authorized"}),
    (2.8, on.BUNDLE, "DE", {"lines": (("COFFEE-SET", 2), ("MUG-BLUE", 1))}),
    (3.8, on.GIFT_CARD, "FR", {"gift_card": "50.00", "payment": "authorized"}),
    (4.2, on.GIFT_CARD, "US", {"gift_card": "25.00", "payment": "authorized"}),
    (5.2, on.REST_CANCELLED, "DE", {"lines": APART, "payment": "authorized"}),
    (6.2, on.NOT_IN_STOCK, "DE", {"lines": (("LAMP", 2),)}),
    (7.2, on.BROKEN, "GB", {"lines": (("VASE", 2),)}),
    (1.8, on.BACKORDERED, "DE", {"lines": (("SIEVE", 3),)}),
    (3.2, on.TRANSFERRED, "DE", {"lines": (("RADIO", 2),)}),
)  # fmt: skip


def programme(seed: int = SEED) -> tuple[Act, ...]:
    """All acts of the day, earliest first."""
    chance = random.Random(seed)
    acts = [*_plain_sales(chance), *_befallen(chance)]
    acts.sort(key=lambda act: act.at_s)
    return tuple(acts)


def _plain_sales(chance: random.Random) -> Iterator[Act]:
    everybody = list(customers())
    for n in range(SALES):
        buyer = everybody[n % len(everybody)]
        lines = _lines(chance)
        sale = Sale(
            number=FIRST_NUMBER + n,
            customer=buyer,
            lines=lines,
            payment=chance.choice(("authorized", "authorized", "paid")),
            discount_percent=chance.choice((0, 0, 0, 10, 15)),
        )
        yield Act(SALES_OVER_S * n / SALES, on.SALE, sale)


def _befallen(chance: random.Random) -> Iterator[Act]:
    for n, (at_s, scenario, country, special) in enumerate(_BEFALLS):
        basics: dict[str, object] = {
            "number": FIRST_NUMBER + SALES + n,
            "customer": _of(chance, country),
            "lines": _lines(chance),
            "payment": chance.choice(("authorized", "paid")),
        }
        yield Act(at_s, scenario, Sale(**{**basics, **special}))  # type: ignore[arg-type]


def _of(chance: random.Random, country: str) -> Customer:
    return chance.choice([one for one in customers() if one.country == country])


def _lines(chance: random.Random) -> tuple[tuple[str, int], ...]:
    """One to six lines; now and then two of the same SKU."""
    plenty = [sku for sku in offers() if sku not in (SCARCE, "TAGINE")]
    skus = chance.sample(plenty, chance.choice(LINES))
    if len(skus) > 1 and chance.random() < 1 / 3:
        skus[-1] = skus[0]
    return tuple((sku, chance.choice((1, 1, 1, 2, 3))) for sku in skus)
