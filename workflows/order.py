"""The life of an order: validate, reserve, fulfil, capture, ship, deliver, return.

Handlers only record what was said (`workflows.requests`); the life decides what comes of it. An
order that is split has one fulfilment for each location; they go their ways side by side.
"""

from collections.abc import Sequence

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError

from activities.orders import OrderActivities
from domain.lifecycles import FulfilmentStatus, OrderStatus
from domain.orders import LineRef, OrderInput, OrderOutcome
from domain.records import OrderRecord
from domain.stock import Part
from domain.validation import HoldReason
from domain.verbs import ORDER_VERBS, Cancel, InvalidVerb
from domain.waits import Owner
from workflows.conduct import Conduct, together
from workflows.fulfilment import Fulfilment
from workflows.fulfilment_state import FulfilmentState, Rejected
from workflows.messages import parse
from workflows.on_the_way import OnTheWay
from workflows.order_returns import OrderReturns
from workflows.outside import recording
from workflows.requests import AddressChanged, Requests, Stopped
from workflows.search_attributes import Upserts
from workflows.sourcing import Sourcing
from workflows.state import OrderState
from workflows.strand import Strand
from workflows.telling import showing
from workflows.till import Till
from workflows.undo import Undos
from workflows.validation import Validation

Status = OrderStatus


@workflow.defn
class OrderWorkflow:
    """One order, from the till to the door and back. It never closes as Failed."""

    @workflow.init
    def __init__(self, order: OrderInput) -> None:
        self._order = order
        self._id = order.order_id
        self._conduct = Conduct(order.policy, self._write)
        self._telling = self._conduct.telling
        self._state = OrderState(order, self._conduct)
        self._till = Till(self._state, self._conduct)
        self._requests = Requests(self._state, self._conduct, self._till)
        self._strand = self._conduct.strand(self._requests.interruption)
        self._undos = Undos()
        self._validation = Validation(self._state, self._strand)
        self._sourcing = Sourcing(self._state, self._requests, self._telling)
        self._returns = OrderReturns(
            self._state, self._requests, self._till, strand=self._strand, conduct=self._conduct
        )
        self._fulfilments: list[Fulfilment] = []
        self._on_the_way: list[OnTheWay] = []
        self._upserts = Upserts()

    @workflow.run
    async def run(self, order: OrderInput) -> OrderOutcome:  # noqa: ARG002 - see __init__
        return await self._conduct.see_through(self._life(), self._requests.cancelled_in_temporal)

    async def _life(self) -> OrderOutcome:
        self._strand.work()
        try:
            await self._prepare_and_hand_over()
        except Stopped as stop:
            await self._unwind(stop.cancel)
        if not self._state.ended:
            await self._deliver()
            await self._see_returns()
            self._state.decide(Status.CLOSED)
        return self._outcome()

    async def _prepare_and_hand_over(self) -> None:
        """Up to the point of no return; begins anew where the address changes."""
        while not self._state.all_left:
            try:
                await self._validation.validate()
                await self._bring_out()
            except AddressChanged:
                await self._use_new_address()

    # -- what others may ask and tell

    @workflow.query
    def state(self) -> OrderRecord:
        """The order as its workflow knows it now."""
        return self._state.record(self._telling.seq)

    @workflow.signal(dynamic=True, description="hold, release, fix_address, cancel, retry …")
    def tell(self, name: str, args: Sequence[RawValue]) -> None:
        self._requests.hear(name, args)

    @workflow.update(dynamic=True, description="hold, release, fix_address, cancel, retry …")
    def ask(self, name: str, args: Sequence[RawValue]) -> str:
        """Answers a hold with its id, everything else with `accepted`."""
        return self._requests.answer(parse(ORDER_VERBS, name, args))

    @ask.validator
    def _may_ask(self, name: str, args: Sequence[RawValue]) -> None:
        try:
            refusal = self._requests.refusal_once(parse(ORDER_VERBS, name, args))
        except InvalidVerb as error:
            refusal = str(error)
        if refusal:
            raise ApplicationError(refusal, type="VerbRefused", non_retryable=True)

    # -- the steps, in the order they happen

    async def _bring_out(self) -> None:
        """What is here already and what must still be found, until the carrier has all of it."""
        works = [self._send(part) for part in self._here]
        if lines := self._state.open_lines:
            works.append(self._reserve_and_send(lines, self._strand, self._undos))
        else:
            self._strand.rest()
        await together(works)

    async def _reserve_and_send(
        self, lines: tuple[LineRef, ...], strand: Strand, undos: Undos
    ) -> None:
        """Each location's part of the stock is a fulfilment; they go their ways side by side."""
        parts = await self._sourcing.reserve(lines, strand, undos)
        made = [self._fulfilment(key, parts[key]) for key in parts]
        self._state.settle()
        strand.rest()
        await together([self._send(part) for part in made])

    async def _send(self, part: Fulfilment) -> None:
        """Fulfil, capture and ship; what its location rejects comes from elsewhere."""
        try:
            await part.gate.open()
            await self._sourcing.check_way(part.state, part.strand)
            await part.pack(self._state.address_version)
            if not part.state.has_left:
                await self._till.take_payment(part.strand, part.gate)
            await part.gate.open()
            await part.buy_labels(self._state.address_version)
            await part.gate.open()
            await part.hand_over()
        except Rejected as rejection:
            if await self._hear_rejection(part, rejection):
                await self._reserve_and_send(part.state.part.lines, part.strand, part.undos)
        part.strand.rest()

    async def _deliver(self) -> None:
        """Every fulfilment has left and follows its parcels (`_moved`), until all have arrived."""
        self._strand.rest()
        for parcels in self._on_the_way:
            await parcels.arrived.wait()

    async def _see_returns(self) -> None:
        """Until none can be asked for, the channel knows of all that left, and it is paid."""
        await self._returns.accept()
        while self._conduct.busy:
            self._strand.rest()
            await self._conduct.rest_of_it(lambda: bool(self._requests.returns))
            await self._returns.accept()

    # -- changes of course

    async def _hear_rejection(self, part: Fulfilment, rejection: Rejected) -> bool:
        """The rejecting location gives its stock back and is not asked again.

        Where it only found less than we thought, the record is corrected and it may be asked;
        where a rule keeps it from a new address, it may be asked for the next.
        False if the goods have left after all.
        """
        location = part.state.location
        self._telling.note("rejected", why=rejection.reason, data={"location": location})
        if not (part.state.short or part.state.barred):
            self._sourcing.exclude(location)
        taken_back = await part.undos.take_back()
        part.state.rejection = None
        self._state.settle()
        return taken_back

    async def _use_new_address(self) -> None:
        """What is not packed is routed again; packed goods stay, if they may go there from there.

        They get another label, too (`Sourcing.check_way`).
        """
        self._state.checked = False
        await self._take_back(keep_packed=True)
        if self._state.all_left:
            return
        fix = self._requests.take_fix()
        if fix is not None:
            self._state.address_version = fix.address_version
            self._state.destination = fix.destination
        self._state.lift(HoldReason.ADDRESS, HoldReason.DATA)

    async def _unwind(self, cancel: Cancel) -> None:
        """Take back what is still here, newest first, and tell the channel."""
        if self._state.all_left:  # meanwhile: that is what the cancel was told
            return
        self._state.decide(Status.CANCELLING)
        self._telling.note("cancelling", verb=cancel, why=cancel.reason)
        await self._take_back()
        if not self._state.has_left:
            await self._till.cancel(cancel, self._strand)
            self._state.decide(Status.CANCELLED)
            self._requests.cancelled()
            return
        if not self._state.all_left:
            await self._refund_the_rest(cancel)
            self._requests.cancelled()
        self._state.decide(None)
        self._requests.came_too_late()

    async def _take_back(self, *, keep_packed: bool = False) -> None:
        """Undo what was done for every fulfilment that is still here, and every reservation."""
        await together([self._take_part_back(part, keep_packed) for part in self._fulfilments])
        await self._undos.take_back()

    async def _take_part_back(self, part: Fulfilment, keep_packed: bool) -> None:
        only_labels = keep_packed and part.state.packed_and_here
        await part.undos.take_back(only="label" if only_labels else "")
        if part.state.rejection:
            await self._hear_rejection(part, part.state.rejection)
        part.strand.rest()

    async def _refund_the_rest(self, cancel: Cancel) -> None:
        """Some goods have left: what will not be sent is paid back, once all is paid, if it is."""
        await self._strand.until(
            lambda: not self._till.owed, Owner.CHANNEL, "capture", interruptible=False
        )
        lines = self._state.open_lines
        pieces = sum(line.quantity for line in lines)
        await self._till.refund(lines, self._strand)
        self._state.cancelled_lines = lines
        self._telling.note("partly_cancelled", verb=cancel, data={"pieces": pieces})

    # -- what every step leans on

    def _fulfilment(self, key: str, part: Part) -> Fulfilment:
        number = len(self._fulfilments) + 1
        state = FulfilmentState(
            self._id,
            number,
            part,
            key,
            country=self._state.destination.country,
            telling=self._telling,
            moved=self._moved,
        )
        self._state.fulfilments.append(state)
        interruption, holds = self._requests.interruption, self._state.holds
        made = Fulfilment(self._order, state, self._conduct, interruption, holds)
        self._fulfilments.append(made)
        return made

    def _moved(self, state: FulfilmentState) -> None:
        """A fulfilment goes on, by its own step or by what the outside said."""
        self._state.settle()
        if state.status is FulfilmentStatus.HANDED_OVER:
            self._fulfilments[state.number - 1].undos.forget()
            # first: where both wait for an operator, the money has no other place to say so
            self._till.collect()
            on_the_way = OnTheWay(self._order, state, self._conduct)
            self._on_the_way.append(on_the_way)
            self._conduct.begin(on_the_way.see_to_the_door())
            if self._state.all_left:
                self._requests.came_too_late()

    @property
    def _here(self) -> list[Fulfilment]:
        return [f for f in self._fulfilments if not f.state.over and not f.state.has_left]

    async def _write(self, seq: int) -> None:
        """Write the state down: search attributes, current details, row and journal."""
        journal, settled = self._telling.take_news()
        record = self._state.record(seq)
        self._upserts.of_order(record, self._order.channel, self._state.destination.country)
        with showing(self._state.sentence()):
            await workflow.execute_local_activity_method(
                OrderActivities.record,
                record.model_copy(update={"journal": journal, "settled": settled}),
                **recording(self._order.policy, f"write down: {record.status}"),
            )

    def _outcome(self) -> OrderOutcome:
        return OrderOutcome(
            status=self._state.status,
            tracking_numbers=tuple(label.tracking_number for label in self._state.labels),
            ended_at=workflow.now(),
        )
