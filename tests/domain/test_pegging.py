"""Who waits is pegged to what each receipt will give it, and the dates hold if nothing happens."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from domain.pegging import Pegged, Room, peg
from domain.promised import Way, dated, told
from domain.promises import WORKING_WEEK, Calendar
from domain.shelves import Goods, Waiting, WaitingLine

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


def comes(pegged: Pegged, today: date = MONDAY) -> int | None:
    """In how many days from Monday it gets its goods; None: nobody knows."""
    if not pegged.taken or pegged.late:
        return None
    return ((pegged.on or today) - MONDAY).days


def numbered(*goods: Goods) -> list[Goods]:
    return [one._replace(supply_id=f"po-{number}") for number, one in enumerate(goods, 1)]


def test_what_comes_first_is_for_who_is_served_first() -> None:
    queue = [
        order(1, line("cup", 3)),
        order(2, line("cup", 3)),
        order(3, line("cup", 2), priority=1),
    ]
    goods = [coming("cup", 5, 7), coming("cup", 2, 2), here("cup", 1)]
    third, first, second = peg(queue, goods, MONDAY)
    assert gets(third) == [("berlin", "cup", 1, None), ("berlin", "cup", 1, 2)]
    assert gets(first) == [("berlin", "cup", 1, 2), ("berlin", "cup", 2, 7)]
    assert gets(second) == [("berlin", "cup", 3, 7)]
    assert [comes(one) for one in (third, first, second)] == [2, 7, 7]


def test_who_wants_more_than_comes_is_passed_by() -> None:
    """As the receipt does it: there is no date that the first receipt would break."""
    big, small = order(1, line("cup", 10)), order(2, line("cup", 2))
    goods = numbered(coming("cup", 5, 1), coming("cup", 5, 9))
    first, second = peg([big, small], goods, MONDAY)
    assert (comes(first), first.lacks) == (None, (("cup", 2),))
    assert (comes(second), gets(second)) == (1, [("berlin", "cup", 2, 1)])
    at_once = [goods[0]._replace(quantity=10), goods[1]]
    assert [comes(one) for one in peg([big, small], at_once, MONDAY)] == [1, 9]
    last = coming("cup", 2, 12)._replace(supply_id="po-3")
    assert [comes(one) for one in peg([big, small], [*goods, last], MONDAY)] == [12, 1]


def test_lines_of_a_document_for_one_day_come_at_once_and_documents_of_a_day_by_number() -> None:
    big, small = order(1, line("cup", 4)), order(2, line("cup", 3))
    lines = [coming("cup", 3, 1), coming("cup", 1, 1)._replace(line=2)]
    assert [comes(one) for one in peg([big, small], lines, MONDAY)] == [1, None]
    two = [coming("cup", many, 1)._replace(supply_id=f"po-{n}") for n, many in ((10, 1), (9, 3))]
    assert [comes(one) for one in peg([big, small], two, MONDAY)] == [None, 1]


def test_what_comes_fills_the_safety_stock_first() -> None:
    """It keeps of the earliest what it lacks, whoever waits."""
    queue = [order(1, line("cup", 3))]
    lacking = here("cup", -5)
    assert comes(peg(queue, [lacking, coming("cup", 5, 4)], MONDAY)[0]) is None
    assert peg(queue, [lacking, coming("cup", 1, 4)], MONDAY)[0].lacks == (("cup", 7),)
    two = numbered(coming("cup", 6, 4), coming("cup", 2, 8))
    (pegged,) = peg(queue, [lacking, *two], MONDAY)
    assert gets(pegged) == [("berlin", "cup", 1, 4), ("berlin", "cup", 2, 8)]
    assert peg(queue, [lacking, coming("cup", 6, 4)], MONDAY)[0].lacks == (("cup", 2),)


def test_an_order_goes_where_all_of_it_is_first() -> None:
    wants = order(1, line("cup", 1), line("pot", 1), ranked=("berlin", "lyon"))
    goods = [coming("cup", 1, 1), coming("pot", 1, 9), coming("cup", 1, 5, "lyon")]
    assert gets(peg([wants], goods, MONDAY)[0])[1] == ("berlin", "pot", 1, 9)
    (there,) = peg([wants], [*goods, coming("pot", 1, 5, "lyon")], MONDAY)
    assert gets(there) == [("lyon", "cup", 1, 5), ("lyon", "pot", 1, 5)]
    (near,) = peg([wants], [*goods, coming("pot", 1, 5), coming("pot", 1, 5, "lyon")], MONDAY)
    assert {one.location for one in near.pegs} == {"berlin"}


def test_an_order_is_split_as_soon_as_the_queue_can() -> None:
    goods = [coming("cup", 2, 1), coming("pot", 2, 4, "lyon")]
    lines = (line("cup", 2), line("pot", 1))
    (whole,) = peg([order(1, *lines, ranked=("berlin", "lyon"))], goods, MONDAY)
    assert (whole.pegs, whole.lacks) == ((), (("pot", 1),))
    (split,) = peg([order(1, *lines, ranked=("berlin", "lyon"), parts_max=2)], goods, MONDAY)
    assert gets(split) == [("berlin", "cup", 2, 1), ("lyon", "pot", 1, 4)]
    sooner = coming("pot", 1, 3)
    (kept,) = peg([order(1, *lines, ranked=("lyon", "berlin"), parts_max=2)],
                  [*goods, sooner], MONDAY)  # fmt: skip
    assert {one.location for one in kept.pegs} == {"berlin"}
    (parted,) = peg([order(1, *lines, ranked=("lyon", "berlin"), parts_max=2)],
                    [*goods, coming("pot", 1, 30)], MONDAY)  # fmt: skip
    assert (comes(parted), {one.location for one in parted.pegs}) == (4, {"berlin", "lyon"})


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


def test_what_is_overdue_has_no_date_and_it_is_said_since_when() -> None:
    """A day that slides on each midnight is nobody's promise."""
    late, soon = numbered(coming("cup", 1, -9), coming("cup", 1, 5, "lyon"))
    (pegged,) = peg([order(1, line("cup", 1))], [late, soon], MONDAY)
    assert (comes(pegged), pegged.pegs[0].overdue) == (None, True)
    assert told(None, [pegged]).sentence == "No date yet: po-1 is overdue since 2026-11-14."
    queue = [order(n, line("cup", 1), ranked=("berlin", "lyon")) for n in (1, 2, 3)]
    first, second, third = peg(queue, [late, soon], MONDAY)
    assert (comes(first), comes(second)) == (5, None)
    assert told(None, [second, third]).sentence == (
        "No date yet: 1 x cup more must be ordered; po-1 is overdue since 2026-11-14."
    )
    assert comes(peg(queue, [late._replace(expected_on=MONDAY)], MONDAY)[0]) == 0


def test_a_day_is_over_when_it_is_over_where_the_goods_are_to_come() -> None:
    goods = [coming("cup", 1, -1)]
    still = {"berlin": Room(after(-1))}
    assert comes(peg([order(1, line("cup", 1))], goods, MONDAY, still)[0]) == 0
    assert comes(peg([order(1, line("cup", 1))], [coming("cup", 1, 0)], MONDAY,
                     {"berlin": Room(after(1))})[0]) is None  # fmt: skip


def test_a_location_that_takes_on_so_many_a_day_takes_on_those_who_wait_day_by_day() -> None:
    queue = [order(n, line("cup", 1)) for n in range(1, 6)]
    rooms = {"berlin": Room(MONDAY, a_day=2, left=1)}
    pegged = peg(queue, [here("cup", 4)], MONDAY, rooms)
    assert [comes(one) for one in pegged] == [0, 1, 1, 2, None]
    assert told(dated(["berlin"], after(1), WAYS, NOW), [pegged[1]]).sentence == (
        "Leaves by 2026-11-24 and arrives by 2026-11-26: waits for room at berlin on 2026-11-24."
    )
    assert pegged[4].lacks == (("cup", 1),)
    never = {"berlin": Room(MONDAY, a_day=0)}
    (none,) = peg(queue[:1], [here("cup", 4)], MONDAY, never)
    assert (comes(none), told(None, [none]).sentence) == (
        None, "No date yet: no location may serve it.",
    )  # fmt: skip


def test_room_is_dealt_out_to_open_days_and_what_is_left_of_the_first_is_given_now() -> None:
    """On a Friday after the cut-off, orders are taken on for Monday; that is all that is left."""
    queue = [order(n, line("cup", 1)) for n in range(1, 5)]
    friday = after(4)
    rooms = {"berlin": Room(friday, a_day=1, left=1, handled_on=after(7), calendar=Calendar())}
    pegged = peg(queue, [here("cup", 9)], friday, rooms)
    assert [one.on for one in pegged] == [None, after(8), after(9), after(10)]
    full = {"berlin": rooms["berlin"]._replace(left=0)}
    assert [one.on for one in peg(queue[:2], [here("cup", 9)], friday, full)] == [
        after(8),
        after(9),
    ]


def test_goods_that_come_go_to_who_waits_for_room_as_well() -> None:
    """Who waits for room takes what comes, and leaves what it waited beside."""
    queue = [order(n, line("cup", 1)) for n in (1, 2, 3)]
    rooms = {"berlin": Room(MONDAY, a_day=1, left=0)}
    goods = [here("cup", 2), coming("cup", 1, 2)]
    assert [comes(one) for one in peg(queue, goods, MONDAY, rooms)] == [1, 2, 2]
    either = [order(n, line("cup", 1), ranked=("berlin", "lyon")) for n in (1, 2, 3)]
    goods = [here("cup", 2), coming("cup", 1, 1, "lyon")]
    first, second, third = peg(either, goods, MONDAY, rooms)
    assert [comes(one) for one in (first, second, third)] == [1, 1, 2]
    assert {one.location for one in second.pegs} == {"lyon"}
    parts = order(1, line("cup", 2), line("pot", 1), ranked=("berlin", "lyon"), parts_max=2)
    (split,) = peg([parts], [here("cup", 2), here("pot", 1, "lyon")], MONDAY, rooms)
    assert comes(split) == 1


def test_a_promise_is_the_last_day_then_the_location_s_calendar_then_the_way() -> None:
    """What has been at the other location for long is picked from the last day on as well."""
    slow = Way(
        calendar=Calendar(timezone="Europe/Berlin", handling_days=1, holidays=(after(8),)),
        transit_days=3,
        weekdays=WORKING_WEEK,
    )
    taken = (
        coming("pot", 1, 7)._replace(supply_id="po-7"),
        coming("cup", 1, 4)._replace(supply_id="po-4"),
        here("tea", 1, "lyon"),
    )
    ways = {"berlin": slow, "lyon": WAY}
    promised = dated(["berlin", "lyon"], after(7), ways, NOW)
    assert (promised.ship_on, promised.deliver_on) == (after(9), after(14))
    assert dated(["lyon"], after(7), ways, NOW).ship_on == after(7)
    waits = Pegged(order(1, line("cup", 1)), tuple((one, 1) for one in taken), after(7))
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
    assert [(-one.waiting.priority, one.waiting.position) for one in pegged] == sorted(
        (-one.priority, one.position) for one in queue
    )
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


def as_of(day: date, queue: list[Waiting], goods: list[Goods]) -> tuple[list[Waiting], list[Goods]]:
    """What is left of it as that day begins, if all came as it was said."""
    pegged = peg(queue, goods, MONDAY)
    gone = [one for one in pegged if one.taken and not one.late and (one.on or MONDAY) < day]
    used: Counter[Goods] = Counter()
    for one in gone:
        for each, many in one.taken:
            used[each] += many
    served = {one.waiting.key for one in gone}
    left = []
    for each in goods:
        came = each.expected_on is None or MONDAY <= each.expected_on < day
        rest = each._replace(quantity=each.quantity - used[each])
        left.append(rest._replace(expected_on=None, supply_id="") if came else rest)
    return [one for one in queue if one.key not in served], left


@given(orders, supply, st.integers(1, 20))
def test_a_date_holds_as_long_as_nothing_but_what_was_said_happens(
    queue: list[Waiting], goods: list[Goods], days: int
) -> None:
    left, rest = as_of(after(days), queue, goods)
    today = after(days)
    now = {one.waiting.key: comes(one, today) for one in peg(left, rest, today)}
    for was in peg(queue, goods, MONDAY):
        if was.waiting.key in now:
            assert now[was.waiting.key] == comes(was)


@given(orders, supply)
def test_other_orders_bring_none_forward_that_is_not_split(
    queue: list[Waiting], goods: list[Goods]
) -> None:
    whole = [one._replace(parts_max=1) for one in queue]
    (first,) = peg(whole[:1], goods, MONDAY)
    (with_others,) = [one for one in peg(whole, goods, MONDAY) if one.waiting == whole[0]]
    alone, among = comes(first), comes(with_others)
    assert among is None or (alone is not None and alone <= among)
