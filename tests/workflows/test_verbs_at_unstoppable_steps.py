"""Each operator verb while a step goes on, or is tried again, that makes way for none."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

import pytest

from domain.errors import Unavailable
from domain.lifecycles import OrderStatus
from domain.orders import Order
from domain.tracking import Course
from tests.workflows.at_once import at_once
from tests.workflows.lives import DAY_S, Life, Start
from tests.workflows.soundness import assert_sound, see_cancelled, see_delivered
from tests.workflows.world import GOOD_ADDRESS, World, an_order

FOR_EVER = 1_000_000
VERBS: dict[str, dict[str, object]] = {
    "hold": {"reason": "fraud"},
    "release": {"hold_id": "none"},
    "fix_address": {
        "address_version": 2,
        "destination": {"country": "DE", "postal_code": "10119"},
    },
    "cancel": {"reason": "customer_asked"},
    "retry": {},
}


# -- how a life comes to its step


async def _cancelled(life: Life) -> None:
    await life.world.reaches("hand_over")
    await life.tell("cancel", command_id="first")


async def _rejected(_: Life) -> None:
    """The first location asked will not pack it."""


async def _found_short(life: Life) -> None:
    await life.until_waiting("packing")
    life.world.packing = "at once"
    (part,) = life.world.last(life.id).fulfilments
    missing = {"sku": "MUG", "found": 1, "reason": "mismatch"}
    await life.tell("warehouse_said", reference=part.reference, status="rejected", short=[missing])


async def _silent(life: Life) -> None:
    await life.until_waiting("delivery")
    life.world.scans = (life.scan(Course.DELIVERED),)
    await life.pass_time(DAY_S + 1)


LIVES: dict[str, tuple[str, Callable[[Life], Awaitable[None]]]] = {
    "cancelled": ("release_stock", _cancelled),
    "rejected": ("release_stock", _rejected),
    "found short": ("short_pick", _found_short),
    "silent": ("track", _silent),
}


@dataclass(frozen=True)
class Case:
    """`hangs`: the call has not answered; `fails`: it is tried again and again."""

    verb: str
    life: str
    call: Literal["hangs", "fails"]

    @property
    def step(self) -> str:
        return LIVES[self.life][0]

    async def live(self, life: Life) -> None:
        await LIVES[self.life][1](life)

    @property
    def refusal(self) -> str:
        match self.life, self.verb:
            case _, "release":
                return "hold_id: there is no such hold"
            case _, "retry":
                return "nothing to retry: no outside system has refused"
            case "silent", _:
                return "too_late: the goods have been handed over to the carrier"
            case "cancelled", ("hold" | "fix_address"):
                return "too_late: the order is being cancelled"
        return ""

    @property
    def accepted(self) -> str:
        """The verb, if it changes something."""
        return "" if self.refusal else self.verb

    def __str__(self) -> str:
        return f"{self.verb}-{self.life}-{self.call}".replace(" ", "")


CASES = [Case(verb, life, call) for life in LIVES for verb in VERBS for call in ("hangs", "fails")]


class Trouble:
    """Keeps a step from being done, for as long as nobody mends it."""

    def __init__(self, world: World, case: Case) -> None:
        self._world, self._case = world, case
        self._gate: asyncio.Event | None = None
        if case.call == "hangs":
            self._gate = world.block(case.step)
        else:
            world.fail(case.step, Unavailable("outside", "down"), times=FOR_EVER)

    async def lasts(self) -> None:
        """The call still hangs, or one more has failed."""
        await self._world.reaches(self._case.step)
        calls = self._world.calls[self._case.step]
        if self._gate is None:
            await self._world.comes_to(self._case.step, calls + 1)
        else:
            assert (calls, self._world.hanging) == (1, 1)

    def mend(self) -> None:
        self._world.faults[self._case.step].clear()
        if self._gate is not None:
            self._gate.set()


# -- what comes of it


async def _see_its_end(life: Life, case: Case) -> None:
    world = life.world
    if case.accepted == "hold":
        await life.until_waiting("hold:fraud")
        assert world.calls["request_packing"] == 1, "the next location was asked all the same"
        await life.tell("release", hold_id="second")
    if case.life == "cancelled" or case.accepted == "cancel":
        await see_cancelled(life)
        assert world.calls["request_packing"] == 1
    elif case.life == "silent":
        await life.until_status(OrderStatus.DELIVERED)
        await assert_sound(life)
    else:
        await see_delivered(life)
        assert world.calls["request_packing"] == 2
    if case.life != "silent":
        assert world.done(case.step) == [f"{life.id}/reserve/1/1"]


def _set_scene(world: World, case: Case) -> Order:
    order = an_order(f"unstoppable-{case}".replace("_", "-"))
    moved = GOOD_ADDRESS.model_copy(update={"postal_code": "10119"})
    world.addresses[order.order_id, 2] = moved
    world.stock = {("MUG", "berlin"): 500, ("MUG", "leeds"): 500}
    match case.life:
        case "cancelled":
            world.fail("hand_over", Unavailable("outside", "down"), times=FOR_EVER)
        case "rejected":
            world.rejecting = {"berlin"}
        case "found short":
            world.packing = "later"
    return order


@pytest.mark.parametrize("case", CASES, ids=str)
@at_once
async def test_each_verb_at_each_step_that_makes_way_for_none(
    begin: Start, world: World, case: Case
) -> None:
    order = _set_scene(world, case)
    trouble = Trouble(world, case)
    life = await begin(order)
    await case.live(life)
    await trouble.lasts()
    await life.tell(case.verb, command_id="second", by="ann", **VERBS[case.verb])
    await life.state()
    await trouble.lasts()
    trouble.mend()
    await _see_its_end(life, case)
    assert await life.settled("second") == case.refusal
    assert world.last(life.id).address_version == (2 if case.accepted == "fix_address" else 1)
