"""Who waits is pegged to goods that exist, in turn, and dates move the way that goods do."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from domain.pegging import Goods, Peg, Pegged, Waiting, WaitingLine, peg
from domain.promised import Way, dated, told
from domain.promises import WORKING_WEEK, Calendar

MONDAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
PLACES = ("berlin", "lyon", "wien")
WAY = Way(calendar=Calendar(), transit_days=2, weekdays=WORKING_WEEK)
WAYS = dict.fromkeys(PLACES, WAY)


def after(days: int) -> date:
    return MONDAY + timedelta(days)


def line(sku: str, quantity: int, **unit: int) -> WaitingLine:
    made_of = tuple(unit.items()) or ((sku, 1),)
    return WaitingLine(line_id=sku, sku=sku, quantity=quantity, unit=made_of)


def order(
    position: int, *lines: WaitingLine, ranked: tuple[str, ...] = ("berlin",), **more: Any
) -> Waiting:
    who = f"a-{position}"
    return Waiting(
        key=who, order_id=who, lines=lines, ranked=ranked, position=position, **more
    )  # fmt: skip


def coming(sku: str, quantity: int, days: int, location: str = "berlin") -> Goods:
    return Goods(
        location=location,
        sku=sku,
        quantity=quantity,
        supply_id=f"po-{50 - days}",
        line=1,
        expected_on=after(days),
    )


def here(sku: str, quantity: int, location: str = "berlin") -> Goods:
    return Goods(location=location, sku=sku, quantity=quantity)


def gets(pegged: Pegged) -> list[tuple[str, str, int, int | None]]:
    """Where, what, how many, and in how many days."""
    return [
        (one.location, one.sku, one.quantity,
         (one.expected_on - MONDAY).days if one.expected_on else None)
        for one in pegged.pegs
    ]  # fmt: skip


def shares(pegged: Pegged) -> Counter[tuple[str, str]]:
    """How much of which SKU comes from where, on whatever day."""
    total: Counter[tuple[str, str]] = Counter()
    for one in pegged.pegs:
        total[one.location, one.sku] += one.quantity
    return total


def test_what_comes_first_is_for_who_is_served_first() -> None:
    queue = [
        order(1, line("cup", 3)),
        order(2, line("cup", 2)),
        order(3, line("cup", 2), priority=1),
    ]
    goods = [coming("cup", 4, 7), coming("cup", 2, 2), here("cup", 1)]
    third, first, second = peg(queue, goods, MONDAY)
    assert gets(third) == [("berlin", "cup", 1, None), ("berlin", "cup", 1, 2)]
    assert gets(first) == [("berlin", "cup", 1, 2), ("berlin", "cup", 2, 7)]
    assert gets(second) == [("berlin", "cup", 2, 7)]


def test_an_order_goes_where_all_of_it_is_first() -> None:
    wants = order(1, line("cup", 1), line("pot", 1), ranked=("berlin", "lyon"))
    goods = [coming("cup", 1, 1), coming("pot", 1, 9), coming("cup", 1, 5, "lyon")]
    assert gets(peg([wants], goods, MONDAY)[0])[1] == ("berlin", "pot", 1, 9)
    (there,) = peg([wants], [*goods, coming("pot", 1, 5, "lyon")], MONDAY)
    assert gets(there) == [("lyon", "cup", 1, 5), ("lyon", "pot", 1, 5)]
    (near,) = peg([wants], [*goods, coming("pot", 1, 5), coming("pot", 1, 5, "lyon")], MONDAY)
    assert {one.location for one in near.pegs} == {"berlin"}


def test_an_order_is_split_only_where_no_location_will_have_it_all() -> None:
    goods = [coming("cup", 2, 1), coming("pot", 2, 4, "lyon")]
    lines = (line("cup", 2), line("pot", 1))
    (whole,) = peg([order(1, *lines, ranked=("berlin", "lyon"))], goods, MONDAY)
    assert (whole.pegs, whole.lacks) == ((), (("pot", 1),))
    (split,) = peg([order(1, *lines, ranked=("berlin", "lyon"), parts_max=2)], goods, MONDAY)
    assert gets(split) == [("berlin", "cup", 2, 1), ("lyon", "pot", 1, 4)]
    (later,) = peg([order(1, *lines, ranked=("lyon", "berlin"), parts_max=2)],
                   [*goods, coming("pot", 1, 30)], MONDAY)  # fmt: skip
    assert {one.location for one in later.pegs} == {"berlin"}


def test_a_unit_of_a_bundle_comes_from_one_location() -> None:
    sets = order(1, line("set", 2, cup=2, pot=1), ranked=("berlin", "lyon"), parts_max=2)
    goods = [coming("cup", 3, 1), coming("pot", 1, 1), coming("cup", 1, 1, "lyon")]
    (lacking,) = peg([sets], [*goods, coming("pot", 1, 1, "lyon")], MONDAY)
    assert lacking.pegs == ()
    (split,) = peg([sets], [*goods, coming("cup", 1, 3, "lyon"), coming("pot", 1, 2, "lyon")],
                   MONDAY)  # fmt: skip
    assert gets(split) == [
        ("berlin", "cup", 2, 1), ("berlin", "pot", 1, 1),
        ("lyon", "cup", 1, 1), ("lyon", "cup", 1, 3), ("lyon", "pot", 1, 2),
    ]  # fmt: skip


def test_what_is_overdue_may_come_from_today_on() -> None:
    late, soon = coming("cup", 1, -9), coming("cup", 1, 0, "lyon")
    (pegged,) = peg([order(1, line("cup", 1), ranked=("lyon", "berlin"))], [late, soon], MONDAY)
    assert pegged.pegs[0].location == "lyon"
    assert dated([Peg(location="berlin", sku="cup", quantity=1, expected_on=after(-9))], WAYS,
                 NOW).ship_on == MONDAY  # fmt: skip


def test_a_promise_is_the_last_day_then_the_location_s_calendar_then_the_way() -> None:
    slow = Way(
        calendar=Calendar(timezone="Europe/Berlin", handling_days=1, holidays=(after(8),)),
        transit_days=3,
        weekdays=WORKING_WEEK,
    )
    pegs = [
        Peg(location="berlin", sku="pot", quantity=1, supply_id="po-7", expected_on=after(7)),
        Peg(location="berlin", sku="cup", quantity=1, supply_id="po-4", expected_on=after(4)),
        Peg(location="lyon", sku="tea", quantity=1),
    ]
    promised = dated(pegs, {"berlin": slow, "lyon": WAY}, NOW)
    assert (promised.ship_on, promised.deliver_on) == (after(9), after(14))
    taken = [Goods(**one.model_dump()) for one in pegs]
    waits = Pegged(order(1, line("cup", 1)), tuple((goods, goods.quantity) for goods in taken))
    assert told(promised, [waits]).sentence == (
        "Leaves by 2026-12-02 and arrives by 2026-12-07: "
        "waits for po-4 on 2026-11-27 and po-7 on 2026-11-30."
    )


def test_without_goods_on_their_way_it_is_said_what_must_be_ordered() -> None:
    pegged = peg([order(1, line("cup", 5), line("pot", 1))], [coming("cup", 2, 1)], MONDAY)
    assert told(None, pegged).sentence == "No date yet: 3 x cup and 1 x pot more must be ordered."
    nowhere = peg([order(1, line("cup", 5), ranked=())], [coming("cup", 9, 1)], MONDAY)
    assert nowhere[0].lacks == (("cup", 5),)
    assert told(None, nowhere).sentence == "No date yet: no location may serve it."


skus = st.sampled_from(("cup", "pot", "tea"))
lines_ = st.one_of(
    st.builds(line, skus, st.integers(1, 3)),
    st.builds(line, st.just("set"), st.integers(1, 2), cup=st.integers(1, 2), pot=st.just(1)),
)
places = st.lists(st.sampled_from(PLACES), unique=True, max_size=3).map(tuple)
orders = st.lists(
    st.tuples(
        st.lists(lines_, min_size=1, max_size=2, unique_by=lambda one: one.sku),
        places,
        st.integers(1, 3),
        st.integers(0, 2),
    ),
    min_size=1,
    max_size=6,
).map(
    lambda drawn: [
        order(position, *lines, ranked=ranked, parts_max=parts_max, priority=priority)
        for position, (lines, ranked, parts_max, priority) in enumerate(drawn)
    ]
)
supply = st.lists(
    st.tuples(skus, st.integers(0, 5), st.integers(-2, 20), st.sampled_from(PLACES)), max_size=10
).map(
    lambda drawn: [
        coming(*one)._replace(supply_id=f"po-{number}") for number, one in enumerate(drawn)
    ]
)


@given(orders, supply)
def test_nothing_is_pegged_twice_and_each_order_gets_all_or_nothing(
    queue: list[Waiting], goods: list[Goods]
) -> None:
    pegged = peg(queue, goods, MONDAY)
    used: Counter[str] = Counter()
    for one in pegged:
        got: Counter[str] = Counter()
        for each in one.pegs:
            used[each.supply_id] += each.quantity
            got[each.sku] += each.quantity
        wanted: Counter[str] = Counter()
        for each_line in one.waiting.lines:
            for sku, many in each_line.unit:
                wanted[sku] += many * each_line.quantity
        assert got == (wanted if one.pegs else Counter())
        assert bool(one.lacks) != bool(one.pegs)
        locations = {each.location for each in one.pegs}
        assert locations <= set(one.waiting.ranked)
        assert len(locations) <= one.waiting.parts_max
    assert all(used[one.supply_id] <= one.quantity for one in goods)
    assert {one.waiting.key for one in pegged} == {one.key for one in queue}


@given(orders, supply)
def test_who_is_served_later_changes_nothing_for_who_is_served_first(
    queue: list[Waiting], goods: list[Goods]
) -> None:
    pegged = peg(queue, goods, MONDAY)
    turns = [(-one.waiting.priority, one.waiting.position) for one in pegged]
    assert turns == sorted(turns)
    for many in range(len(queue)):
        ahead = [one.waiting for one in pegged[:many]]
        assert peg(reversed(ahead), reversed(goods), MONDAY) == pegged[:many]


@given(orders, supply, st.data())
def test_goods_that_come_later_bring_no_order_forward_unless_one_before_goes_elsewhere(
    queue: list[Waiting], goods: list[Goods], data: st.DataObject
) -> None:
    assume(goods)
    moved = data.draw(st.integers(0, len(goods) - 1))
    day = goods[moved].expected_on
    assert day is not None
    later = list(goods)
    by = timedelta(data.draw(st.integers(1, 30)))
    later[moved] = goods[moved]._replace(expected_on=day + by)
    for was, now in zip(peg(queue, goods, MONDAY), peg(queue, later, MONDAY), strict=True):
        assert bool(was.pegs) == bool(now.pegs)
        if was.pegs:
            before, after_ = dated(was.pegs, WAYS, NOW), dated(now.pegs, WAYS, NOW)
            assert after_.ship_on >= before.ship_on
            assert after_.deliver_on >= before.deliver_on
        if shares(was) != shares(now):
            return


@given(orders, supply, st.data())
def test_more_goods_never_delay_who_is_served_first(
    queue: list[Waiting], goods: list[Goods], data: st.DataObject
) -> None:
    more = data.draw(supply)
    first, richer = peg(queue, goods, MONDAY)[0], peg(queue, [*goods, *more], MONDAY)[0]
    if first.pegs and len({one.location for one in first.pegs}) == 1:
        assert dated(richer.pegs, WAYS, NOW).deliver_on <= dated(first.pegs, WAYS, NOW).deliver_on
