"""Each operator verb, and a cancellation from Temporal, at each wait: what comes of it, exactly."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, cast

import pytest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from domain.records import OrderRecord
from domain.waits import Owner
from tests.workflows.at_once import at_once
from tests.workflows.lives import Life, Start
from tests.workflows.soundness import assert_sound
from tests.workflows.waits import WAITS, Waiting, close, see_off
from tests.workflows.world import World

Way = Literal["signal", "update", "temporal"]
FIX = {"address_version": 2, "destination": {"country": "DE", "postal_code": "10119"}}

TOO_LATE = "too_late: the goods have been handed over to the carrier"
NO_SUCH_HOLD = "hold_id: there is no such hold"
NOT_OURS_TO_LIFT = "hold_id: the payment hold ends when the channel says it is paid"
NOTHING_TO_RETRY = "nothing to retry: no outside system has refused"


@dataclass(frozen=True)
class Comes:
    """What comes of a verb that is accepted.

    Its line in the journal, the deeds that follow at once, what the order does `then`, and the
    deeds that it has to do once that wait is over.
    """

    code: str
    why: str = ""
    deeds: tuple[str, ...] = ()
    then: Literal["waits on", "goes on", "is cancelled"] = "waits on"
    later: tuple[str, ...] = ()
    address_version: int = 1


def cancelled(*undone: str) -> Comes:
    deeds = (*undone, "cancel_at_channel")
    return Comes("cancelling", "customer_asked", deeds, then="is cancelled")


def moved(
    *deeds: str,
    then: Literal["waits on", "goes on"] = "waits on",
    later: tuple[str, ...] = (),
) -> Comes:
    return Comes("address_changed", deeds=deeds, then=then, later=later, address_version=2)


HELD, RELEASED = Comes("hold", "fraud"), Comes("release")
LATE: Mapping[str, Comes | str] = {
    "hold": TOO_LATE,
    "release": NO_SUCH_HOLD,
    "overrule": NO_SUCH_HOLD,
    "fix_address": TOO_LATE,
    "cancel": TOO_LATE,
    "retry": NOTHING_TO_RETRY,
}
OUTCOMES: Mapping[str, Mapping[str, Comes | str]] = {
    "address": {
        "hold": HELD,
        "release": RELEASED,
        "overrule": Comes("release", then="goes on"),
        "fix_address": moved("validate", then="goes on"),
        "cancel": cancelled(),
        "retry": Comes("retry", deeds=("validate",)),
    },
    "stock": {
        "hold": HELD,
        "release": RELEASED,
        "overrule": NO_SUCH_HOLD,
        "fix_address": moved("release_stock", "validate", "reserve"),
        "cancel": cancelled("release_stock"),
        "retry": Comes("retry", deeds=("release_stock", "reserve")),
    },
    "payment": {
        "hold": HELD,
        "release": RELEASED,
        "overrule": NOT_OURS_TO_LIFT,
        "fix_address": moved("release_stock", "validate", "reserve"),
        "cancel": cancelled("release_stock"),
        "retry": NOTHING_TO_RETRY,
    },
    "held": {
        "hold": HELD,
        "release": RELEASED,
        "overrule": NO_SUCH_HOLD,
        "fix_address": moved("release_stock", "validate", "reserve"),
        "cancel": cancelled("release_stock"),
        "retry": NOTHING_TO_RETRY,
    },
    "packing": {
        "hold": HELD,
        "release": RELEASED,
        "overrule": NO_SUCH_HOLD,
        "fix_address": moved("recall", "release_stock", "validate", "reserve", "request_packing"),
        "cancel": cancelled("recall", "release_stock"),
        "retry": NOTHING_TO_RETRY,
    },
    "declined": {
        "hold": HELD,
        "release": RELEASED,
        "overrule": NOT_OURS_TO_LIFT,
        "fix_address": moved("validate", "readdress", "capture", then="goes on"),
        "cancel": cancelled("recall", "release_stock"),
        "retry": Comes("retry", deeds=("capture",), then="goes on"),
    },
    "refused": {
        "hold": HELD,
        "release": RELEASED,
        "overrule": NO_SUCH_HOLD,
        "fix_address": moved("void_label", "validate", "readdress", then="goes on"),
        "cancel": cancelled("void_label", "recall", "release_stock"),
        "retry": Comes("retry", then="goes on"),
    },
    "delivery": LATE,
    "undelivered": LATE,
    "return_window": LATE,
    "return": LATE,
}
"""By wait and verb. A text is why it is refused. `release` is that of the operator's own hold,
`overrule` that of the system's, or of one that was never set."""


@dataclass(frozen=True)
class Case:
    wait: str
    verb: str
    way: Way

    def __str__(self) -> str:
        return f"{self.verb}-{self.wait}-{self.way}"

    @property
    def waiting(self) -> Waiting:
        return WAITS[self.wait]

    @property
    def outcome(self) -> Comes | str:
        return OUTCOMES[self.wait][self.verb]


VERBS = tuple(LATE)
CASES = [
    Case(wait, verb, way)
    for wait in WAITS
    for verb in VERBS
    for way in cast(tuple[Way, ...], ("signal", "update", "temporal"))
    if way != "temporal" or verb == "cancel"
]


class Told:
    """An order that waits, and what it is told in one way."""

    def __init__(self, life: Life, case: Case) -> None:
        self.life, self.case = life, case
        self.mine = f"{life.id}.hold"

    async def tell_the_verb(self) -> str:
        """Say what the case says; returns why it was refused, or nothing."""
        match self.case.verb:
            case "hold":
                return await self.tell("hold", reason="fraud")
            case "release":
                await self.tell("hold", reason="fraud")
                return await self.tell("release", hold_id=self.mine)
            case "overrule":
                ours = "payment" if self.case.outcome == NOT_OURS_TO_LIFT else "address"
                return await self.tell("release", hold_id=ours)
            case "fix_address":
                return await self.tell("fix_address", **FIX)
            case "cancel":
                return await self.tell("cancel", reason="customer_asked")
            case verb:
                return await self.tell(verb)

    async def tell(self, name: str, **fields: object) -> str:
        """Say one thing; returns why it was refused, or nothing."""
        command = f"{self.life.id}.{name}"
        fields |= {"command_id": command, "by": "ann"}
        match self.case.way:
            case "temporal":
                await self.life.handle.cancel()
                await self.life.until(lambda _: bool(self.lines()))
                return self.lines()[0][1] if self.lines()[0][0] == "cancel_refused" else ""
            case "signal":
                await self.life.tell(name, **fields)
                return await self.life.settled(command)
            case "update":
                return await self._ask(name, command, fields)

    async def _ask(self, name: str, command: str, fields: dict[str, object]) -> str:
        try:
            answer = await self.life.ask(name, **fields)
        except WorkflowUpdateFailedError as error:
            return cast(ApplicationError, error.cause).message
        assert answer == (command if name == "hold" else "accepted")
        return await self.life.settled(command)

    def lines(self) -> list[tuple[str, str, str]]:
        """The lines in the journal that the verb caused: code, why and who."""
        name = "release" if self.case.verb == "overrule" else self.case.verb
        command = "" if self.case.way == "temporal" else f"{self.life.id}.{name}"
        return [
            (line.code, line.why, line.by)
            for record in self.life.world.records[self.life.id]
            for line in record.journal
            if line.command_id == command and line.by in ("ann", "temporal")
        ]

    @property
    def said(self) -> list[tuple[str, str, str]]:
        """What these lines have to be: an update that is refused leaves none."""
        by = "temporal" if self.case.way == "temporal" else "ann"
        match self.case.outcome:
            case Comes(code="cancelling") if by == "temporal":
                return [("cancelling", "cancelled_in_temporal", by)]
            case Comes(code=code, why=why):
                return [(code, why, by)]
            case refusal if self.case.way == "update":
                assert isinstance(refusal, str)
                return []
            case refusal:
                name = "release" if self.case.verb == "overrule" else self.case.verb
                return [(f"{name}_refused", refusal, by)]

    def steps(self) -> tuple[str, ...]:
        return tuple(step for step, _ in self.life.world.deeds)


async def see_refused(told: Told, before: OrderRecord) -> None:
    """Nothing has changed, and the order goes its way as if nobody had spoken."""
    waiting = told.case.waiting
    assert _as_of(0, await told.life.state()) == _as_of(0, before)
    assert told.steps() == waiting.done
    await waiting.go_on(told.life)
    outcome = await close(told.life)
    assert outcome.status == "closed"
    assert told.steps() == (*waiting.done, *waiting.left)


async def see_cancelled(told: Told, comes: Comes) -> None:
    outcome = await see_off(told.life)
    assert outcome.status == "cancelled"
    assert told.steps() == (*told.case.waiting.done, *comes.deeds)


async def see_accepted(told: Told, comes: Comes, before: OrderRecord) -> None:
    """It waits again for what it waited for, or goes on by itself, and is closed in the end."""
    waiting, life = told.case.waiting, told.life
    if told.case.verb == "hold" and waiting.held_at_once:
        await _see_held(told)
    if comes.then == "waits on":
        again = await life.until(
            lambda now: (
                now.wait is not None and now.wait.what == waiting.what and bool(told.lines())
            )
        )
        if "request_packing" in comes.deeds:
            assert _whom_and_since(again) > _whom_and_since(before), "asked anew, it waits anew"
        else:
            assert _whom_and_since(again) == _whom_and_since(before)
        assert told.steps() == (*waiting.done, *comes.deeds)
        if told.case.verb == "release":
            assert _as_of(0, await life.state()) == _as_of(0, before)
        await waiting.go_on(life)
    if told.case.verb == "hold" and not waiting.held_at_once:
        await _see_held(told)
    outcome = await close(life)
    assert outcome.status == "closed"
    assert told.steps() == (*waiting.done, *comes.deeds, *comes.later, *waiting.left)
    assert life.world.last(life.id).holds == ()
    assert life.world.last(life.id).address_version == comes.address_version


async def _see_held(told: Told) -> None:
    """The hold stops the order before its next irreversible step, and no other release helps."""
    held = await told.life.until_waiting("hold:fraud")
    assert [hold.hold_id for hold in held.holds if hold.by != "holdfast"] == [told.mine]
    assert told.steps() == (*told.case.waiting.done, *told.case.waiting.left_until_held)
    assert await told.tell("release", hold_id=told.mine) == ""


def _whom_and_since(record: OrderRecord) -> tuple[Owner, datetime]:
    assert record.wait is not None
    return record.wait.owner, record.wait.since


def _as_of(seq: int, record: OrderRecord) -> OrderRecord:
    """The record but for how often it was written."""
    return record.model_copy(update={"seq": seq})


@pytest.mark.parametrize("case", CASES, ids=str)
@at_once
async def test_each_verb_at_each_wait(begin: Start, world: World, case: Case) -> None:
    life = await case.waiting.reach(begin, world, f"wait-{case}")
    told = Told(life, case)
    before = await life.state()
    assert told.steps() == case.waiting.done
    refusal = await told.tell_the_verb()
    match case.outcome:
        case Comes(then="is cancelled") as comes:
            assert refusal == ""
            await see_cancelled(told, comes)
        case Comes() as comes:
            assert refusal == ""
            await see_accepted(told, comes, before)
        case why:
            assert refusal == why
            await see_refused(told, before)
    assert told.lines() == told.said
    assert (
        (case.verb == "hold")
        or case.waiting.held_at_once
        or all(
            record.wait is None or record.wait.what != "hold:fraud"
            for record in world.records[life.id]
        )
    )
    await assert_sound(life)
