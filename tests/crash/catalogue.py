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

LOCATIONS = (
    Location(
        location="berlin",
        name="Berlin",
        timezone="Europe/Berlin",
        address=Address(
            name="Berlin",
            lines=("Unter den Linden 5",),
            city="Berlin",
            postal_code="10117",
            country="DE",
            phone="+493012345678",
        ),
    ),
    Location(
        location="leeds",
        name="Leeds",
        timezone="Europe/London",
        address=Address(
            name="Leeds",
            lines=("1 The Headrow",),
            city="Leeds",
            postal_code="LS1 6PU",
            country="GB",
            phone="+441132476000",
        ),
    ),
    Location(
        location="newark",
        name="Newark",
        timezone="America/New_York",
        serves=("US",),
        address=Address(
            name="Newark",
            lines=("920 Broad Street",),
            city="Newark",
            region="NJ",
            postal_code="07102",
            country="US",
            phone="+19737333669",
        ),
    ),
)


def made_of(sku: str) -> dict[str, int]:
    """The pieces that are picked for one unit."""
    return BUNDLES.get(sku, {sku: 1})
