"""Every activity of the workers, and where in it they may die: before and after what it does."""

from dataclasses import dataclass
from itertools import chain

from tests.crash.failpoints import Fault, Moment

OURS: tuple[Moment, ...] = ("before", "after")
OUTSIDE: tuple[Moment, ...] = ("before", "begun", "done", "after")


@dataclass(frozen=True)
class Deed:
    """What an activity, by its name in Temporal, does or learns at a point.

    A worker dies at each of the `moments`, in this activity only.
    """

    activity: str
    point: str
    moments: tuple[Moment, ...] = OURS


Deeds = tuple[Deed, ...]

RESERVED: Deeds = (Deed("reserve", "inventory.reserve"),)
ON_THE_WAY: Deeds = (
    Deed("validate", "order_book.save_verdict"),
    *RESERVED,
    Deed("request_packing", "warehouse.request", OUTSIDE),
    Deed("capture", "channel.capture", OUTSIDE),
    Deed("record", "order_book.record"),
    Deed("buy_label", "carrier.buy", OUTSIDE),
    Deed("hand_over", "warehouse.hand_over", OUTSIDE),
    Deed("ship_stock", "inventory.ship"),
    Deed("tell_shipped", "channel.tell_shipped", OUTSIDE),
)
AT_SILENT_WAREHOUSES: Deeds = (Deed("look_at_packing", "warehouse.look"),)
AT_SILENT_CARRIERS: Deeds = (
    # what the carrier says may be lost, and so may that we kept it
    Deed("track", "carrier.track"),
    Deed("track", "scans.keep"),
)
FOUND_SHORT: Deeds = (Deed("short_pick", "inventory.short_pick", (*OURS, *OURS)),)
TO_ANOTHER_COUNTRY: Deeds = (
    Deed("may_ship", "inventory.case"),
    Deed("readdress", "warehouse.readdress", OUTSIDE),
)
BACK: Deeds = (
    Deed("recall", "warehouse.recall", OUTSIDE),
    Deed("void_label", "carrier.void", OUTSIDE),
    Deed("release_stock", "inventory.release"),
    Deed("cancel_at_channel", "channel.cancel", OUTSIDE),
)
PARTLY_BACK: Deeds = (Deed("refund", "channel.refund", OUTSIDE),)
HOME_AGAIN: Deeds = (
    Deed("restock", "inventory.restock"),
    *PARTLY_BACK,
    Deed("record_return", "order_book.record_return"),
)


def deaths(deeds: Deeds, first: int) -> list[Fault]:
    """One at each moment of each deed, each at an order of its own: from the `first` number on."""
    moments = chain.from_iterable([(deed, moment) for moment in deed.moments] for deed in deeds)
    return [
        Fault(deed.point, moment, f"demo-{first + n}", activity=deed.activity)
        for n, (deed, moment) in enumerate(moments)
    ]
