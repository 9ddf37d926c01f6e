"""Each outside deed once: what was intended, what came of it, and who may still write that down.

A row of `effects` is one deed. `fence` counts who took it up; only the newest may write.
`call_until` is when the last call under it ends at the latest, by PostgreSQL's clock; null: no call
that could have done the deed is out. `unknown` stays until the deed is done: from then on every
attempt looks before it acts. `withdrawn` is for good: the deed was undone, or may never happen.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from pydantic import TypeAdapter
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.errors import Refused, Unavailable
from storage.engine import alone
from storage.outages import transaction

T = TypeVar("T")


@dataclass(frozen=True)
class Done:
    """The deed was done before, with this result."""

    result: dict[str, Any]


@dataclass(frozen=True)
class Begun:
    """The deed is this attempt's, as long as nobody takes a newer `fence`.

    `repeat`: an earlier attempt may have done it; its call is over after `wait_s`. `outside_ref` is
    what an earlier attempt noted. No call of this attempt may outlive `until`, a time of the
    running loop's clock.
    """

    key: str
    system: str
    fence: int
    repeat: bool
    outside_ref: str | None
    wait_s: float
    until: float


@dataclass(frozen=True)
class Withdrawn:
    """The deed will not begin again.

    `possible`: it may have been done, or still is until `wait_s` have passed. `result` is there
    if it surely was.
    """

    possible: bool
    result: dict[str, Any] | None
    outside_ref: str | None
    wait_s: float


Act = Callable[[Begun], Awaitable[T]]
"""Does the deed; `Refused` and `Unavailable` without `fate_unknown` mean that it was not done."""

Look = Callable[[Begun], Awaitable[T | None]]
"""Finds the deed outside, or None if it surely was not done; raises where that cannot be learnt."""

_WAIT_S = "greatest(0, extract(epoch FROM old.call_until - clock_timestamp()))::float8"

_BEGIN = text(f"""
    INSERT INTO effects (key, system, fence, state, call_until)
    VALUES (:key, :system, 1, 'intended', clock_timestamp() + make_interval(secs => :call_s))
    ON CONFLICT (key) DO UPDATE SET
        fence = effects.fence + 1,
        state = CASE WHEN effects.call_until IS NULL THEN effects.state ELSE 'unknown' END,
        call_until = coalesce(effects.call_until, excluded.call_until),
        updated_at = now()
    WHERE effects.state IN ('intended', 'unknown')
    RETURNING new.fence, new.state = 'unknown' AS repeat, new.outside_ref,
        coalesce({_WAIT_S}, 0) AS wait_s
""")  # noqa: S608 - only constants are put in

_WITHDRAW = text(f"""
    INSERT INTO effects (key, system, fence, state) VALUES (:key, :system, 1, 'withdrawn')
    ON CONFLICT (key) DO UPDATE SET
        fence = effects.fence + 1,
        state = 'withdrawn',
        call_until = CASE WHEN effects.state = 'unknown'
            THEN coalesce(effects.call_until, clock_timestamp()) ELSE effects.call_until END,
        updated_at = now()
    RETURNING num_nonnulls(new.result, new.call_until, new.outside_ref) > 0 AS possible,
        new.result, new.outside_ref, coalesce({_WAIT_S}, 0) AS wait_s
""")  # noqa: S608 - only constants are put in


def _under_fence(changes: str) -> str:
    return (
        f"UPDATE effects SET {changes}, updated_at = now() "  # noqa: S608 - only constants
        "WHERE key = :key AND fence = :fence AND state IN ('intended', 'unknown')"
    )


_SETTLED = text("SELECT state, result FROM effects WHERE key = :key")
_AGAIN = text(_under_fence("call_until = clock_timestamp() + make_interval(secs => :call_s)"))
_NOTE_REF = text(_under_fence("outside_ref = :ref"))
_FINISH = text(_under_fence("state = 'done', result = CAST(:result AS jsonb), call_until = NULL"))
_UNKNOWN = text(_under_fence("state = 'unknown'"))
_NOT_DONE = text(_under_fence("call_until = NULL"))
# A refused beginning is not built upon, unless an earlier attempt may yet turn out to have used it.
_REFUSED = text(
    _under_fence(
        "call_until = NULL, outside_ref = CASE WHEN state = 'unknown' THEN outside_ref END"
    )
)


class Effects:
    """The table `effects`; `once` is how adapters use it. Every write is its own transaction.

    Everything raises `Unavailable` where PostgreSQL does not answer.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = alone(engine)

    async def once(
        self,
        key: str,
        system: str,
        *,
        call_s: float,
        act: Act[T],
        look: Look[T],
        model: TypeAdapter[T],
    ) -> T:
        """Do the deed `key` once, whoever else tries and however often; always the same answer.

        `act` has `call_s` for all of its calls. A repeat first waits until the earlier attempt's
        calls are over, then looks, then acts. So it may take two `call_s` and the looking.

        Raises:
            Unavailable: with `fate_unknown` where the deed may have been done without an answer;
                `superseded` where a newer attempt has taken it up.
            Refused: by the system, or `withdrawn`: the deed was taken back and stays so.
        """
        begun = await self.begin(key, system, call_s)
        if isinstance(begun, Done):
            return model.validate_python(begun.result)
        if begun.repeat:
            await asyncio.sleep(begun.wait_s)
            found = await look(begun)
            if found is not None:
                return await self._keep(begun, found, model)
            begun = await self._again(begun, call_s)
        return await self._keep(begun, await self._act(begun, act), model)

    async def begin(self, key: str, system: str, call_s: float) -> Done | Begun:
        """Take the deed up under the next fence, for calls of `call_s` from now.

        Of a repeat, the calls may only start after `wait_s` and a look.

        Raises:
            Refused: `withdrawn`.
        """
        until = asyncio.get_running_loop().time() + call_s
        values = {"key": key, "system": system, "call_s": call_s}
        async with transaction(self._engine) as connection:
            row = (await connection.execute(_BEGIN, values)).one_or_none()
            if row is None:
                return _settled((await connection.execute(_SETTLED, values)).one(), system)
        return Begun(key, system, row.fence, row.repeat, row.outside_ref, row.wait_s, until)

    async def note_ref(self, key: str, fence: int, ref: str) -> None:
        """Commit the outside system's own reference; call it before the decisive call.

        Raises:
            Unavailable: `superseded`: the decisive call is somebody else's, or nobody's, now.
        """
        if not await self._write(_NOTE_REF, key, fence, ref=ref):
            raise _superseded()

    async def finish(self, key: str, fence: int, result: dict[str, Any]) -> bool:
        """Keep the result; False, and nothing written, for all but the newest fence."""
        return await self._write(_FINISH, key, fence, result=json.dumps(result, allow_nan=False))

    async def unknown(self, key: str, fence: int) -> None:
        """The deed may have been done: whoever begins next waits and looks."""
        await self._write(_UNKNOWN, key, fence)

    async def not_done(self, key: str, fence: int) -> None:
        """This attempt surely did nothing: whoever begins next need not wait for it."""
        await self._write(_NOT_DONE, key, fence)

    async def refused(self, key: str, fence: int) -> None:
        """The system said no: nothing was done, and nothing that was begun is used again."""
        await self._write(_REFUSED, key, fence)

    async def withdraw(self, key: str, system: str) -> Withdrawn:
        """Keep the deed from ever beginning again, to undo what there may be of it.

        Calling it again gives the same, so an undo that failed half-way can be repeated.
        """
        values = {"key": key, "system": system}
        async with transaction(self._engine) as connection:
            row = (await connection.execute(_WITHDRAW, values)).one()
        return Withdrawn(row.possible, row.result, row.outside_ref, row.wait_s)

    async def _again(self, begun: Begun, call_s: float) -> Begun:
        """Announce this attempt's own calls, once the earlier one's are over."""
        until = asyncio.get_running_loop().time() + call_s
        if not await self._write(_AGAIN, begun.key, begun.fence, call_s=call_s):
            raise _superseded()
        return replace(begun, wait_s=0, until=until)

    async def _act(self, begun: Begun, act: Act[T]) -> T:
        try:
            async with asyncio.timeout_at(begun.until):
                return await act(begun)
        except TimeoutError as error:
            await self.unknown(begun.key, begun.fence)
            raise Unavailable(begun.system, "timeout", fate_unknown=True) from error
        except Unavailable as error:
            settle = self.unknown if error.fate_unknown else self.not_done
            await settle(begun.key, begun.fence)
            raise
        except Refused:
            await self.refused(begun.key, begun.fence)
            raise

    async def _keep(self, begun: Begun, result: T, model: TypeAdapter[T]) -> T:
        """Write the result down, or take what a newer attempt wrote."""
        if await self.finish(begun.key, begun.fence, model.dump_python(result, mode="json")):
            return result
        async with self._under_way() as connection:
            row = (await connection.execute(_SETTLED, {"key": begun.key})).one()
        if row.state == "done":
            return model.validate_python(row.result)
        raise _superseded(fate_unknown=True)

    async def _write(self, statement: Any, key: str, fence: int, **values: object) -> bool:
        async with self._under_way() as connection:
            done = await connection.execute(statement, {"key": key, "fence": fence, **values})
        return bool(done.rowcount)

    @asynccontextmanager
    async def _under_way(self) -> AsyncIterator[AsyncConnection]:
        """A transaction about a deed that has begun: the decisive call may have been made."""
        try:
            async with transaction(self._engine) as connection:
                yield connection
        except Unavailable as error:
            error.fate_unknown = True  # also where no connection was free
            raise


def _settled(row: Row[Any], system: str) -> Done:
    if row.state == "withdrawn":
        raise Refused(system, "withdrawn")
    return Done(row.result)


def _superseded(*, fate_unknown: bool = False) -> Unavailable:
    return Unavailable("effects", "superseded", fate_unknown=fate_unknown)
