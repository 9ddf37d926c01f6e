"""The search attributes by which engineers find orders and returns in Temporal's UI."""

from collections.abc import Sequence

from temporalio import workflow
from temporalio.common import SearchAttributeKey, SearchAttributeUpdate

from domain.records import OrderRecord, ReturnRecord
from domain.waits import Wait

ORDER_STATUS = SearchAttributeKey.for_keyword("OrderStatus")
CHANNEL_ID = SearchAttributeKey.for_keyword("Channel")
WAITING_ON = SearchAttributeKey.for_keyword("WaitingOn")
DESTINATION_COUNTRY = SearchAttributeKey.for_keyword("DestinationCountry")
HOLD_REASONS = SearchAttributeKey.for_keyword_list("HoldReasons")
KEYS = (ORDER_STATUS, CHANNEL_ID, WAITING_ON, DESTINATION_COUNTRY, HOLD_REASONS)
REASONS_SHOWN = 20
"""Of 64 characters at most each; Temporal ends a workflow whose attribute has over 2,048 bytes."""


class Upserts:
    """Upserts what has changed, all in one event, and nothing where nothing has."""

    def __init__(self) -> None:
        self._last: dict[str, object] = {}

    def of_order(self, record: OrderRecord, channel: str, country: str) -> None:
        values = (
            (ORDER_STATUS, str(record.status)),
            (CHANNEL_ID, channel),
            (WAITING_ON, _owner(record.wait)),
            (DESTINATION_COUNTRY, country or None),
        )
        held = sorted({hold.reason for hold in record.holds})[:REASONS_SHOWN]
        self._upsert(values, [*held, *filter(None, [record.attention])])

    def of_return(self, record: ReturnRecord, channel: str) -> None:
        """Its status is no order's: that it has none tells it from an order."""
        values = ((CHANNEL_ID, channel), (WAITING_ON, _owner(record.wait)))
        self._upsert(values, [*filter(None, [record.attention])])

    def _upsert(
        self, values: Sequence[tuple[SearchAttributeKey[str], str | None]], reasons: list[str]
    ) -> None:
        changes: list[SearchAttributeUpdate] = []  # type: ignore[type-arg]
        for key, value in values:
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


def _owner(wait: Wait | None) -> str | None:
    return str(wait.owner) if wait else None
