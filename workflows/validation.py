"""The check of lines, totals, contacts and address, until nothing is wrong or it is overruled."""

from functools import partial

from activities.orders import OrderActivities, ValidateRequest
from domain.records import HoldRecord
from domain.validation import HoldReason, Invalid, Validated
from domain.waits import Owner
from workflows.outside import OUR_TABLES
from workflows.state import OrderState
from workflows.strand import Strand


class Validation:
    """Validates one order, and anew for each address."""

    def __init__(self, state: OrderState, strand: Strand) -> None:
        self._state = state
        self._strand = strand
        self._overruled: set[tuple[int, str]] = set()
        """The problems that an operator overruled, with the version of the address."""

    async def validate(self) -> None:
        """Until the order is in order; returns at once where that is known already.

        Raises:
            Interrupted: the order is cancelled, or goes to another address.
        """
        while not self._state.checked:
            verdict = await self._strand.attempt(
                OrderActivities.validate,
                ValidateRequest(
                    order_id=self._state.order.order_id, address_version=self._state.address_version
                ),
                OUR_TABLES,
                summary="check lines, totals, contacts and address",
            )
            match verdict:
                case Validated():
                    self._state.address_version = verdict.address_version
                    self._state.destination = verdict.destination
                    self._state.lift(HoldReason.ADDRESS, HoldReason.DATA)
                    self._state.checked = True
                case Invalid():
                    await self._until_mended(verdict)

    async def _until_mended(self, verdict: Invalid) -> None:
        """A new address or `retry` begins the check anew; releasing the holds overrules it.

        What was overruled stays so for this address, whatever else is found again.
        """
        version = self._state.address_version
        found = {HoldReason.ADDRESS: verdict.address, HoldReason.DATA: verdict.data}
        for reason, problems in found.items():
            if wrong := tuple(p for p in problems if (version, p) not in self._overruled):
                self._state.hold_for_system(reason, wrong)
            else:
                self._state.lift(reason)
        retried = False
        while not retried and (hold := self._unmended):
            retried = await self._strand.until_or_retry(
                partial(self._other_than, hold),
                Owner.OPERATOR,
                f"hold:{hold.reason}",
            )
        for reason, problems in found.items():
            if reason not in self._state.holds:
                self._overruled.update((version, problem) for problem in problems)
        self._state.checked = not retried

    @property
    def _unmended(self) -> HoldRecord | None:
        """The first hold of those that the check set."""
        own = (HoldReason.ADDRESS, HoldReason.DATA)
        return next((self._state.holds[one] for one in own if one in self._state.holds), None)

    def _other_than(self, hold: HoldRecord) -> bool:
        return self._unmended is not hold
