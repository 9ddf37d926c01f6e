"""Places at which a worker or starter dies, freezes or hangs: wrapped around its ports.

A plan names the faults of one round. Each fires once, whichever process comes first and however
often it is started again: firing makes a file, fsynced before anything else happens, and a round
in which a planned file is missing has not tested what it says.
"""

import asyncio
import json
import os
import signal
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import ContextVar
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, cast

from pydantic import TypeAdapter
from sqlalchemy import text
from temporalio import activity

from config.wiring import Wiring
from storage.effects import Effects
from worker.workers import Ports

PLAN = "CRASH_PLAN"
FIRED = "CRASH_FIRED"
HANG_S = 600.0

Moment = Literal["before", "begun", "done", "after"]
"""`before` and `after` the port's method. For what happens outside also `begun`: the deed is taken
up, and not yet done; and `done`: the outside did it, and we have not written down that it did."""

Action = Literal["kill", "stop", "trespass", "hang", "bug"]
"""`bug`: the call raises, and says all that it was given. `stop` freezes the process until
somebody wakes it; so does `trespass`, and on waking the call writes its result down as if nobody
had taken its place: a broken fence, which must be found."""


@dataclass(frozen=True)
class Fault:
    """At the first call of `point` about `order` (empty: any) that comes to this `moment`.

    What a starter does for no order is about what its first argument names, if that is a text.
    With `activity` it is the first of those that this activity makes.
    """

    point: str
    moment: Moment
    order: str = ""
    action: Action = "kill"
    activity: str = ""

    @property
    def name(self) -> str:
        return f"{self.point}-{self.moment}-{self.order or 'any'}-{self.action}"

    def __str__(self) -> str:
        within = f" in {self.activity}" if self.activity else ""
        return f"{self.action} {self.moment} {self.point}{within}"


_PLAN: TypeAdapter[list[Fault]] = TypeAdapter(list[Fault])


def as_environment(plan: list[Fault], fired: Path) -> dict[str, str]:
    """How a worker learns of its plan."""
    return {PLAN: _PLAN.dump_json(plan).decode(), FIRED: str(fired)}


def not_fired(plan: list[Fault], fired: Path) -> list[Fault]:
    return [fault for fault in plan if not (fired / fault.name).exists()]


@dataclass
class _Call:
    """The port's call under way in this task."""

    given: tuple[Any, ...]
    concerned: list[Fault]


_call: ContextVar[_Call | None] = ContextVar("call", default=None)


class Failpoints:
    def __init__(self, plan: list[Fault], fired: Path) -> None:
        self._plan = plan
        self._fired = fired

    @classmethod
    def from_environment(cls) -> "Failpoints":
        return cls(_PLAN.validate_json(os.environ[PLAN]), Path(os.environ[FIRED]))

    def around(self, port: Any, name: str) -> Any:
        """The port, with faults at its methods."""
        return _Wrapped(self, port, name)

    async def call(
        self, point: str, method: Callable[..., Awaitable[Any]], *given: Any, **named: Any
    ) -> Any:
        order, within = _about(*given), _activity()
        concerned = [
            fault
            for fault in self._plan
            if fault.point == point
            and fault.order in ("", order)
            and fault.activity in ("", within)
        ]
        _call.set(_Call(given, concerned))
        await self.reach("before")
        try:
            answer = await method(*given, **named)
        except BaseException as error:
            self._note_end(concerned, f"raised {type(error).__name__}: {error}")
            raise
        await self.reach("after")
        self._note_end(concerned, "returned")
        return answer

    async def reach(self, moment: Moment) -> Action | None:
        """Returns what befell the call here, if it lives to hear of it."""
        call = _call.get()
        if call is None:
            return None
        befell: Action | None = None
        for fault in call.concerned:
            if fault.moment == moment and self._fires(fault):
                await self._act(fault, call.given)
                befell = fault.action
        return befell

    def _fires(self, fault: Fault) -> bool:
        try:
            _write(self._fired / fault.name, f"{os.getpid()}\n")
        except FileExistsError:
            return False
        return True

    async def _act(self, fault: Fault, given: tuple[Any, ...]) -> None:
        match fault.action:
            case "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            case "stop" | "trespass":
                os.kill(os.getpid(), signal.SIGSTOP)
                _write(self._fired / f"{fault.name}.woke", f"{os.getpid()}\n")
            case "hang":
                await asyncio.sleep(HANG_S)
            case "bug":
                raise RuntimeError(repr(given))

    def _note_end(self, concerned: list[Fault], how: str) -> None:
        """What became of a call that was frozen, once it woke."""
        for fault in concerned:
            woke, ended = (self._fired / f"{fault.name}.{word}" for word in ("woke", "ended"))
            if woke.exists() and not ended.exists() and woke.read_text() == f"{os.getpid()}\n":
                _write(ended, how)


class _Wrapped:
    def __init__(self, failpoints: Failpoints, port: Any, name: str) -> None:
        self._failpoints = failpoints
        self._port = port
        self._name = name

    def __getattr__(self, method: str) -> Callable[..., Awaitable[Any]]:
        called = getattr(self._port, method)
        point = f"{self._name}.{method}"

        async def wrapped(*given: Any, **named: Any) -> Any:
            return await self._failpoints.call(point, called, *given, **named)

        return wrapped


def wrapped_ports(wiring: Wiring, failpoints: Failpoints) -> Ports:
    """The product's ports as `worker.__main__` takes them, each with failpoints around it."""
    around = failpoints.around
    _inside_effects(cast("Any", wiring.carrier)._effects, failpoints)
    return Ports(
        order_book=around(wiring.order_book, "order_book"),
        scans=around(wiring.scans, "scans"),
        inventory=around(wiring.inventory, "inventory"),
        sourcing=around(wiring.sourcing, "inventory"),
        warehouses={
            name: around(warehouse, "warehouse") for name, warehouse in wiring.warehouses.items()
        },
        carrier=around(wiring.carrier, "carrier"),
        channels={name: around(channel, "channel") for name, channel in wiring.channels.items()},
    )


def wrapped_tables(wiring: Wiring, failpoints: Failpoints) -> Wiring:
    """The product's wiring as `starter.__main__` takes it, with failpoints around what it books."""
    around = failpoints.around
    return replace(
        wiring,
        inventory=around(wiring.inventory, "inventory"),
        sourcing=around(wiring.sourcing, "sourcing"),
        sourcing_batch=around(wiring.sourcing_batch, "sourcing_batch"),
        supplies=around(wiring.supplies, "supplies"),
        inbox=around(wiring.inbox, "inbox"),
        intake=around(wiring.intake, "intake"),
    )


def _inside_effects(effects: Effects, failpoints: Failpoints) -> None:
    """All adapters share one table of effects: what lies between it and the outside."""
    begin, finish = effects.begin, effects.finish

    async def begun(key: str, system: str, call_s: float) -> Any:
        answer = await begin(key, system, call_s)
        await failpoints.reach("begun")
        return answer

    async def done(key: str, fence: int, result: dict[str, Any]) -> bool:
        match await failpoints.reach("done"):
            case "stop":
                return await _to_its_end(finish(key, fence, result))
            case "trespass":
                return await _to_its_end(Unfenced(effects._engine).finish(key, fence, result))
            case _:
                return await finish(key, fence, result)

    shadowed = cast("Any", effects)
    shadowed.begin, shadowed.finish = begun, done


class Unfenced(Effects):
    """Broken: whoever was frozen writes over what was done without it."""

    async def finish(self, key: str, fence: int, result: dict[str, Any]) -> bool:
        async with self._engine.begin() as connection:
            await connection.execute(_OVERWRITE, {"key": key, "result": json.dumps(result)})
        return True


_OVERWRITE = text(
    "UPDATE effects SET state = 'done', result = CAST(:result AS jsonb), call_until = NULL "
    "WHERE key = :key"
)


async def _to_its_end(writing: Coroutine[Any, Any, bool]) -> bool:
    """The write of a worker that woke, as if it had been on the wire while its worker was frozen.

    Else Temporal, which has given the call up, mostly cancels it before it comes to the database.
    """
    written = asyncio.ensure_future(writing)
    try:
        return await asyncio.shield(written)
    except asyncio.CancelledError:
        await asyncio.wait([written])
        raise


def _about(*given: Any) -> str:
    """The order's id; where a worker's call does not name it, its workflow does."""
    named = getattr(given[0], "order_id", None) if given else None
    if named:
        return str(named)
    if activity.in_activity():
        return str(activity.info().workflow_id).removeprefix("order:")
    return given[0] if given and isinstance(given[0], str) else ""


def _activity() -> str:
    """The name, in Temporal, of the activity that is under way; empty outside of any."""
    return activity.info().activity_type if activity.in_activity() else ""


def _write(path: Path, text: str) -> None:
    """A new file, on disk before this returns.

    Raises:
        FileExistsError: somebody was first.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    try:
        os.write(descriptor, text.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
