"""What the holds of an order stop: the next try of a step that cannot be taken back."""

from collections.abc import Mapping
from functools import partial

from domain.records import HoldRecord
from domain.validation import HoldReason
from domain.waits import Owner, most_pressing
from workflows.fulfilment_state import FulfilmentState
from workflows.strand import Strand

RELEASED = "goes on by itself when its holds are released"
PAID = "goes on by itself when the channel says that it is authorised or paid"
Holds = Mapping[str, HoldRecord]
"""The holds that are set, by id, the oldest first."""


def whom(hold: HoldRecord) -> Owner:
    """Who can end it: the system's own `payment` the customer, at the channel; else an operator."""
    return Owner.CUSTOMER if hold.hold_id == HoldReason.PAYMENT else Owner.OPERATOR


def hold_to_show(holds: Holds) -> HoldRecord | None:
    """Where there are several: whoever must be chased first, then the oldest."""
    return most_pressing(holds.values(), whom)


class HoldGate:
    """Open while nobody holds the order, and for goods that have left: nothing stops those."""

    def __init__(self, holds: Holds, part: FulfilmentState, strand: Strand) -> None:
        self._holds = holds
        self._part = part
        self._strand = strand

    @property
    def shut(self) -> bool:
        return self._pressing is not None

    async def open(self) -> None:
        """Wait until it is.

        Raises:
            Interrupted: the strand must make way.
        """
        while hold := self._pressing:
            await self._strand.until(
                partial(self._presses_no_more, hold),
                whom(hold),
                f"hold:{hold.reason}",
                since=hold.since,
                next_action=PAID if whom(hold) is Owner.CUSTOMER else RELEASED,
            )
        self._strand.make_way()

    @property
    def _pressing(self) -> HoldRecord | None:
        return None if self._part.has_left else hold_to_show(self._holds)

    def _presses_no_more(self, hold: HoldRecord) -> bool:
        return self._pressing is not hold
