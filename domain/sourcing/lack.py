"""What an order that cannot ship waits for: goods, a location's next day, or a location at all."""

from collections.abc import Mapping
from typing import Any

from domain.sourcing.case import Case
from domain.sourcing.decision import Bar, Decision
from domain.sourcing.problem import needed
from domain.sourcing.source import source
from domain.stock import Lack

UNLIMITED: Mapping[str, Any] = {"capacity_left": None}


def lack(case: Case, decision: Decision) -> Lack:
    """Tell why there was no plan, by what there would be one with.

    Where a location is full that is asked first: its next day comes by itself. The same search
    answers, so that a split and every other rule count.
    """
    bars = {one.bar for one in decision.candidates}
    if Bar.NO_CAPACITY in bars and _could_ship(case, UNLIMITED):
        return Lack.CAPACITY
    # one that lacks stock and nothing else could ship it all, had it the goods
    if Bar.STOCK in bars or _could_ship(case, {**UNLIMITED, "available": needed(case.lines)}):
        return Lack.STOCK
    return Lack.NO_LOCATION


def _could_ship(case: Case, had: Mapping[str, Any]) -> bool:
    candidates = tuple(one.model_copy(update=had) for one in case.candidates)
    return source(case.model_copy(update={"candidates": candidates})).plan is not None
