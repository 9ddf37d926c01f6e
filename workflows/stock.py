"""Reserved stock that is not sent: given back, or the record corrected by what was found."""

from activities.inventory import InventoryActivities
from domain.ids import OrderId
from domain.stock import ReservationRef, ShortPick, ShortPickRequest
from workflows.outside import OURS
from workflows.strand import Strand

STOCK_FIRST = "not_now: the stock must be given back first; retry tries it again"


async def release(order_id: OrderId, key: str, strand: Strand) -> None:
    """Give back what is reserved under this key, or leave the queue for it."""
    await strand.attempt(
        InventoryActivities.release,
        ReservationRef(order_id=order_id, key=key),
        OURS,
        summary="give the stock back",
        interruptible=False,
        if_said_again=STOCK_FIRST,
    )


async def correct(
    order_id: OrderId, key: str, short: tuple[ShortPick, ...], strand: Strand
) -> None:
    """Give back what was found of it; what was not, is no more."""
    await strand.attempt(
        InventoryActivities.short_pick,
        ShortPickRequest(order_id=order_id, key=key, short=short),
        OURS,
        summary="correct the record by what was found",
        interruptible=False,
        if_said_again=STOCK_FIRST,
    )
