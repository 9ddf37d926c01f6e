"""Where orders ship from and why; the rule sets that decide, and what a draft would change."""

import asyncio
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from domain.ids import OrderId
from domain.problems import Problem
from domain.sourcing.decision import Decision
from domain.sourcing.replay import Comparison, compare
from domain.sourcing.rules import RuleSet
from domain.sourcing.source import source
from starter.api.answers import OrderPath, order_or_404
from starter.api.auth import Caller
from starter.batch import BatchResult, assign_together
from starter.bodies import LimitedRoute
from starter.catalogue_entries import country_problems, refuse
from starter.composition import Composition, composition_of
from starter.problems import invalid_field, not_found
from storage.sourcing_kept import KeptDecision, PastCase, ReservationState
from storage.sourcing_rules import VERSION_MAX, StoredRules

router = APIRouter(prefix="/api", tags=["sourcing"], route_class=LimitedRoute)

REPLAYED_AT_ONCE = 50
"""A page of a replay: the hardest cases take a fifth of a second each."""

Version = Annotated[int, Path(ge=1, le=VERSION_MAX)]


class DecisionView(BaseModel):
    """`sentence` says it all in one; `reservations` are what became of it, one for each part.

    `assigned` is what the queue gave an order that was `waiting`.
    """

    key: str
    outcome: Literal["reserved", "waiting", "assigned"]
    at: datetime
    sentence: str
    rules_version: int
    reservations: tuple[ReservationState, ...]
    decision: Decision


class OrderSourcing(BaseModel):
    """Newest first."""

    order_id: OrderId
    decisions: list[DecisionView]


class RulesList(BaseModel):
    """Newest first; one is active."""

    rules: list[StoredRules]


class BatchAsked(BaseModel):
    """`seconds` is the solver's time; what it has found by then is what is proposed."""

    model_config = ConfigDict(extra="forbid", strict=True)

    apply: bool = False
    seconds: Annotated[int, Field(ge=1, le=20)] = 10


class ReplayAsked(BaseModel):
    """Rules by their version or in full; decisions made at `from` or later and before `to`.

    `after` is `next` of the page before.
    """

    model_config = ConfigDict(extra="forbid")

    rules_version: Annotated[int, Field(ge=1, le=VERSION_MAX)] | None = None
    rules: RuleSet | None = None
    since: AwareDatetime = Field(alias="from")
    until: AwareDatetime = Field(alias="to")
    after: int = Field(default=0, ge=0, le=2**62)


class ReplayPage(BaseModel):
    """Sums over a page; those of all pages add up. `next` is null on the last one."""

    rules_version: int
    rules_name: str
    currency: str
    comparison: Comparison
    next: int | None = None


@router.get("/orders/{order_id}/sourcing")
async def order_sourcing(request: Request, order_id: OrderPath, _by: Caller) -> OrderSourcing:
    """Every decision about the order with its candidates, their scores and the rules."""
    on = composition_of(request)
    await order_or_404(on, order_id)
    found = await on.wired.sourcing.decisions(order_id)
    return OrderSourcing(order_id=order_id, decisions=[_view(kept) for kept in found])


@router.get("/sourcing/rules")
async def rule_sets(request: Request, _by: Caller) -> RulesList:
    return RulesList(rules=list(await composition_of(request).wired.sourcing_rules.list()))


@router.get("/sourcing/rules/{version}")
async def rule_set(request: Request, version: Version, _by: Caller) -> StoredRules:
    return await _rules_or_404(composition_of(request), version)


@router.post("/sourcing/rules", status_code=201)
async def draft(request: Request, rules: RuleSet, by: Caller) -> StoredRules:
    """Keep a draft under the next version; orders are not sourced by it before it is activated."""
    if rules.version:
        raise invalid_field("version", "given_out", "is given out by us: leave it out")
    refuse(_country_problems(rules))
    return await composition_of(request).wired.sourcing_rules.draft(rules, by)


def _country_problems(rules: RuleSet) -> Iterator[Problem]:
    for n, zone in enumerate(rules.zones):
        for at in ("origins", "destinations"):
            for k, country in enumerate(getattr(zone, at)):
                yield from country_problems(f"zones.{n}.{at}.{k}", country)


@router.post("/sourcing/rules/{version}/activate")
async def activate(request: Request, version: Version, by: Caller) -> StoredRules:
    """Source orders by it from now on; what was active retires and may come back."""
    found = await composition_of(request).wired.sourcing_rules.activate(version, by)
    if found is None:
        raise not_found("rule set")
    return found


@router.post("/sourcing/batch")
async def batch(request: Request, asked: BatchAsked, _by: Caller) -> BatchResult:
    """Assign the orders that wait for goods together; without `apply` it is only proposed."""
    on = composition_of(request)
    result = await assign_together(on.wired, asked.seconds, apply=asked.apply)
    on.awake.set()
    return result


@router.post("/sourcing/replay")
async def replay(request: Request, asked: ReplayAsked, _by: Caller) -> ReplayPage:
    """What these rules would have made of past orders, with the stock that was seen then."""
    on = composition_of(request)
    if (asked.rules is None) == (asked.rules_version is None):
        raise invalid_field("rules", "not_one", "is needed, in full or by rules_version, not both")
    if asked.until <= asked.since:
        raise invalid_field("to", "not_after_from", "must be later than from")
    rules = asked.rules or (await _rules_or_404(on, asked.rules_version or 0)).rules
    found = await on.wired.sourcing.past(
        asked.since, asked.until, rules, asked.after, REPLAYED_AT_ONCE
    )
    comparison = await asyncio.to_thread(_compared, found)
    return ReplayPage(
        rules_version=rules.version,
        rules_name=rules.name,
        currency=rules.currency,
        comparison=comparison,
        next=found[-1].id if len(found) == REPLAYED_AT_ONCE else None,
    )


def _compared(found: tuple[PastCase, ...]) -> Comparison:
    compared = (compare(past.case, past.decision, source(past.case)) for past in found)
    return sum(compared, Comparison())


def _view(kept: KeptDecision) -> DecisionView:
    return DecisionView(
        key=kept.key,
        outcome=kept.outcome,
        at=kept.at,
        sentence=kept.decision.sentence,
        rules_version=kept.decision.rules_version,
        reservations=kept.reservations,
        decision=kept.decision,
    )


async def _rules_or_404(on: Composition, version: int) -> StoredRules:
    found = await on.wired.sourcing_rules.get(version)
    if found is None:
        raise not_found("rule set")
    return found
