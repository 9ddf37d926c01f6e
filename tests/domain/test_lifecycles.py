"""The lifecycles as a whole: no dead ends, no ways back from an end or from the carrier."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.lifecycles import (
    ENDED,
    FULFILMENT,
    OPEN,
    ORDER,
    RETURN,
    SENTENCES,
    FulfilmentStatus,
    OrderStatus,
    ReturnStatus,
    may_follow,
)

Order, Part, Return = OrderStatus, FulfilmentStatus, ReturnStatus
Table = Mapping[Any, frozenset[Any]]
TABLES = {Order: ORDER, Part: FULFILMENT, Return: RETURN}
BEGINNINGS = {
    Order: Order.RECEIVED,
    Part: Part.PLANNED,
    Return: Return.REQUESTED,
}
each_lifecycle = pytest.mark.parametrize("kind", TABLES, ids=lambda kind: kind.__name__)


def within_reach(table: Table, status: StrEnum) -> set[StrEnum]:
    """What may come after it, sooner or later."""
    reached: set[StrEnum] = set()
    ahead = [status]
    while ahead:
        new = set(table[ahead.pop()]) - reached
        reached |= new
        ahead.extend(new)
    return reached


def ends(table: Table) -> set[StrEnum]:
    return {status for status, after in table.items() if not after}


@st.composite
def lives(draw: st.DrawFn, kind: type[StrEnum]) -> list[Any]:
    """A life that a table allows, from its beginning, of at most 30 steps."""
    life: list[StrEnum] = [BEGINNINGS[kind]]
    for _ in range(draw(st.integers(0, 30))):
        if not (ways := sorted(TABLES[kind][life[-1]])):
            break
        life.append(draw(st.sampled_from(ways)))
    return life


@each_lifecycle
def test_a_table_knows_every_status(kind):
    assert set(TABLES[kind]) == set(kind)


@each_lifecycle
def test_every_status_is_reached_from_the_beginning(kind):
    assert within_reach(TABLES[kind], BEGINNINGS[kind]) | {BEGINNINGS[kind]} == set(kind)


@each_lifecycle
def test_from_every_status_an_end_is_within_reach(kind):
    ended = ends(TABLES[kind])
    assert [s for s in kind if s not in ended and not within_reach(TABLES[kind], s) & ended] == []


@each_lifecycle
def test_nothing_follows_an_end_but_itself(kind):
    for end in ends(TABLES[kind]):
        assert [status for status in kind if may_follow(TABLES[kind], end, status)] == [end]


def test_the_ends_are_those_that_people_know():
    assert ends(ORDER) == {Order.CLOSED, Order.CANCELLED} == ENDED
    assert ends(FULFILMENT) == {Part.DELIVERED, Part.RECALLED}
    assert ends(RETURN) == {Return.CLOSED, Return.CANCELLED}


def test_each_status_of_an_order_has_a_sentence_and_is_open_ended_or_delivered():
    assert set(SENTENCES) == set(Order)
    assert all(sentence.endswith(".") for sentence in SENTENCES.values())
    assert OPEN | ENDED | {Order.DELIVERED} == set(Order)
    assert OPEN & (ENDED | {Order.DELIVERED}) == set()


@given(lives(Order))
def test_an_order_whose_last_goods_have_left_is_neither_cancelled_nor_begun_anew(life):
    left = life.index(Order.SHIPPED) if Order.SHIPPED in life else len(life)
    assert set(life[left:]) <= {Order.SHIPPED, Order.DELIVERED, Order.UNDELIVERED, Order.CLOSED}


@given(lives(Order))
def test_an_order_with_goods_on_their_way_is_not_worked_on_from_the_beginning(life):
    left = life.index(Order.PARTLY_SHIPPED) if Order.PARTLY_SHIPPED in life else len(life)
    assert not set(life[left:]) & {
        Order.RECEIVED,
        Order.VALIDATED,
        Order.RESERVED,
        Order.FULFILLING,
    }


@given(lives(Order))
def test_an_order_is_closed_only_after_its_goods_came_somewhere(life):
    if life[-1] is Order.CLOSED:
        assert life[-2] in (Order.DELIVERED, Order.UNDELIVERED)
    if Order.CANCELLED in life:
        assert life[-2:] == [Order.CANCELLING, Order.CANCELLED]


@given(lives(Part))
def test_goods_leave_once_they_were_asked_for_are_never_recalled_then_and_may_arrive(life):
    if Part.HANDED_OVER in life:
        left = life.index(Part.HANDED_OVER)
        assert set(life[left + 1 :]) <= {Part.DELIVERED, Part.UNDELIVERED}
        assert Part.REQUESTED in life[:left]
    else:
        assert not {Part.DELIVERED, Part.UNDELIVERED} & set(life)


@given(lives(Part))
def test_a_label_is_bought_only_for_what_is_packed(life):
    for at, status in enumerate(life):
        if status is Part.LABELLED:
            assert life[at - 1] is Part.PACKED


@given(lives(Return))
def test_money_goes_back_only_for_goods_that_were_seen_and_once(life):
    assert len(life) == len(set(life)), "a return never goes back"
    if Return.REFUNDED in life:
        assert life[: life.index(Return.REFUNDED)] == [
            Return.REQUESTED,
            Return.RECEIVED,
            Return.INSPECTED,
        ]
    if Return.CANCELLED in life:
        assert Return.RECEIVED not in life
