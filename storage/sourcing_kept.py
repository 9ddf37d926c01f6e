"""Decisions on sourcing as they are kept, and what the queue gave beside them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from domain.sourcing.case import Case
from domain.sourcing.decision import Decision
from domain.sourcing.given import given
from domain.sourcing.rules import RuleSet
from domain.stock import Part
from domain.values import Value
from storage.documents import json_text


class ReservationState(Value):
    """What became of a part: reserved, released, shipped."""

    key: str
    location: str
    state: str


class KeptDecision(Value):
    """`waiting`: there was no plan, and the order entered the queue; `assigned`: what that gave.

    `reservations` are what the key holds or held since.
    """

    key: str
    outcome: Literal["reserved", "waiting", "assigned"]
    at: datetime
    decision: Decision
    reservations: tuple[ReservationState, ...]


class PastCase(Value):
    """A decision of the past with what it was decided by, but for the rules."""

    id: int
    order_id: str
    case: Case
    decision: Decision


def why(case: Case, decision: Decision) -> str:
    """What is kept; the rules are known by their version."""
    facts = case.model_dump(mode="json", exclude={"rules"})
    return json_text({"decision": decision.model_dump(mode="json"), "facts": facts})


def kept(rows: Sequence[Any], by: Mapping[int, RuleSet]) -> tuple[KeptDecision, ...]:
    return tuple(
        KeptDecision(
            key=row.key,
            outcome=row.outcome,
            at=row.at,
            decision=_decision(row, by),
            reservations=row.reservations,
        )
        for row in rows
    )


def _decision(row: Any, by: Mapping[int, RuleSet]) -> Decision:
    """What the queue gave is worked out from its parts: it is kept where no price is known."""
    if row.outcome != "assigned":
        return Decision(**row.decision)
    case = Case(**row.facts, rules=by[row.rules_version])
    parts = [Part(**part) for part in row.decision["plan"]["parts"]]
    return given(case, parts, row.decision["cause"])


def past(rows: Sequence[Any], rules: RuleSet, by: Mapping[int, RuleSet]) -> tuple[PastCase, ...]:
    return tuple(
        PastCase(
            id=row.id,
            order_id=row.order_id,
            case=Case(**row.facts, rules=rules),
            decision=_decision(row, by),
        )
        for row in rows
    )
