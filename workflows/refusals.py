"""Why an order cannot do now what is asked of it."""

from temporalio import workflow

from domain.lifecycles import OrderStatus
from domain.validation import HoldReason
from domain.verbs import (
    BY_CHANNEL,
    Cancel,
    FixAddress,
    Hold,
    Release,
    RequestReturn,
    Retry,
    Verb,
    WarehouseSaid,
)
from workflows.conduct import Conduct
from workflows.returns_asked import ReturnsAsked
from workflows.state import OrderState
from workflows.till import Till

_COUNTED = (Hold, Release, FixAddress, Retry, RequestReturn)
_EVENTS_MAX = 3_000
"""A few verbs cost much history (a new address routes everything again): past so many events no
more are accepted, so that a cancel, a delivery and returns still fit into a bounded history."""
_EVENTS_LAST = 30_000
"""Where a cancel is no way out any more, a `retry` or a return may be the only one: those are
accepted for longer. Temporal ends a workflow at 51,200."""
_TOO_MANY = "too_many: this order has had all the verbs it may have"


class Refusals:
    """Judges what is asked by how the order stands; `cancels` are those not answered yet."""

    def __init__(
        self,
        state: OrderState,
        conduct: Conduct,
        till: Till,
        *,
        returns: ReturnsAsked,
        cancels: list[Cancel],
    ) -> None:
        self._state = state
        self._conduct = conduct
        self._till = till
        self._returns = returns
        self._cancels = cancels
        self.counted = 0
        """The verbs that were accepted, of which an order may have only so many."""

    def count(self, verb: Verb) -> None:
        """This one is accepted."""
        self.counted += isinstance(verb, _COUNTED)

    def of(self, verb: Verb) -> str:  # noqa: PLR0911 - one answer a verb
        """Why this cannot be done now; empty if it can."""
        if isinstance(verb, _COUNTED) and (enough := self._has_had_enough()):
            return enough
        match verb:
            case Hold() | FixAddress():
                return self.too_late() or self._being_cancelled()
            case Cancel(unpaid=True):
                return self._till.write_off_refusal
            case Cancel(by=by):
                return self.too_late() or self._must_be_undone(by)
            case Release(hold_id=hold_id):
                return self._not_released(hold_id)
            case Retry(arrived=reference):
                return self._unseen(reference) if reference else self._nothing_to_retry()
            case RequestReturn():
                return self._returns.refusal(verb)
            case WarehouseSaid(location=location) if location:
                return self._not_theirs(verb.reference, location)
            case _:
                return ""

    def _not_theirs(self, reference: str, location: str) -> str:
        """Each warehouse has a key of its own, and none speaks for another."""
        theirs = {f.location for f in self._state.fulfilments if f.reference == reference}
        return "location: that fulfilment is another location's" if theirs - {location} else ""

    def _not_released(self, hold_id: str) -> str:
        if hold_id == HoldReason.PAYMENT:
            return "hold_id: the payment hold ends when the channel says it is paid"
        if hold_id not in self._state.holds:
            return "hold_id: there is no such hold"
        if hold_id == HoldReason.DATA and self._state.is_empty:
            return "hold_id: the order has no piece to send; cancel still works"
        return ""

    def too_late(self) -> str:
        """Why nothing can be taken back or changed any more; empty if something can."""
        if self._state.all_left:
            return "too_late: the goods have been handed over to the carrier"
        if self._state.status is OrderStatus.CANCELLED:
            return "too_late: the order is cancelled"
        return ""

    def _has_had_enough(self) -> str:
        length = workflow.info().get_current_history_length()
        if self.too_late() or self._being_cancelled():
            return _TOO_MANY if length >= _EVENTS_LAST else ""
        enough = self.counted >= self._state.order.policy.verbs_max or length >= _EVENTS_MAX
        return f"{_TOO_MANY}; cancel still works" if enough else ""

    def _nothing_to_retry(self) -> str:
        return "" if self._conduct.retryable else "nothing to retry: no outside system has refused"

    def _unseen(self, reference: str) -> str:
        asked = any(reference == unseen.reference for unseen in self._state.unseen)
        return "" if asked else "nothing to answer: nobody asks where that fulfilment is"

    def _being_cancelled(self) -> str:
        if self._cancels or self._state.status is OrderStatus.CANCELLING:
            return "too_late: the order is being cancelled"
        return ""

    def _must_be_undone(self, by: str) -> str:
        """A second cancel leaves nothing undone but labels; the channel's just waits with ours."""
        insists = by != BY_CHANNEL and self._being_cancelled()
        return self._conduct.must_be_undone if insists else ""
