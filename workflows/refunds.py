"""What comes of a refund, of a return's or of what will not be sent, and what is said of it."""

from collections.abc import Awaitable

from domain.money import Money
from domain.payments import Refunded, RefundRequest
from domain.records import NOT_REFUNDED, REFUNDED_MORE
from workflows.parked import GivenUp
from workflows.telling import Telling


async def outcome_of(
    refunding: Awaitable[Refunded], request: RefundRequest, telling: Telling
) -> Refunded | None:
    """What was paid back, by us or by hand; None if an operator goes on without it."""
    try:
        answer = await refunding
    except GivenUp as wanted:
        telling.note(NOT_REFUNDED, verb=wanted.verb, data=forgone(request))
        return None
    if answer.already:
        telling.note("refunded_already", data={"pieces": answer.already})
    tell_given(answer.given, request.key, telling)
    return answer


def tell_given(given: Money | None, key: str, telling: Telling) -> None:
    """Keep what the channel gave back where it is more than our books can hold."""
    if given is not None:
        telling.note(
            REFUNDED_MORE,
            data={"deed": key, "amount_minor": given.amount_minor, "currency": given.currency},
        )


def pieces_of(request: RefundRequest) -> int:
    return sum(line.quantity for line in request.lines)


def forgone(request: RefundRequest) -> dict[str, str | int | None]:
    """What the journal says of a refund that is not made."""
    return {"deed": request.key, "pieces": pieces_of(request)}
