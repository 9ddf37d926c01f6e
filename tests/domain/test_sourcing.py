"""Which location serves an order: near before plenty, plenty before name, and always the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.orders import Destination
from domain.sourcing import Candidate, rank
from domain.stock import SkuQuantity, summed

GERMANY = Destination(country="DE", postal_code="10115")
TWO_CUPS = (SkuQuantity(sku="cup", quantity=2),)


def at(location: str, country: str, **available: int) -> Candidate:
    return Candidate(location=location, country=country, available=available)


def test_the_destinations_own_country_comes_first() -> None:
    candidates = [at("lyon", "FR", cup=90), at("berlin", "DE", cup=2), at("oslo", "NO", cup=50)]
    assert rank(GERMANY, TWO_CUPS, candidates) == ("berlin", "lyon", "oslo")


def test_within_a_country_the_one_with_most_to_spare_comes_first() -> None:
    candidates = [at("aachen", "DE", cup=3), at("bonn", "DE", cup=9), at("celle", "DE", cup=4)]
    assert rank(GERMANY, TWO_CUPS, candidates) == ("bonn", "celle", "aachen")


def test_the_scarcest_sku_of_the_order_decides_how_much_there_is_to_spare() -> None:
    lines = (*TWO_CUPS, SkuQuantity(sku="pot", quantity=1))
    candidates = [at("aachen", "DE", cup=900, pot=2), at("bonn", "DE", cup=5, pot=4)]
    assert rank(GERMANY, lines, candidates) == ("bonn", "aachen")


def test_a_location_that_lacks_stock_now_is_tried_last_even_if_it_is_near() -> None:
    candidates = [at("berlin", "DE", cup=1), at("bonn", "DE"), at("lyon", "FR", cup=2)]
    assert rank(GERMANY, TWO_CUPS, candidates) == ("lyon", "berlin", "bonn")


def test_a_sku_on_two_lines_is_needed_twice() -> None:
    lines = summed([*TWO_CUPS, *TWO_CUPS])
    candidates = [at("berlin", "DE", cup=3), at("lyon", "FR", cup=4)]
    assert rank(GERMANY, lines, candidates) == ("lyon", "berlin")


def test_an_excluded_location_is_never_named() -> None:
    candidates = [at("berlin", "DE", cup=9), at("lyon", "FR", cup=9)]
    assert rank(GERMANY, TWO_CUPS, candidates, excluded=["berlin"]) == ("lyon",)
    assert rank(GERMANY, TWO_CUPS, candidates, excluded=["lyon", "berlin", "moon"]) == ()


def test_equals_are_ordered_by_name() -> None:
    candidates = [at("celle", "DE", cup=5), at("aachen", "DE", cup=5), at("bonn", "DE", cup=5)]
    assert rank(GERMANY, TWO_CUPS, candidates) == ("aachen", "bonn", "celle")


@pytest.mark.parametrize("candidates", [[], [at("berlin", "DE", cup=5)]])
def test_there_may_be_nowhere_or_one_place_to_go(candidates: list[Candidate]) -> None:
    assert rank(GERMANY, TWO_CUPS, candidates) == tuple(c.location for c in candidates)


CANDIDATES = st.lists(
    st.builds(
        Candidate,
        location=st.text("abc", min_size=1, max_size=3),
        country=st.sampled_from(["DE", "FR", "NO"]),
        available=st.dictionaries(st.sampled_from(["cup", "pot"]), st.integers(0, 4)),
    ),
    max_size=6,
    unique_by=lambda candidate: candidate.location,
)
LINES = st.lists(
    st.builds(SkuQuantity, sku=st.sampled_from(["cup", "pot"]), quantity=st.integers(1, 3)),
    min_size=1,
    max_size=4,
).map(summed)


@given(CANDIDATES, LINES, st.sets(st.text("abc", min_size=1, max_size=3)), st.randoms())
def test_the_order_in_which_candidates_are_told_does_not_matter(
    candidates: list[Candidate], lines: tuple[SkuQuantity, ...], excluded: set[str], chance: object
) -> None:
    shuffled = list(candidates)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    ranked = rank(GERMANY, lines, candidates, excluded)
    assert rank(GERMANY, lines, shuffled, sorted(excluded)) == ranked
    assert sorted(ranked) == sorted({c.location for c in candidates} - excluded)


@given(CANDIDATES, LINES)
def test_whoever_can_serve_stands_before_whoever_cannot(
    candidates: list[Candidate], lines: tuple[SkuQuantity, ...]
) -> None:
    able = {
        candidate.location: all(
            candidate.available.get(line.sku, 0) >= line.quantity for line in lines
        )
        for candidate in candidates
    }
    serves = [able[location] for location in rank(GERMANY, lines, candidates)]
    assert serves == sorted(serves, reverse=True)
