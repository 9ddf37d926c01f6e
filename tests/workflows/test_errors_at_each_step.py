"""Each kind of error at each step, undo steps too: no order fails, and nothing happens twice."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import pytest

from domain.errors import Refused, Unavailable
from domain.fulfilments import Packed
from domain.lifecycles import FulfilmentStatus, OrderStatus, ReturnStatus
from domain.policies import OrderPolicy
from domain.records import FulfilmentRecord, OrderRecord
from domain.tracking import Course
from domain.waits import Owner
from tests.workflows.at_once import at_once
from tests.workflows.histories import everything_told
from tests.workflows.lives import DAY_S, POLICY, Life, Start, say_packed
from tests.workflows.soundness import assert_sound, see_cancelled, see_delivered
from tests.workflows.world import BOX, GOOD_ADDRESS, World, an_order

FOR_EVER = 1_000_000
WORDS = "Erika Mustermann, Unter den Linden 77"
"""What a vendor may quote in an error, and must not reach Temporal."""

OWNERS = {
    "validate": Owner.US,
    "reserve": Owner.US,
    "request_packing": Owner.WAREHOUSE,
    "capture": Owner.CHANNEL,
    "buy_label": Owner.CARRIER,
    "hand_over": Owner.WAREHOUSE,
    "ship_stock": Owner.US,
    "tell_shipped": Owner.CHANNEL,
    "release_stock": Owner.US,
    "recall": Owner.WAREHOUSE,
    "void_label": Owner.CARRIER,
    "cancel_at_channel": Owner.CHANNEL,
    "readdress": Owner.WAREHOUSE,
    "look": Owner.WAREHOUSE,
    "track": Owner.CARRIER,
    "restock": Owner.US,
    "refund": Owner.CHANNEL,
    "short_pick": Owner.US,
    "refund_the_rest": Owner.CHANNEL,
}
PORTS = {"refund_the_rest": "refund"}
"""What the world knows a step as, where one deed is a step of two lives."""
ACTIVITIES = {"look": "look_at_packing"}
FORWARD = tuple(OWNERS)[:8]
UNTIL_HAND_OVER = FORWARD[:6]


@dataclass(frozen=True)
class Case:
    step: str
    trouble: str

    @property
    def deed(self) -> str:
        return PORTS.get(self.step, self.step)

    @property
    def activity(self) -> str:
        return ACTIVITIES.get(self.step, self.deed)

    def __str__(self) -> str:
        return f"{self.trouble}-{self.step}".replace(" ", "_").replace(",", "")


# -- the lives in which each step comes about; each ends where nothing more happens


async def _forward(life: Life) -> None:
    await see_delivered(life)


async def _undone(life: Life) -> None:
    await life.world.reaches("hand_over")
    await life.tell("cancel", command_id="c1")
    await see_cancelled(life)


async def _readdressed(life: Life) -> None:
    await life.world.reaches("capture")
    await life.tell("fix_address", address_version=2, destination=_DESTINATION)
    life.world.faults["capture"].clear()
    await see_delivered(life)


async def _looked_at(life: Life) -> None:
    await life.until_waiting("packing")
    life.world.seen = Packed(parcels=(BOX,))
    await life.pass_time(4 * 3_600 + 1)
    await see_delivered(life)


async def _tracked(life: Life) -> None:
    await life.until_waiting("delivery")
    life.world.scans = (life.scan(Course.DELIVERED),)
    await life.pass_time(DAY_S + 1)
    await life.until_status(OrderStatus.DELIVERED)
    await assert_sound(life)


async def _returned(life: Life) -> None:
    await see_delivered(life)
    back = await life.ask_back(1)
    await back.signal("received", {})
    line = {"line_id": "L1", "sku": "MUG", "restock": 1, "discard": 0, "refund": 1}
    await back.signal("inspected", {"lines": [line]})
    await life.until_return(ReturnStatus.CLOSED)
    assert len(life.world.done("restock")) == 1
    assert len(life.world.done("refund")) == 1


async def _short_picked(life: Life) -> None:
    """What the picker did not find is taken off the record; another location sends it."""
    await life.until_waiting("packing")
    first = life.world.last(life.id).fulfilments[0]
    missing = {"sku": "MUG", "found": 1, "reason": "mismatch"}
    await life.tell("warehouse_said", reference=first.reference, status="rejected", short=[missing])
    await life.until(lambda record: len(record.fulfilments) == 2)
    await life.packed()
    await see_delivered(life)
    assert life.world.stock["MUG", first.location] == 1


async def _partly_cancelled(life: Life) -> None:
    """One share has left; the line that will not be sent is paid back."""
    await life.until(lambda record: len(_accepted(record)) == 2)
    await say_packed(life.env.client, life.id, f"{life.id}/f1", (BOX,))
    await life.until_status(OrderStatus.PARTLY_SHIPPED)
    await life.until_told("handed_over")
    await life.tell("cancel", command_id="c1")
    await life.until_told("partly_cancelled")
    assert await life.settled("c1") == ""
    (gone,) = life.world.live.values()
    await life.tell("parcel_moved", tracking_number=gone.tracking_number, course=Course.DELIVERED)
    await life.until_status(OrderStatus.DELIVERED)
    await assert_sound(life)
    assert life.world.done("refund") == [f"{life.id}/refund-rest"]


def _accepted(record: OrderRecord) -> list[FulfilmentRecord]:
    return [part for part in record.fulfilments if part.status is FulfilmentStatus.ACCEPTED]


_DESTINATION = {"country": "DE", "postal_code": "10119"}
LIVES: dict[str, Callable[[Life], Coroutine[Any, Any, None]]] = {
    **dict.fromkeys(FORWARD, _forward),
    **dict.fromkeys(("release_stock", "recall", "void_label", "cancel_at_channel"), _undone),
    "readdress": _readdressed,
    "look": _looked_at,
    "track": _tracked,
    "restock": _returned,
    "refund": _returned,
    "short_pick": _short_picked,
    "refund_the_rest": _partly_cancelled,
}


# -- what goes wrong


async def _retried(case: Case, life: Life) -> None:
    await LIVES[case.step](life)
    notes = [note for note in life.world.notes if note.step == case.activity]
    bug = case.trouble == "bug"
    assert [note.attempt for note in notes] == [2, 3]
    assert {note.owner for note in notes} == {Owner.US if bug else OWNERS[case.step]}
    assert {note.code for note in notes} == {"Bug" if bug else "down"}
    assert [note for note in life.world.retrying if note.step == case.activity] == []


async def _refused_then_retried(case: Case, life: Life) -> None:
    living = asyncio.create_task(LIVES[case.step](life))
    await _parked(case, life)
    calls = life.world.calls[case.deed]
    await life.retry()
    await living
    assert life.world.calls[case.deed] == calls + 1


async def _parked(case: Case, life: Life) -> None:
    """The life waits for an operator, says so and does nothing."""
    if case.step in ("restock", "refund"):
        back = await life.until_return_waits(f"refused:outside:{case.step}_no")
        assert back.attention == f"refused:outside:{case.step}_no"
        return
    parked = await life.until_waiting(f"refused:outside:{case.step}_no")
    assert parked.attention == f"refused:outside:{case.step}_no"
    assert parked.wait is not None
    assert parked.wait.owner is Owner.OPERATOR


async def _refused_then_cancelled(case: Case, life: Life) -> None:
    await _parked(case, life)
    await life.tell("cancel", command_id="c1")
    await see_cancelled(life)
    assert await life.settled("c1") == ""
    assert len(life.world.done(case.step)) == 0


async def _refused_then_readdressed(case: Case, life: Life) -> None:
    await _parked(case, life)
    await life.tell("fix_address", command_id="f1", address_version=2, destination=_DESTINATION)
    await see_delivered(life)
    assert await life.settled("f1") == ""
    assert life.world.last(life.id).address_version == 2
    assert len(life.world.done("capture")) == 1


async def _cancelled_while_retrying(case: Case, life: Life) -> None:
    """The next try is an hour away: the cancel does not wait for it."""
    await life.world.reaches(case.step)
    await life.handle.cancel()
    await see_cancelled(life)
    assert life.world.calls[case.step] == 1
    assert "cancelling" in life.world.journal(life.id)


TROUBLES: dict[str, Callable[[Case, Life], Awaitable[None]]] = {
    "down": _retried,
    "unheard": _retried,
    "asked to wait": _retried,
    "bug": _retried,
    "refused, retried": _refused_then_retried,
    "refused, cancelled": _refused_then_cancelled,
    "refused, readdressed": _refused_then_readdressed,
    "down for ever, cancelled": _cancelled_while_retrying,
}
CASES = [
    Case(step, trouble)
    for trouble in TROUBLES
    for step in OWNERS
    if step in UNTIL_HAND_OVER or not trouble.endswith(("cancelled", "readdressed"))
]


def _plan(world: World, case: Case) -> None:
    match case.trouble:
        case "down":
            world.fail(case.deed, Unavailable("outside", "down", WORDS), times=3)
        case "unheard":
            lost = Unavailable("outside", "down", WORDS, fate_unknown=True)
            world.fail(case.deed, lost, times=3, after=True)
        case "asked to wait":
            later = Unavailable("outside", "down", WORDS, retry_after_s=0.1)
            world.fail(case.deed, later, times=3)
        case "bug":
            world.fail(case.deed, RuntimeError(WORDS), times=3)
        case "down for ever, cancelled":
            world.fail(case.deed, Unavailable("outside", "down", WORDS), times=FOR_EVER)
        case _:
            world.fail(case.deed, Refused("outside", f"{case.step}_no", WORDS))


def _set_scene(world: World, case: Case) -> None:
    """What the step's life needs besides its trouble."""
    life = LIVES[case.step]
    if life is _undone:
        world.fail("hand_over", Unavailable("outside", "down"), times=FOR_EVER)
    if life is _readdressed:
        world.fail("capture", Unavailable("outside", "down"), times=FOR_EVER)
    if life in (_looked_at, _short_picked, _partly_cancelled):
        world.packing = "later"
    if life is _short_picked:
        world.stock = {("MUG", "berlin"): 500, ("MUG", "leeds"): 500}
    if life is _partly_cancelled:
        world.stock = {("MUG", "berlin"): 500, ("BOWL", "leeds"): 500}
        world.parts_max = 2


@pytest.mark.parametrize("case", CASES, ids=str)
@at_once
async def test_each_error_at_each_step(begin: Start, world: World, case: Case) -> None:
    also = ("BOWL",) if LIVES[case.step] is _partly_cancelled else ()
    order = an_order(f"error-{case}", also=also)
    world.addresses[order.order_id, 2] = GOOD_ADDRESS.model_copy(update={"postal_code": "10119"})
    _plan(world, case)
    _set_scene(world, case)
    slow = OrderPolicy(retry_initial_s=3_600, retry_cap_s=3_600)
    policy = slow if case.trouble.startswith("down for ever") else POLICY
    life = await begin(order, policy)
    await TROUBLES[case.trouble](case, life)
    history = await everything_told(life.handle)
    assert "Mustermann" not in history
    assert "Linden" not in history
