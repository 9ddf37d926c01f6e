"""The search attributes by which engineers find orders in Temporal's UI."""

from temporalio import workflow
from temporalio.common import SearchAttributeKey, SearchAttributeUpdate

from domain.records import OrderRecord

ORDER_STATUS = SearchAttributeKey.for_keyword("OrderStatus")
CHANNEL_ID = SearchAttributeKey.for_keyword("Channel")
WAITING_ON = SearchAttributeKey.for_keyword("WaitingOn")
DESTINATION_COUNTRY = SearchAttributeKey.for_keyword("DestinationCountry")
HOLD_REASONS = SearchAttributeKey.for_keyword_list("HoldReasons")


class Upserts:
    """Upserts what has changed, all in one event, and nothing where nothing has."""

    def __init__(self) -> None:
        self._last: dict[str, object] = {}

    def upsert(self, record: OrderRecord, channel: str, country: str) -> None:
        reasons = sorted({hold.reason for hold in record.holds})
        if record.attention:
            reasons.append(record.attention)
        waiting_on = str(record.wait.owner) if record.wait else None
        changes: list[SearchAttributeUpdate] = []  # type: ignore[type-arg]
        for key, value in (
            (ORDER_STATUS, str(record.status)),
            (CHANNEL_ID, channel),
            (WAITING_ON, waiting_on),
            (DESTINATION_COUNTRY, country or None),
        ):
            if self._changed(key.name, value):
                changes.append(key.value_unset() if value is None else key.value_set(value))
        if self._changed(HOLD_REASONS.name, reasons):
            changes.append(HOLD_REASONS.value_set(reasons))
        if changes:
            workflow.upsert_search_attributes(changes)

    def _changed(self, name: str, value: object) -> bool:
        unset: object = [] if name == HOLD_REASONS.name else None
        changed = self._last.get(name, unset) != value
        self._last[name] = value
        return changed
