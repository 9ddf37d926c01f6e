"""Which of several waits is shown for the whole."""

import itertools
from datetime import UTC, datetime
from operator import attrgetter

import pytest

from domain.waits import PRESSING, Owner, Wait, most_pressing

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


def waits(*owners: Owner) -> list[Wait]:
    return [
        Wait(owner=owner, what=f"work {number}", since=NOON) for number, owner in enumerate(owners)
    ]


def test_every_owner_has_its_place_among_the_pressing() -> None:
    assert sorted(PRESSING) == sorted(Owner)


@pytest.mark.parametrize(("first", "second"), [(a, b) for a, b in itertools.pairwise(PRESSING)])
def test_whoever_must_be_chased_first_counts_in_whatever_order(first: Owner, second: Owner) -> None:
    for asked in (waits(first, second), waits(second, first)):
        shown = most_pressing(asked, attrgetter("owner"))
        assert shown is not None
        assert shown.owner is first


def test_of_several_that_press_alike_the_first_counts() -> None:
    asked = waits(Owner.US, Owner.CARRIER, Owner.CARRIER)
    assert most_pressing(asked, attrgetter("owner")) == asked[1]


def test_whom_it_is_waited_for_may_be_worked_out() -> None:
    whom = {"mine": Owner.US, "theirs": Owner.OPERATOR}
    assert most_pressing(whom, whom.__getitem__) == "theirs"


def test_nothing_waits_for_nobody() -> None:
    assert most_pressing([], attrgetter("owner")) is None
