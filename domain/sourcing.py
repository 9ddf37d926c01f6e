"""Which location serves an order: a pure function of the destination and the stock."""

from collections.abc import Iterable

from domain.addresses import Address
from domain.orders import Destination
from domain.stock import SkuQuantity
from domain.values import Value


class Location(Value):
    """A place that holds stock; `address` is where its parcels leave from."""

    location: str
    name: str
    address: Address
    timezone: str
    active: bool = True


class Candidate(Value):
    """A location with what it has available of each SKU the order wants."""

    location: str
    country: str
    available: dict[str, int]


def rank(
    destination: Destination,
    lines: tuple[SkuQuantity, ...],
    candidates: Iterable[Candidate],
    excluded: Iterable[str] = (),
) -> tuple[str, ...]:
    """Locations in the order in which to try them: same country first, then most stock, then name.

    Locations that lack stock now are kept at the end: stock may come before the try.
    """
    barred = set(excluded)

    def preference(candidate: Candidate) -> tuple[bool, bool, int, str]:
        lacks = any(candidate.available.get(line.sku, 0) < line.quantity for line in lines)
        spare = min(
            (candidate.available.get(line.sku, 0) - line.quantity for line in lines), default=0
        )
        return (lacks, candidate.country != destination.country, -spare, candidate.location)

    allowed = [c for c in candidates if c.location not in barred]
    return tuple(c.location for c in sorted(allowed, key=preference))
