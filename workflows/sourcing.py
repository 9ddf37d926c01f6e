"""Stock for an order's lines: reserved where it is best, or waited for where there is none."""

from collections.abc import Mapping
from functools import partial

from activities.inventory import InventoryActivities
from domain.ids import effect_key
from domain.orders import LineRef
from domain.stock import Lack, Part, Reserved, ReserveRequest, Short, WayRequest
from domain.waits import Owner
from workflows import stock
from workflows.fulfilment_state import FulfilmentState
from workflows.outside import OURS
from workflows.requests import Requests
from workflows.state import OrderState
from workflows.strand import Strand
from workflows.telling import Telling
from workflows.undo import Undos

REJECTED = (
    Owner.OPERATOR,
    "another_location",
    "goes on by itself as soon as its goods are received elsewhere",
)
"""Of the locations that may ship it some will not."""
WAITS: Mapping[Lack, tuple[Owner, str, str]] = {
    Lack.STOCK: (
        Owner.SUPPLIER,
        "stock",
        "goes on by itself as soon as its goods are received",
    ),
    Lack.CAPACITY: (
        Owner.WAREHOUSE,
        "capacity",
        "goes on by itself when the location has room again, as on its next day",
    ),
    Lack.NO_LOCATION: (
        Owner.OPERATOR,
        "no_location",
        "goes on by itself once a location or the rules are changed so that one may ship it",
    ),
}


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
            if parts := await self._reserved_or_assigned(key, lines, strand):
                undos.drop(key)
                return {f"{key}/{n}": part for n, part in enumerate(parts, start=1)}
            await undos.take_back_one(key)

    async def check_way(self, part: FulfilmentState, strand: Strand) -> None:
        """See that goods which are packed may leave for another country from where they are.

        Raises:
            Interrupted: also `Rejected`, if a rule forbids it.
        """
        to = self._state.destination
        if to.country == part.country or part.has_left:
            return
        request = WayRequest(
            order_id=self._state.order.order_id,
            location=part.location,
            lines=part.part.lines,
            destination=to,
        )
        way = await strand.attempt(
            InventoryActivities.may_ship,
            request,
            OURS,
            summary=f"look whether {part.location} may ship to {to.country}",
        )
        strand.make_way()  # the answer may be of yesterday's address
        if way.bar:
            part.barred = True
            part.reject(way.bar)
            strand.make_way()
        part.country = to.country

    async def _reserved_or_assigned(
        self, key: str, lines: tuple[LineRef, ...], strand: Strand
    ) -> tuple[Part, ...]:
        """Where it is best, or in the queue for goods to come; empty on `retry`."""
        request = ReserveRequest(
            order_id=self._state.order.order_id,
            key=key,
            channel=self._state.order.channel,
            lines=lines,
            destination=self._state.destination,
            excluded=tuple(self._excluded),
            reservation_id=self._state.order.reservation_id,
        )
        looks = 0
        while True:
            answer = await strand.attempt(
                InventoryActivities.reserve, request, OURS, summary="reserve where it is best"
            )
            match answer:
                case Reserved():
                    return answer.parts
                case Short() as short:
                    self._tell_once(short, looks)
            if await self._retried_in_queue(key, short.lack, looks, strand):
                self._excluded.clear()
                return ()
            if key in self._requests.assigned:
                return self._requests.assigned[key]
            looks += 1

    def _tell_once(self, short: Short, looks: int) -> None:
        if not looks:
            why = "" if short.lack is Lack.STOCK else short.lack
            self._telling.note("short", why=why, data={n.sku: n.quantity for n in short.missing})

    async def _retried_in_queue(self, key: str, lack: Lack, looks: int, strand: Strand) -> bool:
        """Wait in the queue, at most until it is time to look again; True on an operator's `retry`.

        `retry` forgives the locations that rejected us; the order is as old in the queue as before.
        """
        policy = self._state.order.policy
        rejected = self._excluded and lack is not Lack.CAPACITY
        owner, what, next_action = REJECTED if rejected else WAITS[lack]
        return await strand.until_or_retry(
            lambda: key in self._requests.assigned,
            owner,
            what,
            timeout_s=policy.stock_check_s if looks < policy.stock_checks_max else None,
            next_action=next_action,
        )

    async def release(self, key: str, strand: Strand) -> bool:
        """Give the stock back, or leave the queue for it."""
        await stock.release(self._state.order.order_id, key, strand)
        return True
