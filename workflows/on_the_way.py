"""A fulfilment on its way: booked out, told to the channel, and followed until it has arrived.

A request to stop comes too late for all of it.
"""

from collections.abc import Callable
from functools import partial

from activities.carrier import CarrierActivities, TrackRequest
from activities.channel import ChannelActivities
from activities.inventory import InventoryActivities
from domain.fulfilments import ShippedNotice, ShippedParcel
from domain.ids import effect_key
from domain.orders import OrderInput
from domain.stock import ReservationRef
from domain.tracking import FINAL
from domain.verbs import ParcelMoved
from domain.waits import Owner
from workflows.fulfilment_state import FulfilmentState
from workflows.outside import CARRIER, CHANNEL, OURS
from workflows.strand import Overtaken, Strand


class OnTheWay:
    """What is left to do for a fulfilment whose goods have left."""

    def __init__(self, order: OrderInput, state: FulfilmentState, strand: Strand) -> None:
        self._order = order
        self._state = state
        self._strand = strand

    async def see_to_the_door(self) -> None:
        """Book the goods out, tell the channel, and follow the parcels until they have arrived."""
        await self._strand.attempt(
            InventoryActivities.ship,
            ReservationRef(order_id=self._order.order_id, key=self._state.reservation_key),
            OURS,
            summary="book the goods out",
            interruptible=False,
        )
        if self._state.labels:
            await self._tell_shipped()
        await self._arrived()
        self._strand.rest()

    async def _tell_shipped(self) -> None:
        await self._strand.attempt(
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

    async def _arrived(self) -> None:
        """Wait for the carrier, and ask it if it stays silent for too long."""
        checks, most = 0, self._order.policy.tracking_checks_max
        while not self._state.arrived_or_lost:
            seen, silent = self._state.moves, checks >= most
            owner, what = self._state.waits_on()
            heard = await self._strand.until(
                partial(self._moved_since, seen),
                Owner.OPERATOR if silent else owner,
                "carrier_silent" if silent else what,
                timeout_s=None if silent else self._order.policy.tracking_check_s,
                next_action="" if silent else "then we ask the carrier ourselves",
            )
            if not heard:
                checks += 1
                await self._ask_carrier(partial(self._moved_since, seen))

    async def _ask_carrier(self, heard: Callable[[], bool]) -> None:
        """Ask where the parcels are, unless the carrier speaks."""
        for parcel in self._state.parcels:
            if parcel.label is None or parcel.course in FINAL:
                continue
            try:
                tracked = await self._strand.attempt(
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
