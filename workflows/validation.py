"""The check of lines, totals, contacts and address, until nothing is wrong or it is overruled."""

from activities.orders import OrderActivities, ValidateRequest
from domain.validation import HoldReason, Invalid, Validated
from domain.waits import Owner
from workflows.outside import OURS
from workflows.state import OrderState
from workflows.strand import Strand


class Validation:
    """Validates one order, and anew for each address."""

    def __init__(self, state: OrderState, strand: Strand) -> None:
        self._state = state
        self._strand = strand

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
                OURS,
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
        """A new address or `retry` begins the check anew; releasing the holds overrules it."""
        found = {HoldReason.ADDRESS: verdict.address, HoldReason.DATA: verdict.data}
        for reason, problems in found.items():
            if problems:
                self._state.hold_for_system(reason, problems)
        retried = await self._strand.until_or_retry(
            lambda: not any(reason in self._state.holds for reason in found),
            Owner.OPERATOR,
            "hold:address" if verdict.address else "hold:data",
        )
        self._state.checked = not retried
