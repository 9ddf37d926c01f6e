"""Lines of an order that has other parts: how many more there may be, and how it is told."""

from typing import Any

import pytest

from domain.sourcing.case import Candidate, Case
from domain.sourcing.claims import claim
from domain.sourcing.decision import Decision
from domain.sourcing.given import given
from domain.sourcing.source import source
from domain.stock import Part
from tests.domain.test_sourcing_decision import MUGS, RULES, at, case, shipped, wants

APART = (at("berlin", mug=2), at("lyon", pot=1))


def again(*candidates: Candidate, standing: int, parts_max: int, **more: Any) -> Case:
    rules = RULES.model_copy(update={"parts_max": parts_max})
    said: dict[str, Any] = {"lines": MUGS, "rules": rules, "partial": True} | more
    return case(*candidates, parts_standing=standing, **said)


@pytest.mark.parametrize(
    ("parts_max", "standing", "splits"),
    [(2, 0, True), (2, 1, False), (3, 1, True), (3, 2, False), (2, 5, False)],
)
def test_parts_that_stand_leave_fewer_to_be_made(
    parts_max: int, standing: int, *, splits: bool
) -> None:
    asked = again(*APART, standing=standing, parts_max=parts_max)
    assert (source(asked).plan is not None) is splits
    whole = again(at("berlin", mug=2, pot=1), standing=standing, parts_max=parts_max)
    assert shipped(source(whole)) == {"berlin": {"1": 2, "2": 1}}


@pytest.mark.parametrize(
    ("standing", "queue", "looks"), [(0, 3, True), (1, 2, True), (2, 1, False), (7, 1, False)]
)
def test_the_queue_is_told_how_many_parts_are_left(
    standing: int, queue: int, *, looks: bool
) -> None:
    waits = again(at("berlin", mug=1), standing=standing, parts_max=3)
    asked = claim("shop", waits, source(waits))
    assert (asked.parts_max, asked.split_at) == (queue, ("berlin",) if looks else ())


def why(asked: Case) -> str:
    return source(asked).sentence


def test_lines_of_an_order_that_has_more_are_not_called_all_of_it() -> None:
    berlin = at("berlin", mug=9, pot=9)
    assert "Berlin ships all 2 lines: " in why(case(berlin, lines=MUGS))
    some = {"standing": 1, "parts_max": 3}
    assert "Berlin ships the 2 lines asked for: " in why(again(berlin, **some))
    assert "Berlin ships the 3 units asked for: " in why(
        again(berlin, lines=wants(("MUG", 3)), **some)
    )
    assert "Berlin ships the unit asked for: " in why(
        again(berlin, lines=wants(("MUG", 1)), **some)
    )
    assert why(again(*APART, **some)).startswith(
        "Berlin ships 1 of the 2 lines asked for (7 km) and Lyon ships 1 of the 2 lines asked for "
    )
    cups = (at("berlin", mug=3), at("lyon", mug=2))
    assert "Berlin ships 3 of the 5 units asked for (7 km) and " in why(
        again(*cups, lines=wants(("MUG", 5)), **some)
    )


@pytest.mark.parametrize(
    ("standing", "parts_max", "told"),
    [
        (0, 2, "in up to 2 parts: "),
        (1, 3, "in up to 2 parts beside the order's other 1: "),
        (1, 2, "in one part beside the order's other 1: "),
        (4, 2, "in one part beside the order's other 4: "),
    ],
)
def test_who_waits_is_told_in_how_many_parts_it_may_ship(
    standing: int, parts_max: int, told: str
) -> None:
    waits = again(at("berlin", mug=2), standing=standing, parts_max=parts_max)
    assert why(waits).startswith(f"No location can ship all that is asked for {told}Berlin lacks")
    never = again(at("berlin", mug=2), standing=standing, parts_max=1)
    assert why(never).startswith("No location can ship all that is asked for: Berlin lacks ")


def tail(decision: Decision) -> str:
    return decision.sentence.rpartition(", and ")[2]


def places(**costs: int) -> list[Candidate]:
    return [
        at("berlin", can={"cost_minor": cost}, mug=9, pot=9).model_copy(
            update={"location": name, "name": name}
        )
        for name, cost in costs.items()
    ]


def test_those_that_are_not_named_are_told_by_what_they_cost() -> None:
    def of(*more: Candidate, **costs: int) -> str:
        return tail(source(case(*places(**costs), *more, lines=MUGS)))

    assert of(a=0, b=1, c=2, d=3, e=4) == "1 more cost more."
    assert of(a=0, b=0, c=0, d=0, e=0) == "1 more cost the same or more."
    assert of(at("lyon"), a=0, b=1, c=2, d=3, e=4) == "2 more cannot or cost more."
    assert of(at("lyon"), at("leeds"), a=0, b=1, c=2) == "1 more cannot."
    waits = source(case(*(one.model_copy(update={"available": {}}) for one in places(a=0, b=0, c=0,
                          d=0)), lines=MUGS))  # fmt: skip
    assert ", and 1 more cannot; waits for 2 of MUG and 1 of POT." in waits.sentence


def test_what_the_queue_gave_hides_no_cheaper_location_as_dearer() -> None:
    asked = case(*places(a=0, b=0, c=0, d=0, z=9), lines=MUGS)
    own = source(asked).plan
    assert own
    gift = Part(location="z", lines=own.parts[0].lines, items=own.parts[0].items)
    assert tail(given(asked, [gift], "counted")) == "1 more may cost less."


def test_a_split_is_measured_by_the_least_worth_only_where_something_is_priced() -> None:
    rules = RULES.model_copy(update={"part_value_min_minor": 1_000})
    free = tuple(line.model_copy(update={"value_minor": 0}) for line in MUGS)
    assert source(case(*APART, lines=MUGS, rules=rules)).plan is None
    assert source(case(*APART, lines=free, rules=rules, currency="EUR")).plan is None
    assert source(case(*APART, lines=free, rules=rules)).plan is not None
    waits = case(APART[0], lines=free, rules=rules)
    assert claim("shop", waits, source(waits)).parts_max == 2
