"""What was asked of an order and told about it: parsed, refused or recorded, never acted upon.

The same messages come as signals (from the relay, Temporal's UI or its command line) and as
updates (which answer). A signal that makes no sense is journalled; it never raises.
"""

from collections.abc import Sequence

from temporalio import workflow
from temporalio.common import RawValue

from domain.orders import PaymentStatus
from domain.records import HoldRecord
from domain.stock import Part
from domain.validation import HoldReason
from domain.verbs import (
    BY_CHANNEL,
    ORDER_VERBS,
    Cancel,
    FixAddress,
    Hold,
    InvalidVerb,
    ParcelMoved,
    PaymentChanged,
    Release,
    RequestReturn,
    Retry,
    StockAssigned,
    Verb,
    WarehouseSaid,
)
from workflows.conduct import Conduct
from workflows.fulfilment_state import FulfilmentState
from workflows.messages import name_of, parse
from workflows.refusals import Refusals
from workflows.returns_asked import ReturnsAsked
from workflows.state import OrderState
from workflows.strand import Interrupted
from workflows.till import Till

_PAYMENTS = tuple(PaymentStatus)


class Stopped(Interrupted):
    """A cancel was asked for and nothing has left yet."""

    def __init__(self, cancel: Cancel) -> None:
        super().__init__(cancel.reason)
        self.cancel = cancel


class AddressChanged(Interrupted):
    """The parcel must go somewhere else than the step in flight assumes."""

    def __init__(self, fix: FixAddress) -> None:
        super().__init__(str(fix.address_version))
        self.fix = fix


class Requests:
    """The requests that the life of an order has not answered yet."""

    def __init__(self, state: OrderState, conduct: Conduct, till: Till) -> None:
        self._state = state
        self._conduct = conduct
        self._till = till
        self._telling = conduct.telling
        self._answers: dict[str, str] = {}
        self._returns_asked = ReturnsAsked(state)
        self.cancels: list[Cancel] = []
        self._refusals = Refusals(
            state, conduct, till, returns=self._returns_asked, cancels=self.cancels
        )
        self.fixes: list[FixAddress] = []
        self.returns: list[RequestReturn] = []
        self.assigned: dict[str, tuple[Part, ...]] = {}
        """The stock that was assigned to each reservation that waited for it."""
        self.moves = 0
        """Counts the parcels' changes of course."""

    # -- hearing

    def hear(self, name: str, args: Sequence[RawValue]) -> None:
        """Take in a signal; what cannot be taken in is journalled."""
        try:
            verb = parse(ORDER_VERBS, name, args)
        except InvalidVerb as error:
            self._telling.note("signal_refused", why=str(error)[:500])
            return
        if verb.command_id in self._answers:
            return
        if refusal := self._refusals.of(verb):
            self._refuse(verb, refusal)
        else:
            self.accept(verb)

    def answer(self, verb: Verb) -> str:
        """Take in an update that was let pass; one that was heard before changes nothing."""
        if verb.command_id in self._answers:
            return verb.command_id if isinstance(verb, Hold) else "accepted"
        return self.accept(verb)

    def refusal_once(self, verb: Verb) -> str:
        """Why this cannot be done now; one that was heard before is answered as it was then."""
        known = self._answers.get(verb.command_id)
        return self._refusals.of(verb) if known is None else known

    def _refuse(self, verb: Verb, refusal: str) -> None:
        self._remember(verb, refusal)
        self._telling.note(f"{name_of(verb)}_refused", verb=verb, why=refusal)
        self._telling.settle(verb, refusal)

    def _remember(self, verb: Verb, refusal: str = "") -> None:
        if verb.command_id:
            self._answers[verb.command_id] = refusal

    def cancelled_in_temporal(self) -> None:
        """A cancellation of the workflow asks for the same as `cancel`."""
        verb = Cancel(by="temporal", reason="cancelled_in_temporal")
        if refusal := self._refusals.of(verb):
            self._refuse(verb, refusal)
        else:
            self.accept(verb)

    def accept(self, verb: Verb) -> str:
        """Record what was asked or told; the life decides what comes of it. Returns an answer."""
        self._remember(verb)
        self._refusals.count(verb)
        match verb:
            case Hold():
                return self._hold(verb)
            case Release(hold_id=hold_id):
                self._state.holds.pop(hold_id, None)
                self._telling.note("release", verb=verb, data={"hold_id": hold_id})
                self._telling.settle(verb)
            case FixAddress():
                self.fixes.append(verb)
                self._insist(verb)
            case Cancel(unpaid=True):
                self._write_off(verb)
            case Cancel():
                self.cancels.append(verb)
                self._insist(verb)
            case Retry(arrived=reference) if reference:
                self._arrived(verb)
            case Retry():
                self._conduct.retry()
                self._telling.note("retry", verb=verb)
                self._telling.settle(verb)
            case RequestReturn():
                self._returns_asked.add(verb)
                self.returns.append(verb)
            case _:
                self._heard(verb)
        return "accepted"

    def _insist(self, verb: Verb) -> None:
        """Somebody who sees what is parked decides; a channel only repeats itself."""
        if verb.by != BY_CHANNEL:
            self._conduct.insist(verb)

    def _write_off(self, verb: Cancel) -> None:
        """What has left is not paid; what has not is cancelled."""
        self._till.write_off(verb)
        if self._state.all_left:
            self._telling.settle(verb)
        else:
            self.cancels.append(verb)

    def _arrived(self, verb: Retry) -> None:
        for part in self._state.unseen:
            if part.reference == verb.arrived:
                part.take_as_arrived(verb)
        self._telling.settle(verb)

    def _hold(self, verb: Hold) -> str:
        hold_id = verb.command_id or f"h{self._refusals.counted}"
        self._state.hold(
            HoldRecord(
                hold_id=hold_id,
                reason=verb.reason,
                by=verb.by,
                since=workflow.now(),
                note=verb.note,
            )
        )
        self._telling.note("hold", verb=verb, why=verb.reason, data={"hold_id": hold_id})
        self._telling.settle(verb)
        return hold_id

    def _heard(self, told: Verb) -> None:
        """The outside says something; what is no news changes nothing."""
        match told:
            case PaymentChanged(payment=payment):
                self._paid(payment)
            case StockAssigned(key=key, parts=parts):
                self.assigned[key] = parts
            case WarehouseSaid(reference=reference):
                for fulfilment in self._state.fulfilments:
                    if fulfilment.reference == reference:
                        fulfilment.warehouse_said(told)
            case ParcelMoved():
                self.moves += sum(f.parcel_moved(told) for f in self._state.fulfilments)
            case _:
                pass

    def _paid(self, payment: PaymentStatus) -> None:
        """Payments only ever go forward."""
        if _PAYMENTS.index(payment) > _PAYMENTS.index(self._state.payment):
            self._state.payment = payment
            self._telling.note("payment", why=str(payment))
            self._till.hear_paid()
            self._state.lift(HoldReason.PAYMENT)

    # -- what the life must make way for

    def interruption(self, fulfilment: FulfilmentState | None = None) -> Interrupted | None:
        """A cancel before a rejection, before an address; none for goods that have left."""
        if fulfilment.has_left if fulfilment else self._state.all_left:
            return None
        if self.cancels:
            return Stopped(self.cancels[0])
        if fulfilment and fulfilment.rejection:
            return fulfilment.rejection
        return AddressChanged(self.fixes[-1]) if self.fixes else None

    def take_fix(self) -> FixAddress | None:
        """The newest address that was asked for; the older ones it replaces are settled too."""
        if not self.fixes:
            return None
        for fix in self.fixes:
            self._telling.settle(fix)
        newest = self.fixes[-1]
        self.fixes.clear()
        self._telling.note(
            "address_changed", verb=newest, data={"address_version": newest.address_version}
        )
        return newest

    def cancelled(self) -> None:
        """The order is cancelled: all who asked for it are answered."""
        for cancel in self.cancels:
            self._telling.settle(cancel)
        for fix in self.fixes:
            self._telling.settle(fix, "too_late: the order is cancelled")
        self.cancels.clear()
        self.fixes.clear()

    def came_too_late(self) -> None:
        """The goods have left: what was asked for and not done is refused, and no hold holds."""
        late: list[Verb] = [*self.cancels, *self.fixes]
        self.cancels.clear()
        self.fixes.clear()
        for verb in late:
            self._refuse(verb, self._refusals.too_late())
        self._state.lift(*self._state.holds, why=self._refusals.too_late())

    # -- returns asked for

    def refuse_return(self, asked: RequestReturn, refusal: str) -> None:
        self._refuse(asked, refusal)
        self._returns_asked.give_back(asked)

    def return_came_to_nothing(self, asked: RequestReturn) -> None:
        """Its pieces may be asked for again."""
        self._returns_asked.give_back(asked)
