"""One location's share of an order: what is done for it until the goods leave, and undone."""

import contextlib
from collections.abc import Callable
from functools import partial

from activities.carrier import CarrierActivities
from activities.warehouse import WarehouseActivities
from domain.fulfilments import (
    FulfilmentRef,
    HandedOver,
    HandOverRequest,
    LabelRef,
    LabelRequest,
    PackRequest,
    Recalled,
)
from domain.ids import effect_key
from domain.lifecycles import FulfilmentStatus
from domain.orders import OrderInput
from domain.records import LABEL_NOT_VOIDED
from domain.verbs import Verb
from domain.waits import Owner
from workflows import stock
from workflows.conduct import Conduct
from workflows.fulfilment_state import FulfilmentState
from workflows.holds import HoldGate, Holds
from workflows.outside import CARRIER, WAREHOUSE
from workflows.parcel import Parcel
from workflows.parked import GO_ON, GivenUp
from workflows.strand import Interrupted, Overtaken
from workflows.undo import Undos

F = FulfilmentStatus
RECALL_FIRST = (
    "not_now: the warehouse must recall the goods first, or hand them over; retry asks it again"
)
"""Without a recall, goods of a cancelled order may leave: nobody may go on without it."""


class Fulfilment:
    """The steps of one fulfilment in the order they happen; `state` is how it stands.

    `strand` is at work until the goods have left. `interruption` is what it must make way for,
    and `holds` shut the `gate` before each step that cannot be taken back.
    """

    def __init__(
        self,
        order: OrderInput,
        state: FulfilmentState,
        conduct: Conduct,
        interruption: Callable[[FulfilmentState], Interrupted | None],
        holds: Holds,
    ) -> None:
        self._order = order
        self._telling = conduct.telling
        self._papers_bear = 0
        self._readdressed = 0
        self.state = state
        self.strand = state.strand = conduct.strand(partial(interruption, state))
        self.gate = HoldGate(holds, state, self.strand)
        self.undos = Undos()
        self.undos.register("stock", self._give_back)

    # -- the steps

    async def pack(self, address_version: int) -> None:
        """Ask the location to pick and pack, unless that was done, and wait until all is packed.

        Raises:
            Interrupted: also `Rejected`, if it will not or could not.
        """
        if self.state.status is F.PLANNED:
            await self._request(address_version)
        await self._packed()
        await self._use_address(address_version)

    async def _request(self, address_version: int) -> None:
        self._papers_bear = address_version
        self.undos.register("packing", self._recall)
        self.state.advance(F.REQUESTED)
        answer = await self.strand.attempt(
            WarehouseActivities.request,
            PackRequest(
                order_id=self._order.order_id,
                reference=self.state.reference,
                location=self.state.location,
                lines=self.state.part.lines,
                items=self.state.part.items,
                address_version=address_version,
            ),
            WAREHOUSE,
            summary=f"ask {self.state.location} to pack",
            gate=self.gate,
        )
        self.state.answered(answer)
        self.strand.make_way()

    async def _packed(self) -> None:
        """Wait for the warehouse, and ask it if it stays silent for too long."""
        checks, most = 0, self._order.policy.warehouse_checks_max
        while self.state.being_packed:
            silent = checks >= most
            heard = await self.strand.until(
                lambda: not self.state.being_packed,
                Owner.OPERATOR if silent else Owner.WAREHOUSE,
                "warehouse_silent" if silent else "packing",
                timeout_s=None if silent else self._order.policy.warehouse_check_s,
                next_action="" if silent else "then we ask the warehouse ourselves",
            )
            if not heard:
                checks += 1
                await self._look()

    async def _look(self) -> None:
        """Ask the warehouse how far it is, unless it speaks meanwhile."""
        with contextlib.suppress(Overtaken):
            answer = await self.strand.attempt(
                WarehouseActivities.look,
                self._ref("look"),
                WAREHOUSE,
                summary="ask the warehouse how far it is",
                overtaken=lambda: not self.state.being_packed,
            )
            self.state.answered(answer)

    async def _use_address(self, address_version: int) -> None:
        """Put another address on the packing papers, if they bear another."""
        if address_version == self._papers_bear or self.state.has_left:
            return
        self._papers_bear = 0  # until the answer is here, they may bear either
        self._readdressed += 1
        answer = await self.strand.attempt(
            WarehouseActivities.readdress,
            self._ref("readdress", self._readdressed, address_version=address_version),
            WAREHOUSE,
            summary="correct the address at the warehouse",
        )
        if isinstance(answer, HandedOver):
            self.state.left()
        self._papers_bear = address_version

    async def buy_labels(self, address_version: int) -> None:
        """Rate and buy one label for each parcel that has none."""
        if self.state.has_left:
            return
        for parcel in self.state.parcels:
            if parcel.label is not None:
                continue
            await self.gate.open()
            self.undos.register(f"{parcel.parcel_id}/label", partial(self._void, parcel))
            parcel.label = await self.strand.attempt(
                CarrierActivities.buy,
                LabelRequest(
                    order_id=self._order.order_id,
                    key=parcel.label_key,
                    location=self.state.location,
                    lines=self.state.part.lines,
                    parcel=parcel.packed,
                    address_version=address_version,
                ),
                CARRIER,
                summary=f"buy a label for {parcel.parcel_id}",
                gate=self.gate,
            )
            by = {"carrier": parcel.label.carrier, "tracking_number": parcel.tracking_number}
            self._telling.note("label_bought", data={**by, "parcel": parcel.parcel_id})
        self.strand.make_way()
        self.state.advance(F.LABELLED)

    async def hand_over(self) -> None:
        """Give the warehouse all labels; its answer, its word or the first scan say that it left.

        Raises:
            Interrupted: also `Rejected`, if the warehouse no longer has it.
        """
        if self.state.has_left:
            return
        # from here on the recall decides: a parcel that has left must keep its label
        self.state.being_handed_over = True
        self.undos.register("packing", self._recall)
        if len(self.state.labels) < len(self.state.parcels):
            raise AssertionError("a parcel without a label cannot be handed over")
        generations = "-".join(str(parcel.generation) for parcel in self.state.parcels)
        with contextlib.suppress(Overtaken):
            answer = await self.strand.attempt(
                WarehouseActivities.hand_over,
                HandOverRequest(
                    order_id=self._order.order_id,
                    key=effect_key(self.state.reference, "hand-over", generations),
                    reference=self.state.reference,
                    location=self.state.location,
                    labels=self.state.labels,
                    reservation_key=self.state.reservation_key,
                ),
                WAREHOUSE,
                summary=f"hand over {self.state.reference}",
                gate=self.gate,
                overtaken=lambda: self.state.has_left,
            )
            if isinstance(answer, Recalled):
                self.state.reject("recalled_elsewhere")
                self.strand.make_way()
        self.state.left()

    # -- taking back

    async def _give_back(self) -> bool:
        """Give the stock back; what was not found corrects the record instead."""
        order_id, key = self._order.order_id, self.state.reservation_key
        if self.state.short:
            await stock.correct(order_id, key, self.state.short, self.strand)
        else:
            await stock.release(order_id, key, self.strand)
        if self.state.status is F.PLANNED:
            self.state.advance(F.RECALLED)
        return True

    async def _recall(self) -> bool:
        self.state.being_taken_back = True
        try:
            answer = await self.strand.attempt(
                WarehouseActivities.recall,
                self._ref("recall"),
                WAREHOUSE,
                summary="recall from the warehouse",
                interruptible=False,
                overtaken=lambda: self.state.has_left,
                if_said_again=RECALL_FIRST,
            )
        except Overtaken:
            return False
        finally:
            self.state.being_taken_back = False
        if isinstance(answer, HandedOver):
            self.state.left()
            return False
        if self.state.status is not F.REJECTED:
            self.state.advance(F.RECALLED)
        self._telling.note("recalled", data={"location": self.state.location})
        return True

    async def _void(self, parcel: Parcel) -> bool:
        """A carrier that will not give the money back need not stop the order: see `_give_up`."""
        self.state.being_taken_back = True
        try:
            await self.strand.attempt(
                CarrierActivities.void,
                LabelRef(
                    order_id=self._order.order_id,
                    key=effect_key(parcel.label_key, "void"),
                    bought_key=parcel.label_key,
                ),
                CARRIER,
                summary=f"void the label of {parcel.parcel_id}",
                interruptible=False,
                overtaken=lambda: self.state.has_left,
                if_said_again=GO_ON,
                ways_on="retry; or cancel (or fix the address again, if it is voided for one),"
                " to go on without it",
            )
        except Overtaken:
            return False
        except GivenUp as wanted:
            self._give_up(parcel, wanted.verb)
        else:
            if self.state.has_left:
                return False
            if parcel.label is not None:
                self._telling.note("label_voided", data={"tracking_number": parcel.tracking_number})
            parcel.void()
        finally:
            self.state.being_taken_back = False
        if self.state.status is F.LABELLED and not self.state.labels:
            self.state.advance(F.PACKED)
        return True

    def _give_up(self, parcel: Parcel, verb: Verb) -> None:
        """An operator goes on without the void; by this line somebody must reclaim the label."""
        self._telling.note(
            LABEL_NOT_VOIDED,
            verb=verb,
            data={"tracking_number": parcel.tracking_number, "label": parcel.label_key},
        )
        parcel.give_up()

    def _ref(self, deed: str, *more: int, address_version: int = 1) -> FulfilmentRef:
        return FulfilmentRef(
            order_id=self._order.order_id,
            key=effect_key(self.state.reference, deed, *more),
            reference=self.state.reference,
            location=self.state.location,
            address_version=address_version,
        )
