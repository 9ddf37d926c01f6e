"""An order that has arrived: it takes requests to return, and closes after the last of them."""

from collections import Counter
from datetime import timedelta
from functools import partial

from temporalio import workflow
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.workflow import ChildWorkflowHandle

from domain.ids import return_workflow_id
from domain.lifecycles import FulfilmentStatus, ReturnStatus
from domain.returns import ReturnInput, ReturnOutcome, ReturnReason
from domain.verbs import MoneyWrittenOff, RequestReturn
from domain.waits import ITS_RETURN, Owner
from workflows.conduct import Conduct
from workflows.requests import Requests
from workflows.returns import ReturnWorkflow
from workflows.state import OrderState
from workflows.strand import Strand
from workflows.till import Till

ReturnHandle = ChildWorkflowHandle[ReturnWorkflow, ReturnOutcome]


class OrderReturns:
    """The returns of one order; each lives on its own as a `ReturnWorkflow`."""

    def __init__(
        self,
        state: OrderState,
        requests: Requests,
        till: Till,
        *,
        strand: Strand,
        conduct: Conduct,
    ) -> None:
        self._state = state
        self._requests = requests
        self._till = till
        self._strand = strand
        self._conduct = conduct
        self._telling = conduct.telling
        self._open = 0
        self._back: Counter[tuple[str, bool]] = Counter()
        """The pieces of each line that closed returns brought back; True: as undeliverable."""

    async def accept(self) -> None:
        """The window stops new requests only; the order closes after its last return."""
        while True:
            self._open_window()
            while self._requests.returns:
                await self._start(self._requests.returns.pop(0))
            if self._open:
                await self._until_moved(Owner.CUSTOMER, ITS_RETURN, "closes after its return")
            elif await self._nothing_more_comes():
                break

    def _open_window(self) -> None:
        """The window opens with the delivery, also where it comes after all.

        Of an order that arrived in part, once the other part has come back.
        """
        arrived = bool(self._state.pieces(FulfilmentStatus.DELIVERED)) and self._all_is_back()
        if arrived and self._state.returns_until is None:
            window = timedelta(seconds=self._state.order.policy.return_window_s)
            self._state.returns_until = workflow.now() + window

    async def _nothing_more_comes(self) -> bool:
        """Wait for a request to return; True if the window closed without one.

        What could not be delivered has no window: it comes back, or arrives after all.
        """
        if not self._all_is_back():
            await self._until_moved(
                Owner.OPERATOR, "undelivered", "nothing happens by itself: take the goods back"
            )
            return False
        left = (self._state.returns_until or workflow.now()) - workflow.now()
        if left <= timedelta(0):
            return True
        return not await self._until_moved(
            Owner.CUSTOMER, "return_window", "then the order closes", left.total_seconds()
        )

    def _all_is_back(self) -> bool:
        """Whether every piece that could not be delivered was returned.

        A piece that came back for any other reason counts for those of its line that arrived.
        """
        arrived = self._state.pieces(FulfilmentStatus.DELIVERED)
        return all(
            self._back[line, True] + max(self._back[line, False] - arrived[line], 0) >= lost
            for line, lost in self._state.pieces(FulfilmentStatus.UNDELIVERED).items()
        )

    async def _until_moved(
        self, owner: Owner, what: str, next_action: str, timeout_s: float | None = None
    ) -> bool:
        open_returns, moves = self._open, self._requests.moves
        return await self._strand.until(
            lambda: (
                bool(self._requests.returns)
                or self._open != open_returns
                or self._requests.moves != moves
            ),
            owner,
            what,
            timeout_s=timeout_s,
            next_action=next_action,
        )

    async def _start(self, asked: RequestReturn) -> None:
        """The return lives on its own; this life only waits for its end."""
        unpaid = self._till.lost
        if unpaid:
            self._till.unpaid_returns.add(asked.return_id)
        try:
            child = await workflow.start_child_workflow(
                ReturnWorkflow.run,
                ReturnInput(
                    return_id=asked.return_id,
                    order_id=self._state.order.order_id,
                    channel=self._state.order.channel,
                    location=self._state.came_from(asked.lines[0].line_id),
                    lines=asked.lines,
                    policy=self._state.order.policy,
                    unpaid=unpaid,
                ),
                id=return_workflow_id(asked.return_id),
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,
            )
        except WorkflowAlreadyStartedError:
            self._till.unpaid_returns.discard(asked.return_id)
            self._requests.refuse_return(asked, "return_id: another order's return has it")
            return
        self._open += 1
        self._telling.note("return_requested", verb=asked, data={"return_id": asked.return_id})
        self._telling.settle(asked)
        child.add_done_callback(partial(self._ended, asked))
        if not unpaid:
            self._conduct.begin(self._tell_if_written_off(asked, child))

    async def _tell_if_written_off(self, asked: RequestReturn, child: ReturnHandle) -> None:
        """A return that began before the write-off pays no more back than one that begins after."""
        await workflow.wait_condition(lambda: self._till.lost or child.done())
        if child.done():
            return
        self._till.unpaid_returns.add(asked.return_id)
        try:
            await child.signal("money_written_off", MoneyWrittenOff(by=self._till.written_off_by))
        except ApplicationError:
            # it has ended, and we are about to hear how
            await workflow.wait_condition(child.done)

    def _ended(self, asked: RequestReturn, child: ReturnHandle) -> None:
        """However it ended, also if somebody terminated it in Temporal's UI.

        How far that one came nobody knows: its pieces may be asked for again.
        """
        ended_well = not child.cancelled() and child.exception() is None
        outcome = child.result().status if ended_well else ""
        if ended_well and _owes_nothing(child.result()):
            self._till.unpaid_returns.discard(asked.return_id)
        self._open -= 1
        if not ended_well:
            self._telling.note("return_broken_off", data={"return_id": asked.return_id})
        if outcome == ReturnStatus.CLOSED:
            for line in asked.lines:
                undeliverable = line.reason is ReturnReason.UNDELIVERABLE
                self._back[line.line_id, undeliverable] += line.quantity
        else:
            self._requests.return_came_to_nothing(asked)


def _owes_nothing(outcome: ReturnOutcome) -> bool:
    return outcome.refunded is not None or not any(line.refund for line in outcome.lines)
