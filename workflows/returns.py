"""The life of a return: requested, received, inspected, restocked or not, refunded."""

from collections.abc import Sequence

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError

from activities.channel import ChannelActivities
from activities.inventory import InventoryActivities
from activities.orders import OrderActivities
from domain.ids import effect_key
from domain.lifecycles import RETURN, ReturnStatus, may_follow
from domain.payments import RefundLine, RefundRequest
from domain.records import WRITTEN_OFF, MoneyRecord, ReturnRecord
from domain.returns import InspectedLine, ReturnInput, ReturnOutcome, inspection_refusal
from domain.stock import RestockRequest, SkuQuantity
from domain.verbs import (
    RETURN_VERBS,
    Cancel,
    InvalidVerb,
    MoneyWrittenOff,
    Retry,
    ReturnInspected,
    ReturnReceived,
    Verb,
)
from domain.waits import Owner
from workflows.conduct import Conduct
from workflows.messages import parse
from workflows.outside import CHANNEL, OURS, recording
from workflows.parked import GO_ON
from workflows.refunds import forgone, outcome_of, pieces_of
from workflows.search_attributes import Upserts
from workflows.strand import Interrupted, Overtaken
from workflows.telling import showing

Status = ReturnStatus


class CalledOff(Interrupted):
    """The customer keeps the goods."""


@workflow.defn
class ReturnWorkflow:
    """One return, a child of its order's workflow that outlives it if need be."""

    @workflow.init
    def __init__(self, asked: ReturnInput) -> None:
        self._asked = asked
        self._unpaid = asked.unpaid
        self._conduct = Conduct(asked.policy, self._write)
        self._telling = self._conduct.telling
        self._strand = self._conduct.strand(self._interruption)
        self._status = Status.REQUESTED
        self._seen: set[str] = set()
        self._received: ReturnReceived | None = None
        self._inspected: ReturnInspected | None = None
        self._cancel: Cancel | None = None
        self._refund: MoneyRecord | None = None
        self._upserts = Upserts()

    @workflow.run
    async def run(self, asked: ReturnInput) -> ReturnOutcome:  # noqa: ARG002 - see __init__
        await self._conduct.see_through(self._life(), self._cancelled_in_temporal)
        return ReturnOutcome(
            status=self._status,
            lines=self._lines,
            refunded=self._refund.amount if self._refund else None,
        )

    async def _life(self) -> None:
        try:
            await self._receive()
        except CalledOff:
            self._advance(Status.CANCELLED)
            return
        await self._inspect()
        await self._restock()
        await self._pay_back()
        self._advance(Status.CLOSED)

    # -- what others may ask and tell

    @workflow.query
    def state(self) -> ReturnRecord:
        """The return as its workflow knows it now."""
        return self._record(self._telling.seq)

    @workflow.signal(dynamic=True, description="received, inspected, cancel, retry …")
    def tell(self, name: str, args: Sequence[RawValue]) -> None:
        try:
            verb = parse(RETURN_VERBS, name, args)
        except InvalidVerb as error:
            self._telling.note("signal_refused", why=str(error)[:500])
            return
        if verb.command_id not in self._seen:
            self._tell(verb)

    @workflow.update(dynamic=True, description="received, inspected, cancel, retry …")
    def ask(self, name: str, args: Sequence[RawValue]) -> str:
        verb = parse(RETURN_VERBS, name, args)
        if verb.command_id not in self._seen:
            self._tell(verb)
        return "accepted"

    @ask.validator
    def _may_ask(self, name: str, args: Sequence[RawValue]) -> None:
        try:
            verb = parse(RETURN_VERBS, name, args)
            refusal = "" if verb.command_id in self._seen else self._refusal(verb)
        except InvalidVerb as error:
            refusal = str(error)
        if refusal:
            raise ApplicationError(refusal, type="VerbRefused", non_retryable=True)

    def _cancelled_in_temporal(self) -> None:
        """A cancellation of the workflow asks for the same as `cancel`."""
        self._tell(Cancel(by="temporal", reason="cancelled_in_temporal"))

    def _tell(self, verb: Verb) -> None:
        if verb.command_id:
            self._seen.add(verb.command_id)
        if refusal := self._refusal(verb):
            self._telling.note("verb_refused", verb=verb, why=refusal)
            self._telling.settle(verb, refusal)
        else:
            self._accept(verb)

    def _refusal(self, verb: Verb) -> str:
        match verb:
            case Cancel() if self._received and not self._conduct.may_give_up:
                return "too_late: the goods have been received"
            case ReturnReceived() if self._received or self._cancel:
                return "too_late: already received or called off"
            case ReturnInspected() if not self._received or self._inspected:
                return "not_now: receive the goods first, and inspect them once"
            case ReturnInspected(lines=lines):
                return inspection_refusal(self._asked.lines, lines)
            case Retry() if not self._conduct.retryable:
                return "nothing to retry: no outside system has refused"
            case _:
                return ""

    def _accept(self, verb: Verb) -> None:
        match verb:
            case ReturnReceived():
                self._received = verb
            case ReturnInspected():
                self._inspected = verb
            case Cancel() if self._received:
                self._conduct.insist(verb)
            case Cancel():
                self._cancel = verb
            case MoneyWrittenOff():
                self._unpaid = True
            case Retry():
                self._conduct.retry()
        self._telling.note(type(verb).__name__.lower(), verb=verb)
        self._telling.settle(verb)

    def _interruption(self) -> Interrupted | None:
        return CalledOff() if self._cancel and not self._received else None

    # -- the steps, in the order they happen

    async def _receive(self) -> None:
        """Wait for the goods; after the policy's time it is the operator who should ask."""
        came = await self._strand.until(
            lambda: self._received is not None,
            Owner.CUSTOMER,
            "goods",
            timeout_s=self._asked.policy.return_parcel_s,
            next_action="then an operator is asked",
        )
        if not came:
            await self._strand.until(
                lambda: self._received is not None, Owner.OPERATOR, "goods_overdue"
            )
        self._advance(Status.RECEIVED)

    async def _inspect(self) -> None:
        await self._strand.until(lambda: self._inspected is not None, Owner.WAREHOUSE, "inspection")
        self._advance(Status.INSPECTED)

    async def _restock(self) -> None:
        good = tuple(
            SkuQuantity(sku=line.sku, quantity=line.restock) for line in self._lines if line.restock
        )
        if good:
            await self._strand.attempt(
                InventoryActivities.restock,
                RestockRequest(
                    return_id=self._asked.return_id,
                    order_id=self._asked.order_id,
                    location=self._asked.location,
                    lines=good,
                    key=self._key("restock"),
                ),
                OURS,
                summary="put the goods back on the shelf",
                ways_on="retry",
            )

    async def _pay_back(self) -> None:
        """What was written off is not; but a refund in flight is waited for.

        What that one gave back, the channel had got after all.
        """
        wanted = tuple(
            RefundLine(line_id=line.line_id, quantity=line.refund)
            for line in self._lines
            if line.refund
        )
        if not wanted:
            return
        request = RefundRequest(
            order_id=self._asked.order_id,
            key=self._key("refund"),
            channel=self._asked.channel,
            return_id=self._asked.return_id,
            lines=wanted,
        )
        try:
            await self._refund_unless_unpaid(request)
        except Overtaken:
            self._telling.note(WRITTEN_OFF, data=forgone(request))

    async def _refund_unless_unpaid(self, request: RefundRequest) -> None:
        if self._unpaid:
            raise Overtaken
        refunding = self._strand.attempt(
            ChannelActivities.refund,
            request,
            CHANNEL,
            summary="refund through the channel",
            overtaken=lambda: self._unpaid and bool(self._strand.parked.attention),
            if_said_again=GO_ON,
            ways_on="retry; or cancel the return, to go on without it",
        )
        answer = await outcome_of(refunding, request, self._telling)
        if answer is None:
            return
        if answer.already < pieces_of(request):
            self._refund = MoneyRecord(
                key=request.key, kind="refunded", amount=answer.amount, ref=answer.ref
            )
        self._advance(Status.REFUNDED)

    # -- what every step leans on

    @property
    def _lines(self) -> tuple[InspectedLine, ...]:
        return self._inspected.lines if self._inspected else ()

    def _key(self, deed: str) -> str:
        return effect_key(self._asked.order_id, f"r-{self._asked.return_id}", deed)

    def _advance(self, status: ReturnStatus) -> None:
        if not may_follow(RETURN, self._status, status):
            raise AssertionError(f"{self._status} is never followed by {status}")
        self._status = status
        self._telling.note(f"return_{status}")

    def _record(self, seq: int) -> ReturnRecord:
        return ReturnRecord(
            return_id=self._asked.return_id,
            order_id=self._asked.order_id,
            seq=seq,
            status=self._status,
            wait=self._conduct.wait,
            attention=self._conduct.attention,
            location=self._asked.location,
            lines=self._asked.lines,
            inspected=self._lines,
            money=(self._refund,) if self._refund else (),
        )

    async def _write(self, seq: int) -> None:
        journal, settled = self._telling.take_news()
        record = self._record(seq)
        if workflow.patched("return-says-its-wait"):
            self._upserts.of_return(record, self._asked.channel)
        wait = [record.wait.sentence()] if record.wait else []
        with showing("\n\n".join([f"**{record.status}**", *wait])):
            await workflow.execute_local_activity_method(
                OrderActivities.record_return,
                record.model_copy(update={"journal": journal, "settled": settled}),
                **recording(self._asked.policy, f"write down: {record.status}"),
            )
