"""The life of an order: validate, reserve, fulfil, capture, ship, deliver, return.

Handlers only record what was said (`workflows.requests`); the life decides what comes of it.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError

from activities.channel import ChannelActivities
from activities.inventory import InventoryActivities
from activities.orders import OrderActivities, ValidateRequest
from domain.ids import effect_key, return_workflow_id
from domain.lifecycles import OrderStatus, ReturnStatus
from domain.orders import OrderInput, OrderOutcome, PaymentStatus
from domain.payments import CancelRequest, Captured, CaptureDeclined, CaptureRequest
from domain.records import HoldRecord, OrderRecord
from domain.returns import ReturnInput, ReturnOutcome
from domain.stock import ReservationRef, Reserved, ReserveRequest, Short
from domain.validation import HoldReason, Invalid, Validated
from domain.verbs import Cancel, InvalidVerb, RequestReturn
from domain.waits import Owner
from workflows.conduct import Conduct, Interrupted, Overtaken
from workflows.fulfilment import Fulfilment, Rejected
from workflows.outside import CHANNEL, OURS, recording
from workflows.requests import KINDS, AddressChanged, Requests, Stopped, parse
from workflows.returns import ReturnWorkflow
from workflows.search_attributes import Upserts
from workflows.state import OrderState
from workflows.undo import Undos

Status = OrderStatus
STOCK_FIRST = "not_now: the stock must be given back first; retry tries it again"
CHANNEL_FIRST = (
    "not_now: the channel must cancel first and give the money back; retry asks it again"
)


@workflow.defn
class OrderWorkflow:
    """One order, from the till to the door and back. It never closes as Failed."""

    @workflow.init
    def __init__(self, order: OrderInput) -> None:
        self._order = order
        self._id = order.order_id
        self._conduct = Conduct(order.policy, self._interruption, self._write)
        self._state = OrderState(order, self._conduct)
        self._requests = Requests(self._state, self._conduct)
        self._undos = Undos()
        self._upserts = Upserts()
        self._location = ""
        self._excluded: list[str] = []
        self._reservations = 0
        self._captures = 1
        self._open_returns = 0
        self._closed_returns = 0

    @workflow.run
    async def run(self, order: OrderInput) -> OrderOutcome:  # noqa: ARG002 - see __init__
        return await self._conduct.see_through(self._life(), self._requests.cancelled_in_temporal)

    async def _life(self) -> OrderOutcome:
        try:
            await self._prepare_and_hand_over()
        except Stopped as stop:
            await self._unwind(stop.cancel)
        if not self._state.ended:
            await self._deliver()
            await self._accept_returns()
        return self._outcome()

    async def _prepare_and_hand_over(self) -> None:
        """Up to the point of no return; begins anew where the address or the location changes."""
        while not self._state.has_left:
            try:
                await self._validate()
                await self._reserve()
                await self._fulfil()
                await self._capture()
                await self._ship()
            except AddressChanged:
                await self._use_new_address()
            except Rejected as rejection:
                await self._source_elsewhere(rejection)
        await self._handed_over()

    # -- what others may ask and tell

    @workflow.query
    def state(self) -> OrderRecord:
        """The order as its workflow knows it now."""
        return self._state.record(self._conduct.seq)

    @workflow.signal(dynamic=True, description="hold, release, fix_address, cancel, retry …")
    def tell(self, name: str, args: Sequence[RawValue]) -> None:
        self._requests.hear(name, args)

    @workflow.update(dynamic=True, description="hold, release, fix_address, cancel, retry …")
    def ask(self, name: str, args: Sequence[RawValue]) -> str:
        """Answers a hold with its id, everything else with `accepted`."""
        return self._requests.answer(parse(KINDS, name, args))

    @ask.validator
    def _may_ask(self, name: str, args: Sequence[RawValue]) -> None:
        try:
            refusal = self._requests.refusal_once(parse(KINDS, name, args))
        except InvalidVerb as error:
            refusal = str(error)
        if refusal:
            raise ApplicationError(refusal, type="VerbRefused", non_retryable=True)

    # -- the steps, in the order they happen

    async def _validate(self) -> None:
        while self._state.status is Status.RECEIVED:
            verdict = await self._conduct.attempt(
                OrderActivities.validate,
                ValidateRequest(order_id=self._id, address_version=self._state.address_version),
                OURS,
                summary="check lines, totals, contacts and address",
            )
            match verdict:
                case Validated():
                    self._state.address_version = verdict.address_version
                    self._state.destination = verdict.destination
                    self._state.lift(HoldReason.ADDRESS, HoldReason.DATA)
                    self._state.advance(Status.VALIDATED)
                case Invalid():
                    await self._until_mended(verdict)

    async def _until_mended(self, verdict: Invalid) -> None:
        """A new address or `retry` begins the check anew; releasing the holds overrules it."""
        found = {HoldReason.ADDRESS: verdict.address, HoldReason.DATA: verdict.data}
        for reason, problems in found.items():
            if problems:
                self._state.hold_for_system(reason, problems)
        retried = await self._conduct.until_or_retry(
            lambda: not any(reason in self._state.holds for reason in found),
            Owner.OPERATOR,
            "hold:address" if verdict.address else "hold:data",
        )
        if not retried:
            self._state.advance(Status.VALIDATED)

    async def _reserve(self) -> None:
        while not self._location:
            self._conduct.make_way()
            self._reservations += 1
            key = self._reservation_key
            self._undos.register("stock", partial(self._release, key))
            answer = await self._conduct.attempt(
                InventoryActivities.reserve,
                ReserveRequest(
                    order_id=self._id,
                    key=key,
                    lines=self._order.lines,
                    destination=self._state.destination,
                    excluded=tuple(self._excluded),
                ),
                OURS,
                summary="reserve all lines at one location",
            )
            match answer:
                case Reserved(location=location):
                    self._location = location
                case Short():
                    await self._wait_for_stock(answer, key)
        if self._state.status is Status.VALIDATED:
            self._state.advance(Status.RESERVED)

    async def _wait_for_stock(self, short: Short, key: str) -> None:
        """In the queue for goods to come; `retry` forgives the locations that rejected us."""
        self._conduct.note("short", data={line.sku: line.quantity for line in short.missing})
        retried = await self._conduct.until_or_retry(
            lambda: key in self._requests.assigned,
            Owner.OPERATOR if self._excluded else Owner.SUPPLIER,
            "another_location" if self._excluded else "stock",
            next_action="goes on by itself as soon as its goods are received",
        )
        if retried:
            await self._release(key)
            self._excluded.clear()
        else:
            self._location = self._requests.assigned[key]

    async def _fulfil(self) -> None:
        await self._may_go_on()
        if self._state.fulfilment is None:
            number = len(self._state.fulfilments) + 1
            fulfilment = Fulfilment(self._order, number, self._location, self._conduct, self._undos)
            self._state.fulfilments.append(fulfilment)
            self._state.advance(Status.FULFILLING)
            await fulfilment.request(self._state.address_version)
        self._state.advance(Status.FULFILLING)
        await self._fulfilment.packed()
        await self._fulfilment.use_address(self._state.address_version)

    async def _capture(self) -> None:
        while self._state.payment is PaymentStatus.AUTHORISED and not self._state.captured:
            await self._may_go_on()
            try:
                answer = await self._conduct.attempt(
                    ChannelActivities.capture,
                    CaptureRequest(
                        order_id=self._id,
                        key=effect_key(self._id, "capture", self._captures),
                        channel=self._order.channel,
                    ),
                    CHANNEL,
                    summary="capture the payment",
                    overtaken=self._paid_while_refused,
                )
            except Overtaken:
                continue
            match answer:
                case Captured(amount=amount, ref=ref):
                    self._state.book("captured", amount, ref)
                case CaptureDeclined(reason=reason):
                    # only a refused deed is another deed: an unheard one keeps its key
                    self._captures += 1
                    await self._until_payable(reason)

    def _paid_while_refused(self) -> bool:
        """Our capture in flight makes the channel say `paid` too: that must not stop it."""
        return bool(self._conduct.attention) and self._state.payment is PaymentStatus.PAID

    async def _until_payable(self, reason: str) -> None:
        """The customer must mend the payment at the channel; `retry` asks for the money again."""
        self._state.hold_for_system(HoldReason.PAYMENT, (f"payment: {reason}",))
        await self._conduct.until_or_retry(
            lambda: (
                HoldReason.PAYMENT not in self._state.holds
                or self._state.payment is PaymentStatus.PAID
            ),
            Owner.CUSTOMER,
            "hold:payment",
        )
        self._state.lift(HoldReason.PAYMENT)

    async def _ship(self) -> None:
        await self._may_go_on()
        await self._fulfilment.buy_labels(self._state.address_version)
        await self._may_go_on()
        await self._fulfilment.hand_over(self._reservation_key)

    async def _handed_over(self) -> None:
        """The point of no return: what was asked for before and not done comes too late."""
        self._undos.forget()
        self._state.advance(Status.SHIPPED)
        self._requests.came_too_late()
        await self._fulfilment.after_hand_over(self._reservation_key)

    async def _deliver(self) -> None:
        checks, most = 0, self._order.policy.tracking_checks_max
        while not self._fulfilment.arrived_or_lost:
            seen, silent = self._requests.moves, checks >= most
            owner, what = self._fulfilment.waits_on()
            heard = await self._conduct.until(
                partial(self._moved_since, seen),
                Owner.OPERATOR if silent else owner,
                "carrier_silent" if silent else what,
                timeout_s=None if silent else self._order.policy.tracking_check_s,
                next_action="" if silent else "then we ask the carrier ourselves",
            )
            if not heard:
                checks += 1
                await self._fulfilment.ask_carrier(partial(self._moved_since, seen))
        self._state.advance(self._fulfilment.delivery_status)

    async def _accept_returns(self) -> None:
        """The window stops new requests only; the order closes after its last return."""
        while True:
            self._arrived()
            while self._requests.returns:
                await self._start_return(self._requests.returns.pop(0))
            if self._open_returns:
                await self._until_returns_move(Owner.CUSTOMER, "return", "closes after its return")
            elif await self._nothing_more_comes():
                break
        self._state.advance(Status.CLOSED)

    def _arrived(self) -> None:
        """The window opens with the delivery, also where it comes after all."""
        self._state.advance(self._fulfilment.delivery_status)
        if self._state.status is Status.DELIVERED and self._state.returns_until is None:
            window = timedelta(seconds=self._order.policy.return_window_s)
            self._state.returns_until = workflow.now() + window

    async def _nothing_more_comes(self) -> bool:
        """Wait for a request to return; True if the window closed without one.

        What could not be delivered has no window: it comes back, or arrives after all.
        """
        if self._state.status is Status.UNDELIVERED:
            if self._closed_returns:
                return True
            await self._until_returns_move(
                Owner.OPERATOR, "undelivered", "nothing happens by itself: take the goods back"
            )
            return False
        left = (self._state.returns_until or workflow.now()) - workflow.now()
        if left <= timedelta(0):
            return True
        return not await self._until_returns_move(
            Owner.CUSTOMER, "return_window", "then the order closes", left.total_seconds()
        )

    async def _until_returns_move(
        self, owner: Owner, what: str, next_action: str, timeout_s: float | None = None
    ) -> bool:
        open_returns, moves = self._open_returns, self._requests.moves
        return await self._conduct.until(
            lambda: (
                bool(self._requests.returns)
                or self._open_returns != open_returns
                or self._requests.moves != moves
            ),
            owner,
            what,
            timeout_s=timeout_s,
            next_action=next_action,
        )

    async def _start_return(self, asked: RequestReturn) -> None:
        """The return lives on its own; this life only waits for its end."""
        try:
            child = await workflow.start_child_workflow(
                ReturnWorkflow.run,
                ReturnInput(
                    return_id=asked.return_id,
                    order_id=self._id,
                    channel=self._order.channel,
                    location=self._fulfilment.location,
                    lines=asked.lines,
                    policy=self._order.policy,
                ),
                id=return_workflow_id(asked.return_id),
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,
            )
        except WorkflowAlreadyStartedError:
            self._requests.refuse_return(asked, "return_id: another order's return has it")
            return
        self._open_returns += 1
        self._conduct.note("return_requested", verb=asked, data={"return_id": asked.return_id})
        self._conduct.settle(asked)
        child.add_done_callback(partial(self._return_ended, asked))

    def _return_ended(self, asked: RequestReturn, child: "asyncio.Task[ReturnOutcome]") -> None:
        """However it ended, also if somebody terminated it in Temporal's UI."""
        ended_well = not child.cancelled() and child.exception() is None
        outcome = child.result().status if ended_well else ""
        self._open_returns -= 1
        self._closed_returns += outcome == ReturnStatus.CLOSED
        if outcome == ReturnStatus.CANCELLED:
            self._requests.give_back(asked)

    # -- changes of course

    async def _use_new_address(self) -> None:
        """Packed goods stay and get a new label; before that, everything is routed again."""
        fulfilment = self._state.fulfilment
        if fulfilment is not None and fulfilment.packed_and_here:
            here = await self._undos.take_back(only="label")
        else:
            here = await self._take_back_everything()
        if not here:
            return
        fix = self._requests.take_fix()
        if fix is not None:
            self._state.address_version = fix.address_version
            self._state.destination = fix.destination
        self._state.lift(HoldReason.ADDRESS, HoldReason.DATA)
        self._state.advance(Status.RECEIVED)

    async def _source_elsewhere(self, rejection: Rejected) -> None:
        """The rejecting location gives its stock back and is not asked again."""
        location = self._fulfilment.hear_rejection()
        self._conduct.note("rejected", why=rejection.reason, data={"location": location})
        self._excluded.append(location)
        if await self._take_back_everything():
            self._state.advance(Status.VALIDATED)

    async def _unwind(self, cancel: Cancel) -> None:
        """Take everything back, newest first, and tell the channel; too late once goods left."""
        self._state.advance(Status.CANCELLING)
        self._conduct.note("cancelling", verb=cancel, why=cancel.reason)
        if not await self._take_back_everything():
            await self._handed_over()
            return
        answer = await self._conduct.attempt(
            ChannelActivities.cancel,
            CancelRequest(
                order_id=self._id,
                key=effect_key(self._id, "cancel"),
                channel=self._order.channel,
                reason=cancel.reason,
                captured=self._state.captured,
            ),
            CHANNEL,
            summary="cancel at the channel",
            interruptible=False,
            if_said_again=CHANNEL_FIRST,
        )
        if answer.refunded is not None:
            if self._state.payment is not PaymentStatus.PAID and not self._state.captured:
                # the capture's answer was lost: what came back had been taken
                self._state.book("captured", answer.refunded, "")
            self._state.book("refunded", answer.refunded, answer.ref)
        self._state.advance(Status.CANCELLED)
        self._requests.cancelled()

    async def _take_back_everything(self) -> bool:
        """False if the goods have left."""
        if not await self._undos.take_back():
            return False
        self._location = ""
        return True

    async def _release(self, key: str) -> bool:
        await self._conduct.attempt(
            InventoryActivities.release,
            ReservationRef(order_id=self._id, key=key),
            OURS,
            summary="give the stock back",
            interruptible=False,
            if_said_again=STOCK_FIRST,
        )
        return True

    # -- what every step leans on

    def _interruption(self) -> Interrupted | None:
        return self._requests.interruption()

    async def _may_go_on(self) -> None:
        """Before each irreversible step: wait until nobody holds the order."""
        while self._state.holds and not self._state.has_left:
            hold = next(iter(self._state.holds.values()))
            await self._conduct.until(
                partial(self._lifted_or_left, hold),
                Owner.CUSTOMER if hold.reason == HoldReason.PAYMENT else Owner.OPERATOR,
                f"hold:{hold.reason}",
                next_action="goes on by itself when its holds are released",
            )
        self._conduct.make_way()

    def _lifted_or_left(self, hold: HoldRecord) -> bool:
        return self._state.holds.get(hold.hold_id) is not hold or self._state.has_left

    async def _write(self, seq: int) -> None:
        """Write the state down: search attributes, current details, row and journal."""
        journal, settled = self._conduct.take_news()
        record = self._state.record(seq)
        self._upserts.upsert(record, self._order.channel, self._state.destination.country)
        workflow.set_current_details(self._state.sentence())
        await workflow.execute_local_activity_method(
            OrderActivities.record,
            record.model_copy(update={"journal": journal, "settled": settled}),
            **recording(self._order.policy, f"write down: {record.status}"),
        )

    def _outcome(self) -> OrderOutcome:
        numbers = [
            parcel.tracking_number
            for fulfilment in self._state.fulfilments
            for parcel in fulfilment.parcels
            if parcel.tracking_number
        ]
        return OrderOutcome(
            status=self._state.status, tracking_numbers=tuple(numbers), ended_at=workflow.now()
        )

    @property
    def _reservation_key(self) -> str:
        return effect_key(self._id, "reserve", self._reservations)

    @property
    def _fulfilment(self) -> Fulfilment:
        return self._state.fulfilments[-1]

    def _moved_since(self, seen: int) -> bool:
        return self._requests.moves > seen
