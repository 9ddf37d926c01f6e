"""A deed happens once, whatever dies in between."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import count
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from domain.errors import Refused, Unavailable
from storage.effects import Begun, Done, Effects
from storage.engine import create_engine
from tests.passing_time import Clock, calls_are_over
from tests.storage.cut_off import backend_of, end
from tests.storage.stockroom import until

SYSTEM = "easypost"
CALL_S = 30.0
SHORT_S = 0.3
"""Of a call of which nothing needs to come."""


class Bought(BaseModel):
    ref: str


BOUGHT: TypeAdapter[Bought] = TypeAdapter(Bought)


class Died(BaseException):
    """Stands for the process's death: nothing in the product catches it."""


class Shop:
    """An outside system without idempotency keys: each `buy` is one more purchase."""

    def __init__(self, effects: Effects) -> None:
        self.effects = effects
        self.purchases: list[str] = []
        self.looks = 0
        self.before: Callable[[Begun], Awaitable[None]] | None = None
        self.after: Callable[[Begun], Awaitable[None]] | None = None

    async def _buy(self, begun: Begun) -> Bought:
        await self.effects.note_ref(begun.key, begun.fence, f"ref-{begun.fence}")
        if self.before:
            await self.before(begun)
        self.purchases.append(f"ref-{begun.fence}")
        if self.after:
            await self.after(begun)
        return Bought(ref=self.purchases[-1])

    async def _look(self, begun: Begun) -> Bought | None:
        self.looks += 1
        found = begun.outside_ref in self.purchases
        return Bought(ref=str(begun.outside_ref)) if found else None

    async def buy(self, key: str, call_s: float = CALL_S) -> Bought:
        return await self.effects.once(
            key, SYSTEM, call_s=call_s, act=self._buy, look=self._look, model=BOUGHT
        )


@pytest.fixture(scope="module")
async def engine(module_database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(module_database_url, pool_size=10)
    yield engine
    await engine.dispose()


@pytest.fixture
def effects(engine: AsyncEngine) -> Effects:
    return Effects(engine)


@pytest.fixture
async def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def shop(effects: Effects) -> Shop:
    return Shop(effects)


_KEYS = count(1)


@pytest.fixture
def key() -> str:
    return f"demo-{next(_KEYS)}/f1/p1/label/1"


async def begin(effects: Effects, key: str, call_s: float = CALL_S) -> Begun:
    begun = await effects.begin(key, SYSTEM, call_s)
    assert isinstance(begun, Begun)
    return begun


async def state(engine: AsyncEngine, key: str) -> str:
    async with engine.connect() as connection:
        row = await connection.execute(text("SELECT state FROM effects WHERE key = :k"), {"k": key})
        return str(row.scalar_one())


def failing(error: BaseException) -> Callable[[Begun], Awaitable[None]]:
    async def fail(_begun: Begun) -> None:
        raise error

    return fail


async def test_a_deed_that_was_done_answers_the_same_and_is_not_done_again(
    shop: Shop, key: str
) -> None:
    first = await shop.buy(key)
    assert await shop.buy(key) == first == Bought(ref="ref-1")
    assert shop.purchases == ["ref-1"]
    assert shop.looks == 0


async def test_a_worker_that_dies_after_begin_leaves_a_deed_that_the_next_one_does(
    shop: Shop, effects: Effects, key: str
) -> None:
    await begin(effects, key, SHORT_S)
    assert await shop.buy(key) == Bought(ref="ref-2")
    assert (shop.purchases, shop.looks) == (["ref-2"], 1)


@pytest.mark.parametrize(("where", "purchases"), [("before", ["ref-2"]), ("after", ["ref-1"])])
async def test_a_worker_that_dies_around_the_decisive_call_leaves_one_purchase(
    shop: Shop, engine: AsyncEngine, key: str, where: str, purchases: list[str]
) -> None:
    setattr(shop, where, failing(Died()))
    with pytest.raises(Died):
        await shop.buy(key)
    setattr(shop, where, None)
    await calls_are_over(engine)
    assert await shop.buy(key) == Bought(ref=purchases[0])
    assert shop.purchases == purchases
    assert shop.looks == 1


async def test_a_worker_that_dies_after_finish_has_left_its_result(
    effects: Effects, key: str
) -> None:
    begun = await begin(effects, key)
    assert await effects.finish(key, begun.fence, {"ref": "one"})
    assert await effects.begin(key, SYSTEM, CALL_S) == Done({"ref": "one"})


async def test_what_is_done_stays_done(effects: Effects, key: str) -> None:
    begun = await begin(effects, key)
    assert await effects.finish(key, begun.fence, {"ref": "one"})
    assert not await effects.finish(key, begun.fence, {"ref": "another"})
    await effects.unknown(key, begun.fence)
    await effects.refused(key, begun.fence)
    assert await effects.begin(key, SYSTEM, CALL_S) == Done({"ref": "one"})


async def test_a_repeat_waits_until_the_earlier_call_is_over_by_the_databases_clock(
    shop: Shop, effects: Effects, engine: AsyncEngine, key: str
) -> None:
    await begin(effects, key, SHORT_S)
    async with engine.connect() as connection:
        ends = (
            await connection.execute(
                text("SELECT call_until FROM effects WHERE key = :k"), {"k": key}
            )
        ).scalar_one()
    started = []

    async def note_time(_begun: Begun) -> None:
        async with engine.connect() as connection:
            started.append((await connection.execute(text("SELECT clock_timestamp()"))).scalar())

    shop.before = note_time
    await shop.buy(key)
    assert started[0] >= ends


async def test_waiting_attempts_do_not_push_each_other_back(effects: Effects, key: str) -> None:
    first = await begin(effects, key)
    waits = [(await begin(effects, key, call_s=10 * CALL_S)).wait_s for _ in range(3)]
    assert first.wait_s == 0
    assert all(0 < wait_s <= CALL_S for wait_s in waits)


async def test_only_the_newest_of_those_who_begin_at_once_may_write(
    effects: Effects, key: str
) -> None:
    all_begun = await asyncio.gather(*(begin(effects, key) for _ in range(20)))
    assert sorted(begun.fence for begun in all_begun) == list(range(1, 21))
    assert [begun.fence for begun in all_begun if not begun.repeat] == [1]
    wrote = await asyncio.gather(
        *(effects.finish(key, begun.fence, {"by": begun.fence}) for begun in all_begun)
    )
    assert wrote == [begun.fence == 20 for begun in all_begun]
    assert await effects.begin(key, SYSTEM, CALL_S) == Done({"by": 20})


async def test_those_who_try_at_once_make_one_purchase(
    shop: Shop, engine: AsyncEngine, key: str, clock: Clock
) -> None:
    async def all_have_begun() -> bool:
        asked = text("SELECT fence = 5 FROM effects WHERE key = :key")
        async with engine.connect() as connection:
            return bool(await connection.scalar(asked, {"key": key}))

    shop.before = lambda _begun: until(all_have_begun)
    trying = [asyncio.ensure_future(shop.buy(key)) for _ in range(5)]
    await asyncio.wait(trying, return_when=asyncio.FIRST_COMPLETED)
    await until(all_have_begun)
    clock.forward(CALL_S)
    answers = await asyncio.gather(*trying, return_exceptions=True)
    assert Bought(ref=shop.purchases[0]) in answers
    assert len(shop.purchases) == 1
    assert await shop.buy(key) == Bought(ref=shop.purchases[0])
    for answer in answers:
        assert answer == Bought(ref=shop.purchases[0]) or (
            isinstance(answer, Unavailable) and answer.code == "superseded"
        )


async def test_a_stale_worker_changes_nothing(
    effects: Effects, engine: AsyncEngine, key: str
) -> None:
    stale, newer = await begin(effects, key), await begin(effects, key)
    await effects.note_ref(key, newer.fence, "newer")
    with pytest.raises(Unavailable, match="superseded"):
        await effects.note_ref(key, stale.fence, "stale")
    assert not await effects.finish(key, stale.fence, {"ref": "stale"})
    await effects.not_done(key, stale.fence)
    await effects.refused(key, stale.fence)
    again = await begin(effects, key)
    assert (again.outside_ref, again.repeat) == ("newer", True)
    assert again.wait_s > CALL_S / 2
    assert await state(engine, key) == "unknown"


async def test_a_stale_worker_that_comes_back_late_answers_with_what_the_newer_one_kept(
    shop: Shop, effects: Effects, key: str
) -> None:
    async def overtaken(_begun: Begun) -> None:
        newer = await begin(effects, key)
        assert await effects.finish(key, newer.fence, {"ref": "the newer one's"})

    shop.after = overtaken
    assert await shop.buy(key) == Bought(ref="the newer one's")


async def test_a_stale_worker_never_comes_to_the_decisive_call(
    shop: Shop, effects: Effects, key: str
) -> None:
    stale = await begin(effects, key)
    await begin(effects, key)
    with pytest.raises(Unavailable, match="superseded"):
        await shop._buy(stale)
    assert shop.purchases == []


async def test_a_lost_answer_makes_the_next_one_look(
    shop: Shop, engine: AsyncEngine, key: str
) -> None:
    shop.after = failing(Unavailable(SYSTEM, "cut_off", fate_unknown=True))
    with pytest.raises(Unavailable) as caught:
        await shop.buy(key)
    assert caught.value.fate_unknown
    assert await state(engine, key) == "unknown"
    await calls_are_over(engine)
    assert await shop.buy(key) == Bought(ref="ref-1")
    assert shop.purchases == ["ref-1"]


async def test_calls_that_outlive_their_deadline_leave_the_fate_unknown(
    shop: Shop, engine: AsyncEngine, key: str, clock: Clock
) -> None:
    begun, never = asyncio.Event(), asyncio.Event()

    async def hang(_begun: Begun) -> None:
        begun.set()
        await never.wait()

    shop.after = hang
    buying = asyncio.ensure_future(shop.buy(key))
    await begun.wait()
    clock.forward(CALL_S)
    with pytest.raises(Unavailable) as caught:
        await buying
    assert (caught.value.code, caught.value.fate_unknown) == ("timeout", True)
    assert await state(engine, key) == "unknown"
    shop.after = None
    await calls_are_over(engine)
    assert await shop.buy(key) == Bought(ref="ref-1")


async def test_a_system_that_surely_did_nothing_is_asked_again_at_once(
    shop: Shop, key: str
) -> None:
    shop.before = failing(Unavailable(SYSTEM, "rate_limited"))
    with pytest.raises(Unavailable, match="rate_limited"):
        await shop.buy(key)
    shop.before = None
    async with asyncio.timeout(CALL_S / 2):
        assert await shop.buy(key) == Bought(ref="ref-2")
    assert shop.looks == 0


async def test_an_unknown_fate_is_looked_for_even_after_a_later_attempt_surely_did_nothing(
    shop: Shop, engine: AsyncEngine, key: str
) -> None:
    shop.before = failing(Unavailable(SYSTEM, "cut_off", fate_unknown=True))
    with pytest.raises(Unavailable, match="cut_off"):
        await shop.buy(key)
    await calls_are_over(engine)
    shop.before = failing(Refused(SYSTEM, "no_rates"))
    with pytest.raises(Refused, match="no_rates"):
        await shop.buy(key)
    shop.before = None
    await shop.buy(key)
    assert shop.looks == 2


async def test_a_refused_beginning_is_not_used_again(
    shop: Shop, effects: Effects, key: str
) -> None:
    shop.before = failing(Refused(SYSTEM, "no_rates"))
    with pytest.raises(Refused, match="no_rates"):
        await shop.buy(key)
    begun = await begin(effects, key)
    assert (begun.repeat, begun.outside_ref, begun.wait_s) == (False, None, 0)


async def test_a_bug_while_acting_counts_as_a_lost_answer(
    shop: Shop, engine: AsyncEngine, key: str
) -> None:
    shop.after = failing(KeyError("a bug"))
    with pytest.raises(KeyError):
        await shop.buy(key)
    shop.after = None
    await calls_are_over(engine)
    assert await shop.buy(key) == Bought(ref="ref-1")
    assert shop.purchases == ["ref-1"]


async def test_a_deed_that_was_withdrawn_before_it_began_never_begins(
    shop: Shop, effects: Effects, key: str
) -> None:
    for _ in range(2):
        withdrawn = await effects.withdraw(key, SYSTEM)
        assert (withdrawn.possible, withdrawn.result, withdrawn.wait_s) == (False, None, 0)
    with pytest.raises(Refused) as caught:
        await shop.buy(key)
    assert caught.value.code == "withdrawn"
    assert shop.purchases == []


async def test_withdrawing_a_done_deed_says_what_there_is_to_undo_each_time(
    shop: Shop, effects: Effects, key: str
) -> None:
    await shop.buy(key)
    for _ in range(2):
        withdrawn = await effects.withdraw(key, SYSTEM)
        assert withdrawn.possible
        assert (withdrawn.result, withdrawn.outside_ref) == ({"ref": "ref-1"}, "ref-1")
        assert withdrawn.wait_s == 0
    with pytest.raises(Refused, match="withdrawn"):
        await shop.buy(key)


async def test_withdrawing_a_deed_in_flight_stops_its_decisive_call(
    shop: Shop, effects: Effects, key: str
) -> None:
    begun = await begin(effects, key)
    withdrawn = await effects.withdraw(key, SYSTEM)
    assert withdrawn.possible
    assert withdrawn.wait_s > CALL_S / 2
    with pytest.raises(Unavailable, match="superseded"):
        await shop._buy(begun)
    assert not await effects.finish(key, begun.fence, {"ref": "late"})
    assert shop.purchases == []


async def test_withdrawing_remembers_that_a_fate_was_unknown(effects: Effects, key: str) -> None:
    first = await begin(effects, key)
    await effects.unknown(key, first.fence)
    second = await begin(effects, key)
    await effects.not_done(key, second.fence)
    for _ in range(2):
        withdrawn = await effects.withdraw(key, SYSTEM)
        assert (withdrawn.possible, withdrawn.outside_ref, withdrawn.wait_s) == (True, None, 0)


async def test_withdrawing_what_was_noted_outside_looks_there(
    shop: Shop, effects: Effects, key: str
) -> None:
    shop.before = failing(Unavailable(SYSTEM, "rate_limited"))
    with pytest.raises(Unavailable):
        await shop.buy(key)
    withdrawn = await effects.withdraw(key, SYSTEM)
    assert (withdrawn.possible, withdrawn.outside_ref, withdrawn.wait_s) == (True, "ref-1", 0)


async def test_withdrawing_what_was_refused_has_nothing_to_undo(
    shop: Shop, effects: Effects, key: str
) -> None:
    shop.before = failing(Refused(SYSTEM, "no_rates"))
    with pytest.raises(Refused):
        await shop.buy(key)
    assert not (await effects.withdraw(key, SYSTEM)).possible


@pytest.fixture
async def only(module_database_url: str) -> AsyncIterator[AsyncEngine]:
    """A pool of one connection, so that it is known which one is used next."""
    engine = create_engine(module_database_url, 1)
    yield engine
    await engine.dispose()


@pytest.mark.parametrize(
    "call",
    [
        lambda effects, key: effects.begin(key, SYSTEM, CALL_S),
        lambda effects, key: effects.withdraw(key, SYSTEM),
        lambda effects, key: effects.note_ref(key, 1, "ref"),
        lambda effects, key: effects.finish(key, 1, {}),
    ],
    ids=["begin", "withdraw", "note_ref", "finish"],
)
async def test_a_lost_connection_is_an_outage_and_not_a_bug(
    only: AsyncEngine, key: str, call: Callable[[Effects, str], Awaitable[object]]
) -> None:
    effects = Effects(only)
    await begin(effects, key)
    await end(only, await backend_of(only))
    with pytest.raises(Unavailable) as caught:
        await call(effects, key)
    assert (caught.value.system, caught.value.fate_unknown) == ("postgresql", True)
    await call(effects, key)


class CutOffOnceFinished(Effects):
    """Loses its only connection between trying to write the result down and reading another's."""

    def __init__(self, engine: AsyncEngine) -> None:
        super().__init__(engine)
        self.only = engine

    async def finish(self, key: str, fence: int, result: dict[str, Any]) -> bool:
        finished = await super().finish(key, fence, result)
        await end(self.only, await backend_of(self.only))
        return finished


async def test_a_stale_worker_that_cannot_read_what_the_newer_one_kept_knows_no_fate(
    only: AsyncEngine, effects: Effects, key: str
) -> None:
    async def overtaken(_begun: Begun) -> None:
        newer = await begin(effects, key)
        assert await effects.finish(key, newer.fence, {"ref": "the newer one's"})

    shop = Shop(CutOffOnceFinished(only))
    shop.after = overtaken
    with pytest.raises(Unavailable) as caught:
        await shop.buy(key)
    assert (caught.value.system, caught.value.fate_unknown) == ("postgresql", True)
    assert await Shop(effects).buy(key) == Bought(ref="the newer one's")


async def test_a_deed_whose_ref_finds_no_free_connection_is_looked_for(
    module_database_url: str, engine: AsyncEngine, key: str
) -> None:
    """Some systems give the reference only in the answer to the decisive call."""
    crowded = create_async_engine(
        module_database_url, pool_size=1, max_overflow=0, pool_timeout=0.05
    )
    shop = Shop(Effects(crowded))

    async def note_late(begun: Begun) -> None:
        async with crowded.connect():
            await shop.effects.note_ref(begun.key, begun.fence, "late")

    shop.after = note_late
    with pytest.raises(Unavailable, match="busy"):
        await shop.buy(key)
    assert await state(engine, key) == "unknown"
    shop.after = None
    await calls_are_over(engine)
    assert await shop.buy(key) == Bought(ref="ref-1")
    assert shop.purchases == ["ref-1"]
    await crowded.dispose()
