"""Sources orders that wait anew, once what they were sourced by is otherwise.

A location that opens, serves more or has room again may have all that an order waits for; a queue
that knows stock alone would never look there. And goods that came may do for a split that it did
not find.
"""

import asyncio

import structlog

from config.wiring import Wiring
from domain.errors import Refused
from domain.sourcing.source import source
from domain.stock import Reserved
from storage.sourcing_batch import Waiting

AT_ONCE = 100

_log = structlog.get_logger(__name__)


async def source_again(wired: Wiring) -> int:
    """Go once through those who wait, in the order of the queue; how many got their goods.

    Who gets none keeps its place, and waits from now on at the locations that may serve it now.
    """
    served = 0
    page = await wired.sourcing_batch.outdated(None, AT_ONCE)
    while page:
        for one in page:
            served += await _is_served(wired, one)
        page = await wired.sourcing_batch.outdated(page[-1], AT_ONCE)
    return served


async def _is_served(wired: Wiring, one: Waiting) -> bool:
    """Where others were faster, the next time will tell."""
    try:
        case = await wired.sourcing.case(one.request)
        decision = await asyncio.to_thread(source, case)
        if decision.plan is None:
            answer = await wired.sourcing.reserve(one.request, case, decision)
        else:
            answer = await wired.sourcing_batch.assign(one.request, case, decision)
    except Refused as refused:
        _log.warning("not_sourced_again", order_id=one.request.order_id, code=refused.code)
        return False
    return isinstance(answer, Reserved)
