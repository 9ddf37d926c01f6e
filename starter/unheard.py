"""What becomes of words for a workflow that is not running: they wait, or come too late."""

from collections.abc import Sequence
from datetime import UTC, datetime

from domain.ids import OrderId, ReturnId
from domain.lifecycles import ENDED, RETURN_ENDED, OrderStatus
from domain.orders import PaymentStatus, order_input
from domain.records import PAID_AFTER_ALL, WRITTEN_OFF, JournalEntry
from domain.verbs import BY_CHANNEL
from domain.views import EventView, OrderView
from starter.composition import Composition
from starter.relay import Delivered, Early, Hopeless, Outcome, pause_s
from storage.deliveries import InboxRow
from storage.tasks import TOO_LATE, TOO_LATE_MESSAGES, asked_by

RECHECK_S = 1.0
PATIENCE_S = 60.0
"""How long a workflow may have ended before its last words are in our tables."""


class Unheard:
    """Decides by our own rows: Temporal forgets workflows that have ended."""

    def __init__(self, on: Composition) -> None:
        self._on = on

    async def by_order(self, row: InboxRow, order_id: OrderId, name: str) -> Outcome | None:
        """What becomes of it; None: its workflow has just been started, so say it again."""
        known = await self._on.wired.progress.of_order(order_id)
        if known is None:
            if row.age_s < self._on.settings.unknown_order_wait_s:
                return Early(pause_s(RECHECK_S, row.age_s), "waits for its order")
            return Delivered(settled=True, refused="unknown_order: there is no such order")
        if known.status in ENDED:
            refused = f"too_late: the order is {known.status}"
            await self._journal(row, order_id, f"{name}_refused", refused)
            if row.source.startswith("channel:"):
                if known.status is OrderStatus.CLOSED:
                    await self._ask_somebody(row, order_id, name)
                await self._look_for_money(row, order_id, name)
            return Delivered(settled=True, refused=refused)
        if known.seq == 0:
            # Accepted, but its start was lost: whoever accepted it died, or its row was parked.
            order = await self._on.wired.order_book.load(order_id)
            if await self._on.workflows.start(order_input(order, self._on.settings.policy)):
                return None
        if row.age_s < PATIENCE_S:
            return Early(RECHECK_S, "waits for its workflow's last words")
        return Hopeless(f"the order is {known.status}, but no workflow of its is running")

    async def by_return(self, row: InboxRow, return_id: ReturnId) -> Outcome:
        known = await self._on.wired.progress.of_return(return_id)
        if known in RETURN_ENDED:
            refused = f"too_late: the return is {known}"
            if row.order_id:
                code = f"return_{row.kind.rpartition('/')[2]}_refused"
                await self._journal(row, OrderId(row.order_id), code, refused)
            return Delivered(settled=True, refused=refused)
        if row.age_s < PATIENCE_S:
            return Early(RECHECK_S, "waits for its return")
        return Hopeless("no workflow of this return is running")

    async def _ask_somebody(self, row: InboxRow, order_id: OrderId, name: str) -> None:
        """Nobody at the channel hears that it came too late."""
        if name in TOO_LATE:
            await self._on.wired.tasks.add(
                TOO_LATE[name],
                f"too_late:{row.event_id}:{name}",
                TOO_LATE_MESSAGES[name],
                order_id=order_id,
                inbox_id=row.event_id,
            )

    async def _look_for_money(self, row: InboxRow, order_id: OrderId, name: str) -> None:
        """Somebody must give back what came for nothing, as while the order was open."""
        order = await self._on.wired.queries.order(order_id) if name == "payment_changed" else None
        if order is None or order.payment is not PaymentStatus.PAID:
            return
        told = await self._on.wired.queries.events(order_id) or ()
        forgone = [line.return_id for line in told if line.code == WRITTEN_OFF]
        if order.status is OrderStatus.CANCELLED:
            pieces = _paid_in_vain(order, told)
        else:
            pieces = sum(line.cancelled for line in order.lines) if None in forgone else 0
        returns = len(set(forgone) - {None})
        if pieces or returns:
            data: dict[str, str | int | None] = {"pieces": pieces, "returns": returns}
            line = await self._journal(row, order_id, PAID_AFTER_ALL, data=data)
            if asked := asked_by(line, order_id):
                await self._on.wired.tasks.add(
                    line.code, *asked, order_id=order_id, inbox_id=row.event_id
                )

    async def _journal(
        self,
        row: InboxRow,
        order_id: OrderId,
        code: str,
        why: str = "",
        *,
        data: dict[str, str | int | None] | None = None,
    ) -> JournalEntry:
        line = JournalEntry(
            at=datetime.now(UTC),
            by=row.by or row.source,
            code=code,
            why=why,
            command_id=row.event_id,
            data=data or {},
        )
        await self._on.wired.intake.note(order_id, line)
        return line


def _paid_in_vain(order: OrderView, told: Sequence[EventView]) -> int:
    """The pieces of a cancelled order whose money nobody gives back: a channel that cancelled does.

    What came before the cancel went back with it.
    """
    by_channel = any(line.code == "cancelling" and line.by == BY_CHANNEL for line in told)
    kept = order.money.captured.amount_minor > order.money.refunded.amount_minor
    return sum(line.quantity for line in order.lines) if kept and not by_channel else 0
