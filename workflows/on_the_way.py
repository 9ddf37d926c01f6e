"""A fulfilment on its way: booked out, told to the channel, and followed until it has arrived.

A request to stop comes too late for all of it.
"""

import asyncio
from collections.abc import Callable
from functools import partial

from temporalio import workflow

from activities.carrier import CarrierActivities, TrackRequest
from activities.channel import ChannelActivities
from activities.inventory import InventoryActivities
from domain.fulfilments import ShippedNotice, ShippedParcel
from domain.ids import effect_key
from domain.orders import OrderInput
from domain.records import LEFT_WITHOUT_LABEL
from domain.stock import ReservationRef
from domain.tracking import FINAL
from domain.verbs import ParcelMoved
from domain.waits import Owner
from workflows.conduct import Conduct
from workflows.fulfilment_state import FulfilmentState
from workflows.outside import CARRIER, CHANNEL, OUR_TABLES
from workflows.strand import Overtaken, Strand


class OnTheWay:
    """What is left to do for a fulfilment whose goods have left; `arrived` is set in the end."""

    def __init__(self, order: OrderInput, state: FulfilmentState, conduct: Conduct) -> None:
        self._order = order
        self._state = state
        self._conduct = conduct
        self._strand = state.strand = conduct.strand(lambda: None)
        self._beside: Strand | None = None
        self._told = False
        self.arrived = asyncio.Event()

    async def see_to_the_door(self) -> None:
        """Book the goods out, tell the channel, and follow the parcels until they have arrived."""
        self._conduct.begin(self._arrive_untold())
        await self._book_out()
        self._strand.parked.when_refused = self._follow_beside
        await self._tell_shipped()
        self._strand.parked.when_refused = None
        self._told = True
        if self._beside is None:
            await self._follow(self._strand)
            return
        self._state.strand = self._beside
        self._strand.rest()

    async def _arrive_untold(self) -> None:
        """The customer has the goods, however long the channel cannot be reached."""
        await workflow.wait_condition(lambda: self._told or self._state.arrived_or_lost)
        if not self._told:
            self._follow_beside()

    def _follow_beside(self) -> None:
        """A channel that will not hear of it keeps no parcel from arriving."""
        if self._beside is None:
            self._beside = self._conduct.strand(lambda: None)
            self._conduct.begin(self._follow(self._beside))

    async def _book_out(self) -> None:
        await self._strand.attempt(
            InventoryActivities.ship,
            ReservationRef(order_id=self._order.order_id, key=self._state.reservation_key),
            OUR_TABLES,
            summary="book the goods out",
            interruptible=False,
        )

    async def _tell_shipped(self) -> None:
        answer = await self._strand.attempt(
            ChannelActivities.tell_shipped,
            ShippedNotice(
                order_id=self._order.order_id,
                key=effect_key(self._state.reference, "tell-shipped"),
                channel=self._order.channel,
                lines=self._state.part.lines,
                parcels=tuple(
                    ShippedParcel(
                        carrier=label.carrier,
                        tracking_number=label.tracking_number,
                        tracking_url=label.tracking_url,
                    )
                    for label in self._state.labels
                ),
            ),
            CHANNEL,
            summary="tell the channel that it shipped",
            interruptible=False,
        )
        if answer.already:
            self._conduct.telling.note("told_already", data={"fulfilment": self._state.reference})

    async def _follow(self, strand: Strand) -> None:
        """Wait for the carrier, and ask it if it stays silent for too long."""
        checks, most = 0, self._order.policy.tracking_checks_max
        while not self._state.arrived_or_lost:
            if self._state.beyond_scans:
                await self._until_found(strand)
                continue
            seen, silent = self._state.moves, checks >= most
            owner, what = self._state.waits_on()
            heard = await strand.until(
                partial(self._moved_since, seen),
                Owner.OPERATOR if silent else owner,
                "carrier_silent" if silent else what,
                timeout_s=None if silent else self._order.policy.tracking_check_s,
                next_action="" if silent else "then we ask the carrier ourselves",
            )
            if not heard:
                checks += 1
                await self._ask_carrier(strand, partial(self._moved_since, seen))
        strand.rest()
        self.arrived.set()

    async def _until_found(self, strand: Strand) -> None:
        """No carrier can speak of what left without a label: an operator finds out."""
        await strand.until(
            partial(self._moved_since, self._state.moves),
            Owner.OPERATOR,
            LEFT_WITHOUT_LABEL,
            next_action="nothing happens by itself: find out where it is; then say retry with"
            f" arrived {self._state.reference}",
        )

    async def _ask_carrier(self, strand: Strand, heard: Callable[[], bool]) -> None:
        """Ask where the parcels are, unless the carrier speaks."""
        for parcel in self._state.parcels:
            if parcel.label is None or parcel.course in FINAL:
                continue
            try:
                tracked = await strand.attempt(
                    CarrierActivities.track,
                    TrackRequest(
                        order_id=self._order.order_id, tracking_number=parcel.tracking_number
                    ),
                    CARRIER,
                    summary=f"ask where {parcel.parcel_id} is",
                    interruptible=False,
                    overtaken=heard,
                )
            except Overtaken:
                return
            self._state.parcel_moved(
                ParcelMoved(tracking_number=parcel.tracking_number, course=tracked.course)
            )

    def _moved_since(self, seen: int) -> bool:
        return self._state.moves > seen
