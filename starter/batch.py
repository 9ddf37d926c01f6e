"""Assigns the orders that wait for goods together: what is best for all of them at once."""

import asyncio
from collections.abc import Mapping, Sequence

from pydantic import BaseModel

from config.wiring import Wiring
from domain.errors import Refused
from domain.sourcing.case import Case
from domain.sourcing.decision import Decision
from domain.sourcing.in_turn import in_turn, total_minor
from domain.sourcing.together import Together, decided
from domain.stock import Changed
from storage.sourcing_batch import Waiting

ORDERS_MAX = 500


class Given(BaseModel):
    """`state` is `proposed`; or `assigned`, or `changed` where others were faster."""

    order_id: str
    state: str
    sentence: str


class BatchResult(BaseModel):
    """Beside what one order after the other would get, which is kept where it is the better.

    Amounts in the rules' `currency`. What serves more may cost more, so the costs of those orders
    that both serve are told apart (`both_…`). `gap_minor` says how much dearer than the optimum it
    may be, by what its parcels cost; 0 if it is proven.
    """

    waiting: int
    currency: str
    in_turn_served: int
    in_turn_cost_minor: int
    served: int
    cost_minor: int
    both_served: int
    both_in_turn_cost_minor: int
    both_cost_minor: int
    proven: bool
    gap_minor: float
    orders: list[Given]


class _Found(BaseModel):
    decisions: dict[str, Decision]
    result: BatchResult


async def assign_together(wired: Wiring, limit_s: float, *, apply: bool) -> BatchResult:
    """Solve for the first `ORDERS_MAX` of the queue; with `apply`, reserve and wake the orders."""
    waiting = await wired.sourcing_batch.waiting(ORDERS_MAX)
    cases = await _cases(wired, waiting)
    urgency = {one.request.key: one.priority for one in waiting if one.request.key in cases}
    found = await asyncio.to_thread(_solved, cases, urgency, limit_s)
    given = [
        await _give(wired, one, cases[one.request.key], decision, apply=apply)
        for one in waiting
        if (decision := found.decisions.get(one.request.key)) is not None
    ]
    return found.result.model_copy(update={"orders": given})


async def _cases(wired: Wiring, waiting: Sequence[Waiting]) -> dict[str, Case]:
    """In the order of the queue; an order whose SKU has left the catalogue waits on."""
    found: dict[str, Case] = {}
    for one in waiting:
        try:
            found[one.request.key] = await wired.sourcing.case(one.request)
        except Refused:
            continue
    return found


def _solved(cases: Mapping[str, Case], urgency: Mapping[str, int], limit_s: float) -> _Found:
    # late: the solver and numpy take time and memory that nothing else here needs
    from adapters.highs import HighsSolver

    turn = in_turn(cases)
    together = Together(cases, urgency)
    solution = HighsSolver().minimise(together.program, together.start(turn), limit_s)
    assigned = together.assigned(solution, turn)
    plans = assigned.plans
    both = turn.keys() & plans.keys()
    return _Found(
        decisions={
            key: decided(cases[key], plan, len(cases), proven=assigned.proven)
            for key, plan in plans.items()
        },
        result=BatchResult(
            waiting=len(cases),
            currency=next((case.rules.currency for case in cases.values()), ""),
            in_turn_served=len(turn),
            in_turn_cost_minor=total_minor(list(turn.values())),
            served=len(plans),
            cost_minor=total_minor(list(plans.values())),
            both_served=len(both),
            both_in_turn_cost_minor=total_minor([turn[key] for key in both]),
            both_cost_minor=total_minor([plans[key] for key in both]),
            proven=assigned.proven,
            gap_minor=assigned.gap_minor,
            orders=[],
        ),
    )


async def _give(
    wired: Wiring, one: Waiting, case: Case, decision: Decision, *, apply: bool
) -> Given:
    state = "proposed"
    if apply:
        answer = await wired.sourcing_batch.assign(one.request, case, decision)
        state = "changed" if isinstance(answer, Changed) else "assigned"
    return Given(order_id=one.request.order_id, state=state, sentence=decision.sentence)
