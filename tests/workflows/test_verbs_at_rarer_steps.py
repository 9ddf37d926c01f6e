"""Each operator verb while a step is in flight that only some lives have: what comes of it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from domain.errors import Unavailable
from domain.fulfilments import Packed
from domain.lifecycles import FulfilmentStatus, OrderStatus
from domain.orders import Order
from domain.records import OrderRecord
from domain.tracking import Course
from tests.workflows.at_once import at_once
from tests.workflows.lives import Life, Start, say_packed
from tests.workflows.soundness import assert_sound, see_cancelled, see_delivered
from tests.workflows.world import BOX, GOOD_ADDRESS, World, an_order

F = FulfilmentStatus
FOR_EVER = 1_000_000
BERLIN = {"country": "DE", "postal_code": "10119"}
VERBS: dict[str, dict[str, object]] = {
    "hold": {"reason": "fraud"},
    "release": {"hold_id": "none"},
    "fix_address": {"address_version": 3, "destination": BERLIN},
    "cancel": {"reason": "customer_asked"},
    "retry": {},
}


# -- how each step comes about; its call hangs until the gate is opened


async def _undone(life: Life, step: str) -> asyncio.Event:
    life.world.fail("hand_over", Unavailable("outside", "down"), times=FOR_EVER)
    await life.world.reaches("hand_over")
    gate = life.world.block(step)
    await life.tell("cancel", command_id="first")
    return gate


async def _readdressed(life: Life, step: str) -> asyncio.Event:
    life.world.fail("capture", Unavailable("outside", "down"), times=FOR_EVER)
    await life.world.reaches("capture")
    gate = life.world.block(step)
    await life.tell("fix_address", command_id="first", address_version=2, destination=BERLIN)
    return gate


async def _silent(life: Life, step: str) -> asyncio.Event:
    await life.until_waiting("packing")
    life.world.seen = Packed(parcels=(BOX,))
    gate = life.world.block(step)
    await life.pass_time(4 * 3_600 + 1)
    return gate


async def _half_gone(life: Life, step: str) -> asyncio.Event:
    accepted = [F.ACCEPTED] * 2
    await life.until(lambda record: [f.status for f in record.fulfilments] == accepted)
    await say_packed(life.env.client, life.id, f"{life.id}/f1", (BOX,))
    await life.until_status(OrderStatus.PARTLY_SHIPPED)
    gate = life.world.block(step)
    await say_packed(life.env.client, life.id, f"{life.id}/f2", (BOX,))
    return gate


STEPS = {
    "recall": _undone,
    "void_label": _undone,
    "readdress": _readdressed,
    "look": _silent,
    "hand_over": _half_gone,
}


@dataclass(frozen=True)
class Case:
    verb: str
    step: str

    @property
    def lived(self) -> Callable[[Life, str], Awaitable[asyncio.Event]]:
        return STEPS[self.step]

    @property
    def makes_way(self) -> bool:
        """Whether the call in flight is given up for the verb, and need not answer."""
        return self.verb in ("fix_address", "cancel") and self.lived is not _undone

    @property
    def refusal(self) -> str:
        match self.verb:
            case "release":
                return "hold_id: there is no such hold"
            case "retry":
                return "nothing to retry: no outside system has refused"
            case "hold" | "fix_address" if self.lived is _undone:
                return "too_late: the order is being cancelled"
        return ""

    def __str__(self) -> str:
        return f"{self.verb}-{self.step}"


CASES = [Case(verb, step) for step in STEPS for verb in VERBS]


# -- what comes of it


async def _see_its_end(life: Life, case: Case) -> None:
    if case.verb == "hold" and case.lived in (_readdressed, _silent):
        await life.until_waiting("hold:fraud")
        assert life.world.done("buy_label") == []
        await life.tell("release", hold_id="second")
    if case.verb == "fix_address" and case.lived is _silent:  # what is not packed is routed again
        await life.until(lambda record: _statuses(record) == [F.RECALLED, F.ACCEPTED])
        await life.packed()
    if case.lived is _half_gone:
        await _see_shares_delivered(life, case)
    elif case.lived is _undone or case.verb == "cancel":
        await see_cancelled(life)
    else:
        await see_delivered(life)


async def _see_shares_delivered(life: Life, case: Case) -> None:
    """The first share has left whatever was said; the second goes, moves or is taken back."""
    second = [F.HANDED_OVER]
    if case.verb == "cancel":
        second = [F.RECALLED]
    if case.verb == "fix_address":
        await life.until(lambda record: _statuses(record)[1:] == [F.RECALLED, F.ACCEPTED])
        await say_packed(life.env.client, life.id, f"{life.id}/f3", (BOX,))
        second = [F.RECALLED, F.HANDED_OVER]
    record = await life.until(lambda record: _statuses(record) == [F.HANDED_OVER, *second])
    left = [part for part in record.fulfilments if part.status is F.HANDED_OVER]
    await life.until(lambda _: len(life.world.done("tell_shipped")) == len(left))
    for part in left:
        label = part.parcels[0].label
        assert label is not None
        number = label.tracking_number
        await life.tell("parcel_moved", tracking_number=number, course=Course.DELIVERED)
    await life.until_status(OrderStatus.DELIVERED)
    await assert_sound(life)


def _statuses(record: OrderRecord) -> list[FulfilmentStatus]:
    return [part.status for part in record.fulfilments]


def _address_in_the_end(case: Case) -> int:
    if case.verb == "fix_address" and not case.refusal:
        return 3
    return 2 if case.lived is _readdressed else 1


def _set_scene(world: World, case: Case) -> Order:
    half_gone = case.lived is _half_gone
    order = an_order(f"rare-{case}".replace("_", "-"), also=("BOWL",) if half_gone else ())
    for version in (2, 3):
        moved = GOOD_ADDRESS.model_copy(update={"postal_code": f"1011{version}"})
        world.addresses[order.order_id, version] = moved
    if half_gone or case.lived is _silent:
        world.packing = "later"
    if half_gone:
        world.stock = {("MUG", "berlin"): 500, ("BOWL", "leeds"): 500}
        world.parts_max = 2
    return order


@pytest.mark.parametrize("case", CASES, ids=str)
@at_once
async def test_each_verb_at_each_rarer_step(begin: Start, world: World, case: Case) -> None:
    life = await begin(_set_scene(world, case))
    gate = await case.lived(life, case.step)
    await world.reaches(case.step)
    await life.tell(case.verb, command_id="second", by="ann", **VERBS[case.verb])
    await life.state()
    world.faults["capture"].clear()
    if not case.makes_way:
        gate.set()
    await _see_its_end(life, case)
    assert await life.settled("second") == case.refusal
    if case.verb != "cancel" and case.lived is not _undone:
        assert world.last(life.id).address_version == _address_in_the_end(case)
