"""What a channel is shown is never more than can be had, and never less because there is more."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.selling import ComponentStock, Sellable, SellingRule, SellingRules, sellable

PLACES = ("berlin", "lyon", "leeds")
UNITS = st.integers(0, 40)
PLAIN = SellingRule()


def cups(waiting: int = 0, backorder_max: int = 0, each: int = 1, **at: int) -> ComponentStock:
    return ComponentStock(
        sku="cup", quantity=each, available=at, waiting=waiting, backorder_max=backorder_max
    )


def pots(waiting: int = 0, each: int = 1, **at: int) -> ComponentStock:
    return ComponentStock(sku="pot", quantity=each, available=at, waiting=waiting)


def quantity(rule: SellingRule, *components: ComponentStock) -> int:
    return sellable(components, rule).quantity


RULES = st.builds(
    SellingRule,
    buffer=st.integers(0, 15),
    buffer_percent=st.integers(0, 100),
    cap=st.none() | UNITS,
    hidden_below=st.integers(0, 10),
    locations=st.none() | st.lists(st.sampled_from(PLACES), unique=True).map(tuple),
)


@st.composite
def component(draw: st.DrawFn, sku: str) -> ComponentStock:
    return ComponentStock(
        sku=sku,
        quantity=draw(st.integers(1, 4)),
        available=draw(st.dictionaries(st.sampled_from(PLACES), UNITS)),
        waiting=draw(st.integers(0, 15)),
        backorder_max=draw(st.sampled_from([0, 0, 5, 20])),
    )


COMPONENTS = st.tuples(component("a")) | st.tuples(component("a"), component("b"))


@pytest.mark.parametrize(
    ("rule", "shown", "kept_back", "limit"),
    [
        (PLAIN, 20, 0, ""),
        (SellingRule(buffer=5), 15, 5, ""),
        (SellingRule(buffer=50), 0, 20, ""),
        (SellingRule(buffer_percent=30), 14, 6, ""),
        (SellingRule(buffer_percent=33), 13, 7, ""),
        (SellingRule(buffer=5, buffer_percent=30), 14, 6, ""),
        (SellingRule(buffer=7, buffer_percent=30), 13, 7, ""),
        (SellingRule(cap=12), 12, 0, "cap"),
        (SellingRule(cap=20), 20, 0, ""),
        (SellingRule(buffer=2, cap=18), 18, 2, ""),
        (SellingRule(hidden_below=20), 20, 0, ""),
        (SellingRule(hidden_below=21), 0, 0, "hidden_below"),
        (SellingRule(hidden_below=10, cap=5), 5, 0, "cap"),
        (SellingRule(locations=("lyon",)), 8, 0, ""),
        (SellingRule(locations=()), 0, 0, ""),
    ],
)
def test_each_rule_takes_its_part(
    rule: SellingRule, shown: int, kept_back: int, limit: str
) -> None:
    found = sellable([cups(berlin=12, lyon=8)], rule)
    assert (found.quantity, found.kept_back, found.limit) == (shown, kept_back, limit)


def test_what_waits_in_the_queue_is_spoken_for() -> None:
    assert quantity(PLAIN, cups(berlin=5, waiting=3)) == 2
    assert quantity(PLAIN, cups(berlin=5, waiting=9)) == 0
    assert quantity(SellingRule(buffer=1), cups(berlin=5, waiting=3)) == 1


def test_a_sku_may_be_sold_beyond_its_stock_up_to_its_cap_on_backorders() -> None:
    assert quantity(PLAIN, cups(backorder_max=10)) == 10
    assert quantity(PLAIN, cups(berlin=5, backorder_max=10, waiting=4)) == 11
    assert quantity(PLAIN, cups(backorder_max=10, waiting=10)) == 0
    assert quantity(SellingRule(buffer=8), cups(berlin=5, backorder_max=10)) == 10


def test_a_unit_of_a_bundle_comes_from_one_location() -> None:
    apart = (cups(berlin=4), pots(lyon=4))
    assert quantity(PLAIN, *apart) == 0
    together = (cups(berlin=4, lyon=2, each=2), pots(berlin=9, lyon=1))
    assert quantity(PLAIN, *together) == 3
    assert quantity(SellingRule(locations=("lyon",)), *together) == 1


def test_orders_that_wait_for_a_component_lessen_a_bundle_only_where_they_must() -> None:
    assert quantity(PLAIN, cups(berlin=100, waiting=3), pots(berlin=5)) == 5
    assert quantity(PLAIN, cups(berlin=6, waiting=3), pots(berlin=5)) == 3
    assert quantity(PLAIN, cups(berlin=6, waiting=3, each=2), pots(berlin=5)) == 1


def test_a_bundle_is_backordered_only_as_far_as_each_component_is() -> None:
    assert quantity(PLAIN, cups(backorder_max=10), pots(berlin=3)) == 0
    spare = ComponentStock(sku="pot", available={}, backorder_max=4)
    assert quantity(PLAIN, cups(backorder_max=10, each=2), spare) == 4


def test_the_sentence_says_where_the_number_comes_from() -> None:
    found = sellable([cups(berlin=20, waiting=3)], SellingRule(buffer=5, cap=10))
    assert found.sentence == (
        "10 to sell: 20 free, 5 kept back, 3 claimed by orders that wait, limited by the cap."
    )
    hidden = sellable([cups(berlin=2)], SellingRule(hidden_below=3))
    assert hidden.sentence == "0 to sell: 2 free, hidden: too few."
    assert sellable([cups(backorder_max=1)], PLAIN).sentence == (
        "1 to sell: 0 free, 1 on backorder."
    )


def test_a_sku_with_a_rule_of_its_own_follows_no_other() -> None:
    rules = SellingRules(standard=SellingRule(buffer=5), skus={"cup": SellingRule(cap=3)})
    assert rules.rule_for("cup") == SellingRule(cap=3)
    assert rules.rule_for("pot") == SellingRule(buffer=5)


@given(COMPONENTS, RULES)
def test_nothing_is_promised_that_its_components_do_not_cover(
    components: tuple[ComponentStock, ...], rule: SellingRule
) -> None:
    sold = quantity(rule, *components)
    assert sold >= 0
    for part in components:
        here = sum(n for place, n in part.available.items() if rule.serves(place))
        assert sold == 0 or sold * part.quantity <= here + part.backorder_max - part.waiting
    assert sold <= (rule.cap if rule.cap is not None else sold)
    assert sold == 0 or rule.hidden_below <= sold or sold == rule.cap


@given(COMPONENTS, RULES)
def test_without_backorders_the_stock_serves_every_unit_from_one_place(
    components: tuple[ComponentStock, ...], rule: SellingRule
) -> None:
    firm = [part.model_copy(update={"backorder_max": 0}) for part in components]
    assert quantity(rule, *firm) <= handed_out(firm, rule)


@given(COMPONENTS, RULES, st.sampled_from(PLACES), st.integers(1, 10), st.integers(0, 1))
def test_more_stock_never_shows_less(
    components: tuple[ComponentStock, ...], rule: SellingRule, place: str, more: int, which: int
) -> None:
    chosen = components[which % len(components)]
    grown = {**chosen.available, place: chosen.available.get(place, 0) + more}
    richer = [
        part.model_copy(update={"available": grown}) if part is chosen else part
        for part in components
    ]
    assert quantity(rule, *richer) >= quantity(rule, *components)


@given(COMPONENTS, RULES)
def test_the_parts_of_a_sellable_add_up(
    components: tuple[ComponentStock, ...], rule: SellingRule
) -> None:
    found: Sellable = sellable(components, rule)
    unlimited = found.free - found.kept_back + found.backorder - found.claimed
    assert min(found.free, found.kept_back, found.claimed, found.backorder, unlimited) >= 0
    if not found.limit:
        assert found.quantity == unlimited
    assert found.quantity <= unlimited


def handed_out(components: list[ComponentStock], rule: SellingRule) -> int:
    """How many units one can put together by hand, one after another, each at one place."""
    units = 0
    for place in PLACES:
        left = {part.sku: part.available.get(place, 0) for part in components}
        while rule.serves(place) and all(left[p.sku] >= p.quantity for p in components):
            for part in components:
                left[part.sku] -= part.quantity
            units += 1
    return units
