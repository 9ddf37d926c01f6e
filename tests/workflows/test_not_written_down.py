"""A workflow whose state cannot be written down lives on, says so, and loses nothing of it."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowExecutionStatus, WorkflowHandle

from domain.errors import Unavailable
from domain.lifecycles import OrderStatus, ReturnStatus
from domain.policies import OrderPolicy
from domain.records import OrderRecord, ReturnRecord
from domain.tracking import Course
from domain.waits import Owner
from tests.workflows.at_once import at_once
from tests.workflows.in_temporal import LOOK_S, details, until
from tests.workflows.lives import DAY_S, Life, Start
from tests.workflows.soundness import assert_sound
from tests.workflows.test_returns import delivered, found
from tests.workflows.waits import WAY
from tests.workflows.world import PATIENCE_S, World, an_order

MINUTE_S = 60.0
UNHURRIED = OrderPolicy(retry_initial_s=MINUTE_S, retry_cap_s=MINUTE_S)
"""A write that fails waits for a timer, so that no workflow task waits for it."""
NOT_WRITTEN = "not written down yet, since "
UNTIL_REPAIRED = 1_000_000
TOO_LATE = "too_late: the goods have been handed over to the carrier"

ERRORS: dict[str, Callable[[], Exception]] = {
    "bug": lambda: RuntimeError("duplicate key value violates a constraint"),
    "away": lambda: Unavailable("postgresql", "unreachable"),
}


def unwritable(world: World, step: str, kind: str) -> None:
    world.fail(step, ERRORS[kind](), times=UNTIL_REPAIRED)


async def is_tried_again(life: Life, who: WorkflowHandle[Any, Any], step: str) -> None:
    tried = life.world.calls[step]
    await life.env.fast_forward(who, timedelta(seconds=MINUTE_S + 1))
    await life.world.comes_to(step, tried + 1)


async def repair(life: Life, who: WorkflowHandle[Any, Any], step: str) -> None:
    life.world.faults[step].clear()
    await is_tried_again(life, who, step)


async def see_noted(world: World, step: str, kind: str) -> None:
    """Our rows tell of a bug while they can be reached; the last try wrote it."""
    if kind == "bug":
        async with asyncio.timeout(PATIENCE_S):
            while not world.notes:
                await world.news()
    noted = {(note.step, note.owner, note.code) for note in world.notes}
    assert noted == ({(step, Owner.US, "Bug")} if kind == "bug" else set())


def told(records: Sequence[OrderRecord | ReturnRecord]) -> list[str]:
    """The journal, each line once: what is said again after a lost task our rows know by these."""
    lines = (line for record in records for line in record.journal)
    return [code for code, _, _ in dict.fromkeys((n.code, n.command_id, n.nth) for n in lines)]


async def see_running(who: WorkflowHandle[Any, Any], status: str) -> None:
    """It has come so far, and waits for nothing but its last words to be written."""
    async with asyncio.timeout(PATIENCE_S):
        while (await who.query("state"))["status"] != status:  # noqa: ASYNC110 - a server's news
            await asyncio.sleep(LOOK_S)
    assert NOT_WRITTEN in await details(who)
    assert (await who.describe()).status is WorkflowExecutionStatus.RUNNING


@pytest.mark.parametrize("kind", ERRORS)
@at_once
async def test_an_order_that_cannot_be_written_down_goes_on_and_is_written_whole_later(
    begin: Start, world: World, kind: str
) -> None:
    unwritable(world, "record", kind)
    life = await begin(an_order(f"unwritten-{kind}"), UNHURRIED)
    await world.comes_to("tell_shipped")
    await until(life.handle, lambda now: NOT_WRITTEN in now.details, NOT_WRITTEN)
    assert await life.refused("cancel") == TOO_LATE
    await is_tried_again(life, life.handle, "record")
    await see_noted(world, "record", kind)
    assert world.records[life.id] == []
    await repair(life, life.handle, "record")
    await life.until_waiting("delivery")
    assert tuple(step for step, _ in world.deeds) == WAY
    await until(life.handle, lambda now: NOT_WRITTEN not in now.details, "that it is written")
    await life.parcel(Course.DELIVERED)
    await life.until_waiting("return_window")
    assert world.retrying == []
    unwritable(world, "record", kind)
    await life.pass_time(30 * DAY_S + 1)  # no longer: it would be tried again each minute
    await see_running(life.handle, OrderStatus.CLOSED)
    await repair(life, life.handle, "record")
    assert (await life.result()).status == "closed"
    assert told(world.records[life.id]) == [
        "status_validated",
        "status_reserved",
        "status_fulfilling",
        "packed",
        "captured",
        "label_bought",
        "handed_over",
        "status_shipped",
        "status_delivered",
        "parcel_delivered",
        "status_closed",
    ]
    await assert_sound(life)


@pytest.mark.parametrize("kind", ERRORS)
@at_once
async def test_a_return_that_cannot_be_written_down_does_likewise(
    begin: Start, world: World, kind: str
) -> None:
    life = await delivered(begin, f"unwritten-return-{kind}", UNHURRIED)
    back = await life.ask_back(1)
    await life.until_return_waits("goods")
    unwritable(world, "record_return", kind)
    await back.signal("received", {})
    await world.reaches("record_return")
    await back.signal("inspected", found(1, 0, 1))
    await world.comes_to("refund")
    await see_running(back, ReturnStatus.CLOSED)
    await is_tried_again(life, back, "record_return")
    await see_noted(world, "record_return", kind)
    await repair(life, back, "record_return")
    closed = await life.until_return(ReturnStatus.CLOSED)
    assert [entry.amount.amount_minor for entry in closed.money] == [1_500]
    assert (await back.result())["status"] == "closed"
    assert told(world.return_records[f"{life.id}.r1"]) == [
        "returnreceived",
        "return_received",
        "returninspected",
        "return_inspected",
        "return_refunded",
        "return_closed",
    ]
    await life.pass_time(31 * DAY_S)
    assert (await life.result()).status == "closed"
