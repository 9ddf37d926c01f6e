"""Lives many cases at once, since most of them wait for something; each test awaits its own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TypeVar

import pytest

C = TypeVar("C")
AT_ONCE = 24


@asynccontextmanager
async def together(
    session: pytest.Session, kind: type[C], live: Callable[[C, int], Awaitable[None]]
) -> AsyncIterator[Mapping[C, asyncio.Task[None]]]:
    """Every case of this kind that was selected, on its way."""
    items = (item for item in session.items if isinstance(item, pytest.Function))
    parameters = [item.callspec.params for item in items if hasattr(item, "callspec")]
    cases = [case for p in parameters if isinstance(case := p.get("case"), kind)]
    turns = asyncio.Semaphore(AT_ONCE)

    async def in_turn(case: C, number: int) -> None:
        async with turns:
            await live(case, number)

    tasks = {case: asyncio.create_task(in_turn(case, n)) for n, case in enumerate(cases)}
    yield tasks
    await asyncio.gather(*tasks.values(), return_exceptions=True)
