"""Stock for an order's lines: reserved where it is best, or waited for where there is none."""

from functools import partial

from activities.inventory import InventoryActivities
from domain.ids import effect_key
from domain.orders import LineRef
from domain.stock import Part, ReservationRef, Reserved, ReserveRequest, Short
from domain.waits import Owner
from workflows.outside import OURS
from workflows.requests import Requests
from workflows.state import OrderState
from workflows.strand import Strand
from workflows.telling import Telling
from workflows.undo import Undos

STOCK_FIRST = "not_now: the stock must be given back first; retry tries it again"


class Sourcing:
    """Reserves lines of one order; locations that rejected it are not asked again."""

    def __init__(self, state: OrderState, requests: Requests, telling: Telling) -> None:
        self._state = state
        self._requests = requests
        self._telling = telling
        self._excluded: list[str] = []
        self._reservations = 0

    def exclude(self, location: str) -> None:
        """This location will not pack it."""
        self._excluded.append(location)

    async def reserve(
        self, lines: tuple[LineRef, ...], strand: Strand, undos: Undos
    ) -> dict[str, Part]:
        """The parts that serve these lines, by the key of each one's reservation.

        Until it returns, `undos` can take the whole reservation back; then each part is its own.
        """
        while True:
            strand.make_way()
            self._reservations += 1
            key = effect_key(self._state.order.order_id, "reserve", self._reservations)
            undos.register(key, partial(self.release, key, strand))
            answer = await strand.attempt(
                InventoryActivities.reserve,
                ReserveRequest(
                    order_id=self._state.order.order_id,
                    key=key,
                    channel=self._state.order.channel,
                    lines=lines,
                    destination=self._state.destination,
                    excluded=tuple(self._excluded),
                ),
                OURS,
                summary="reserve where it is best",
            )
            match answer:
                case Reserved():
                    parts = answer.parts
                case Short():
                    parts = await self._wait_for_stock(answer, key, strand)
            if parts:
                undos.drop(key)
                return {f"{key}/{n}": part for n, part in enumerate(parts, start=1)}
            await undos.take_back_one(key)

    async def _wait_for_stock(self, short: Short, key: str, strand: Strand) -> tuple[Part, ...]:
        """In the queue for goods to come; empty on `retry`, which forgives who rejected us."""
        self._telling.note("short", data={line.sku: line.quantity for line in short.missing})
        retried = await strand.until_or_retry(
            lambda: key in self._requests.assigned,
            Owner.OPERATOR if self._excluded else Owner.SUPPLIER,
            "another_location" if self._excluded else "stock",
            next_action="goes on by itself as soon as its goods are received",
        )
        if retried:
            self._excluded.clear()
            return ()
        return self._requests.assigned[key]

    async def release(self, key: str, strand: Strand) -> bool:
        """Give the stock back, or leave the queue for it."""
        await strand.attempt(
            InventoryActivities.release,
            ReservationRef(order_id=self._state.order.order_id, key=key),
            OURS,
            summary="give the stock back",
            interruptible=False,
            if_said_again=STOCK_FIRST,
        )
        return True
