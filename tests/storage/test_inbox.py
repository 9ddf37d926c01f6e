"""The inbox keeps what was said, once, and gives each order's rows to one deliverer at a time."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from domain.errors import Unavailable
from storage.deliveries import Deliveries, LeaseLost
from storage.inbox import Inbox
from storage.intake import OrderIntake
from storage.orders import PostgresOrderBook
from tests.storage.orderbook import ID, a_label, a_parcel, a_record, an_order

ORDER = "demo-1"


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    made = create_async_engine(database_url)
    yield made
    await made.dispose()


@pytest.fixture
def inbox(engine: AsyncEngine) -> Inbox:
    return Inbox(engine)


@pytest.fixture
def deliveries(engine: AsyncEngine) -> Deliveries:
    return Deliveries(engine)


async def _put(inbox: Inbox, key: str, order_id: str | None = ORDER, kind: str = "hold") -> str:
    return (await inbox.put("operator", kind, key, b"{}", order_id=order_id, by="key-1")).event_id


async def _all(engine: AsyncEngine, query: str) -> list[tuple]:
    async with engine.connect() as connection:
        return [tuple(row) for row in await connection.execute(text(query))]


async def test_what_is_said_twice_is_kept_once(
    inbox: Inbox, deliveries: Deliveries, engine: AsyncEngine
) -> None:
    first = await inbox.put("demo", "order", "e1", b"first", order_id=ORDER)
    again = await inbox.put("demo", "order", "e1", b"second", order_id=ORDER)
    assert (first.duplicate, again.duplicate) == (False, True)
    assert first.event_id == again.event_id
    assert await _all(engine, "SELECT body FROM inbox") == [(b"first",)]


async def test_the_same_key_from_another_source_is_another_event(
    inbox: Inbox, deliveries: Deliveries
) -> None:
    first = await inbox.put("demo", "order", "e1", b"", order_id=ORDER)
    other = await inbox.put("shop", "order", "e1", b"", order_id=ORDER)
    assert not other.duplicate
    assert other.event_id != first.event_id


async def test_the_same_event_sent_at_the_same_moment_is_kept_once(
    inbox: Inbox, deliveries: Deliveries
) -> None:
    receipts = await asyncio.gather(
        *(inbox.put("demo", "order", "e1", b"x", order_id=ORDER) for _ in range(8))
    )
    assert len({receipt.event_id for receipt in receipts}) == 1
    assert sorted(receipt.duplicate for receipt in receipts) == [False] + [True] * 7


async def test_an_unreadable_body_is_kept_and_becomes_a_task_and_is_not_delivered(
    inbox: Inbox, deliveries: Deliveries, engine: AsyncEngine
) -> None:
    receipt = await inbox.put("demo", "orders/create", "e1", b"{broken", task="body: no JSON")
    await inbox.put("demo", "orders/create", "e1", b"{broken", task="body: no JSON")
    assert await deliveries.lease() == ()
    assert await _all(engine, "SELECT kind, key, inbox_id::text, message FROM tasks") == [
        ("unreadable", f"inbox:{receipt.event_id}", receipt.event_id, "body: no JSON")
    ]


async def test_an_orders_rows_come_oldest_first_under_one_lease(
    inbox: Inbox, deliveries: Deliveries
) -> None:
    said = [await _put(inbox, f"k{n}") for n in range(5)]
    (lease,) = await deliveries.lease(many=8)
    assert lease.lane == ORDER
    assert [row.event_id for row in lease.rows] == said
    assert await deliveries.lease(many=8) == ()


async def test_two_deliverers_never_hold_the_same_order(
    inbox: Inbox, deliveries: Deliveries
) -> None:
    for n in range(30):
        await _put(inbox, f"k{n}", f"demo-{n}")
    taken = await asyncio.gather(*(deliveries.lease(many=10) for _ in range(6)))
    lanes = [lease.lane for leases in taken for lease in leases]
    assert len(lanes) == len(set(lanes))
    rest = await deliveries.lease(many=30)
    assert sorted([*lanes, *(lease.lane for lease in rest)]) == sorted(
        f"demo-{n}" for n in range(30)
    )


async def test_a_delivered_row_does_not_come_again(inbox: Inbox, deliveries: Deliveries) -> None:
    first, second = await _put(inbox, "k1"), await _put(inbox, "k2")
    (lease,) = await deliveries.lease()
    await deliveries.delivered(lease, first)
    await deliveries.give_back(lease)
    (lease,) = await deliveries.lease()
    assert [row.event_id for row in lease.rows] == [second]
    state = await inbox.state(first)
    assert state is not None
    assert state.delivered_at is not None
    assert state.settled_at is None


async def test_the_last_row_of_a_lease_ends_it(inbox: Inbox, deliveries: Deliveries) -> None:
    first = await _put(inbox, "k1")
    (lease,) = await deliveries.lease()
    second = await _put(inbox, "k2")
    assert await deliveries.lease() == ()
    await deliveries.delivered(lease, first, last=True)
    (lease,) = await deliveries.lease()
    assert [row.event_id for row in lease.rows] == [second]


async def test_what_came_too_late_is_settled_with_its_reason(
    inbox: Inbox, deliveries: Deliveries
) -> None:
    event = await _put(inbox, "k1")
    (lease,) = await deliveries.lease()
    await deliveries.delivered(lease, event, settled=True, refused="order_closed")
    state = await inbox.state(event)
    assert state is not None
    assert state.settled_at is not None
    assert state.refused == "order_closed"


async def test_a_lease_that_ran_out_is_taken_over_and_its_holder_writes_nothing(
    engine: AsyncEngine,
) -> None:
    inbox = Inbox(engine)
    slow, quick = Deliveries(engine, lease_s=0), Deliveries(engine)
    event = await _put(inbox, "k1")
    (old,) = await slow.lease()
    (new,) = await quick.lease()
    assert new.token != old.token
    for last in (False, True):
        with pytest.raises(LeaseLost):
            await slow.delivered(old, event, last=last)
    with pytest.raises(LeaseLost):
        await slow.failed(old, event, "late")
    with pytest.raises(LeaseLost):
        await slow.defer(old, event, 1, "late")
    await slow.give_back(old)
    state = await inbox.state(event)
    assert state is not None
    assert (state.delivered_at, state.last_error) == (None, "")
    await quick.delivered(new, event)


async def test_writing_under_a_lease_renews_it(engine: AsyncEngine) -> None:
    inbox, first = Inbox(engine), Deliveries(engine, lease_s=0)
    event = await _put(inbox, "k1")
    await _put(inbox, "k2")
    (lease,) = await first.lease()
    await Deliveries(engine, lease_s=60).delivered(lease, event)
    assert await first.lease() == ()


async def test_a_row_that_fails_five_times_becomes_a_task_and_the_next_goes_on(
    inbox: Inbox, deliveries: Deliveries, engine: AsyncEngine
) -> None:
    bad, good = await _put(inbox, "k1"), await _put(inbox, "k2")
    parked = []
    for _ in range(5):
        (lease,) = await deliveries.lease()
        assert lease.rows[0].event_id == bad
        parked.append(await deliveries.failed(lease, bad, "hold: reason: missing"))
        await deliveries.give_back(lease)
    assert parked == [False] * 4 + [True]
    (lease,) = await deliveries.lease()
    assert [row.event_id for row in lease.rows] == [good]
    assert await _all(engine, "SELECT kind, order_id, inbox_id::text, message FROM tasks") == [
        (
            "undeliverable",
            ORDER,
            bad,
            "could not be delivered in 5 tries: hold: reason: missing",
        )
    ]


async def test_a_resting_lane_is_not_leased_but_others_are(
    inbox: Inbox, deliveries: Deliveries
) -> None:
    await _put(inbox, "k1")
    (lease,) = await deliveries.lease()
    await deliveries.give_back(lease, rest_s=60)
    await _put(inbox, "k2", "demo-2")
    assert [lease.lane for lease in await deliveries.lease(many=8)] == ["demo-2"]


async def test_a_deferred_row_is_overtaken_and_counts_no_failure(
    inbox: Inbox, deliveries: Deliveries, engine: AsyncEngine
) -> None:
    update = await _put(inbox, "k1", kind="order_updated")
    (lease,) = await deliveries.lease()
    await deliveries.defer(lease, update, 60, "waits for its order")
    await deliveries.give_back(lease)
    assert await deliveries.lease() == ()
    create = await _put(inbox, "k2", kind="order_created")
    (lease,) = await deliveries.lease()
    assert [row.event_id for row in lease.rows] == [create]
    assert await _all(engine, "SELECT DISTINCT attempts FROM inbox") == [(0,)]


async def test_what_came_meanwhile_is_leased_before_what_was_deferred(
    inbox: Inbox, deliveries: Deliveries
) -> None:
    early = [await _put(inbox, f"k{n}", f"demo-{n}") for n in range(3)]
    for lease in await deliveries.lease(many=3):
        await deliveries.defer(lease, lease.rows[0].event_id, 0, "waits for its order")
        await deliveries.give_back(lease)
    assert len(early) == 3
    await _put(inbox, "new", "demo-9")
    for lease in await deliveries.lease(many=3):
        await deliveries.defer(lease, lease.rows[0].event_id, 0, "waits for its order")
        await deliveries.give_back(lease)
    assert [lease.lane for lease in await deliveries.lease()] == ["demo-9"]


async def test_rows_without_an_order_have_lanes_of_their_own(
    inbox: Inbox, deliveries: Deliveries, engine: AsyncEngine
) -> None:
    said = [await _put(inbox, f"k{n}", None, "scans") for n in range(3)]
    leases = await deliveries.lease(many=8)
    assert [[row.event_id for row in lease.rows] for lease in leases] == [[e] for e in said]
    await deliveries.assign(leases[0], said[0], ORDER)
    for lease in leases:
        await deliveries.give_back(lease)
    lanes = {lease.lane for lease in await deliveries.lease(many=8)}
    assert lanes == {ORDER, f"~{said[1]}", f"~{said[2]}"}


async def test_what_is_said_of_a_parcel_is_its_orders_at_once(
    inbox: Inbox, deliveries: Deliveries, engine: AsyncEngine
) -> None:
    await OrderIntake(engine).accept(an_order())
    await PostgresOrderBook(engine).record(a_record(1, parcels=(a_parcel(a_label("s1", "T1")),)))
    await inbox.put("carrier:easypost", "scans", "e1", b"{}", tracking_number="T1")
    await inbox.put("carrier:easypost", "scans", "e2", b"{}", tracking_number="T2")
    ours, unknown = await deliveries.lease(5)
    assert [row.order_id for row in ours.rows] == [ID]
    assert ours.lane == ID
    assert [row.order_id for row in unknown.rows] == [None]


async def test_lanes_that_nobody_delivers_leave_nothing_behind(
    inbox: Inbox, deliveries: Deliveries, engine: AsyncEngine
) -> None:
    event = await _put(inbox, "k1")
    (lease,) = await deliveries.lease()
    await deliveries.delivered(lease, event)
    await deliveries.give_back(lease)
    assert await _all(engine, "SELECT * FROM deliveries") == []


async def test_the_backlog_counts_what_is_neither_delivered_nor_with_an_operator(
    inbox: Inbox,
    deliveries: Deliveries,
) -> None:
    await _put(inbox, "k1")
    await inbox.put("demo", "order", "e1", b"{", task="body: no JSON")
    assert (await inbox.backlog()).rows == 1


async def test_the_state_of_what_was_never_said_is_none(
    inbox: Inbox, deliveries: Deliveries
) -> None:
    assert await inbox.state("no uuid") is None
    assert await inbox.state("01890000-0000-7000-8000-000000000000") is None


async def test_a_database_that_does_not_answer_is_unavailable(free_port) -> None:
    engine = create_async_engine(f"postgresql+psycopg://nobody@127.0.0.1:{free_port()}/none")
    with pytest.raises(Unavailable, match="postgresql: unreachable"):
        await Inbox(engine).put("demo", "order", "e1", b"")
    await engine.dispose()
