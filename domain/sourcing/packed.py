"""Whether goods that a location has packed may still leave from there, for another destination."""

from domain.sourcing.case import Case
from domain.sourcing.decision import Bar
from domain.sourcing.problem import barred_lines, needed, problem


def barred(case: Case, location: str) -> Bar | None:
    """The hard rule that keeps what is packed there from the case's destination; None if none.

    It has the goods and has spent its day's work on them: neither can keep them.
    """
    packed = {"active": True, "capacity_left": None, "available": needed(case.lines)}
    there = tuple(one.model_copy(update=packed) for one in case.candidates)
    there = tuple(one for one in there if one.location == location)
    read, bars, _ = problem(case.model_copy(update={"candidates": there, "excluded": ()}))
    if location in bars:
        return bars[location]
    found = (bar for place in read.places for bar in barred_lines(place, read.lines).values())
    return next(found, None)
