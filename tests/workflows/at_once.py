"""Lets all tests of a module live at once, since lives mostly wait; each test awaits its own."""

import asyncio
import inspect
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack
from typing import Any, cast

import pytest

from domain.orders import Order
from domain.policies import OrderPolicy
from tests.workflows.histories import lost_tasks, missed_heartbeats
from tests.workflows.lives import POLICY, Life, Start
from tests.workflows.world import World

AT_ONCE = 24
UNCACHED_AT_ONCE = 3
"""A worker without a cache holds one workflow: where a local activity hangs, the others wait."""
PLAYS_MAX = 3
PULSE_S = 0.5
STANDSTILL_S = 2.0
"""Twice as much, and Temporal takes the worker of a step that a test holds up for dead."""
Story = Callable[..., Coroutine[Any, Any, None]]
Running = Mapping[str, "asyncio.Task[None]"]


def at_once(story: Story) -> Story:
    """Make a test that begins with the others of its module.

    It may ask for `begin`, which starts an order's life, for `world`, in which that happens, and
    for its parameters; not for fixtures.
    """

    async def test(running: Running, request: pytest.FixtureRequest, **_: object) -> None:
        await running[request.node.nodeid]

    asked = inspect.signature(story).parameters.values()
    own = [parameter for parameter in asked if parameter.name not in ("begin", "world")]
    needed = list(inspect.signature(test).parameters.values())[:2]
    test.__name__, test.__doc__, test.__module__ = story.__name__, story.__doc__, story.__module__
    test.__signature__ = inspect.Signature([*needed, *own])  # type: ignore[attr-defined]
    test.story = story  # type: ignore[attr-defined]
    return test


@pytest.fixture(scope="module")
async def running(start: Start, request: pytest.FixtureRequest) -> AsyncIterator[Running]:
    """Every selected story of the module, on its way, by its test's id."""
    cached = request.config.getoption("--workflow-cache")
    turns = asyncio.Semaphore(AT_ONCE if cached else UNCACHED_AT_ONCE)
    standstills: list[float] = []
    watching = asyncio.create_task(_watch(standstills))
    tasks = {
        item.nodeid: asyncio.create_task(_in_turn(turns, start, item, standstills))
        for item in request.session.items
        if isinstance(item, pytest.Function)
        and item.path == request.path
        and hasattr(item.obj, "story")
    }
    yield tasks
    await asyncio.gather(*tasks.values(), return_exceptions=True)
    watching.cancel()


async def _watch(standstills: list[float]) -> None:
    """Note when this process, tests and workers, had stood still."""
    while True:
        before = time.monotonic()
        await asyncio.sleep(PULSE_S)
        if time.monotonic() - before > STANDSTILL_S:
            standstills.append(time.monotonic())


async def _in_turn(
    turns: asyncio.Semaphore, start: Start, item: pytest.Function, standstills: list[float]
) -> None:
    """A story that fails where the machine stood still is played again: its moments were others."""
    async with turns:
        for plays_left in reversed(range(PLAYS_MAX)):
            lives: list[Life] = []
            began = time.monotonic()
            try:
                await _play(item, start, lives)
            except (Exception, pytest.fail.Exception):
                stood_still = any(at > began for at in standstills)
                if not plays_left or not (stood_still or await _lost_time(lives)):
                    raise
            else:
                return


async def _lost_time(lives: list[Life]) -> bool:
    """Whether Temporal says so: it may stand still itself."""
    told = [await lost_tasks(life.handle) or await missed_heartbeats(life.handle) for life in lives]
    return any(told)


async def _play(item: pytest.Function, start: Start, lives: list[Life]) -> None:
    async with AsyncExitStack() as ending:
        world = World()

        async def begin(order: Order, policy: OrderPolicy = POLICY, **more: Any) -> Life:
            life = await start(order, policy, world=world, **more)
            ending.push_async_callback(life.end)
            lives.append(life)
            return life

        story = cast(Any, item.obj).story
        own = {"begin": begin, "world": world}
        own |= item.callspec.params if hasattr(item, "callspec") else {}
        await story(**{name: own[name] for name in inspect.signature(story).parameters})
