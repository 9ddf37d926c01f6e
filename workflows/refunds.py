"""Paying back through the channel, for a return or for what will not be sent."""

from collections.abc import Callable

from activities.channel import ChannelActivities
from domain.payments import Refunded, RefundRequest
from domain.records import NOT_REFUNDED
from workflows.outside import CHANNEL
from workflows.strand import GO_ON, GivenUp, Strand, never
from workflows.telling import Telling


async def refund(
    request: RefundRequest,
    strand: Strand,
    telling: Telling,
    *,
    summary: str,
    ways_on: str,
    interruptible: bool = True,
    overtaken: Callable[[], bool] = never,
) -> Refunded | None:
    """Pay these pieces back, or hear that it was done by hand; None if an operator gave it up.

    Raises:
        Interrupted: the strand must make way (only if `interruptible`).
        Overtaken: `overtaken` came true.
    """
    try:
        answer = await strand.attempt(
            ChannelActivities.refund,
            request,
            CHANNEL,
            summary=summary,
            interruptible=interruptible,
            overtaken=overtaken,
            if_said_again=GO_ON,
            ways_on=ways_on,
        )
    except GivenUp as wanted:
        telling.note(NOT_REFUNDED, verb=wanted.verb, data=forgone(request))
        return None
    if answer.already:
        telling.note("refunded_already", data={"pieces": answer.already})
    return answer


def pieces_of(request: RefundRequest) -> int:
    return sum(line.quantity for line in request.lines)


def forgone(request: RefundRequest) -> dict[str, str | int | None]:
    """What the journal says of a refund that is not made."""
    return {"deed": request.key, "pieces": pieces_of(request)}
