"""The relay delivers at least once, in order, and finds out who is at fault."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from domain.errors import Refused, Unavailable
from starter.relay import Belongs, Deliver, Delivered, Early, Hopeless, Outcome, Relay
from storage.deliveries import Deliveries, InboxRow
from storage.inbox import CommandState, Inbox


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    made = create_async_engine(database_url, pool_size=10)
    yield made
    await made.dispose()


@pytest.fixture
def inbox(engine: AsyncEngine) -> Inbox:
    return Inbox(engine)


@asynccontextmanager
async def relaying(
    engine: AsyncEngine, deliver: Deliver, awake: asyncio.Event | None = None, **options: float
) -> AsyncIterator[asyncio.Event]:
    awake = awake or asyncio.Event()
    task = asyncio.create_task(Relay(Deliveries(engine, **options), deliver, awake).run())
    try:
        yield awake
    finally:
        task.cancel()
        await asyncio.wait({task})


async def _put(inbox: Inbox, key: str, order_id: str | None = "demo-1") -> str:
    receipt = await inbox.put("operator", "hold", key, b"{}", order_id=order_id)
    return receipt.event_id


async def _until(look: Callable[[], Awaitable[bool | None]], within_s: float = 200) -> None:
    async with asyncio.timeout(within_s):
        while not await look():  # noqa: ASYNC110 - another process may bring it about
            await asyncio.sleep(0.01)


async def _state(inbox: Inbox, event_id: str) -> CommandState:
    state = await inbox.state(event_id)
    assert state is not None
    return state


def _delivered(inbox: Inbox, *events: str) -> Callable[[], Awaitable[bool | None]]:
    async def look() -> bool | None:
        states = [await _state(inbox, event) for event in events]
        return all(state.delivered_at for state in states) or None

    return look


class Recorder:
    """Delivers everything and remembers it; `trouble` is raised or answered first, one a call."""

    def __init__(self, *trouble: Exception | Outcome) -> None:
        self.trouble = list(trouble)
        self.heard: list[str] = []

    async def __call__(self, row: InboxRow) -> Outcome:
        self.heard.append(row.event_id)
        if not self.trouble:
            return Delivered()
        first = self.trouble.pop(0)
        if isinstance(first, Exception):
            raise first
        return first


async def test_an_orders_rows_are_delivered_in_order(inbox: Inbox, engine: AsyncEngine) -> None:
    said = [await _put(inbox, f"k{n}") for n in range(30)]
    hears = Recorder()
    async with relaying(engine, hears):
        await _until(_delivered(inbox, *said))
    assert hears.heard == said


async def test_what_is_put_in_this_process_is_delivered_at_once(
    inbox: Inbox, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("starter.relay.LOOK_S", 3_600.0)  # only being woken can bring it
    hears = Recorder()
    async with relaying(engine, hears) as awake:
        first = await _put(inbox, "k0")
        awake.set()
        await _until(_delivered(inbox, first))  # the relay runs and its connection is open
        event = await _put(inbox, "k1")
        awake.set()
        await _until(_delivered(inbox, event))
    assert hears.heard == [first, event]


async def test_orders_do_not_wait_for_each_other(inbox: Inbox, engine: AsyncEngine) -> None:
    slow, quick = await _put(inbox, "k1", "demo-1"), await _put(inbox, "k2", "demo-2")
    stuck = asyncio.Event()

    async def deliver(row: InboxRow) -> Outcome:
        if row.event_id == slow:
            await stuck.wait()
        return Delivered()

    async with relaying(engine, deliver):
        await _until(_delivered(inbox, quick))
        assert (await _state(inbox, slow)).delivered_at is None
        stuck.set()
        await _until(_delivered(inbox, slow))


async def test_a_world_at_fault_costs_a_row_no_try(inbox: Inbox, engine: AsyncEngine) -> None:
    event = await _put(inbox, "k1")
    hears = Recorder(*(Unavailable("temporal", "unavailable") for _ in range(7)))
    async with relaying(engine, hears):
        await _until(_delivered(inbox, event))
    assert hears.heard == [event] * 8
    assert (await _state(inbox, event)).parked_at is None


async def test_an_order_that_only_seems_to_meet_an_outage_does_not_stop_the_others(
    inbox: Inbox, engine: AsyncEngine
) -> None:
    cursed = await _put(inbox, "k0", "demo-0")
    others = [await _put(inbox, f"k{n}", f"demo-{n}") for n in range(1, 20)]

    async def deliver(row: InboxRow) -> Outcome:
        if row.event_id == cursed:
            raise Unavailable("temporal", "internal")
        return Delivered()

    async with relaying(engine, deliver):
        await _until(_delivered(inbox, *others))
    assert (await _state(inbox, cursed)).delivered_at is None


async def test_a_row_at_fault_becomes_a_task_and_blocks_neither_its_order_nor_others(
    inbox: Inbox, engine: AsyncEngine
) -> None:
    bad, good = await _put(inbox, "k1"), await _put(inbox, "k2")
    hears = Recorder(Refused("temporal", "invalid_argument"), Refused("temporal", "other"))
    async with relaying(engine, hears, tries_max=2):
        await _until(_delivered(inbox, good))
    assert hears.heard == [bad, bad, good]
    state = await _state(inbox, bad)
    assert state.parked_at is not None
    assert state.last_error == "temporal: other: "


async def test_words_that_no_column_can_hold_are_kept_as_far_as_they_can_be(
    inbox: Inbox, engine: AsyncEngine
) -> None:
    bad, good = await _put(inbox, "k1"), await _put(inbox, "k2")
    hears = Recorder(Refused("shopify", "http_403", "a\0b\ud800c"), Hopeless("d\0e"))
    async with relaying(engine, hears):
        await _until(_delivered(inbox, good))
    assert hears.heard == [bad, bad, good]
    assert (await _state(inbox, bad)).last_error == "d\ufffde"


async def test_what_no_try_will_help_goes_to_an_operator_at_once(
    inbox: Inbox, engine: AsyncEngine
) -> None:
    bad, good = await _put(inbox, "k1"), await _put(inbox, "k2")
    hears = Recorder(Hopeless("reason: is missing"))
    async with relaying(engine, hears):
        await _until(_delivered(inbox, good))
    assert (await _state(inbox, bad)).parked_at is not None
    assert hears.heard == [bad, good]


async def test_what_is_early_is_overtaken_and_comes_again(
    inbox: Inbox, engine: AsyncEngine
) -> None:
    early, later = await _put(inbox, "k1"), await _put(inbox, "k2")
    hears = Recorder(Early(0.3, "waits for its order"))
    async with relaying(engine, hears):
        await _until(_delivered(inbox, early, later))
    assert hears.heard == [early, later, early]


async def test_a_row_whose_order_becomes_known_moves_to_it(
    inbox: Inbox, engine: AsyncEngine
) -> None:
    event = await _put(inbox, "k1", None)
    async with relaying(engine, Recorder(Belongs("demo-7"))):
        await _until(_delivered(inbox, event))
    assert (await _state(inbox, event)).order_id == "demo-7"


async def test_a_relay_that_dies_before_it_marks_a_row_is_followed_by_one_that_delivers_again(
    inbox: Inbox, engine: AsyncEngine
) -> None:
    event = await _put(inbox, "k1")
    heard = []
    (dead,) = await Deliveries(engine, lease_s=0.2).lease()
    heard.append(dead.rows[0].event_id)  # it told the workflow, and was killed before it said so

    async def deliver(row: InboxRow) -> Outcome:
        heard.append(row.event_id)
        return Delivered()

    async with relaying(engine, deliver):
        await _until(_delivered(inbox, event))
    assert heard == [event, event]


async def test_two_relays_share_the_orders_and_keep_each_ones_order(
    inbox: Inbox, engine: AsyncEngine
) -> None:
    said = {order: [] for order in ("demo-1", "demo-2", "demo-3", "demo-4")}
    for n in range(40):
        order = f"demo-{n % 4 + 1}"
        said[order].append(await _put(inbox, f"k{n}", order))
    hears = Recorder()
    async with relaying(engine, hears), relaying(engine, hears):
        await _until(_delivered(inbox, *(event for events in said.values() for event in events)))
    for events in said.values():
        assert [event for event in hears.heard if event in events] == events


async def test_a_relay_that_stops_finishes_what_it_has_in_hand(
    inbox: Inbox, engine: AsyncEngine
) -> None:
    event = await _put(inbox, "k1")
    begun, go = asyncio.Event(), asyncio.Event()

    async def deliver(_row: InboxRow) -> Outcome:
        begun.set()
        await go.wait()
        return Delivered()

    task = asyncio.create_task(Relay(Deliveries(engine), deliver, asyncio.Event()).run())
    await begun.wait()
    task.cancel()
    go.set()
    await asyncio.wait({task})
    assert (await _state(inbox, event)).delivered_at is not None
