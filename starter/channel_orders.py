"""What a channel says about its orders: new ones start, known ones are reconciled.

An order that is told of before it was created waits for its creation, then it is fetched.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import TypeVar

from adapters.channels.reading import Unreadable
from config.inbound import ORDER_CREATED, ORDER_TOUCHED, WHOLE_ORDERS
from domain.errors import Unavailable
from domain.ids import OrderId, parse_order_id, workflow_id
from domain.orders import Order, order_input
from domain.ports import Channel
from domain.verbs import BY_CHANNEL, Cancel, FixAddress, Hold, PaymentChanged, Verb
from starter.bodies import SMALL_BYTES
from starter.composition import Composition
from starter.relay import Delivered, Early, Hopeless, Outcome, pause_s
from starter.unheard import RECHECK_S, Unheard
from storage.deliveries import InboxRow

FETCH_S = 15.0
FETCH_AGAIN_S = 30.0
CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")
CANCEL_REASON = "cancelled_by_channel"
REFUNDED = "refunded_at_channel"
"""Why an order is held whose channel gave money back without cancelling it."""

T = TypeVar("T")


class _NotNow(Exception):
    """The channel does not answer. That is no outage of ours, and holds up nobody else."""


class ChannelOrders:
    """Acts on rows from channels, and on the orders that came through our own API."""

    def __init__(self, on: Composition) -> None:
        self._on = on
        self._unheard = Unheard(on)

    async def deliver(self, row: InboxRow) -> Outcome:
        if row.kind in WHOLE_ORDERS:
            try:
                order = await self._read(row)
            except (Unreadable, ValueError) as error:
                return Hopeless(str(error))
            return await self._taken_in(row, order)
        if row.kind == ORDER_TOUCHED:
            return await self._taken_in(row, None)
        return Delivered(settled=True)

    async def _taken_in(self, row: InboxRow, order: Order | None) -> Outcome:
        try:
            if row.kind == ORDER_TOUCHED:
                order = await self._fetch(row)
            return await self._take_in(row, order) if order else Delivered(settled=True)
        except _NotNow as error:
            return Early(FETCH_AGAIN_S, str(error))

    async def _read(self, row: InboxRow) -> Order | None:
        kind, _, channel = row.source.partition(":")
        if kind == "api":
            return Order.model_validate_json(row.body)
        sender = self._on.senders.channels.get(channel)
        if sender is None:
            raise Unreadable("channel", f"{channel} is not among the settings any more")
        if len(row.body) <= SMALL_BYTES:
            return sender.order(row.body)
        return await asyncio.to_thread(sender.order, row.body)

    async def _all_sent(self, row: InboxRow) -> bool:
        """Whether nothing is left to send of an order that we have never heard of.

        Of what is not its creation, the body may be old, or not say so: the channel is asked.
        """
        kind, _, channel = row.source.partition(":")
        sender = self._on.senders.channels.get(channel) if kind == "channel" else None
        if sender is None:
            return False
        if row.kind in WHOLE_ORDERS and await asyncio.to_thread(sender.all_sent, row.body):
            return True
        if row.kind == ORDER_CREATED:
            return False
        return bool(await self._ask(row, lambda shop, own_id: shop.all_sent(own_id)))

    async def _fetch(self, row: InboxRow) -> Order | None:
        """The order as the channel has it now; None if it knows none."""
        return await self._ask(row, lambda shop, own_id: shop.fetch(own_id))

    async def _ask(
        self, row: InboxRow, question: Callable[[Channel, str], Awaitable[T]]
    ) -> T | None:
        channel_id, own_id = parse_order_id(row.order_id or "")
        channel = self._on.wired.channels.get(channel_id)
        if channel is None:
            return None
        try:
            async with asyncio.timeout(FETCH_S):
                return await question(channel, own_id)
        except (Unavailable, TimeoutError) as error:
            raise _NotNow(str(error) or "the channel does not answer") from error

    async def _take_in(self, row: InboxRow, order: Order) -> Outcome:
        known = await self._on.wired.progress.of_order(order.order_id)
        if known is None:
            begun = await self._begin(row, order)
            if not isinstance(begun, Order):
                return begun
            order = begun
        if known is None or known.seq == 0:
            await self._on.workflows.start(order_input(order, self._on.settings.policy))
        signals = await self._reconcile(row, order) if known is not None else []
        if order.cancelled and (known is None or row.kind == ORDER_CREATED):
            # told with each delivery of the row: the first may have died before it was said
            signals = [_cancel(order.cancel_reason)]
        refused = ""
        for name, verb in signals:
            outcome = await self._tell(row, order.order_id, name, verb)
            if not isinstance(outcome, Delivered):
                return outcome
            refused = refused or outcome.refused
        return Delivered(settled=True, refused=refused)

    async def _begin(self, row: InboxRow, order: Order) -> Order | Outcome:
        """Accept an order that we have never heard of; or what becomes of the row instead."""
        told_early = row.kind not in (ORDER_CREATED, ORDER_TOUCHED)
        if told_early and row.age_s < self._on.settings.unknown_order_wait_s:
            return Early(pause_s(RECHECK_S, row.age_s), "waits for its creation")
        if await self._all_sent(row):
            return Delivered(settled=True, refused="all_sent: the channel has sent all of it")
        if told_early:
            fetched = await self._fetch(row)
            if fetched is None:
                return Delivered(settled=True, refused="unknown_order: the channel knows none")
            order = fetched
        if row.kind != ORDER_CREATED and not order.lines:
            return Delivered(settled=True, refused="nothing_to_send: no line of it is a parcel's")
        await self._on.wired.intake.accept(order)
        return order

    async def _reconcile(self, row: InboxRow, order: Order) -> "list[tuple[str, Verb]]":
        """Take over what changed at the channel; what the workflow must hear of it, in order."""
        intake = self._on.wired.intake
        if row.kind != ORDER_TOUCHED and await intake.in_doubt(order):
            order = await self._fetch(row) or order
        changes = await intake.reconcile(order, row.event_id)
        if changes is None:
            return []
        signals: list[tuple[str, Verb]] = []
        if changes.payment is not None:
            signals.append(("payment_changed", PaymentChanged(payment=changes.payment)))
        if changes.address is not None:
            signals.append(("fix_address", FixAddress(**changes.address.model_dump())))
        if changes.cancelled:
            signals.append(_cancel(changes.cancel_reason))
        if changes.money_back is not None:
            # after hand-over it is refused as too late, and so becomes a task
            signals.append(("hold", Hold(reason=REFUNDED)))
        if changes.differs:
            await self._on.wired.tasks.add(
                "order_edited",
                f"{order.order_id}:{','.join(changes.differs)}:{order.channel_updated_at}",
                "the channel changed what we do not follow: " + ", ".join(changes.differs),
                order_id=order.order_id,
                inbox_id=row.event_id,
            )
        return signals

    async def _tell(self, row: InboxRow, order_id: OrderId, name: str, verb: Verb) -> Outcome:
        # One row may have several things to say, and a workflow ignores an id that it has seen.
        said = verb.model_copy(update={"command_id": f"{row.event_id}:{name}", "by": BY_CHANNEL})
        while True:
            if await self._on.workflows.signal(workflow_id(order_id), name, said):
                return Delivered(settled=True)
            outcome = await self._unheard.by_order(row, order_id, name)
            if outcome is not None:
                return outcome


def _cancel(reason: str) -> tuple[str, Verb]:
    known = CODE.fullmatch(reason) is not None
    return "cancel", Cancel(reason=reason if known else CANCEL_REASON)
