"""Each wait is seen in Temporal as it is in our rows: search attributes and current details."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest
from temporalio.client import WorkflowHandle

from domain.errors import Unavailable
from domain.lifecycles import ReturnStatus
from domain.records import OrderRecord, ReturnRecord
from domain.waits import Owner
from tests.workflows.at_once import at_once
from tests.workflows.in_temporal import Shown, shown, until, until_found, until_shown
from tests.workflows.lives import DAY_S, POLICY, Life, Start
from tests.workflows.test_returns import delivered, found
from tests.workflows.waits import WAITS, close
from tests.workflows.world import World, an_order

Back = WorkflowHandle[Any, Any]


def of_order(record: OrderRecord) -> Shown:
    """What the record says, as engineers must see it."""
    attributes = {"OrderStatus": str(record.status), "Channel": "demo", "DestinationCountry": "DE"}
    held = ", ".join(f"{hold.reason} (`{hold.hold_id}`)" for hold in record.holds)
    reasons = sorted({hold.reason for hold in record.holds})
    words = [f"**{record.status}**"]
    if record.wait:
        attributes["WaitingOn"] = str(record.wait.owner)
        words.append(record.wait.sentence())
    if held:
        words.append(f"held: {held}")
    return Shown(
        attributes=attributes,
        hold_reasons=(*reasons, *filter(None, [record.attention])),
        details="\n\n".join(words),
    )


def of_return(record: ReturnRecord) -> Shown:
    attributes = {"Channel": "demo"}
    words = [f"**{record.status}**"]
    if record.wait:
        attributes["WaitingOn"] = str(record.wait.owner)
        words.append(record.wait.sentence())
    reasons = tuple(filter(None, [record.attention]))
    return Shown(attributes=attributes, hold_reasons=reasons, details="\n\n".join(words))


@pytest.mark.parametrize("wait", WAITS)
@at_once
async def test_each_wait_of_an_order_is_seen(begin: Start, world: World, wait: str) -> None:
    waiting = WAITS[wait]
    life = await waiting.reach(begin, world, f"seen-{wait}")
    record = world.last(life.id)
    assert record.wait is not None
    assert record.wait.what == waiting.what
    await until_shown(life.handle, of_order(record))
    await waiting.go_on(life)
    assert (await close(life)).status == "closed"
    ended = await shown(life.handle)
    assert ended == of_order(world.last(life.id))
    assert "WaitingOn" not in ended.attributes


@at_once
async def test_what_a_refusal_and_two_holds_say_is_seen_together(
    begin: Start, world: World
) -> None:
    life = await WAITS["refused"].reach(begin, world, "seen-together")
    for reason in ("fraud", "gift_note"):
        await life.ask("hold", reason=reason, command_id=reason)
    record = await life.until(lambda now: len(now.holds) == 2)
    seen = of_order(record)
    assert seen.hold_reasons == ("fraud", "gift_note", "refused:outside:buy_label_no")
    await until_shown(life.handle, seen)


async def _overdue(life: Life, back: Back) -> None:
    await life.until_return_waits("goods_overdue", after=back)


async def _received(life: Life, back: Back) -> None:
    await back.signal("received", {})


async def _refused(life: Life, back: Back) -> None:
    life.world.refuse("refund")
    await back.signal("received", {})
    await back.signal("inspected", found(1, 0, 1))


async def _of_itself(life: Life, back: Back) -> None:
    pass


RETURNS_WAITS: Mapping[str, tuple[Owner, Callable[[Life, Back], Awaitable[None]]]] = {
    "goods": (Owner.CUSTOMER, _of_itself),
    "goods_overdue": (Owner.OPERATOR, _overdue),
    "inspection": (Owner.WAREHOUSE, _received),
    "refused:outside:refund_no": (Owner.OPERATOR, _refused),
}


@pytest.mark.parametrize("what", RETURNS_WAITS)
@at_once
async def test_each_wait_of_a_return_is_seen(begin: Start, world: World, what: str) -> None:
    owner, come_to_it = RETURNS_WAITS[what]
    policy = POLICY.model_copy(update={"return_parcel_s": DAY_S // 2})
    life = await delivered(begin, f"seen-return-{what.replace(':', '-')}", policy)
    back = await life.ask_back(1)
    await come_to_it(life, back)
    record = await life.until_return_waits(what)
    assert record.wait is not None
    assert record.wait.owner is owner
    assert record.attention == (what if what.startswith("refused") else "")
    await until_shown(back, of_return(record))


@at_once
async def test_a_return_that_has_ended_waits_on_nobody(begin: Start, world: World) -> None:
    life = await delivered(begin, "seen-return-ended")
    back = await life.ask_back(1)
    await back.signal("cancel", {})
    record = await life.until_return(ReturnStatus.CANCELLED)
    await back.result()
    assert await shown(back) == of_return(record)


@at_once
async def test_one_search_finds_orders_and_returns_that_need_an_operator(
    begin: Start, world: World
) -> None:
    """The order itself waits for its return; whom that return waits on, the return says."""
    life = await delivered(begin, "seen-search")
    back = await life.ask_back(1)
    await _refused(life, back)
    await life.until_return_waits("refused:outside:refund_no")
    assert (await life.until_waiting("return")).wait is not None
    query = 'ExecutionStatus="Running" AND WaitingOn="operator"'
    await until_found(life.env.client, f'{query} AND WorkflowId="{back.id}"', "ReturnWorkflow")


@at_once
async def test_while_a_step_is_tried_again_its_workflow_says_that_it_is_at_work(
    begin: Start, world: World
) -> None:
    """A workflow does not hear of tries: only the note in our rows tells whom they wait for."""
    world.fail("buy_label", Unavailable("carrier", "down"), times=1_000_000)
    life = await begin(an_order("seen-retrying"))
    await life.until(lambda _: any(note.step == "buy_label" for note in world.notes))
    seen = await until(
        life.handle, lambda now: now.attributes.get("WaitingOn") == "us", "WaitingOn us"
    )
    assert "waits on us for processing" in seen.details
    assert {(note.owner, note.code) for note in world.retrying} == {(Owner.CARRIER, "down")}
    (pending,) = (await life.handle.describe()).raw_description.pending_activities
    assert (pending.activity_type.name, pending.attempt > 1) == ("buy_label", True)
    assert pending.last_failure.message == "carrier: down"
