"""What an order got without a search costs what the search says of the same parts."""

from dataclasses import dataclass
from typing import Any

import pytest

from domain.orders import LineRef
from domain.sourcing.case import Candidate, Case
from domain.sourcing.decision import Decision
from domain.sourcing.given import given, held
from domain.sourcing.rules import RuleSet
from domain.sourcing.source import source
from domain.stock import Part
from tests.domain.test_sourcing_decision import RULES, at, case, wants

LINES = wants(("MUG", 20), ("POT", 5))


@dataclass(frozen=True)
class Kept:
    """Parts of which each line leaves from a place, in the order in which they were asked for."""

    places: dict[str, str]

    def parts(self, asked: Case) -> list[Part]:
        return [
            Part(
                location=place,
                lines=tuple(
                    LineRef(line_id=line.line_id, sku=line.sku, quantity=line.quantity)
                    for line in reversed(asked.lines)
                    if self.places[line.line_id] == place
                ),
            )
            for place in sorted(set(self.places.values()))
        ]


BERLIN_ALONE = Kept({"1": "berlin", "2": "berlin"})
BOTH = Kept({"1": "berlin", "2": "lyon"})


def by_queue(asked: Case, kept: Kept) -> Decision:
    return given(asked, kept.parts(asked), "received")


def by_cart(asked: Case, kept: Kept) -> Decision:
    found = held(asked, kept.parts(asked), "c-1")
    assert found
    return found[1]


def beside(leeds: dict[str, Any], rules: RuleSet = RULES) -> Case:
    """Berlin packs no parcel above 5 kg; Leeds has far more than any, and may not ship it."""
    berlin = at("berlin", can={"parcel_weight_max_g": 5_000}, mug=30, pot=9)
    return case(berlin, at("leeds", can=leeds, mug=900, pot=900), at("lyon", mug=5, pot=9),
                lines=LINES, rules=rules)  # fmt: skip


def candidate(decision: Decision, location: str) -> Any:
    return next(one for one in decision.candidates if one.location == location)


@pytest.mark.parametrize("leeds", [{"serves": ("GB",)}, {"active": False}])
def test_what_the_queue_gave_is_priced_as_the_candidates_are(leeds: dict[str, Any]) -> None:
    """Else what bars Leeds is forgotten: its stock would be weighed, and parcels be too heavy."""
    rules = RULES.model_copy(update={"balance_minor": 40})
    decision = by_queue(beside(leeds, rules), BERLIN_ALONE)
    assert decision.plan
    assert decision.plan.cost == candidate(decision, "berlin").cost
    assert [parcel.weight_g for parcel in decision.plan.parts[0].parcels] == [4_800, 4_800, 400]


def test_what_bars_the_location_that_had_it_is_lifted_there_alone() -> None:
    asked = beside({"serves": ("GB",)}, RULES.model_copy(update={"balance_minor": 40}))
    berlin, *others = asked.candidates
    shut = asked.model_copy(
        update={"candidates": (berlin.model_copy(update={"active": False}), *others)}
    )
    was, now = by_queue(asked, BERLIN_ALONE).plan, by_queue(shut, BERLIN_ALONE).plan
    assert was
    assert now
    assert now.cost.balance_minor == was.cost.balance_minor


@pytest.mark.parametrize("by", [by_queue, by_cart])
def test_what_was_given_is_proven_where_the_best_costs_as_much(by: Any) -> None:
    """However its lines are ordered."""
    assert by(beside({"serves": ("GB",)}), BERLIN_ALONE).proven
    assert not by(beside({"serves": ("GB",)}), BOTH).proven


def test_what_was_given_is_not_proven_where_the_search_was_not() -> None:
    """No plan of four parts is."""
    asked = case(
        at("berlin", mug=1), at("leeds", pot=1), at("lyon", cup=1),
        Candidate(location="wien", country="AT", available={"SAW": 1}),
        lines=wants(("MUG", 1), ("POT", 1), ("CUP", 1), ("SAW", 1)),
        rules=RULES.model_copy(update={"parts_max": 4}),
    )  # fmt: skip
    kept = Kept({"1": "berlin", "2": "leeds", "3": "lyon", "4": "wien"})
    decision, found = by_queue(asked, kept), source(asked).plan
    assert found
    assert decision.plan
    assert decision.plan.cost == found.cost
    assert not decision.proven
