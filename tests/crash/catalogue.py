"""What the crash runs sell, and where it lies: a small catalogue."""

from domain.addresses import Address
from domain.locations import Location

NEAR = ("MUG", "CAP", "PEN")
FAR = "BAG"
LATE = ("LAMP", "BELL")
"""Not in stock until they are received."""
ABROAD = "GONG"
"""Lies in Newark, from where nothing is sent to these customers."""
HOMES = dict.fromkeys(NEAR, "berlin") | {
    FAR: "leeds",
    "LAMP": "leeds",
    "BELL": "berlin",
    ABROAD: "newark",
}
"""The one location of each SKU: of an order for several homes each sends a part."""
KIT = "KIT"
CHIME = "CHIME"
BUNDLES = {KIT: {"MUG": 1, "PEN": 2}, CHIME: {"BELL": 1, "CAP": 1}}
"""Each made of what is at home in one place; a `CHIME` of something late."""
STOCK_EACH = 2_000
PRICE = 10
"""Of a piece: a bundle costs as much as the pieces that it is made of."""
CHANNEL = "demo"


def _location(timezone: str, *, serves: tuple[str, ...] = (), **address: str) -> Location:
    city = address["city"]
    return Location(
        location=city.lower(),
        name=city,
        timezone=timezone,
        serves=serves,
        address=Address(name=city, lines=(address.pop("street"),), **address),
    )


LOCATIONS = (
    _location(
        "Europe/Berlin",
        street="Unter den Linden 5",
        city="Berlin",
        postal_code="10117",
        country="DE",
        phone="+493012345678",
    ),
    _location(
        "Europe/London",
        street="1 The Headrow",
        city="Leeds",
        postal_code="LS1 6PU",
        country="GB",
        phone="+441132476000",
    ),
    _location(
        "America/New_York",
        serves=("US",),
        street="920 Broad Street",
        city="Newark",
        region="NJ",
        postal_code="07102",
        country="US",
        phone="+19737333669",
    ),
)


def made_of(sku: str) -> dict[str, int]:
    """The pieces that are picked for one unit."""
    return BUNDLES.get(sku, {sku: 1})
