"""Each operator verb at each moment of each step: what comes of it, exactly."""

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import Literal, cast

import pytest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from tests.workflows.at_once import at_once
from tests.workflows.lives import HEARD_SOON, Life, Start
from tests.workflows.soundness import see_cancelled, see_delivered
from tests.workflows.world import GOOD_ADDRESS, World, an_order

STEPS = (
    "validate",
    "reserve",
    "request_packing",
    "capture",
    "buy_label",
    "hand_over",
    "ship_stock",
    "tell_shipped",
)
LAST = STEPS.index("hand_over")
FIX = {"address_version": 2, "destination": {"country": "DE", "postal_code": "10119"}}
TOO_LATE = "too_late: the goods have been handed over to the carrier"
UNDO = {"reserve": "release_stock", "request_packing": "recall", "buy_label": "void_label"}


@dataclass(frozen=True)
class Moment:
    """A step whose call hangs.

    not done: before its deed, and only a cancellation gets through to it.
    unheard: after its deed, likewise.
    answering: after its deed, and it answers as soon as the verb has been heard.
    """

    step: str
    call: Literal["not done", "unheard", "answering"]

    @property
    def gone(self) -> bool:
        """Whether the goods have left."""
        at = STEPS.index(self.step)
        return at > LAST or (at == LAST and self.call != "not done")

    @property
    def called(self) -> tuple[str, ...]:
        return STEPS[: STEPS.index(self.step) + 1]


@dataclass(frozen=True)
class Case:
    verb: str
    moment: Moment
    said_as: Literal["signal", "update"] = "signal"

    def __str__(self) -> str:
        return f"{self.verb}-{self.moment.step}-{self.moment.call}-{self.said_as}".replace(" ", "")


VERBS = ("hold", "release", "fix_address", "cancel", "retry")
CASES = [
    Case(verb, Moment(step, call), said_as)
    for verb in VERBS
    for step in STEPS
    for call in ("not done", "unheard", "answering")
    for said_as in ("signal", "update")
    if said_as == "signal" or call == "not done"
]


class Told:
    """An order that hangs at its moment, and how it is talked to."""

    def __init__(self, life: Life, case: Case, gate: asyncio.Event) -> None:
        self.life, self.case, self.moment, self._gate = life, case, case.moment, gate

    async def tell(self, name: str, **fields: object) -> str:
        """Say it; returns the refusal, or nothing."""
        command = f"{self.life.id}.{name}"
        fields |= {"command_id": command, "by": "ann"}
        if self.case.said_as == "update":
            try:
                await self.life.ask(name, **fields)
            except WorkflowUpdateFailedError as error:
                return cast(ApplicationError, error.cause).message
            return ""
        await self.life.tell(name, **fields)
        return ""

    async def settled(self, name: str) -> str:
        return await self.life.settled(f"{self.life.id}.{name}")

    async def go_on(self) -> None:
        """The call in flight answers, once the workflow knows what was told."""
        await self.life.state()
        self._gate.set()

    async def answer(self) -> None:
        if self.moment.call == "answering":
            await self.go_on()

    def undone(self) -> dict[str, int]:
        undos = ("release_stock", "recall", "void_label", "readdress")
        happened = Counter(step for step, _ in self.life.world.deeds)
        return {step: happened[step] for step in undos if happened[step]}


async def cancel(told: Told) -> None:
    said = await told.tell("cancel", reason="customer_asked")
    await told.answer()
    if told.moment.gone:
        await _if_it_cannot_be_interrupted(told)
        await see_delivered(told.life)
        assert (said or await told.settled("cancel")).startswith("too_late")
        return
    await see_cancelled(told.life)
    assert await told.settled("cancel") == ""
    assert told.undone() == {UNDO[step]: 1 for step in told.moment.called if step in UNDO}
    paid = "capture" in told.moment.called and (told.moment.step, told.moment.call) != (
        "capture",
        "not done",
    )
    assert len(told.life.world.done("capture")) == paid


async def _if_it_cannot_be_interrupted(told: Told) -> None:
    """What follows the hand-over is done whatever is asked for: its call must answer."""
    if STEPS.index(told.moment.step) > LAST:
        await told.go_on()


def _undone_by_a_fix(moment: Moment) -> dict[str, int]:
    match moment.step, moment.call:
        case "validate", _:
            return {}
        case "request_packing", "answering":  # it is packed by then: only the papers change
            return {"readdress": 1}
        case (("reserve" | "request_packing" | "hand_over"), _):
            return {UNDO[step]: 1 for step in moment.called if step in UNDO}
        case "buy_label", _:
            return {"void_label": 1, "readdress": 1}
        case _:
            return {"readdress": 1}


async def fix_address(told: Told) -> None:
    said = await told.tell("fix_address", **FIX)
    await told.answer()
    await _if_it_cannot_be_interrupted(told)
    await see_delivered(told.life)
    refusal = said or await told.settled("fix_address")
    assert len(told.life.world.done("capture")) == 1
    if told.moment.gone:
        assert refusal == TOO_LATE
        assert told.life.world.last(told.life.id).address_version == 1
        return
    assert refusal == ""
    assert told.life.world.last(told.life.id).address_version == 2
    assert told.undone() == _undone_by_a_fix(told.moment)


async def hold(told: Told) -> None:
    said = await told.tell("hold", reason="fraud", note="")
    await told.go_on()
    at = STEPS.index(told.moment.step)
    if at < LAST:
        await told.life.until_waiting("hold:fraud")
        stopped = STEPS[max(at + 1, STEPS.index("request_packing"))]
        assert told.life.world.calls[stopped] == 0
        await told.tell("release", hold_id=f"{told.life.id}.hold")
    await see_delivered(told.life)
    refusal = said or await told.settled("hold")
    assert refusal == (
        "" if at <= LAST else "too_late: the goods have been handed over to the carrier"
    )
    assert told.undone() == {}
    _each_step_once(told)


async def release(told: Told) -> None:
    at = STEPS.index(told.moment.step)
    await told.tell("hold", reason="fraud")
    said = await told.tell("release", hold_id=f"{told.life.id}.hold")
    await told.go_on()
    await see_delivered(told.life)
    refusal = said or await told.settled("release")
    assert refusal == ("" if at <= LAST else "hold_id: there is no such hold")
    assert all(
        r.wait is None or r.wait.what != "hold:fraud" for r in told.life.world.records[told.life.id]
    )
    assert told.undone() == {}
    _each_step_once(told)


async def retry(told: Told) -> None:
    said = await told.tell("retry")
    await told.go_on()
    await see_delivered(told.life)
    refusal = said or await told.settled("retry")
    assert refusal == "nothing to retry: no outside system has refused"
    assert told.undone() == {}
    _each_step_once(told)


def _each_step_once(told: Told) -> None:
    """But for the check, which changes nothing: it is made again where a workflow task is lost."""
    steps = [step for step, _ in told.life.world.deeds]
    while steps[:2] == ["validate", "validate"]:
        del steps[0]
    assert steps == list(STEPS)


DO = {
    "hold": hold,
    "release": release,
    "fix_address": fix_address,
    "cancel": cancel,
    "retry": retry,
}


@pytest.mark.parametrize("case", CASES, ids=str)
@at_once
async def test_each_verb_at_each_moment(begin: Start, world: World, case: Case) -> None:
    order = an_order(f"verb-{case}")
    world.addresses[order.order_id, 2] = GOOD_ADDRESS.model_copy(update={"postal_code": "10119"})
    gate = world.block(case.moment.step, after=case.moment.call != "not done")
    life = await begin(order, task_timeout=HEARD_SOON)
    await world.reaches(case.moment.step)
    await DO[case.verb](Told(life, case, gate))
