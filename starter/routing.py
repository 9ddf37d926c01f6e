"""What each kind of row in the inbox means: which workflow hears of it, and how."""

from typing import Any, TypeVar

from adapters.strict_json import strict_json
from domain.ids import OrderId, ReturnId, return_workflow_id
from domain.ids import workflow_id as order_workflow_id
from domain.verbs import ORDER_VERBS, RETURN_VERBS, Hold, InvalidVerb, ParcelMoved, Verb, parse_verb
from starter.channel_orders import ChannelOrders
from starter.composition import Composition
from starter.relay import Belongs, Delivered, Early, Hopeless, Outcome, pause_s
from starter.unheard import Unheard
from storage.deliveries import InboxRow
from storage.scans import CourseChange

S = TypeVar("S")

LABEL_WAIT_S = 5.0
"""A carrier may speak of a parcel before we have written down its label."""


class Routing:
    """Delivers one row: `deliver` may be called again with the same row and then adds nothing."""

    def __init__(self, on: Composition) -> None:
        self._on = on
        self._orders = ChannelOrders(on)
        self._unheard = Unheard(on)

    async def deliver(self, row: InboxRow) -> Outcome:
        kind, _, _ = row.kind.partition("/")
        match row.source.partition(":")[0], kind:
            case (("channel" | "api"), _):
                return await self._orders.deliver(row)
            case "carrier", "scans":
                return await self._scans(row)
            case "warehouse", "report":
                return await self._report(row)
            case _, "return":
                return await self._return_verb(row)
            case (("operator" | "stock"), _) if kind in ORDER_VERBS:
                return await self._order_verb(row)
            case _:
                return Delivered(settled=True)

    async def _order_verb(self, row: InboxRow) -> Outcome:
        verb = _read(ORDER_VERBS[row.kind], row)
        if isinstance(verb, Hopeless):
            return verb
        if isinstance(verb, Hold):
            verb = verb.model_copy(update={"note": ""})  # the row keeps it; histories never see it
        return await self._tell_order(row, row.order_id, row.kind, verb)

    async def _return_verb(self, row: InboxRow) -> Outcome:
        _, return_id, name = row.kind.split("/")
        verb = _read(RETURN_VERBS[name], row)
        if isinstance(verb, Hopeless):
            return verb
        to = return_workflow_id(ReturnId(return_id))
        if await self._on.workflows.signal(to, name, verb):
            return Delivered()
        return await self._unheard.by_return(row, ReturnId(return_id))

    async def _report(self, row: InboxRow) -> Outcome:
        location = row.source.partition(":")[2]
        try:
            sender = _configured(self._on.senders.warehouses.get(location), row.source)
            said = sender.report(row.body)
        except ValueError as error:
            return Hopeless(str(error))
        said = said.model_copy(update={"command_id": row.event_id, "by": row.source})
        return await self._tell_order(row, row.order_id, "warehouse_said", said)

    async def _scans(self, row: InboxRow) -> Outcome:
        carrier = row.source.partition(":")[2]
        try:
            sender = _configured(self._on.senders.carriers.get(carrier), row.source)
            scans = sender.scans(row.body)
        except ValueError as error:
            return Hopeless(str(error))
        kept = await self._on.wired.scans.add(scans)
        if row.order_id is None and kept.changes:
            return Belongs(kept.changes[0].order_id)
        for change in kept.changes:
            outcome = await self._tell_moved(row, change)
            if not isinstance(outcome, Delivered):
                return outcome
        if kept.unknown and row.age_s < self._on.settings.unknown_order_wait_s:
            return Early(pause_s(LABEL_WAIT_S, row.age_s), "waits for its parcel")
        unknown = "unknown_parcel: no label of ours has its number" if kept.unknown else ""
        return Delivered(settled=True, refused=unknown)

    async def _tell_moved(self, row: InboxRow, change: CourseChange) -> Outcome:
        moved = ParcelMoved(
            command_id=f"{row.event_id}:{change.parcel_id}:{change.course}",
            by=row.source,
            tracking_number=change.tracking_number,
            course=change.course,
        )
        outcome = await self._tell_order(row, change.order_id, "parcel_moved", moved)
        if isinstance(outcome, Delivered):
            await self._on.wired.scans.mark_signalled(change.parcel_id, change.course)
        return outcome

    async def _tell_order(
        self, row: InboxRow, order_id: str | None, name: str, verb: Verb
    ) -> Outcome:
        if order_id is None:
            return Hopeless("order_id: is missing")
        order = OrderId(order_id)
        while True:
            if await self._on.workflows.signal(order_workflow_id(order), name, verb):
                return Delivered(settled=row.source != "operator")
            outcome = await self._unheard.by_order(row, order, name)
            if outcome is not None:
                return outcome


def _configured(sender: S | None, source: str) -> S:
    if sender is None:
        raise ValueError(f"{source} is not among the settings any more")
    return sender


def _read(kind: type[Verb], row: InboxRow) -> Any:
    """The verb in a row that we or our own database wrote, or why it cannot be read."""
    try:
        raw = strict_json(row.body)
        if not isinstance(raw, dict):
            return Hopeless("body: is no object")
        return parse_verb(kind, {**raw, "command_id": row.event_id, "by": row.by or row.source})
    except (InvalidVerb, ValueError) as error:
        return Hopeless(str(error))
